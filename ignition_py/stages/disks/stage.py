"""The order of the disks stage: check everything that can be known, then partitions, RAID, LUKS, filesystems.

Each part inspects, plans, logs its plan, applies and verifies; a later device exists only after an earlier part.
Nothing is written before every disk of the config has been inspected and all conflicts are known.
"""

from __future__ import annotations

from ignition_py.diag import IgnitionError, StageError
from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.refusal import refuse
from ignition_py.system import udev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ignition_py.context import Context
    from ignition_py.spec.tables import Disk, Storage
    from ignition_py.stages.disks.inspect import DiskState
    from ignition_py.stages.disks.plan import DiskPlan
    from ignition_py.stages.disks.progress import Progress
    from ignition_py.system.log import Log


def run_stage(ctx: Context) -> None:
    """Raises StageError or CommandError."""
    from ignition_py.stages.disks import luks, make_filesystems, raid
    from ignition_py.system.tools import which

    storage, log = ctx.config.storage, ctx.log
    conflicts = [*raid.missing(storage), *luks.missing(storage), *make_filesystems.missing(storage)]
    if not which("blkid"):
        refuse(conflicts, "Nothing has been changed")  # without it there is nothing to plan by
    record = progress.load(storage)
    plans = plan_disks(log, storage.disks, record)
    conflicts += [conflict for plan in plans for conflict in plan.conflicts]
    conflicts += foreseen_conflicts(log, storage, plans, record)
    volumes = luks.prepare(ctx, plans, record)
    conflicts += volumes.conflicts
    refuse(conflicts, "Nothing has been changed")
    apply_disks(log, plans, record)
    raid.create_all(log, storage, plans, record)
    luks.create_all(ctx, volumes, record)
    make_filesystems.make_all(log, storage, plans, record)


def foreseen_conflicts(log: Log, storage: Storage, plans: Sequence[DiskPlan], record: Progress) -> list[str]:
    """What will forbid the arrays and filesystems once the tables are as planned. Devices that nobody knows yet are no
    conflict: they may come by rules of the image's udev. Raises StageError or CommandError."""
    if not (storage.raid or storage.filesystems):
        return []
    from ignition_py.stages.disks.foresee import foresee
    from ignition_py.stages.disks.machine import Machine

    foreseen = foresee(log, storage, plans, record, Machine(log, plans, record))
    for step in foreseen.steps:
        log.debug(f"disks: foreseen: {step.describe()}")
    return [*foreseen.conflicts["raid"], *foreseen.conflicts["filesystem"]]


def plan_disks(log: Log, disks: Sequence[Disk], record: Progress) -> list[DiskPlan]:
    """Waits for every disk, gives it its alias, inspects it and plans for it; all before anything is written."""
    if not disks:
        return []
    from ignition_py.stages.disks.inspect import inspect_disk

    udev.wait_for(log, [disk.device for disk in disks])
    nodes: dict[str, str] = {}
    plans, problems = [], []
    for disk in disks:
        alias, node = aliases.make(disk.device)
        log.info(f"disks: {alias} -> {node}")
        if node in nodes:
            problems.append(f"{nodes[node]} and {disk.device} are the same disk, {node}")
            continue
        nodes[node] = disk.device
        try:
            state = inspect_disk(log, disk.device, node)
        except StageError as problem:
            problems.append(str(problem))
            continue
        plans.append(_plan(log, disk, state, record))
    refuse(
        [*problems, *(conflict for plan in plans for conflict in plan.conflicts)] if problems else (),
        "Nothing has been changed",
    )
    return plans


def _plan(log: Log, disk: Disk, state: DiskState, record: Progress) -> DiskPlan:
    from ignition_py.stages.disks.identity import Identity
    from ignition_py.stages.disks.plan import plan_disk

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
    """Has this boot written, for this config, the very table that is on the disk?"""
    table = state.reading.primary
    return record.has(*_fact(disk.device, table.key() if table is not None else None))


def _fact(device: str, key: object) -> tuple[str, str, str]:
    return ("table", progress.word(device), progress.digest(key))


def apply_disks(log: Log, plans: Sequence[DiskPlan], record: Progress) -> None:
    """Writes the tables, disks side by side, as many at once as the machine has processors. After a failure no further disk
    is begun; it is raised when those begun have ended. Raises StageError or CommandError."""
    import os

    from ignition_py.stages.disks.apply import apply_plan
    from ignition_py.stages.disks.make_filesystems import side_by_side

    def job(plan: DiskPlan) -> Callable[[], None]:
        def apply() -> None:
            try:
                with log.step(f"disks: partition table of {plan.state.device}"):
                    apply_plan(log, plan)
            except IgnitionError as error:
                if error.place is None and plan.entry._origin is not None:
                    error.place = plan.entry._origin.place()
                raise
            if plan.writes:
                record.add(*_fact(plan.state.device, plan.after.key() if plan.after is not None else None))

        return apply

    side_by_side([job(plan) for plan in plans], os.cpu_count() or 1, stop=True)
