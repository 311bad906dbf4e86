"""This machine's devices as `conflicts.py` looks at them: what is there now and no plan changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from ignition_py.spec.tables import Raid
from ignition_py.stages.disks import raid
from ignition_py.stages.disks.foresee.volumes import Volume
from ignition_py.stages.disks.luks import found as luks_found
from ignition_py.stages.disks.partitions import kernel
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.stages.disks.progress import Progress
from ignition_py.system import udev
from ignition_py.system.log import Log


class Machine:
    """Implements `steps.Look`."""

    def __init__(self, log: Log, plans: Sequence[DiskPlan], record: Progress) -> None:
        self._log = log
        self._plans = {os.path.basename(plan.state.node): plan for plan in plans}
        self._record = record
        self._stopped = {name for plan in plans for name in plan.stops}

    def device(self, name: str) -> Volume | None:
        """The block device `name`. A partition of a disk of the plans comes as `partition` alone, one that will be gone as
        None. Raises StageError."""
        try:
            node = os.path.realpath(name, strict=True)
            if not stat.S_ISBLK(os.stat(node).st_mode):
                return None
        except OSError:
            return None
        base = os.path.basename(node)
        if base in self._stopped:
            return None
        disk, number = kernel.whole_disk(base)
        plan = self._plans.get(disk)
        if plan is not None:
            if number in plan.remade or (plan.after is not None and number not in plan.after.entries):
                return None
            return Volume(name, 0, partition=(plan.state.device, number))
        return _existing(name, node)

    def names(self, plan: DiskPlan) -> Iterator[str]:
        """The links of a disk, standard ones and those of an image's own rules."""
        yield from udev.links(plan.state.node)

    def running(self, array: Raid) -> Volume | None:
        """See `raid.made_and_running`. Raises CommandError."""
        plans = tuple(self._plans.values())
        node = raid.node_of(array.name)
        if os.path.basename(os.path.realpath(node)) in self._stopped:
            return None
        if not os.path.exists(node) or not raid.made_and_running(self._log, array, plans, self._record):
            return None
        return _existing(node, os.path.realpath(node))

    def node(self, volume: Volume) -> str:
        """The kernel's node of a volume that stays where it is, "" for one that is yet to be made."""
        disk, number = volume.partition
        if not number:
            return volume.path
        for plan in self._plans.values():
            goes = plan.state.device != disk or number in plan.remade
            part = plan.state.kernel.get(number) if not goes else None
            if part is not None and (part.start, part.size) == (volume.offset, volume.size):
                return f"/dev/{part.name}"
        return ""

    def opened(self, name: str) -> Volume | None:
        """The mapping of a LUKS volume that is open."""
        node = os.path.realpath(luks_found.node_of(name))
        if not kernel.device_mapper(os.path.basename(node)):
            return None
        return _existing(luks_found.node_of(name), node)

    def unfinished(self, array: Raid) -> bool:
        """True if an array that was begun and can be stopped holds the members."""
        return bool(raid.stoppable(array, tuple(self._plans.values())))


def _existing(name: str, node: str) -> Volume:
    """A device that exists as the kernel's `node`."""
    base = os.path.basename(node)
    return Volume(name, kernel.node_bytes(base), path=node, busy=kernel.in_use(base))
