"""Which blank disks a config expects, so that a rehearsal can put them into the machine.

Pure: config -> Blank disks. Names of whole disks tell the bus: /dev/vdb, /dev/sda, /dev/nvme0n1, /dev/disk/by-id/virtio-NAME.
The root disk is /dev/vda. What is named otherwise (a partition label, an array) is something that the config makes itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ignition_py.record import Record
from ignition_py.rehearsal.hardware import ATA, ATA_PORTS, NVME, VIRTIO
from ignition_py.spec.tables import Config, Disk

_SMALLEST = 10 << 10  # MiB; files are sparse
_SPARE = 64  # MiB for tables and alignment
_BY_SERIAL = "/dev/disk/by-id/virtio-"
_NUMBERED = (
    (re.compile(r"/dev/vd([b-z])"), VIRTIO, "b"),
    (re.compile(r"/dev/sd([a-z])"), ATA, "a"),
    (re.compile(r"/dev/nvme([0-9])n1"), NVME, "0"),
)


class Blank(Record):
    """A blank disk: bus, serial number, size in bytes. `device` is how the config names it."""

    bus: str
    serial: str
    size: int
    device: str = ""


def expected(config: Config) -> list[Blank]:
    """The disks that the config names, in the order in which they have to be attached. Raises ValueError."""
    sizes = dict(_named(config))
    found: list[Blank] = []
    for pattern, bus, first in _NUMBERED:
        letters = {name[1]: device for device in sizes if (name := pattern.fullmatch(device))}
        if not letters:
            continue
        for code in range(ord(first), ord(max(letters)) + 1):  # the kernel counts: where there is a second, there is a first
            device = letters.get(chr(code), "")
            found.append(Blank(bus, f"{bus}{chr(code)}", sizes.get(device, _SMALLEST) << 20, device))
    if sum(blank.bus == ATA for blank in found) > ATA_PORTS:
        raise ValueError(f"a rehearsal has at most {ATA_PORTS} disks named /dev/sd…")
    # Behind the numbered ones, whose letters they would take.
    for device, size in sizes.items():
        if device.startswith(_BY_SERIAL) and "/" not in device[len(_BY_SERIAL) :]:
            serial = re.sub(r"-part[0-9]+$", "", device[len(_BY_SERIAL) :])
            if serial != "root" and serial not in {blank.serial for blank in found}:
                found.append(Blank(VIRTIO, serial, size << 20, device))
    return found


def _named(config: Config) -> Iterator[tuple[str, int]]:
    """(name, MiB) of what could be a whole disk, those with partitions last, since they know their size."""
    storage = config.storage
    for array in storage.raid:
        for device in array.devices or ():
            yield str(device), _SMALLEST
    for volume in storage.luks:
        yield volume.device or "", _SMALLEST
    for filesystem in storage.filesystems:
        yield filesystem.device, _SMALLEST
    for disk in storage.disks:
        yield disk.device, max(_SMALLEST, _size(disk))


def _size(disk: Disk) -> int:
    """MiB that the partitions of a disk take."""
    placed = [(part.start_mib or 0) + (part.size_mib or 0) for part in disk.partitions]
    return max([sum(part.size_mib or 0 for part in disk.partitions), *placed]) + _SPARE
