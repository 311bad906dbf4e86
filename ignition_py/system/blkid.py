"""What is on a device: the signature that blkid(8) finds by low-level probing.

`ambiguous` lists all filesystems where traces of more than one are found; type, label and UUID are then those of
the first, which is what the reference goes by.
"""

from __future__ import annotations

import os

from ignition_py.record import Record
from ignition_py.report.diag import StageError
from ignition_py.system.log import Log
from ignition_py.system.run import run

_NOTHING, _AMBIVALENT = 2, 8  # exit statuses of blkid --probe


class Signature(Record):
    """What a device holds; `type` "" where blkid finds nothing. `table` is the type of a partition table, mostly
    ""."""

    type: str = ""
    label: str = ""
    uuid: str = ""
    table: str = ""
    ambiguous: tuple[str, ...] = ()

    def describe(self) -> str:
        """`ext4 with label "ROOT" and UUID 1234…`, `traces of ext4 and xfs`, `nothing`."""
        if self.ambiguous:
            return f"traces of {' and '.join(self.ambiguous)}"
        if not self.type:
            return f"a {self.table} partition table" if self.table else "nothing"
        return f'{self.type} with label "{self.label}" and UUID {self.uuid or "none"}'

    def __repr__(self) -> str:
        return f"Signature({self.describe()})"


def probe(log: Log, device: str, offset: int = 0, size: int = 0) -> Signature:
    """Reads the signature of `device` itself, past every cache; with a `size`, of so many bytes from `offset` on. Raises
    StageError where the device cannot be read."""
    part = ("--offset", str(offset), "--size", str(size)) if size else ()
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise StageError(f"reading what is on {device}: {error.strerror}") from None
    values, status = _blkid(log, device, *part)
    if status != _AMBIVALENT:
        return _signature(values)
    kinds = _ambivalent(values.get("ID_FS_AMBIVALENT", ""))
    if not kinds:  # filesystem and partition table at once: blkid has no list for that
        return Signature(ambiguous=("a filesystem", "a partition table"))
    first = _signature(_blkid(log, device, *part, "--match-types", kinds[0])[0])
    return Signature(kinds[0], first.label, first.uuid, first.table, kinds)


def _blkid(log: Log, device: str, *more: str) -> tuple[dict[str, str], int]:
    done = run(
        log,
        ["blkid", "--probe", "--output", "udev", *more, device],
        what=f"reading what is on {device}",
        ok=(0, _NOTHING, _AMBIVALENT),
    )
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return {key: value for key, _, value in (line.partition("=") for line in lines)}, done.returncode


def _signature(values: dict[str, str]) -> Signature:
    return Signature(
        values.get("ID_FS_TYPE", ""),
        _decode(values.get("ID_FS_LABEL_ENC", "")),
        _decode(values.get("ID_FS_UUID_ENC", "")),
        values.get("ID_PART_TABLE_TYPE", ""),
    )


def _ambivalent(text: str) -> tuple[str, ...]:
    """`filesystem:ext4:1.0 filesystem:xfs:` as ("ext4", "xfs")."""
    return tuple(part.split(":")[1] for part in text.split() if part.count(":") >= 1)


def _decode(text: str) -> str:
    """Undoes udev's escapes: `a\\x20b` is `a b`."""
    raw = bytearray()
    head, *rest = text.split("\\x")
    raw += head.encode("utf-8", "surrogateescape")
    for part in rest:
        raw += bytes.fromhex(part[:2]) + part[2:].encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "replace")
