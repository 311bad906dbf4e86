"""Reading what a disk is and holds before anything is planned: geometry, tables, kernel partitions, users.

Opens the device read-only and writes nothing. `plan.py` works on the `DiskState` made here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import StageError
from ignition_py.stages.disks import leftovers
from ignition_py.stages.disks.leftovers import Leftover
from ignition_py.stages.disks.partitions import dm, gpt, kernel, parted_device
from ignition_py.stages.disks.partitions.kernel import KernelPartition
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log


class DiskState(Record):
    """A disk as it is now.

    `device` as the config names it, `node` the kernel's path. `reading`: both tables. `kernel`: the partitions the
    kernel knows. `busy`: why the whole disk is in use ("" if not), `busy_partitions`: the same by number.
    `signature`: what blkid finds on the disk as a whole. `fresh_usable`: usable sectors of a new table.
    `idle`: what stands on the disk and can be stopped where its table is wiped (see `leftovers.idle`); `freed`: the numbers of
    partitions (0: the disk) that nothing uses any more then.
    """

    _: KW_ONLY
    device: str
    node: str
    reading: gpt.Reading
    kernel: Mapping[int, KernelPartition]
    busy: str
    busy_partitions: Mapping[int, str]
    signature: Signature
    fresh_usable: tuple[int, int]
    read_only: bool = False
    model: str = ""
    idle: tuple[Leftover, ...] = ()
    freed: frozenset[int] = frozenset()

    @property
    def sector_size(self) -> int:
        """Bytes of a logical sector."""
        return self.reading.sector_size

    @property
    def sectors(self) -> int:
        """Length of the disk in logical sectors."""
        return self.reading.sectors

    def describe(self) -> str:
        mib = self.sectors * self.sector_size // (1024 * 1024)
        model = f" {self.model}" if self.model else ""
        return f"{self.device} is {self.node}{model}, {mib} MiB, {self.sectors} sectors of {self.sector_size} bytes"


def kernel_partitions(log: Log, name: str) -> dict[int, KernelPartition]:
    """The partitions that there are of the disk `name` ("vda", "dm-0"), by number. Raises StageError or CommandError."""
    if not kernel.device_mapper(name):
        return kernel.partitions(name)
    return dm.partitions(log, name)


def inspect_disk(log: Log, device: str, node: str, idle: Sequence[Leftover] = ()) -> DiskState:
    """Reads the disk `node`, named `device` in the config. `idle`: what can be stopped, on all disks that are wiped. Raises
    StageError where it is no disk that can be partitioned."""
    name = os.path.basename(node)
    if kernel.is_partition(name):
        raise StageError(f"{device} is the partition {node}, not a disk", hint="Name the disk that it is on")
    seen = parted_device.geometry(node)
    try:
        fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StageError(f"opening {device} for reading: {error.strerror}") from None
    try:
        size = kernel.sector_size(fd)
        sectors = kernel.size_bytes(fd) // size
        read_only = kernel.read_only(fd)
        if (size, sectors) != (seen.sector_size, seen.sectors):
            raise StageError(
                f"{device}: the kernel has {sectors} sectors of {size} bytes, libparted {seen.sectors} "
                f"of {seen.sector_size}"
            )
        if size not in (512, 1024, 2048, 4096) or sectors < 64:
            raise StageError(
                f"{device}: {sectors} sectors of {size} bytes are too few, or too unusual, for a partition table"
            )
        reading = gpt.read(lambda lba, count: os.pread(fd, count * size, lba * size), size, sectors)
    finally:
        os.close(fd)
    partitions = kernel_partitions(log, name)
    names = {0: name, **{number: part.name for number, part in partitions.items()}}
    used = {number: why for number, node in names.items() if (why := kernel.in_use(node))}
    on_top = leftovers.above(names.values())
    mine = tuple(leftover for leftover in idle if leftover.name in on_top)
    stopped = {leftover.name for leftover in mine}
    return DiskState(
        device=device,
        node=node,
        reading=reading,
        kernel=partitions,
        busy=used.get(0, ""),
        busy_partitions={number: why for number, why in used.items() if number},
        signature=probe(log, node),
        fresh_usable=parted_device.fresh_usable(node),
        read_only=read_only,
        model=seen.model,
        idle=mine,
        freed=frozenset(number for number in used if not kernel.in_use(names[number], stopped)),
    )
