"""What a config is that is not an Ignition config of a known version, said in words that help.

Imported only when there is something to explain.
"""

from __future__ import annotations

import re

from ignition_py.report.diag import Place
from ignition_py.spec import tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MACHINE_CONFIG = re.compile(rb"""^kind:\s*["']?MachineConfig\b|"kind"\s*:\s*"MachineConfig\"""", re.MULTILINE)
# Top-level keys of a Container Linux Config; Butane's sections have none of the first group, and a variant beside the second.
_CONTAINER_LINUX = re.compile(rb"^(?:networkd|etcd|flannel|docker|update|locksmith|ignition|storage|systemd|passwd):(?:\s|$)", re.MULTILINE)


def not_json(data: bytes) -> str | None:
    """A sentence where text that is not JSON is something that is well known: what it is, and what to do with it."""
    head = data[:4096].lstrip()
    if not head:
        return "there is nothing but white space in this config"
    if head.startswith(b"#cloud-config"):
        return "this is a cloud-config for cloud-init, not an Ignition config; write a Butane config and compile it with butane-py"
    if head.startswith(b"#!"):
        return "this is a script, not an Ignition config; put it into a file and a unit of a config"
    if head.lower().startswith((b"content-type: multipart", b"mime-version:")):
        return "this is MIME multipart user data for cloud-init, not an Ignition config"
    if head.lower().startswith((b"<!doctype html", b"<html")):
        return "this is a web page, not an Ignition config; a portal to log in to, or a proxy, may have answered the download"
    if head.startswith(_UTF_16) or head[1:2] == b"\0" or head[:1] == b"\0":
        return "this text is UTF-16 (as PowerShell's `>` writes it); save it as UTF-8"
    if head.startswith(b"\xef\xbb\xbf"):
        return "the text starts with a byte order mark, which JSON does not have; save it as UTF-8 without one"
    if re.search(rb"^variant:\s", head, re.MULTILINE):
        return "this is a Butane config; compile it with butane-py first"
    if _MACHINE_CONFIG.search(head):
        return "this is a MachineConfig; its Ignition config is below spec.config, and ignition-py validate and convert read it"
    if head.startswith(b"\x1f\x8b"):
        return "this is gzip data, not text; unpack it with gunzip"
    if _CONTAINER_LINUX.search(head) and not head.startswith(b"{"):
        return (
            "this is YAML without a variant, as of a Container Linux Config; give a Butane config its variant and version, or compile "
            "a Container Linux Config with its own transpiler (ct) and the result with ignition-py convert"
        )
    return None


def other_user_data(data: bytes) -> str | None:
    """What user data is that is meant for somebody else (cloud-init, a shell), None where it may be a config.

    Flatcar passes over such user data, as if there were no config; elsewhere it is an error. What is binary is no user data
    of this kind. Source: the user data formats of cloud-init.
    """
    head = data[:4096].lstrip()
    line = head.split(b"\n", 1)[0].strip()
    if head.startswith(b"#!"):
        return "a script"
    if line.startswith(b"#cloud-config"):
        return "a cloud-config"
    if line in _CLOUD_INIT:
        return "user data for cloud-init"
    if head[:14].lower() in (b"content-type: ", b"mime-version: ") and b"multipart/" in data[:4096].lower():
        return "MIME multipart user data"
    return None


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
        return f"{version!r} is no version; write it as 3.4.0"
    if max(len(found[1]), len(found[2])) > _INT_DIGITS:
        return f"{version} is no version that there will ever be; write it as 3.4.0"
    major, minor = int(found[1]), int(found[2])
    newest = max(tables.VERSIONS.values())
    known = ", ".join(tables.VERSIONS)
    if major < 3:
        return f"{version} is of the spec 2 family; write it in spec 3 (ignition-py convert translates it)"
    if major > 3 or minor > newest:
        return f"{version} is newer than this program; it knows {known}"
    if found[4]:
        return f"{version} is an experimental version that has been stabilised since; write 3.{minor}.0"
    return f"{version} is not a version of the spec; the versions are {known}"
