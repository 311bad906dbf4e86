"""The one recogniser of what a text is, and why the version of an Ignition config cannot be used.

Every program asks it when a text is not what it expects; it is imported only then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ignition_py.record import Record
from ignition_py.report.diag import Place
from ignition_py.spec import tables

if TYPE_CHECKING:
    from ignition_py.spec.jsontext import JsonDocument

_PART = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(rf"([0-9]+)\.([0-9]+)\.([0-9]+)(?:-({_PART}|))?(?:\+({_PART}|))?")
_CLOUD_INIT = (
    b"#include",
    b"#include-once",
    b"#cloud-boothook",
    b"#part-handler",
    b"## template: jinja",
    b"#cloud-config-archive",
)
_INT_DIGITS = 18  # what surely fits in 64 bits


_BASE64 = re.compile(rb"[0-9A-Za-z+/_-]+={0,2}")
_STANDARD = bytes.maketrans(b"-_", b"+/")  # from the form for URLs
_SHORTEST_ENCODED = 16  # characters; less is hardly a config, and may be a word
_DECODE = "decode it with base64 -d; where a platform wants base64, it has been encoded twice"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MACHINE_CONFIG = re.compile(rb"""^kind:\s*["']?MachineConfig\b|"kind"\s*:\s*"MachineConfig\"""", re.MULTILINE)
# What only a Container Linux Config has: sections of its own, and the filesystem of a file or directory.
_CONTAINER_LINUX = re.compile(rb"^(?:networkd|etcd|flannel|docker|update|locksmith):(?:\s|$)|^\s+(?:- )?filesystem:\s", re.MULTILINE)
_SECTIONS = re.compile(rb"^(?:ignition|storage|systemd|passwd):(?:\s|$)", re.MULTILINE)


class Kind(Record):
    """A well-known kind of text: its name, what it is in words, and what to do with it where Ignition or Butane is expected."""

    name: str
    what: str
    for_ignition: str
    for_butane: str


_TRANSPILE = "compile it with its own transpiler (ct), and take the result on with ignition-py convert"
_COMPILE = "write a Butane config and compile it with butane-py"
_BUTANE = "write a Butane config, which begins with variant: and version:"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("blank", "white space and nothing else", "write a config", ""),
        Kind("ignition", "an Ignition config", "", "it needs no compiling; butane-py decompile turns it into Butane"),
        Kind("butane", "a Butane config", "compile it with butane-py first", ""),
        Kind(
            "machine-config",
            "a MachineConfig",
            "its Ignition config is below spec.config, and ignition-py validate and convert read it",
            "it is compiled already; butane-py decompile turns it into Butane",
        ),
        Kind("cloud-config", "a cloud-config for cloud-init", _COMPILE, "butane-py import cloud-config writes it as Butane"),
        Kind("cloud-init", "user data for cloud-init", _COMPILE, _BUTANE),
        Kind("mime", "MIME multipart user data for cloud-init", _COMPILE, _BUTANE),
        Kind(
            "script",
            "a script",
            "put it into a file and a unit of a config",
            "put it into a file of a config (contents: local), with a unit that runs it",
        ),
        Kind(
            "web-page",
            "a web page",
            "a portal to log in to, or a proxy, may have answered the download",
            "a download may have been answered by a portal to log in to, or by a proxy",
        ),
        Kind(
            "utf-16",
            "text in UTF-16 (as PowerShell's `>` writes it)",
            "save it as UTF-8",
            "save it as UTF-8, or with the byte order mark that it begins with",
        ),
        Kind("byte-order-mark", "text that begins with a byte order mark, which JSON does not have", "save it as UTF-8 without one", ""),
        Kind("gzip", "compressed data (gzip)", "unpack it with gunzip", "unpack it with gunzip"),
        Kind(
            "container-linux",
            "a Container Linux Config",
            _TRANSPILE,
            _TRANSPILE + " and butane-py decompile, or rewrite it as Butane: variant: flatcar",
        ),
        Kind(
            "sections",
            "YAML without a variant (a Container Linux Config has none)",
            f"give a Butane config its variant and version; of a Container Linux Config: {_TRANSPILE}",
            "",
        ),
        Kind(
            "template",
            "a template that has not been rendered",
            "render it first",
            "render it first, and compile the result",
        ),
    )
}  # fmt: skip


def what_is(data: bytes) -> Kind | None:
    """The kind of a text by its first 4 KiB, None for what has no kind that is known."""
    head = data[:4096]
    name = _kind_of(head)
    return KINDS[name] if name else _encoded(head)


def _encoded(head: bytes) -> Kind | None:
    """The kind of text in base64, by what it is when decoded."""
    from binascii import Error, a2b_base64

    body = b"".join(head.split())
    if len(body) < _SHORTEST_ENCODED or not _BASE64.fullmatch(body):
        return None
    try:
        inner = what_is(a2b_base64(body[: len(body) // 4 * 4].translate(_STANDARD)))
    except Error:
        return None
    if inner is None:
        return None
    return Kind("base64", f"base64 of {inner.what}", _DECODE, _DECODE)


def _kind_of(head: bytes) -> str:
    if head.startswith(_UTF_16) or head[1:2] == b"\0" or head[:1] == b"\0":
        return "utf-16"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    marked = head.startswith(b"\xef\xbb\xbf")
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return ("blank" if not head else "") or _by_first_line(head) or ("byte-order-mark" if marked else "") or _by_keys(head)


def _by_first_line(head: bytes) -> str:
    line = head.split(b"\n", 1)[0].strip()
    lower = head[:24].lower()
    if line.startswith(b"#cloud-config") and not line.startswith(b"#cloud-config-archive"):
        return "cloud-config"
    if line in _CLOUD_INIT:
        return "cloud-init"
    if head.startswith(b"#!"):
        return "script"
    if lower.startswith((b"content-type: multipart", b"mime-version:")):
        return "mime"
    return "web-page" if lower.startswith((b"<!doctype html", b"<html")) else ""


def _by_keys(head: bytes) -> str:
    """The kind of JSON or YAML by its top-level keys."""
    if re.search(rb"^[\"']?variant[\"']?\s*:", head, re.MULTILINE):
        return "butane"
    if _MACHINE_CONFIG.search(head):
        return "machine-config"
    if head.startswith((b"{{", b"{%")):
        return "template"
    if head.startswith(b"{"):
        return "ignition" if re.search(rb"\"ignition(?:Version)?\"\s*:", head) else ""
    if _CONTAINER_LINUX.search(head):
        return "container-linux"
    return "sections" if _SECTIONS.search(head) else ""


def not_json(data: bytes) -> str | None:
    """A sentence where text that is not JSON is of a well-known kind: what it is, and what to do with it."""
    kind = what_is(data)
    if kind is None or not kind.for_ignition:
        return None
    return f"this is {kind.what}, not an Ignition config; {kind.for_ignition}"


def not_butane(data: bytes) -> tuple[str, str] | None:
    """A sentence and the way out where text that is no Butane config is of a well-known kind."""
    kind = what_is(data)
    if kind is None or not kind.for_butane:
        return None
    return f"this is {kind.what}, not a Butane config", kind.for_butane


def portal_hint(data: bytes) -> str:
    """What to do about a download that is a web page, "" for others."""
    kind = what_is(data)
    if kind is None or kind.name != "web-page":
        return ""
    return "The response is a web page: log in to the network's portal, or set the proxy that it needs"


_USER_DATA = frozenset(("script", "cloud-config", "cloud-init", "mime"))


def other_user_data(data: bytes) -> str | None:
    """What user data is that is meant for another program (cloud-init, a shell), None where it may be a config.

    Flatcar passes over such user data, as if there were no config; elsewhere it is an error. Binary data is not a user data
    of this kind. Source: the user data formats of cloud-init.
    """
    kind = what_is(data)
    if kind is None or kind.name not in _USER_DATA or (kind.name == "mime" and b"multipart/" not in data[:4096].lower()):
        return None
    return kind.what


def is_semver(text: str) -> bool:
    """Is `text` a semantic version, known or not?"""
    return _SEMVER.fullmatch(text) is not None


def normal_version(text: str) -> int | None:
    """The minor number for spellings that the reference takes as equal, such as 03.4.0."""
    found = _SEMVER.fullmatch(text)
    if not found or found[5] or any(len(part) > _INT_DIGITS for part in found.groups()[:3]):
        return None
    plain = ".".join(str(int(part)) for part in found.groups()[:3]) + (f"-{found[4]}" if found[4] else "")
    return tables.VERSIONS.get(plain)


def version_problem(raw: Any, version: str, document: JsonDocument) -> tuple[str, Place]:
    """Why the version of a config is of no use, and where that is. `raw` is the config as far as it is known."""
    place = document.place(("ignition", "version"))
    if version:
        return _unknown(version), place
    if isinstance(raw, dict) and "kind" in raw and _MACHINE_CONFIG.search(document.data):
        return "this is a MachineConfig; its Ignition config is spec.config, and ignition-py validate and convert read it", place
    if isinstance(raw, dict) and "ignitionVersion" in raw:
        return "this is a config of spec 1; write it in spec 3 (ignition-py convert translates it)", place
    return "there is no ignition.version; the versions are " + ", ".join(tables.VERSIONS), place


def _unknown(version: str) -> str:
    found = _SEMVER.fullmatch(version)
    if not found:
        return f"{version!r} is not a version; write it as 3.4.0"
    if max(len(found[1]), len(found[2])) > _INT_DIGITS:
        return f"{version} has too many digits for a version; write it as 3.4.0"
    major, minor = int(found[1]), int(found[2])
    newest = max(tables.VERSIONS.values())
    known = ", ".join(tables.VERSIONS)
    if major < 3:
        return f"{version} is of the spec 2 family; write it in spec 3 (ignition-py convert translates it)"
    if major > 3 or minor > newest:
        return f"{version} is newer than this program, which knows {known}; boot an image with a newer one, or write one of these"
    if found[4]:
        return f"{version} is an experimental version that has been stabilised since; write 3.{minor}.0"
    return f"{version} is not a version of the spec; the versions are {known}"
