"""Where a file of an ISO 9660 image is: its directory records, looked up one below the other. Nothing else of the format is read.

pycdlib, the library for it, refuses two of the ten images that coreos-installer is tested with (those for s390x have a name twice). What is
read is bounded by the image and by _MOST, and a path has as many folders as it is written with, so damaged images end in an error.
Source: ECMA-119, 4th edition, sections 9.1 (directory record), 8.4 (primary volume descriptor).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from butane_py.deliver.model import DeliveryError
from ignition_py.record import Record

SECTOR = 2048
_FIRST, _MOST_DESCRIPTORS, _PRIMARY, _END = 16, 64, 1, 255
_ROOT = 156  # where its directory record is in the primary volume descriptor
_SHORTEST = 34  # bytes of a directory record
_MOST = 4 << 20  # bytes of a directory
_FOLDER, _CONTINUED = 0x02, 0x80


class Extent(Record):
    """Where a file or a directory is in the image, in bytes."""

    offset: int
    length: int
    folder: bool = False


def find(image: BinaryIO, path: str) -> Extent | None:
    """The file at a path like `images/ignition.img`, whose names may be cut to eight letters and three; None where there is none.

    Raises DeliveryError for an image that is damaged or none, OSError.
    """
    place = _record(_primary(image)[_ROOT : _ROOT + _SHORTEST])
    for name in path.split("/"):
        if not place.folder:
            return None
        found = dict(_entries(image, place))
        below = next((found[each] for each in _spellings(name) if each in found), None)
        if below is None:
            return None
        place = below
    return None if place.folder else place


def read(image: BinaryIO, extent: Extent, most: int) -> bytes:
    """The bytes of a file of at most `most` bytes. Raises DeliveryError for one that is larger, or not inside of the image; OSError."""
    size = os.fstat(image.fileno()).st_size
    if extent.length > most or extent.offset + extent.length > size:
        raise DeliveryError(
            f"{extent.length:,} bytes at {extent.offset:,} of the image cannot be read: it is damaged or cut off"
            if extent.length <= most
            else f"a file or directory of the image has {extent.length:,} bytes where {most:,} are expected at most"
        )
    image.seek(extent.offset)
    return image.read(extent.length)


def _primary(image: BinaryIO) -> bytes:
    """The primary volume descriptor. Raises DeliveryError."""
    image.seek(_FIRST * SECTOR)
    for _ in range(_MOST_DESCRIPTORS):
        sector = image.read(SECTOR)
        if len(sector) < SECTOR or sector[1:6] != b"CD001" or sector[0] == _END:
            break
        if sector[0] == _PRIMARY:
            return sector
    raise DeliveryError("this is not an ISO 9660 image")


def _entries(image: BinaryIO, folder: Extent) -> Iterator[tuple[str, Extent]]:
    """The names in a directory, without the version, and what they name. Raises DeliveryError."""
    data = read(image, folder, _MOST)
    position = 0
    while position < len(data):
        length = data[position]
        if not length:  # the rest of a sector: no record goes over into the next one
            position += SECTOR - position % SECTOR
            continue
        record = data[position : position + length]
        position += length
        if length < _SHORTEST or len(record) < length or record[32] > length - 33:
            raise DeliveryError("a directory of the image is damaged")
        name = record[33 : 33 + record[32]].decode("latin-1").partition(";")[0]
        if not record[25] & _CONTINUED:
            yield name, _record(record)


def _record(record: bytes) -> Extent:
    start, length = (int.from_bytes(record[place : place + 4], "little") for place in (2, 10))
    return Extent(start * SECTOR, length, bool(record[25] & _FOLDER))


def _spellings(name: str) -> tuple[str, ...]:
    """A name as ISO 9660 may have it."""
    upper = name.upper()
    stem, dot, suffix = upper.rpartition(".")
    return (upper, f"{stem[:8]}.{suffix[:3]}", name) if dot else (upper, upper[:8], f"{upper}.", name)
