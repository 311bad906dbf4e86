"""The order of the disks stage: check everything that can be known, then partitions, RAID, LUKS, filesystems.

Each part inspects, plans, logs its plan, applies and verifies; a later device exists only after an earlier part.
Nothing is written before every disk of the config has been inspected and all conflicts are known.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial

from ignition_py.context import Context
from ignition_py.report.diag import Cause, IgnitionError, StageError
from ignition_py.spec.tables import Disk, Storage
from ignition_py.stages.disks import aliases, leftovers, progress, raid
from ignition_py.stages.disks.filesystems import make as make_filesystems
from ignition_py.stages.disks.foresee.conflicts import foresee
from ignition_py.stages.disks.foresee.machine import Machine
from ignition_py.stages.disks.foresee.steps import Foreseen
from ignition_py.stages.disks.foresee.volumes import link_name, partition_names
from ignition_py.stages.disks.identity import Identity
from ignition_py.stages.disks.luks import stage as luks
from ignition_py.stages.disks.luks.prepared import Prepared
from ignition_py.stages.disks.partitions.apply import apply_plan
from ignition_py.stages.disks.partitions.inspect import DiskState, inspect_disk
from ignition_py.stages.disks.partitions.plan import DiskPlan, plan_disk
from ignition_py.stages.disks.places import conflict
from ignition_py.stages.disks.progress import Progress
from ignition_py.stages.disks.refusal import refuse
from ignition_py.system import udev
from ignition_py.system.host import which
from ignition_py.system.log import Log
from ignition_py.system.parallel import run_all

# Where links are made from what is in tables and on devices.
_BY_CONTENTS = tuple(f"/dev/disk/by-{what}" for what in ("label", "partlabel", "partuuid", "uuid"))


def run_stage(ctx: Context) -> None:
    """Raises StageError or CommandError."""
    storage, log = ctx.config.storage, ctx.log
    conflicts = [*raid.missing(storage), *luks.missing(storage), *make_filesystems.missing(storage)]
    prepared = luks.prepare(ctx)
    conflicts += prepared.conflicts
    if not which("blkid"):
        refuse(conflicts, "nothing")  # without it there is nothing to plan by
    record = progress.load(storage)
    plans, problems = plan_disks(log, storage.disks, record)
    conflicts += [*problems, *(cause for plan in plans for cause in plan.conflicts)]
    more, foreseen = foreseen_conflicts(log, storage, plans, record, prepared)
    refuse([*conflicts, *more], "nothing")
    plans = [_with_wipes(log, plan, foreseen) for plan in plans]
    leftovers.stop(log, [os.path.basename(plan.state.node) for plan in plans if plan.discards])
    apply_disks(log, plans, record)
    raid.create_all(log, storage, plans, record)
    luks.create_all(ctx, prepared, record)
    make_filesystems.make_all(log, storage, plans, record)


def foreseen_conflicts(
    log: Log, storage: Storage, plans: Sequence[DiskPlan], record: Progress, prepared: Prepared
) -> tuple[list[Cause], Foreseen]:
    """What will forbid the arrays, LUKS volumes and filesystems once the tables are as planned, and what was foreseen. A device that
    nobody knows yet is waited for, and is a conflict where nothing of the stage's work could bring it. Raises StageError or
    CommandError."""
    if not (storage.raid or storage.luks or storage.filesystems):
        return [], Foreseen()
    sound = [plan.entry for plan in plans if not plan.conflicts]
    unsure = [disk for disk in storage.disks if disk not in sound]
    writes = any(plan.writes for plan in plans) or bool(storage.raid or storage.luks)

    def look() -> Foreseen:
        return foresee(log, storage, plans, record, Machine(log, plans, record), prepared.keys)

    foreseen = look()
    late = [name for name in foreseen.missing if cannot_appear(name, unsure, writes=writes)]
    absent = udev.absent(log, late, patient=len(plans) == len(storage.disks))
    if len(absent) < len(late):
        foreseen = look()  # what has come may hold something
    for step in foreseen.steps:
        log.debug(f"disks: foreseen: {step.describe()}")
    missing = [
        cause.but(message=f"{cause.message}; it {absent.get(name, 'will be gone')}")
        for name, cause in foreseen.missing.items()
        if name in late
    ]
    return [*missing, *(why for kind in ("raid", "luks", "filesystem") for why in foreseen.conflicts[kind])], foreseen


def _with_wipes(log: Log, plan: DiskPlan, foreseen: Foreseen) -> DiskPlan:
    """The plan with what the config allows to destroy in the sectors of partitions that are new or change."""
    partitions = foreseen.partitions.get(plan.state.device, {})
    wipes = {number: partitions[number].wipe for number in plan.placed if number in partitions and partitions[number].wipe}
    for number, what in sorted(wipes.items()):
        log.info(f"disks: plan for {plan.state.device}: wipe what the sectors of partition {number} hold: {what}")
    return plan.but(wipes=wipes)


def cannot_appear(name: str, unsure: Sequence[Disk], *, writes: bool) -> bool:
    """True if a missing device, which nothing in the config is known to make, cannot appear by the stage's work either.

    `unsure`: disks whose future partitions are not known; `writes`: the stage has work to do. Kernel names and
    by-label/-partlabel/-uuid links are predictable; other links may come from the image's udev rules once there are new partitions.
    """
    folder, base = os.path.split(os.path.normpath(name))
    for disk in unsure:
        names = [n for p in disk.partitions for n in partition_names(disk.device, p.number)]
        if name in names or (0 in [p.number for p in disk.partitions] and name.startswith(disk.device)):
            return False
        labels = [link_name(p.label) for p in disk.partitions if p.label] if folder.endswith("/by-partlabel") else []
        if base in labels or folder.endswith(("/by-label", "/by-uuid", "/by-partuuid")):
            return False
    return not writes or folder == "/dev" or folder in _BY_CONTENTS


def plan_disks(log: Log, disks: Sequence[Disk], record: Progress) -> tuple[list[DiskPlan], list[Cause]]:
    """Waits for every disk, gives it its alias, inspects it and plans for it; all before anything is written. Returns the plans
    of those that are there, and what is wrong with the others."""
    if not disks:
        return [], []
    absent = udev.absent(log, [disk.device for disk in disks])
    idle = leftovers.idle(wiped(disk for disk in disks if disk.device not in absent))
    nodes: dict[str, str] = {}
    plans, problems = [], []
    for disk in disks:
        if disk.device in absent:
            problems.append(conflict(f"{disk.device} {absent[disk.device]}", disk, udev.HINT))
            continue
        alias, node = aliases.make(disk.device)
        log.info(f"disks: {alias} -> {node}")
        if node in nodes:
            text = f"{nodes[node]} and {disk.device} are the same disk, {node}"
            problems.append(conflict(text, disk, "Put the partitions of both entries into one, or name another `device`"))
            continue
        nodes[node] = disk.device
        try:
            state = inspect_disk(log, disk.device, node, idle)
        except StageError as problem:
            problems.append(conflict(problem.message, disk, problem.hint))
            continue
        plans.append(_plan(log, disk, state, record))
    return plans, problems


def wiped(disks: Iterable[Disk]) -> list[str]:
    """The kernel's names ("vda") of those of the disks whose table is to be wiped."""
    return [os.path.basename(os.path.realpath(disk.device)) for disk in disks if disk.wipe_table]


def _plan(log: Log, disk: Disk, state: DiskState, record: Progress) -> DiskPlan:
    log.info(f"disks: {state.describe()}")
    done = table_written(record, disk, state)
    plan = plan_disk(disk, state, Identity(disk, state.sectors), done=done)
    for warning in plan.warnings:
        log.warning(f"disks: {warning}")
    for step in plan.operations:
        log.info(f"disks: plan for {disk.device}: {step.describe()}")
    if not plan.writes and not plan.conflicts:
        log.info(f"disks: plan for {disk.device}: the table stays as it is")
    return plan


def table_written(record: Progress, disk: Disk, state: DiskState) -> bool:
    """True if this boot has written, for this config, the very table that is on the disk."""
    table = state.reading.primary
    return record.has(*_fact(disk.device, table.key() if table is not None else None))


def _fact(device: str, key: object) -> tuple[str, str, str]:
    return ("table", progress.word(device), progress.digest(key))


def apply_disks(log: Log, plans: Sequence[DiskPlan], record: Progress) -> None:
    """Writes the tables, disks side by side, as many at once as the machine has processors. After a failure no further disk
    is begun; it is raised when those begun have ended. Raises StageError or CommandError."""
    jobs = [partial(_apply, log, plan, record) for plan in plans]
    run_all(jobs, os.cpu_count() or 1, stop_on_error=True)


def _apply(log: Log, plan: DiskPlan, record: Progress) -> None:
    try:
        with log.step(f"disks: partition table of {plan.state.device}"):
            apply_plan(log, plan)
    except IgnitionError as error:
        error.place = error.place or plan.entry.place()
        raise
    if plan.writes:
        record.add(*_fact(plan.state.device, plan.after.key() if plan.after is not None else None))
