"""The last part of the disks stage: decides for every filesystem of the config at once, then makes them side by
side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ignition_py.report.diag import Cause
from ignition_py.spec.tables import Filesystem, Storage
from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.filesystems import plan as filesystems
from ignition_py.stages.disks.filesystems.plan import Decision
from ignition_py.stages.disks.partitions import kernel
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.stages.disks.places import conflict
from ignition_py.stages.disks.progress import Progress
from ignition_py.stages.disks.raid import proven
from ignition_py.stages.disks.refusal import missing_programs, refuse
from ignition_py.system import udev
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log
from ignition_py.system.parallel import run_all


def missing(storage: Storage) -> list[Cause]:
    """Programs that will be needed whatever is found, and are not there."""
    needed: dict[str, str] = {}
    if storage.disks:
        needed["blkid"] = "looking at disks"
    if any(disk.wipe_table for disk in storage.disks):
        needed["wipefs"] = "removing what is on disks"
    for entry in storage.filesystems:
        if entry.format and filesystems.on_device(entry):
            needed["blkid"] = needed["wipefs"] = "handling filesystems"
            if entry.format in filesystems.TOOLS and (entry.wipe_filesystem or not os.path.exists(entry.device)):
                needed[filesystems.TOOLS[entry.format]] = f"making {entry.format} on {entry.device}"
    if needed and udev.running():
        needed["udevadm"] = "waiting for udev"
    return missing_programs(needed, next(iter((*storage.filesystems, *storage.disks)), None))


def make_all(log: Log, storage: Storage, plans: Sequence[DiskPlan], record: Progress) -> None:
    """Waits for the devices, decides, refuses for all or makes what is needed. Raises StageError or
    CommandError."""
    wanted = [entry for entry in storage.filesystems if filesystems.on_device(entry)]
    if not wanted:
        return
    udev.wait_for(log, {entry.device: entry.place() for entry in wanted})
    work: dict[str, tuple[Filesystem, str]] = {}
    conflicts: list[Cause] = []
    seen: dict[str, Filesystem] = {}
    for entry in wanted:
        alias, node = aliases.make(entry.device)
        log.info(f"disks: {alias} -> {node}")
        if not entry.format:
            continue
        other = seen.setdefault(node, entry)
        decision = decide_one(log, entry, node, plans, record)
        log.info(f"disks: plan for {entry.device}: {decision.action} {entry.format}: {decision.why}")
        if decision.action == "refuse":
            conflicts.append(conflict(decision.why, entry, decision.hint))
        elif other is not entry and (node in work or decision.action == "make"):
            conflicts += [cause] if (cause := filesystems.disagreement(other, entry)) else []
        elif decision.action == "make":
            work[node] = (entry, alias)
            conflicts += hindrances(entry, kernel.in_use(os.path.basename(node)))
    refuse(conflicts, "what stands before the filesystems, and no filesystem")
    run_all([_job(log, entry, alias, record) for entry, alias in work.values()], os.cpu_count() or 1)


def hindrances(entry: Filesystem, busy: str) -> list[Cause]:
    """What forbids making the filesystem on a device that is `busy`, although the config wants it."""
    found = []
    if busy:
        way = f"Free {entry.device} before the first boot, or name another device"
        found.append(conflict(f"{entry.device} would have to be made anew, but {busy}", entry, way))
    tool = filesystems.TOOLS.get(entry.format or "", "wipefs")
    return found + missing_programs({tool: f"making {entry.format} on {entry.device}"}, entry)


def decide_one(log: Log, entry: Filesystem, node: str, plans: Sequence[DiskPlan], record: Progress) -> Decision:
    """Reads what is on `node` and decides. Raises StageError or CommandError."""
    found = probe(log, node)
    half = half_made(entry, found, node)
    return decide_found(log, entry, found, half, record, made_here=proven(node, plans))


def half_made(entry: Filesystem, found: Signature, node: str, offset: int = 0) -> str:
    """Signs that the wanted filesystem is there, but was never completed. Raises StageError."""
    if found.type != entry.format or found.ambiguous:
        return ""
    return filesystems.half_made(found.type, node, offset)


def decide_found(
    log: Log, entry: Filesystem, found: Signature, half: str, record: Progress, *, made_here: bool
) -> Decision:
    """What happens on a device that holds `found`; `half` and `made_here` as in `filesystems.plan_filesystem`."""
    if found.ambiguous:
        real = found.type or "none of them"
        log.warning(f"disks: {entry.device} holds {found.describe()}; blkid takes {real} for the real one")
    key = (progress.word(entry.device), progress.digest(entry))
    if record.has("made", *key) and not filesystems.differences(entry, found):
        return filesystems.Decision("reuse", f"an earlier run of this boot has made it: {found.describe()}")
    unfinished = record.has("making", *key) and not record.has("made", *key)
    return filesystems.plan_filesystem(entry, found, unfinished=unfinished, half_made=half, made_here=made_here)


def _job(log: Log, entry: Filesystem, alias: str, record: Progress) -> Callable[[], None]:
    def job() -> None:
        key = (progress.word(entry.device), progress.digest(entry))
        record.add("making", *key)
        with log.step(f"disks: making {entry.format} on {entry.device}"):
            filesystems.make(log, entry, alias)
        record.add("made", *key)

    return job
