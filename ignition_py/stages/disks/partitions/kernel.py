"""The kernel's view of a disk and its partitions: sysfs, /proc, and the BLKPG ioctl that changes it one partition
at a time.

Sources: Documentation/ABI/stable/sysfs-block, include/uapi/linux/blkpg.h, include/uapi/linux/fs.h, proc(5). sysfs
counts in 512-byte units whatever the disk's sector size.
"""

from __future__ import annotations

import array
import fcntl
import os
import struct
import sys
from collections.abc import Container

from ignition_py.record import Record
from ignition_py.report.diag import StageError
from ignition_py.system.host import mounts, unescape

SYS = "/sys/class/block"
_BTRFS = "/sys/fs/btrfs"  # a directory for each mounted filesystem
UNIT = 512  # bytes; the unit of sysfs

_BLKSSZGET, _BLKGETSIZE64, _BLKROGET = 0x1268, 0x80081272, 0x125E
_BLKPG, _BLKRRPART = 0x1269, 0x125F
_ADD, _DELETE, _RESIZE = 1, 2, 3


class KernelPartition(Record):
    """A partition the kernel knows: number, node name ("vda1"), start and size in bytes."""

    number: int
    name: str
    start: int
    size: int


class KernelChange(Record):
    """One change to the kernel's partitions: action "delete", "resize" or "add"; start and size in bytes."""

    action: str
    number: int
    start: int = 0
    size: int = 0

    def describe(self) -> str:
        return f"{self.action} {self.number}: {self.size} bytes from {self.start}"


def _number(path: str) -> int:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError) as error:
        raise StageError(f"reading {path}: {error}") from None


def sector_size(fd: int) -> int:
    """Logical sector size in bytes."""
    return _ioctl_number(fd, _BLKSSZGET, 4)


def size_bytes(fd: int) -> int:
    return _ioctl_number(fd, _BLKGETSIZE64, 8)


def read_only(fd: int) -> bool:
    return bool(_ioctl_number(fd, _BLKROGET, 4))


def _ioctl_number(fd: int, request: int, width: int) -> int:
    return int.from_bytes(fcntl.ioctl(fd, request, bytes(width)), sys.byteorder)


def is_partition(name: str) -> bool:
    return whole_disk(name)[1] > 0


def whole_disk(name: str) -> tuple[str, int]:
    """The disk and the number of a partition node; ("", 0) for anything else."""
    if os.path.exists(f"{SYS}/{name}/partition"):
        disk = os.path.basename(os.path.dirname(os.path.realpath(f"{SYS}/{name}")))
        return disk, _number(f"{SYS}/{name}/partition")
    below = members(name) if device_mapper(name) else []
    number = _mapped_number(name, below[0]) if len(below) == 1 and device_mapper(below[0]) else 0
    return (below[0], number) if number else ("", 0)


def device_mapper(name: str) -> bool:
    return os.path.exists(f"{SYS}/{name}/dm")


def mapped_name(name: str) -> str:
    """The name below /dev/mapper of a device-mapper node ("dm-0")."""
    return _text(f"{SYS}/{name}/dm/name").strip()


def mapped_uuid(name: str) -> str:
    return _text(f"{SYS}/{name}/dm/uuid").strip()


def numbers(name: str) -> str:
    """`major:minor` of a node."""
    return _text(f"{SYS}/{name}/dev").strip()


def mapped_partitions(disk: str) -> dict[int, str]:
    """The nodes ("dm-1") of a device-mapper disk's partitions, by number."""
    found = {}
    for name in _holders(disk):
        number = _mapped_number(name, disk)
        if number:
            found[number] = name
    return found


def _mapped_number(name: str, disk: str) -> int:
    """The partition number of the mapping `name` on the device-mapper disk `disk`, 0 if it is none: its UUID says `partN-`, or
    it has no UUID and is called as kpartx(8) would call it."""
    uuid, stem = mapped_uuid(name), mapped_name(disk)
    part, dash, _ = uuid.partition("-")
    if uuid:
        digits = part.removeprefix("part") if dash and part.startswith("part") else ""
    else:
        full = mapped_name(name)
        rest = full[len(stem) :] if full.startswith(stem) else ""
        digits = rest.removeprefix("-part") if rest.startswith("-part") else rest.removeprefix("p")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def partition_nodes(disk: str) -> list[str]:
    """The nodes ("vda1", "dm-1") of a disk's partitions."""
    if device_mapper(disk):
        return list(mapped_partitions(disk).values())
    return [part.name for part in partitions(disk).values()]


def partitions(disk: str) -> dict[int, KernelPartition]:
    """The partitions the kernel has of `disk` ("vda"), by number."""
    found = {}
    for name in _listed(f"{SYS}/{disk}"):
        base = f"{SYS}/{disk}/{name}"
        if name.startswith(disk) and os.path.exists(f"{base}/partition"):
            number = _number(f"{base}/partition")
            found[number] = KernelPartition(
                number, name, _number(f"{base}/start") * UNIT, _number(f"{base}/size") * UNIT
            )
    return found


def node_bytes(name: str) -> int:
    """The size of a block device ("vda1") in bytes. Raises StageError."""
    return _number(f"{SYS}/{name}/size") * UNIT


def holders(name: str) -> list[str]:
    """The devices (md0, dm-1) that are built on a node; the partitions of a device-mapper disk are not meant."""
    mine = mapped_partitions(name).values() if device_mapper(name) else ()
    return [holder for holder in _holders(name) if holder not in mine]


def array_runs(name: str) -> bool:
    """Has the RAID array `name` ("md127") been started? (Documentation/admin-guide/md.rst)"""
    return _text(f"{SYS}/{name}/md/array_state").strip() not in ("", "clear", "inactive")


def members(name: str) -> list[str]:
    """The devices that a node (md0, dm-1) is built on."""
    return _listed(f"{SYS}/{name}/slaves")


def _holders(name: str) -> list[str]:
    return _listed(f"{SYS}/{name}/holders")


def devices() -> list[str]:
    """The names of all block devices."""
    return _listed(SYS)


def in_use(name: str, besides: Container[str] = ()) -> str:
    """Why a node must not be changed ("it is mounted at /boot", "dm-0 is built on it"), "" where nothing holds
    it. What is in `besides` may be built on it."""
    on_top = [holder for holder in holders(name) if holder not in besides]
    if on_top:
        return f"{', '.join(on_top)} is built on it{_way_out(on_top)}"
    mine = numbers(name)
    for mount in mounts():
        if mount.device == mine or (mount.source.startswith("/") and os.path.realpath(mount.source) == f"/dev/{name}"):
            return f"it is mounted at {mount.target}"
    if any(os.path.exists(f"{_BTRFS}/{uuid}/devices/{name}") for uuid in _listed(_BTRFS)):
        return "it belongs to a btrfs filesystem that is mounted"  # mountinfo names only one of its devices
    for line in _text("/proc/swaps").splitlines()[1:]:
        if os.path.realpath(unescape(line.split()[0])) == f"/dev/{name}":
            return "it is used as swap space"
    return ""


def _way_out(holders: list[str]) -> str:
    """How to end what is built on a device, where nothing uses that in turn; else ""."""
    if any(in_use(holder) for holder in holders):
        return ""
    commands = (
        f"dmsetup remove {mapped_name(holder)}" if device_mapper(holder) else f"mdadm --stop /dev/{holder}"
        for holder in holders
        if device_mapper(holder) or holder.startswith("md")
    )
    text = ", ".join(f"`{command}`" for command in commands)
    return f", and nothing uses that: {text} would end it" if text else ""


def _listed(path: str) -> list[str]:
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def add(fd: int, number: int, start: int, size: int) -> None:
    """Makes a partition known; `start`, `size` in bytes. Raises OSError."""
    _blkpg(fd, _ADD, number, start, size)


def delete(fd: int, number: int) -> None:
    """Makes the kernel forget a partition. Raises OSError (EBUSY: in use, ENXIO: unknown)."""
    _blkpg(fd, _DELETE, number, 0, 0)


def resize(fd: int, number: int, start: int, size: int) -> None:
    """Changes the size of a partition, which may be in use. Raises OSError."""
    _blkpg(fd, _RESIZE, number, start, size)


def reread_all(fd: int) -> None:
    """Has the kernel read the table again; fails with EBUSY while any partition is in use. Raises OSError."""
    fcntl.ioctl(fd, _BLKRRPART)


def _blkpg(fd: int, operation: int, number: int, start: int, size: int) -> None:
    data = array.array("B", struct.pack("@qqi64s64s4x", start, size, number, b"", b""))
    fcntl.ioctl(fd, _BLKPG, struct.pack("@iiiP", operation, 0, len(data), data.buffer_info()[0]))
