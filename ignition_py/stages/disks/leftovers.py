"""What udev has started of an earlier installation: RAID arrays and volume groups that nobody uses, on disks that are to be wiped.

`idle()` reads, `stop()` ends them: an array by mdadm, a logical volume by dmsetup (lvm's tools are in few initramfs). Layers may stand
on each other. Anything else that is built on a disk (multipath, an open LUKS volume) was opened by somebody on purpose and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ignition_py.record import Record
from ignition_py.report.diag import StageError
from ignition_py.stages.disks.partitions import kernel
from ignition_py.system import udev
from ignition_py.system.host import which
from ignition_py.system.log import Log
from ignition_py.system.run import run

_LVM = "LVM-"  # begins the device-mapper UUID of a logical volume; the 32 characters of its volume group's UUID follow
_GROUP = slice(len(_LVM), len(_LVM) + 32)
_ATTEMPTS = 5  # udev may put an array together again that has just been stopped


class Leftover(Record):
    """An array or a logical volume: the kernel's `name` ("md127", "dm-0"), and `what` it is in words."""

    name: str
    what: str


def idle(disks: Iterable[str]) -> tuple[Leftover, ...]:
    """The arrays and logical volumes that stand on these disks ("vda") and their partitions alone, and that nothing uses. A volume
    group is all or nothing."""
    there = kernel.devices()
    below = _with_partitions(disk for disk in disks if disk in there)
    found = above(below)
    while True:
        kept = {name for name in found if _can_stop(name, below | _with_partitions(found), found)}
        groups = {_group(name) for name in kept} - {""}
        whole = {group for group in groups if all(name in kept for name in _volumes(group))}
        kept = {name for name in kept if not _group(name) or _group(name) in whole}
        if kept == found:
            return tuple(Leftover(name, describe(name)) for name in _ordered(found))
        found = kept


def above(names: Iterable[str]) -> set[str]:
    """Every device that is built on one of `names`, through any number of layers; an array may have partitions."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        for holder in kernel.holders(todo.pop()):
            if holder not in found:
                found.add(holder)
                todo += _with_partitions([holder])
    return found


def _with_partitions(names: Iterable[str]) -> set[str]:
    return {node for name in names for node in (name, *kernel.partition_nodes(name))}


def _can_stop(name: str, ground: set[str], found: set[str]) -> bool:
    known = bool(which("dmsetup")) if _group(name) else name.startswith("md") and bool(which("mdadm"))
    used = any(kernel.in_use(node, found) for node in _with_partitions([name]))
    return known and set(kernel.members(name)) <= ground and not used


def _group(name: str) -> str:
    """The UUID of a logical volume's group, "" for anything else."""
    uuid = kernel.mapped_uuid(name) if kernel.device_mapper(name) else ""
    return uuid[_GROUP] if uuid.startswith(_LVM) else ""


def _volumes(group: str) -> list[str]:
    return [name for name in kernel.devices() if _group(name) == group]


def _ordered(found: set[str]) -> tuple[str, ...]:
    """Those that nothing of the rest is built on first; an array that runs before an inactive one, which may be its container."""
    order: list[str] = []
    while len(order) < len(found):
        rest = found - set(order)
        free = [name for name in rest if not rest & above(_with_partitions([name]))]
        order += sorted(free or rest, key=lambda name: (not kernel.array_runs(name), name))
    return tuple(order)


def describe(name: str) -> str:
    """`md127, an old RAID array`, `dm-0, the old logical volume vg-data`."""
    if kernel.device_mapper(name):
        return f"{name}, the old logical volume {kernel.mapped_name(name)}"
    return f"{name}, an old RAID array"


def stop(log: Log, disks: Sequence[str]) -> None:
    """Ends what is idle on these disks, also what udev has started since they were inspected. Raises StageError or CommandError."""
    for _ in range(_ATTEMPTS if disks else 0):
        udev.settle(log)
        found = idle(disks)
        if not found:
            return
        for leftover in found:
            log.info(f"disks: stopping {leftover.what}, which nothing uses")
            run(log, _command(leftover.name), what=f"stopping {leftover.what}")
    left = idle(disks)
    if left:
        names = " and ".join(leftover.what for leftover in left)
        raise StageError(
            f"{names} came back each time it was stopped", hint="Stop what starts them, or detach these disks", changed="nothing"
        )


def _command(name: str) -> list[str]:
    if kernel.device_mapper(name):
        return ["dmsetup", "remove", "--retry", kernel.mapped_name(name)]
    return ["mdadm", "--stop", f"/dev/{name}"]
