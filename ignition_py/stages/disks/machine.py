"""This machine's devices as `foresee.py` looks at them: what is there now and no plan changes."""

from __future__ import annotations

import os
import stat

from ignition_py.stages.disks import kernel, raid
from ignition_py.stages.disks.volumes import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ignition_py.spec.tables import Raid
    from ignition_py.stages.disks.plan import DiskPlan
    from ignition_py.stages.disks.progress import Progress
    from ignition_py.system.log import Log

_LINKS = ("/dev/disk/by-id", "/dev/disk/by-path", "/dev/mapper")


class Machine:
    """Implements `foresee.Look`."""

    def __init__(self, log: Log, plans: Sequence[DiskPlan], record: Progress) -> None:
        self._log = log
        self._plans = {os.path.basename(plan.state.node): plan for plan in plans}
        self._record = record

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
        disk, number = kernel.whole_disk(base)
        plan = self._plans.get(disk)
        if plan is not None:
            if number in plan.remade or (plan.after is not None and number not in plan.after.entries):
                return None
            return Volume(name, 0, partition=(plan.state.device, number))
        return Volume(name, kernel.node_bytes(base), path=node, busy=kernel.in_use(base))

    def names(self, plan: DiskPlan) -> Iterator[str]:
        """The links of a disk that lead to its node."""
        for folder in _LINKS:
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                path = os.path.join(folder, name)
                if os.path.realpath(path) == plan.state.node:
                    yield path

    def running(self, array: Raid) -> Volume | None:
        """See `raid.there`. Raises CommandError."""
        plans = tuple(self._plans.values())
        node = raid.node_of(array.name)
        if not os.path.exists(node) or not raid.there(self._log, array, plans, self._record):
            return None
        node = os.path.realpath(node)
        base = os.path.basename(node)
        return Volume(raid.node_of(array.name), kernel.node_bytes(base), path=node, busy=kernel.in_use(base))

    def unfinished(self, array: Raid) -> bool:
        """Are the members in the hands of an array that was begun and can be stopped?"""
        return bool(raid.leftovers(array, tuple(self._plans.values())))
