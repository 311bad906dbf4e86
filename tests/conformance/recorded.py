"""The recorded answers in testdata/conformance, and how two answers are compared."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DATA = Path(__file__).parents[2] / "testdata" / "conformance"
# A report's severity, path, line and column.
Place = tuple[str, str, int, int]

_REPORT = re.compile(r"(error|warning|info)(?: at ([^:,]*(?:, line (\d+)(?: col (\d+))?)?))?: ")
_SERVICE = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
_FILES = {
    "f1.txt": b"hello file\n",
    "sub/f2.bin": bytes(range(256)) * 8,
    "script.sh": b"#!/bin/sh\necho\n",
    "unit.service": _SERVICE.encode(),
    "cfg.ign": b'{"ignition":{"version":"3.2.0"}}',
    "tree/etc/a": b"tree a\n",
    "tree/etc/deep/b": b"y" * 4000,
    "tree/bin/run": b"#!/bin/sh\n",
    "key.pub": b"ssh-ed25519 AAAA a\n\nssh-rsa BBBB b\r\n",
}


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file, in order."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def make_files(folder: Path) -> None:
    """The local files that the Butane cases embed."""
    for name, data in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name in ("tree/bin/run", "script.sh"):
        (folder / name).chmod(0o755)
    (folder / "tree/etc/link").symlink_to("../bin/run")


def places(lines: Iterable[str]) -> set[Place]:
    """What the raw report lines point at."""
    found = set()
    for line in lines:
        match = _REPORT.match(line)
        if match:
            found.add((match[1], (match[2] or "").split(",")[0], int(match[3] or 0), int(match[4] or 0)))
    return found


def same_output(theirs: str, ours: str) -> bool:
    """True if the outputs are the same bytes; gzip contents and MachineConfigs are compared unpacked."""
    if theirs == ours:
        return True
    if theirs.startswith("#"):
        load = YAML(typ="safe", pure=True).load
        return bool(_unpacked(load(theirs)) == _unpacked(load(ours)))
    return theirs.count("\n") == ours.count("\n") and _unpacked(json.loads(theirs)) == _unpacked(json.loads(ours))


def _unpacked(value: Any) -> Any:
    """`value` with gzip data URLs unpacked, since two compressors differ in bytes."""
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _unpacked(item) for key, item in value.items()}
    source = value.get("source")
    if isinstance(source, str) and source.startswith("data:;base64,") and value.get("compression") == "gzip":
        with suppress(OSError):  # a config may call contents gzip that are none
            value["source"] = ("unpacked", gzip.decompress(base64.b64decode(source[13:])))
    return value


def without_empty(value: Any) -> Any:
    """A config without nulls, empty objects and empty lists, which do not tell two merged configs apart."""
    if isinstance(value, dict):
        items = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in ({}, [], None)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value
