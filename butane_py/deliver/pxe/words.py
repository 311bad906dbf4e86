"""What may stand in a boot script: names, URLs and kernel arguments that no boot loader takes apart.

Sources of what is special where: ipxe.org/scripting (${}, ||, &&, quotes), the GRUB manual, "Shell-like scripting", and
wiki.syslinux.org, "Config". iPXE begins a comment at a word with #.
"""

from __future__ import annotations

import re

from ignition_py.fetch.urls import public
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.urls import UrlError, parse_url

MOST_BYTES = 2047  # of a kernel command line: COMMAND_LINE_SIZE of x86 and arm64 less the byte that ends it
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOSTILE = re.compile(r"[^!%()*+,./0-9:=?@A-Z\[\]^_a-z~-]")
_SCHEMES = ("http", "https", "tftp")


class WordError(IgnitionError):
    """A word of the command line cannot stand in a boot script."""


def is_name(name: str) -> bool:
    """True if the name can stand in a boot script and name a file."""
    return _NAME.fullmatch(name) is not None


def hostile(text: str) -> str:
    """The first character that a boot loader may take for its own; "" where there is none."""
    found = _HOSTILE.search(text)
    return found[0] if found else ""


def arguments(text: str, what: str) -> tuple[str, ...]:
    """The words of kernel arguments. Raises WordError; `what` names the option."""
    words = tuple(text.split())
    character = hostile("".join(words))
    if character:
        raise WordError(
            f"{what} has the character {character!r}, which boot loaders take for their own", hint="Kernel arguments are plain words here"
        )
    return words


def file_url(text: str, what: str) -> str:
    """A file for a boot loader: a URL, or a path below the base URL. Raises WordError."""
    character = hostile(text)
    if not text or character:
        problem = f"has the character {character!r}, which boot loaders take for their own" if text else "is empty"
        raise WordError(f"{what} {problem}", hint="Percent-escape it in a URL, or rename the file")
    return base_url(text, what) if "://" in text else text.lstrip("/")


def base_url(text: str, what: str) -> str:
    """A URL that boot loaders fetch from, without a slash at its end. Raises WordError."""
    try:
        found = parse_url(text)
    except UrlError as error:
        raise WordError(f"{what}: {public(text)} is not a URL: {error}") from None
    if found.scheme not in _SCHEMES or not found.host:
        raise WordError(f"{what}: {public(text)} is not a URL of {', '.join(_SCHEMES)}", hint="For example http://boot.example.com")
    if text != public(text) or hostile(text):
        raise WordError(
            f"{what}: {public(text)} has a user, a password, a query, a fragment or a character that boot loaders take for their own",
            hint="The URL is written into every script, which anybody on the network can read",
        )
    return text.rstrip("/")
