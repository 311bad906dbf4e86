"""Contents in hand: compression as declared, and hashes compared. What is fetched at boot is left alone."""

from __future__ import annotations

import hashlib
import re

from butane_py.linter.facts import Facts, carried, gunzip, resources, unpacked
from butane_py.linter.rule import Find, lint
from ignition_py.report.diag import Path
from ignition_py.report.examples import file_

_GZIP = b"\x1f\x8b"
_PACKED = r"(?:gz|\.bin|\.img|\.crate|rpm|\.apk)$|/vmlinu|initr"  # names of files that are gzip on purpose
_HASH = hashlib.sha256(b"a").hexdigest()


def _name(facts: Facts, path: Path) -> str:
    """What contents belong to: the path of a file, else where they stand."""
    node: object = facts.compiled
    for part in path:
        node = node[part] if isinstance(part, int) else getattr(node, part)  # type: ignore[index]  # a list of the config
        if getattr(node, "path", None):
            return str(getattr(node, "path"))  # noqa: B009  # node is any structure
    return ".".join(map(str, path))


@lint(
    "lint-gzip-invalid",
    title="Contents that are declared as gzip are none",
    why="Ignition cannot unpack them, and the boot fails.",
    fix="Leave compression out: contents of inline and local are compressed by the compiler where that is shorter.",
    wrong=file_("contents:\n  compression: gzip\n  inline: hello"),
    right=file_("contents:\n  inline: hello"),
)
def gzip_invalid(facts: Facts, find: Find) -> None:
    """Contents with compression: gzip that do not unpack."""
    for path, resource in resources(facts):
        contents = carried(resource) if resource.compression == "gzip" else None
        if contents is not None and gunzip(contents) is None:
            what = "are damaged gzip" if contents.startswith(_GZIP) else "are not gzip"
            message = f"the contents of {_name(facts, path)} {what}, and compression says gzip"
            find.at((*path, "compression"), message, hint="leave compression out, or compress the file")


@lint(
    "lint-gzip-undeclared",
    title="Contents are gzip and not declared as such",
    why="The file is written compressed, which programs that do not expect it cannot read.",
    fix="Write compression: gzip.",
    wrong=file_("contents:\n  source: data:;base64,H4sIAAAAAAACA0sEAEO+t+gBAAAA"),
    right=file_("contents:\n  compression: gzip\n  source: data:;base64,H4sIAAAAAAACA0sEAEO+t+gBAAAA"),
)
def gzip_undeclared(facts: Facts, find: Find) -> None:
    """gzip contents without compression: gzip, of files whose names do not say that they are compressed."""
    for path, resource in resources(facts):
        contents = carried(resource) if resource.compression != "gzip" else None
        name = _name(facts, path)
        if contents and contents.startswith(_GZIP) and not re.search(_PACKED, name) and gunzip(contents) is not None:
            message = f"the contents of {name} are gzip, and are written as they are"
            find.at((*path, "source"), message, hint="write compression: gzip")


@lint(
    "lint-hash-mismatch",
    title="Contents do not have the hash that is expected",
    why="Ignition compares them at boot and stops.",
    fix="Write the hash of the contents that are there, or leave it out: what the config carries needs none.",
    wrong=file_(f"contents:\n  inline: b\n  verification:\n    hash: sha256-{_HASH}"),
    right=file_(f"contents:\n  inline: a\n  verification:\n    hash: sha256-{_HASH}"),
)
def hash_mismatch(facts: Facts, find: Find) -> None:
    """Hashes of inline and local contents and of data: URLs, compared with the contents as unpacked."""
    for path, resource in resources(facts):
        method, dash, digest = (resource.verification.hash or "").partition("-")
        contents = unpacked(resource) if dash and method in ("sha256", "sha512") else None
        if contents is not None and resource.compression == "gzip" and len(contents) >= 1 << 23:
            continue  # more than is unpacked here
        if contents is not None and hashlib.new(method, contents).hexdigest() != digest.lower():
            right = hashlib.new(method, contents).hexdigest()
            message = f"the contents of {_name(facts, path)} have another hash than the one expected"
            find.at((*path, "verification", "hash"), message, hint=f"write {method}-{right}, or leave the hash out")
