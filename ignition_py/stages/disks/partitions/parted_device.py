"""libparted's view of a disk: the only importer of `parted` (pyparted).

It gives geometry, the usable area of a fresh label, and an independent second reading of a table that was just
written. Tables of unknown origin are read by `gpt.py` instead: libparted opens devices for writing, and its
assertions end the process.
"""

from __future__ import annotations

from typing import Any

from ignition_py.record import Record
from ignition_py.report.diag import StageError


class Geometry(Record):
    """Sector sizes in bytes, length in logical sectors, and the model as libparted names it."""

    sector_size: int
    physical_size: int
    sectors: int
    model: str


class SeenPartition(Record):
    """One partition as libparted reads it; `name` is None where it is not valid text."""

    number: int
    first: int
    last: int
    name: str | None


def _parted() -> Any:
    try:
        import parted  # type: ignore[import-not-found,import-untyped,unused-ignore]  # pyparted has no stubs
    except ImportError as error:
        raise StageError(
            f"partitioning disks: the Python module parted cannot be loaded: {error}",
            hint="The image must carry pyparted and libparted",
        ) from None
    return parted


class _Opened:
    """A libparted device that is forgotten afterwards: libparted caches size and sector size by path."""

    def __init__(self, path: str, what: str) -> None:
        self._path = path
        self._what = what

    def __enter__(self) -> Any:
        parted = _parted()
        try:
            self._device = parted.getDevice(self._path)
        except Exception as error:  # pyparted's exceptions share no other base
            raise StageError(f"{self._what} {self._path}: libparted: {error}") from None
        return self._device

    def __exit__(self, *_: object) -> None:
        self._device.removeFromCache()


def geometry(path: str) -> Geometry:
    """Raises StageError where libparted cannot open the device."""
    with _Opened(path, "reading the geometry of") as device:
        return Geometry(
            int(device.sectorSize),
            int(device.physicalSectorSize),
            int(device.length),
            str(device.model or "").strip(),
        )


def fresh_usable(path: str) -> tuple[int, int]:
    """First and last usable sector of a fresh GPT label on this device; made in memory, nothing is written."""
    parted = _parted()
    with _Opened(path, "preparing a fresh GPT label for") as device:
        try:
            regions = parted.freshDisk(device, "gpt").getFreeSpaceRegions()
        except Exception as error:  # see _Opened
            raise StageError(f"preparing a fresh GPT label for {path}: libparted: {error}") from None
        return int(regions[0].start), int(regions[-1].end)


def reread(path: str) -> tuple[SeenPartition, ...]:
    """The partitions of the GPT on `path` as libparted reads them. Raises StageError where it finds no sound
    GPT."""
    parted = _parted()
    with _Opened(path, "reading back the table of") as device:
        try:
            disk = parted.newDisk(device)
            kind = str(disk.type)
            seen = tuple(_seen(partition) for partition in disk.partitions)
        except Exception as error:  # see _Opened
            raise StageError(f"reading back the table of {path}: libparted: {error}") from None
        if kind != "gpt":
            raise StageError(
                f"reading back the table of {path}: libparted finds a label of type {kind} instead of gpt"
            )
        return seen


def _seen(partition: Any) -> SeenPartition:
    try:
        name: str | None = str(partition.name)
    except UnicodeDecodeError:
        name = None
    return SeenPartition(int(partition.number), int(partition.geometry.start), int(partition.geometry.end), name)
