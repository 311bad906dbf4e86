"""Which partition table a disk's plan starts from: the one that is there, a new one, or a refusal.

Pure. "Nothing is wiped that the config did not allow": without `wipeTable` a disk is given a new table only where
it holds nothing at all.
"""

from __future__ import annotations

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Cause
from ignition_py.spec.tables import Disk
from ignition_py.stages.disks.identity import TABLE, Identity
from ignition_py.stages.disks.partitions import gpt, operations
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.stages.disks.partitions.operations import Operation
from ignition_py.stages.disks.places import conflict

WIPE_HINT = "Set `wipeTable: true` to replace it by a new GPT; whatever is on the disk is lost then"


class Base(Record):
    """The table to start from. `new`: it is not on the disk yet. `discards`: what is there now goes.
    `table` None means that there is none and none is needed, or that there are `conflicts`. `outgrown`: the table as it is on
    a disk that has grown since; `table` is the same with its backup and its usable sectors at the new end."""

    table: gpt.Table | None
    _: KW_ONLY
    new: bool = False
    discards: bool = False
    outgrown: gpt.Table | None = None
    operations: tuple[Operation, ...] = ()
    conflicts: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()


def choose(disk: Disk, state: DiskState, identity: Identity, *, done: bool) -> Base:
    """The base for `disk` as it is in `state`. `done`: see `plan.plan_disk`."""
    if disk.wipe_table and not done:
        return _wiped(disk, state, identity)
    if not disk.partitions:
        return Base(None)
    return _existing(disk, state, identity)


def _wiped(disk: Disk, state: DiskState, identity: Identity) -> Base:
    """A new table; but the one that is there where this config made it in a boot that was cut off, and what it made on it (an
    array, a LUKS volume) has been started since."""
    reading = state.reading
    table = reading.primary
    sound = table is not None and table == reading.backup and reading.mbr == gpt.MBR_PROTECTIVE
    if disk.partitions and state.busy_partitions and sound and table is not None and identity.made_here(table.disk_guid, TABLE):
        why = "; ".join(f"partition {number}: {why}" for number, why in sorted(state.busy_partitions.items()))
        warning = f"{state.device}: the table is not wiped: an earlier run of this config made it ({why})"
        return Base(table, warnings=(warning,))
    conflicts = tuple(
        conflict(
            f"{state.device}: the table cannot be wiped while partition {number} is in use: {why}", disk,
            f"Free partition {number} before the first boot, or take `wipeTable` out",
        )
        for number, why in sorted(state.busy_partitions.items())
        if number not in state.freed
    )
    if conflicts:
        return Base(None, conflicts=conflicts)
    stops = (operations.Stop(0, leftover.name, leftover.what) for leftover in state.idle)
    return _fresh(disk, state, identity, (*stops, operations.WipeTable(0), operations.NewTable(0)), discards=True)


def _fresh(disk: Disk, state: DiskState, identity: Identity, steps: tuple[Operation, ...], *, discards: bool = False) -> Base:
    try:
        table = gpt.fresh(state.sector_size, state.sectors, identity.make(TABLE))
    except ValueError as error:
        return Base(None, conflicts=(conflict(f"{state.device}: {error}", disk, "Name a larger disk"),))
    if (table.first_usable, table.last_usable) != state.fresh_usable:
        return Base(
            None,
            conflicts=(
                conflict(
                    f"{state.device}: a new table would have sectors {table.first_usable} to {table.last_usable} to use, "
                    f"libparted says {state.fresh_usable[0]} to {state.fresh_usable[1]}",
                    disk,
                ),
            ),
        )
    return Base(table, new=True, discards=discards, operations=steps)


def _existing(disk: Disk, state: DiskState, identity: Identity) -> Base:
    reading = state.reading
    table = reading.primary or reading.backup
    if table is None:
        return _without_table(disk, state, identity)
    if reading.mbr in (gpt.MBR_PROTECTIVE, gpt.MBR_HYBRID):
        return _extended(_with_table(state, table), state.sectors)
    if identity.made_here(table.disk_guid, TABLE):
        return Base(table, operations=(operations.RepairTable(0, "an earlier run was cut off before it was complete"),))
    which = "a GPT" if reading.primary is not None else "the backup of a GPT"
    mbr = (
        "an MBR partition table beside it"
        if reading.mbr == gpt.MBR_OTHER
        else "no protective MBR, so the kernel ignores it"
    )
    return Base(None, conflicts=(conflict(f"{state.device} has {which}, but {mbr}", disk, WIPE_HINT),))


def _extended(base: Base, sectors: int) -> Base:
    """`base` with its table extended to the end of a disk of `sectors` sectors, where the disk has grown since it was made: planning
    goes by the table that is going to be written, else a second run would plan otherwise than the first."""
    table = base.table
    if table is None or table.backup >= sectors - 1:
        return base
    return base.but(
        table=table.but(backup=sectors - 1, last_usable=sectors - 2 - table.entries_sectors), outgrown=table
    )


def _with_table(state: DiskState, table: gpt.Table) -> Base:
    reading = state.reading
    if reading.primary is None:
        why = (
            f"the primary table {reading.primary_problem}"
            if reading.primary_problem != gpt.ABSENT
            else "the primary table is gone"
        )
        return Base(table, operations=(operations.RepairTable(0, f"{why}; the backup is sound"),))
    if reading.backup is None:
        problem = reading.backup_problem if reading.backup_problem != gpt.ABSENT else "is not there"
        return Base(table, warnings=(f"{state.device}: the backup table {problem}; the primary is used",))
    if reading.backup != reading.primary:
        return Base(
            table,
            warnings=(f"{state.device}: primary and backup table disagree; the primary is used, as the kernel does",),
        )
    return Base(table)


def _without_table(disk: Disk, state: DiskState, identity: Identity) -> Base:
    reading, device = state.reading, state.device
    if reading.primary_problem != gpt.ABSENT or reading.backup_problem != gpt.ABSENT:
        return Base(
            None,
            conflicts=(
                conflict(
                    f"{device} has a GPT of which no copy can be used: {_copy('primary', reading.primary_problem)}, "
                    f"{_copy('backup', reading.backup_problem)}",
                    disk, WIPE_HINT,
                ),
            ),
        )
    if reading.mbr == gpt.MBR_OTHER:
        return Base(None, conflicts=(conflict(f"{device} has an MBR partition table instead of a GPT", disk, WIPE_HINT),))
    found = state.signature
    if found.type or found.ambiguous or found.table not in ("", "PMBR", "gpt"):
        text = f"{device} has no partition table but holds {found.describe()}"
        return Base(None, conflicts=(conflict(text, disk, WIPE_HINT),))
    return _fresh(disk, state, identity, (operations.NewTable(0),))


def _copy(which: str, problem: str) -> str:
    return f"the {which} table " + ("is not there" if problem == gpt.ABSENT else problem)
