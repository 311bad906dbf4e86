"""What stores of cloud providers have in common: `SCHEME://BUCKET/PREFIX`, a library that may be missing, errors in our own words."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.store import is_name
from ignition_py.fetch.urls import public
from ignition_py.spec.urls import Url, UrlError, parse_url, unescape

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
CONNECT, READ = 10, 60  # seconds until a connection stands, and between two pieces of a response
ATTEMPTS = 4  # of one request, with growing pauses between them


def library(name: str, extra: str, destination: str) -> ModuleType:
    """The module `name`. Raises DeliveryError where it is not installed."""
    # What libraries log beside their errors is not shown: errors are told in our own words.
    logging.getLogger(name.partition(".")[0]).addHandler(logging.NullHandler())
    try:
        return import_module(name)
    except ImportError:
        raise DeliveryError(
            f"{public(destination)}: publishing there needs the Python package {name.replace('.', '-')}",
            hint=f"Install it with: pip install 'ignition-py[{extra}]'",
        ) from None


def parsed(destination: str) -> Url:
    """The destination taken apart, with its path unescaped and without slashes at its ends. Raises DeliveryError."""
    try:
        url = parse_url(destination)
        path = unescape(url.path).strip("/")
    except UrlError as error:
        raise DeliveryError(f"{public(destination)} is not a URL: {error}") from None
    if not url.host or any(part in (".", "..") for part in path.split("/")) or not path.isprintable():
        raise DeliveryError(
            f"{public(destination)}: the URL has to name a place to publish to, without '.' and '..' in its path"
        )
    url.path = path
    return url


def bucket_url(destination: str) -> Url:
    """The same for a URL that names a bucket or an account in place of a host. Raises DeliveryError."""
    url = parsed(destination)
    if not _BUCKET.fullmatch(url.host):
        raise DeliveryError(f"{public(destination)}: {url.host} cannot be the name of a bucket or an account")
    return url


def below(prefix: str, name: str) -> str:
    """The key of an object."""
    return f"{prefix}/{name}" if prefix else name


def names_below(prefix: str, keys: Iterable[str]) -> Iterator[str]:
    """The names of the keys that a store can have made."""
    skipped = len(prefix) + 1 if prefix else 0
    return (key[skipped:] for key in keys if is_name(key[skipped:]))


def shown(text: object) -> str:
    """What a server says of an error, as a message may show it: a code of letters and digits, at most 60 of them."""
    return "".join(char for char in str(text)[:60] if char.isascii() and (char.isalnum() or char in "._-"))
