"""From (the disk's entry in the config, what is there) to a plan: pure, nothing is read or written here.

`base.py` chooses the table to start from; this file gives partitions their numbers and places, asks `decide.py`
about each, and collects every conflict instead of stopping at the first.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from ignition_py.record import Record, field
from ignition_py.report.diag import Cause
from ignition_py.spec.tables import Disk, Partition
from ignition_py.stages.disks.identity import Identity, entry_role
from ignition_py.stages.disks.partitions import decide, gpt, operations
from ignition_py.stages.disks.partitions.allocate import MIB, NoRoomError, Space, alignment, mib_sectors
from ignition_py.stages.disks.partitions.base import Base, choose
from ignition_py.stages.disks.partitions.gpt import Entry, Table
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.stages.disks.partitions.operations import Operation
from ignition_py.stages.disks.places import conflict


class Wanted(Record):
    """One partition entry of the config, immutable; `index` is its rank in the order of `zeros_last`.

    `number` is 0 until `_numbered` has given one. `start` and `size` in sectors, None: does not matter; 0: open until `_placed`
    has chosen. `proven`: the partition of this number was made by an earlier run for this very entry. `fits`: there is room for it.
    """

    index: int
    partition: Partition
    number: int
    start: int | None
    size: int | None
    proven: bool = False
    fits: bool = True

    @property
    def should_exist(self) -> bool:
        return self.partition.should_exist is not False

    @property
    def wipe(self) -> bool:
        return self.partition.wipe_partition_entry is True

    def name(self) -> str:
        label = self.partition.label
        return f"partition {self.number}" + (f' ("{label}")' if label else "")


class DiskPlan(Record):
    """What will be done to one disk.

    `entry` is the config's. `before` and `after` are the tables it has and will have (None: no GPT). `conflicts` is why it cannot
    be done; then nothing may be. `remade` are the numbers whose contents the kernel must forget; `ours` those that this config
    provably made or makes. `wipes`: what is wiped of the sectors of partitions that are new or change, by number, in words.
    """

    entry: Disk
    state: DiskState
    before: Table | None
    after: Table | None
    operations: tuple[Operation, ...] = ()
    conflicts: list[Cause] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    remade: frozenset[int] = frozenset()
    ours: frozenset[int] = frozenset()
    wipes: Mapping[int, str] = field(default_factory=dict)

    @property
    def discards(self) -> bool:
        """True if the table that is there goes, and all its partitions with it."""
        return any(isinstance(operation, operations.WipeTable) for operation in self.operations)

    @property
    def stops(self) -> list[str]:
        """The kernel's names of what is stopped first."""
        return [operation.name for operation in self.operations if isinstance(operation, operations.Stop)]

    @property
    def placed(self) -> set[int]:
        """The numbers of partitions that get other sectors than they had, or had none."""
        return {operation.number for operation in self.operations if isinstance(operation, operations.Create)}

    @property
    def writes(self) -> bool:
        """True if the table sectors will be written."""
        return any(operation.writes for operation in self.operations)


def plan_disk(disk: Disk, state: DiskState, identity: Identity, *, done: bool = False) -> DiskPlan:
    """The plan for one disk. `done`: the progress record proves that this run of the machine has written the table
    that is there, so it is kept as it is (and `wipeTable` is not obeyed a second time)."""
    base = choose(disk, state, identity, done=done)
    plan = _plan_on(base, disk, state, identity, done=done)
    if base.outgrown is None:
        return plan
    if plan.conflicts:
        as_found = _plan_on(base.but(table=base.outgrown), disk, state, identity, done=done)
        if not as_found.conflicts and not as_found.writes:
            plan = as_found  # what fitted the disk before it grew is reused where nothing has to be written
    if plan.writes:
        plan = plan.but(operations=(operations.ExtendTable(0), *plan.operations))
    return plan.but(warnings=(*plan.warnings, _growth(plan, base.outgrown)))


def _growth(plan: DiskPlan, outgrown: Table) -> str:
    """What becomes of the room that a disk has gained since `outgrown` was made, in words."""
    state = plan.state
    mib = (state.sectors - 1 - outgrown.backup) * state.sector_size // MIB
    what = (
        "the table is extended to the new end"
        if plan.writes
        else "nothing has to be written, so the table keeps its old end"
    )
    return f"{state.device} has grown by {mib} MiB since its partition table was made; {what}"


def _plan_on(base: Base, disk: Disk, state: DiskState, identity: Identity, *, done: bool) -> DiskPlan:
    """The plan that starts from the table of `base`."""
    conflicts = list(base.conflicts)
    if state.busy and not (base.discards and 0 in state.freed):
        text = f"{state.device} is in use itself: {state.busy}"
        conflicts.append(conflict(text, disk, f"Free {state.device} before the first boot, or name another device"))
    plan = DiskPlan(
        disk, state, base.table, base.table, base.operations, conflicts, base.warnings,
        remade=frozenset(state.kernel) if base.discards else frozenset(),
    )  # fmt: skip
    if base.table is None or conflicts:
        return plan
    wanted = _numbered(_wanted(disk, state.sector_size), base.table, identity, all_proven=done)
    wanted = _placed(wanted, base.table, state, conflicts)
    steps = []
    for entry in wanted:
        if not entry.should_exist and any(other.should_exist and other.number == entry.number for other in wanted):
            continue  # its number goes to a partition that exists, whose own entry decides
        step = _step(entry, base, state, identity, conflicts) if entry.fits else None
        if step is not None:
            steps.append(step)
    return _finished(plan, base.new, base.table, steps, wanted)


def _wanted(disk: Disk, sector_size: int) -> tuple[Wanted, ...]:
    def sectors(mib: int | None) -> int | None:
        return None if mib is None else mib_sectors(mib, sector_size)

    return tuple(
        Wanted(index, partition, partition.number, sectors(partition.start_mib), sectors(partition.size_mib))
        for index, partition in enumerate(zeros_last(disk.partitions))
    )


def zeros_last(partitions: Sequence[Partition]) -> list[Partition]:
    """Partitions with a number of their own first: number 0 takes what they leave."""
    return sorted(partitions, key=lambda partition: partition.number == 0)


def _numbered(wanted: Sequence[Wanted], table: Table, identity: Identity, *, all_proven: bool) -> tuple[Wanted, ...]:
    """The entries with their final numbers: number 0 becomes that of the partition an earlier run made for the entry, else the
    next free number; it stays 0 for a partition that shall not exist and does not."""
    listed = {entry.number for entry in wanted if entry.number}
    taken = {entry.number for entry in wanted if entry.number and entry.should_exist}
    used = (set(table.entries) - listed) | taken
    found = []
    for entry in wanted:
        number = entry.number or _earlier(entry, table, identity, listed, taken)
        if not entry.number and number:
            used.add(number)
            taken.add(number)
        current = table.entries.get(number)
        proven = current is not None and (all_proven or identity.made_here(current.guid, entry_role(entry.index)))
        found.append(entry.but(number=number, proven=proven))
    free = (number for number in itertools.count(1) if number not in used)
    return tuple(
        entry.but(number=next(free)) if entry.should_exist and not entry.number else entry for entry in found
    )


def _earlier(entry: Wanted, table: Table, identity: Identity, listed: set[int], taken: set[int]) -> int:
    """The number of the partition that an entry of number 0 already has: made for it by an earlier run, or of the GUID that
    the entry names; 0 for none."""
    guid = (entry.partition.guid or "").upper()
    for number, current in table.entries.items():
        named = bool(guid) and current.guid == guid and number not in listed
        if number not in taken and (named or identity.made_here(current.guid, entry_role(entry.index))):
            return number
    return 0


def _placed(wanted: Sequence[Wanted], table: Table, state: DiskState, conflicts: list[Cause]) -> tuple[Wanted, ...]:
    """The entries with the starts and sizes that were open, as if all partitions of the config were made anew in order.
    One that has no room becomes a conflict, and `fits` no more."""
    mentioned = {entry.number for entry in wanted}
    step = alignment((current.first for current in table.entries.values()), state.sector_size, state.sectors)
    others = [(current.first, current.last) for number, current in table.entries.items() if number not in mentioned]
    space = Space(table.first_usable, table.last_usable, step, others)
    found = []
    for entry in wanted:
        if not entry.should_exist:
            found.append(entry)
            continue
        current = table.entries.get(entry.number)
        start, size = _open_values(entry, current)
        try:
            if current is not None and (start, size) == (current.first, current.size) and space.is_free(start, current.last):
                space.take(start, current.last)  # stays where it is, aligned or not
            else:
                start, last = space.place(start, size)
                size = last - start + 1
        except NoRoomError as reason:
            text = f"{state.device}, {entry.name()}: {reason}"
            conflicts.append(conflict(text, entry.partition, _what_fits(entry, reason, state.sector_size)))
            found.append(entry.but(fits=False))
            continue
        chosen = not (entry.start and entry.size)
        found.append(entry.but(start=start, size=size) if chosen else entry)
    return tuple(found)


def _what_fits(entry: Wanted, reason: NoRoomError, sector_size: int) -> str:
    """What to write for a partition that has no room: as much as there is where it is to start, or elsewhere."""
    room, largest = (sectors * sector_size // MIB for sectors in (reason.room, reason.largest))
    if room:
        rest = "0 for all that is free" if entry.size else "a `startMiB` of the largest free block"
        return f"Set `sizeMiB` to {room} at most, or to {rest}; or name a larger disk"
    if largest:
        return f"Leave `startMiB` out and set `sizeMiB` to {largest} at most, or delete other partitions"
    return "Delete other partitions (`shouldExist: false` with `wipePartitionEntry: true`), or name a larger disk"


def _open_values(item: Wanted, current: Entry | None) -> tuple[int, int]:
    """Start and size to place with; 0 is open. What the config leaves out stays as it is on a partition that may
    not be wiped; what it leaves open (0) was chosen already where an earlier run made the partition."""
    start, size = item.start, item.size
    if current is not None and (item.proven or not item.wipe) and (item.partition.number or item.proven):
        start = current.first if start is None or (item.proven and not start) else start
        size = current.size if size is None or (item.proven and not size) else size
    return start or 0, size or 0


def _step(
    item: Wanted, base: Base, state: DiskState, identity: Identity, conflicts: list[Cause]
) -> Operation | None:
    """The operation for one entry; None, and a conflict, where the entry cannot be had."""
    current = base.table.entries.get(item.number) if base.table is not None else None
    different = decide.differences(current, item.partition, item.start, item.size) if current is not None else []
    resizable = (
        current is not None
        and item.partition.resize is True
        and not decide.differences_but_size(current, item.partition, item.start)
    )
    what = decide.decide(
        present=current is not None,
        should_exist=item.should_exist,
        wipe_entry=item.wipe,
        matches=not different,
        resizable=resizable,
    )
    name = f"{state.device}, {item.name()}"
    if what in decide.MODIFYING and item.number in state.busy_partitions and not base.discards:
        text = f"{name} would have to change, but {state.busy_partitions[item.number]}"
        conflicts.append(conflict(text, item.partition, "Free it before the first boot, or describe it as it is"))
        return None
    if what == decide.REFUSE_PRESENT:
        conflicts.append(conflict(f"{name} exists and must not", item.partition, "Set `wipePartitionEntry: true` to delete it"))
        return None
    if what == decide.REFUSE_MISMATCH:
        text = f"{name} is not as wanted: {'; '.join(different)}"
        conflicts.append(conflict(text, item.partition, _ways_out(item, current)))
        return None
    try:
        return _operation(what, item, current, different, identity)
    except ValueError as problem:
        conflicts.append(conflict(f"{name}: {problem}", item.partition, "Correct the entry"))
        return None


def _ways_out(item: Wanted, current: Entry | None) -> str:
    ways = "Set `wipePartitionEntry: true` to delete it and make it again"
    if current is not None and not decide.differences_but_size(current, item.partition, item.start):
        return ways + ", or `resize: true` to resize it with what it holds"
    return ways + ", or describe it as it is to keep it"


def _operation(
    what: str, item: Wanted, current: Entry | None, different: list[str], identity: Identity
) -> Operation | None:
    """Raises ValueError for a name or type that a table cannot hold."""
    if what == decide.DELETE:
        return operations.Delete(item.number)
    if what == decide.KEEP:
        return operations.Keep(item.number)
    if what == decide.STAY_ABSENT:
        return None
    assert item.start is not None and item.size is not None  # every placed entry has both
    last = item.start + item.size - 1
    if what == decide.RESIZE and current is not None:
        return operations.Resize(item.number, current.but(last=last), current.size)
    partition = item.partition
    name = gpt.encode_name(partition.label or "")
    type_guid = (partition.type_guid or gpt.LINUX_DATA).upper()
    if type_guid == gpt.NO_GUID:
        raise ValueError("a type GUID of zeros marks an entry that is not used")
    guid = (partition.guid or identity.make(entry_role(item.index))).upper()
    entry = gpt.Entry(item.start, last, guid, type_guid, name)
    if what == decide.RECREATE:
        return operations.Recreate(item.number, entry, "; ".join(different))
    return operations.Create(item.number, entry)


def _result(table: Table, steps: Sequence[Operation]) -> Table:
    """The table once the steps are done."""
    after = dict(table.entries)
    for step in steps:
        if isinstance(step, operations.Delete):
            after.pop(step.number, None)
        elif isinstance(step, operations.Create):
            after[step.number] = step.entry
    return table.but(entries=after)


def _finished(plan: DiskPlan, new: bool, table: Table, steps: Sequence[Operation], wanted: Sequence[Wanted]) -> DiskPlan:
    """The plan with the partition steps and the table they result in, which is checked. `new`: `table` is not on the disk yet."""
    created = {step.number for step in steps if type(step) in (operations.Create, operations.Recreate)}
    proven = {entry.number for entry in wanted if entry.proven and entry.should_exist}
    gone = {step.number for step in steps if isinstance(step, operations.Delete | operations.Recreate)}
    plan = plan.but(ours=frozenset(created | proven), remade=plan.remade | gone)
    if new and not any(step.writes for step in steps):
        # A new table would be empty: the reference makes none either.
        kept = tuple(step for step in plan.operations if not isinstance(step, operations.NewTable))
        return plan.but(after=None, operations=kept)
    state, after = plan.state, _result(table, steps)
    plan = plan.but(after=after, operations=(*plan.operations, *steps))
    if not plan.writes:
        return plan
    plan.conflicts += [
        conflict(
            f"{state.device}, partition {number}: the table has room for {table.slots} partitions", plan.entry,
            f"Give it a `number` from 1 to {table.slots}",
        )
        for number in sorted(after.entries)
        if number > table.slots
    ]
    if not plan.conflicts:
        plan.conflicts += [
            conflict(f"{state.device}: {flaw}; such a table is not written", plan.entry, "Correct the disk's `partitions`")
            for flaw in after.flaws(state.sectors)
        ]
    if state.read_only:
        text = f"{state.device} is read-only"
        way = "Switch its write protection off, or attach it for writing; or name another `device`"
        plan.conflicts.append(conflict(text, plan.entry, way))
    return plan
