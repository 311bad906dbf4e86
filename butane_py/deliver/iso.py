"""The reserved area of a CoreOS live ISO, for an Ignition config: found, read and filled. All else of the image stays, and it never grows.

    with opened(path) as image:
        area = find(image)
        config = read(image, area).get(CONFIG)
        data = filled({CONFIG: config}, area)

The area is the file /images/ignition.img, or what /coreos/igninfo.json names: a file, and where in it. It is zeroed, or holds an initramfs
archive (initrd.py), which the boot loader loads behind the system's own. Source: coreos-installer, docs/iso-embed-ignition.md, and its
behaviour.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from butane_py.deliver import initrd, iso9660
from butane_py.deliver.model import DeliveryError
from ignition_py.record import Record

_INFO, _DEFAULT = "coreos/igninfo.json", "images/ignition.img"
_MOST_INFO = 64 << 10  # bytes of igninfo.json
_MOST = 64 << 20  # bytes of an area; those of Fedora CoreOS have 256 KiB
_PIECE = 1 << 20


class Area(Record):
    """Where the reserved area is in the image, in bytes."""

    offset: int
    length: int


def find(image: BinaryIO) -> Area:
    """The reserved area of an image. Raises DeliveryError where it has none, or is no ISO 9660 image; OSError."""
    about = iso9660.find(image, _INFO)
    info = _info(iso9660.read(image, about, _MOST_INFO)) if about is not None else {}
    name = str(info.get("file", _DEFAULT))
    found = iso9660.find(image, name)
    if found is None:
        raise DeliveryError(
            f"the image has no reserved area for a config (/{name})",
            hint="The live ISO of Fedora CoreOS and its relatives has one; a config for another system goes on a drive: butane-py drive",
        )
    start = info.get("offset", 0)
    length = info.get("length", found.length - start)
    area = Area(found.offset + start, length)
    size = os.fstat(image.fileno()).st_size
    if start < 0 or not 0 < length <= _MOST or start + length > found.length or area.offset + length > size:
        where = f"{length:,} bytes at {area.offset:,}"
        raise DeliveryError(f"the reserved area, {where}, is not inside of the image: it is damaged or cut off")
    return area


def _info(text: bytes) -> dict[str, Any]:
    """What igninfo.json says. Raises DeliveryError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    numbers = (found.get(key, 0) for key in ("offset", "length")) if isinstance(found, dict) else ()
    if not isinstance(found, dict) or not isinstance(found.get("file"), str) or not all(type(number) is int for number in numbers):
        raise DeliveryError(f"/{_INFO} of the image does not say where the reserved area is")
    return found


def read(image: BinaryIO, area: Area) -> dict[str, bytes]:
    """The files in the area by their paths. Raises DeliveryError, OSError."""
    image.seek(area.offset)
    return initrd.files([image.read(area.length)])


def filled(found: Mapping[str, bytes], area: Area) -> bytes:
    """The area with these files, zeros behind them. Raises DeliveryError where they do not fit."""
    data = initrd.pack(found) if found else b""
    if len(data) > area.length:
        raise DeliveryError(
            f"the config takes {len(data):,} bytes compressed, and the reserved area has {area.length:,}",
            hint="Have a small config merge the rest by a URL (ignition.config.merge)",
        )
    return data + bytes(area.length - len(data))


def replaced(image: BinaryIO, area: Area, data: bytes) -> Iterator[bytes]:
    """The whole image with other bytes in the area, piece by piece. Raises OSError."""
    image.seek(0)
    left = area.offset
    while left and (piece := image.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece
    yield data
    image.seek(area.offset + area.length)
    while piece := image.read(_PIECE):
        yield piece
