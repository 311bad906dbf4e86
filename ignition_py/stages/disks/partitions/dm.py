"""Partitions of device-mapper disks (multipath, logical volumes): the kernel has none of its own there, each is a linear
mapping with a name and a UUID, made by kpartx, by udev's rules, or here.

`kernel.py` finds them in sysfs; this file reads where they lie and changes them through dmsetup(8), as kpartx(8) would: UUID
`partN-UUID of the disk`, name `DISKpN` unless the disk has partitions with another separator. Sectors of device mapper are 512
bytes (Documentation/admin-guide/device-mapper/linear.rst).
"""

from __future__ import annotations

from ignition_py.report.diag import StageError
from ignition_py.stages.disks.partitions import kernel
from ignition_py.stages.disks.partitions.kernel import UNIT, KernelChange, KernelPartition
from ignition_py.system.log import Log
from ignition_py.system.run import run


def partitions(log: Log, disk: str) -> dict[int, KernelPartition]:
    """The partitions of `disk` ("dm-0"), by number. Raises StageError or CommandError."""
    found = {}
    for number, name in kernel.mapped_partitions(disk).items():
        start, size = _extent(log, kernel.mapped_name(name))
        found[number] = KernelPartition(number, name, start, size)
    return found


def _extent(log: Log, name: str) -> tuple[int, int]:
    """Start and size in bytes of a linear mapping."""
    done = run(log, ["dmsetup", "table", name], what=f"reading where the partition {name} lies")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    words = lines[0].split() if len(lines) == 1 else []
    if len(words) != 5 or words[2] != "linear" or not (words[1].isdigit() and words[4].isdigit()):
        raise StageError(f"the partition {name} is not one linear mapping of its disk, so it cannot be handled")
    return int(words[4]) * UNIT, int(words[1]) * UNIT


def change(log: Log, disk: str, step: KernelChange) -> None:
    """Adds, resizes or deletes one partition of `disk` ("dm-0"). Raises CommandError."""
    node = kernel.mapped_partitions(disk).get(step.number)
    what = f"{step.action} partition {step.number} of the device-mapper disk {kernel.mapped_name(disk)}"
    if step.action == "delete":
        if node is not None:
            run(log, ["dmsetup", "remove", "--retry", kernel.mapped_name(node)], what=what)
        return
    table = f"0 {step.size // UNIT} linear {kernel.numbers(disk)} {step.start // UNIT}"
    if node is not None:  # made by a rule of udev's meanwhile, or to be resized
        name = kernel.mapped_name(node)
        run(log, ["dmsetup", "reload", name, "--table", table], what=what)
        run(log, ["dmsetup", "resume", name], what=what)
        return
    uuid = f"part{step.number}-{kernel.mapped_uuid(disk)}"
    name = kernel.mapped_name(disk) + _separator(disk) + str(step.number)
    run(log, ["dmsetup", "create", name, "--uuid", uuid, "--table", table], what=what)


def _separator(disk: str) -> str:
    """What stands between the name of the disk and the number in the names of its partitions."""
    stem = kernel.mapped_name(disk)
    for number, name in kernel.mapped_partitions(disk).items():
        full = kernel.mapped_name(name)
        if full.startswith(stem) and full.endswith(str(number)):
            return full[len(stem) : len(full) - len(str(number))]
    return "p"
