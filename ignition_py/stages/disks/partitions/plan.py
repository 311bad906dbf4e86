"""From (the disk's entry in the config, what is there) to a plan: pure, nothing is read or written here.

`base.py` chooses the table to start from; this file gives partitions their numbers and places, asks `decide.py`
about each, and collects every conflict instead of stopping at the first.
"""

from __future__ import annotations

from ignition_py.stages.disks.identity import entry_role
from ignition_py.stages.disks.partitions import decide, gpt, operations
from ignition_py.stages.disks.partitions.allocate import NoRoomError, Space, alignment, mib_sectors
from ignition_py.stages.disks.partitions.base import Base, choose
from ignition_py.stages.disks.places import at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.spec.tables import Disk, Partition
    from ignition_py.stages.disks.identity import Identity
    from ignition_py.stages.disks.partitions.gpt import Entry, Table
    from ignition_py.stages.disks.partitions.inspect import DiskState
    from ignition_py.stages.disks.partitions.operations import Operation


class Wanted:
    """One partition entry of the config. `number` is final; `start`/`size` in sectors, None: does not matter.

    `proven`: the partition of this number was made by an earlier run for this very entry.
    """

    __slots__ = ("index", "number", "partition", "proven", "size", "start")

    def __init__(self, partition: Partition, index: int, sector_size: int) -> None:
        self.partition = partition
        self.index = index
        self.number = partition.number
        self.proven = False
        self.start = None if partition.start_mib is None else mib_sectors(partition.start_mib, sector_size)
        self.size = None if partition.size_mib is None else mib_sectors(partition.size_mib, sector_size)

    @property
    def should_exist(self) -> bool:
        return self.partition.should_exist is not False

    @property
    def wipe(self) -> bool:
        return self.partition.wipe_partition_entry is True

    def name(self) -> str:
        label = self.partition.label
        return f"partition {self.number}" + (f' ("{label}")' if label else "") + at(self.partition)


class DiskPlan:
    """What will be done to one disk.

    `entry` is the config's. `after` is the table it will have (None: no GPT). `conflicts` is why it cannot be done; then nothing may be.
    `remade` are the numbers whose contents the kernel must forget; `ours` those that this config provably made or
    makes.
    """

    __slots__ = ("after", "before", "conflicts", "entry", "operations", "ours", "remade", "state", "warnings")

    def __init__(self, entry: Disk, state: DiskState, base: Base) -> None:
        self.entry = entry
        self.state = state
        self.before = base.table
        self.after = base.table
        self.conflicts: list[str] = list(base.conflicts)
        self.warnings: list[str] = list(base.warnings)
        self.operations: tuple[Operation, ...] = base.operations
        self.remade: frozenset[int] = frozenset(state.kernel) if base.discards else frozenset()
        self.ours: frozenset[int] = frozenset()

    @property
    def writes(self) -> bool:
        """Will the table sectors be written?"""
        return any(operation.writes for operation in self.operations)


def plan_disk(disk: Disk, state: DiskState, identity: Identity, *, done: bool = False) -> DiskPlan:
    """The plan for one disk. `done`: the progress record proves that this run of the machine has written the table
    that is there, so it is kept as it is (and `wipeTable` is not obeyed a second time)."""
    base = choose(disk, state, identity, done=done)
    plan = DiskPlan(disk, state, base)
    if state.busy:
        plan.conflicts.append(f"{state.device} is in use itself: {state.busy}")
    if base.table is None or plan.conflicts:
        return plan
    wanted = [
        Wanted(partition, index, state.sector_size) for index, partition in enumerate(zeros_last(disk.partitions))
    ]
    _number(wanted, base.table, identity, all_proven=done)
    placed = _place(wanted, base.table, plan)
    after = dict(base.table.entries)
    steps = []
    for item in wanted:
        if not item.should_exist and any(other.should_exist and other.number == item.number for other in wanted):
            continue  # its number goes to a partition that exists, whose own entry decides
        step = _step(item, placed, base.table, plan, identity)
        if step is not None:
            steps.append(step)
            _update(after, step)
    _finish(plan, base, steps, after, wanted)
    return plan


def zeros_last(partitions: Sequence[Partition]) -> list[Partition]:
    """Partitions with a number of their own first: number 0 takes what they leave."""
    return sorted(partitions, key=lambda partition: partition.number == 0)


def _number(wanted: Sequence[Wanted], table: Table, identity: Identity, *, all_proven: bool) -> None:
    """Gives entries of number 0 theirs: the partition an earlier run made for them, else the next free number."""
    listed = {item.number for item in wanted if item.number}
    taken = {item.number for item in wanted if item.number and item.should_exist}
    used = (set(table.entries) - listed) | taken
    for item in wanted:
        role = entry_role(item.index)
        if item.number:
            entry = table.entries.get(item.number)
            item.proven = entry is not None and (all_proven or identity.made_here(entry.guid, role))
            continue
        item.number = next(
            (
                number
                for number, entry in table.entries.items()
                if number not in taken
                and (
                    identity.made_here(entry.guid, role)
                    or (
                        bool(item.partition.guid)
                        and entry.guid == (item.partition.guid or "").upper()
                        and number not in listed
                    )
                )
            ),
            0,
        )
        if item.number:
            entry = table.entries[item.number]
            item.proven = all_proven or identity.made_here(entry.guid, role)
            used.add(item.number)
            taken.add(item.number)
    free = 1
    for item in wanted:
        if not item.number and item.should_exist:
            while free in used:
                free += 1
            item.number = free
            used.add(free)


def _place(wanted: Sequence[Wanted], table: Table, plan: DiskPlan) -> dict[int, tuple[int, int]]:
    """Start and size for every partition that shall exist, as if all partitions of the config were made anew in
    order."""
    state = plan.state
    mentioned = {item.number for item in wanted}
    step = alignment((entry.first for entry in table.entries.values()), state.sector_size, state.sectors)
    space = Space(
        table.first_usable,
        table.last_usable,
        step,
        [(e.first, e.last) for number, e in table.entries.items() if number not in mentioned],
    )
    placed: dict[int, tuple[int, int]] = {}
    for item in wanted:
        if not item.should_exist:
            continue
        start, size = _open_values(item, table.entries.get(item.number))
        there = table.entries.get(item.number)
        try:
            if there is not None and (start, size) == (there.first, there.size) and space.is_free(start, there.last):
                space.take(start, there.last)  # stays where it is, aligned or not
            else:
                first, last = space.place(start, size)
                start, size = first, last - first + 1
        except NoRoomError as reason:
            plan.conflicts.append(f"{state.device}, {item.name()}: {reason}")
            continue
        if not (item.start and item.size):
            item.start, item.size = start, size
        placed[item.index] = (start, size)
    return placed


def _open_values(item: Wanted, there: Entry | None) -> tuple[int, int]:
    """Start and size to place with; 0 is open. What the config leaves out stays as it is on a partition that may
    not be wiped; what it leaves open (0) was chosen already where an earlier run made the partition."""
    start, size = item.start, item.size
    if there is not None and (item.proven or not item.wipe) and (item.partition.number or item.proven):
        start = there.first if start is None or (item.proven and not start) else start
        size = there.size if size is None or (item.proven and not size) else size
    return start or 0, size or 0


def _step(
    item: Wanted, placed: dict[int, tuple[int, int]], table: Table, plan: DiskPlan, identity: Identity
) -> Operation | None:
    """The operation for one entry; conflicts go to the plan."""
    there = table.entries.get(item.number)
    if item.should_exist and item.index not in placed:
        return None  # no room; the conflict is noted
    different = decide.differences(there, item.partition, item.start, item.size) if there is not None else []
    resizable = (
        there is not None
        and item.partition.resize is True
        and not decide.differences_but_size(there, item.partition, item.start)
    )
    what = decide.decide(
        present=there is not None,
        should_exist=item.should_exist,
        wipe_entry=item.wipe,
        matches=not different,
        resizable=resizable,
    )
    device = plan.state.device
    if what in decide.MODIFYING and item.number in plan.state.busy_partitions:
        plan.conflicts.append(
            f"{device}, {item.name()} would have to change, but {plan.state.busy_partitions[item.number]}"
        )
        return None
    if what == decide.REFUSE_PRESENT:
        plan.conflicts.append(
            f"{device}, {item.name()} exists and must not. `wipePartitionEntry: true` would have it deleted"
        )
        return None
    if what == decide.REFUSE_MISMATCH:
        plan.conflicts.append(
            f"{device}, {item.name()} is not as wanted: {'; '.join(different)}. {_ways_out(item, there)}"
        )
        return None
    return _operation(what, item, there, different, plan, identity)


def _ways_out(item: Wanted, there: Entry | None) -> str:
    ways = "`wipePartitionEntry: true` would have it deleted and made again"
    if there is not None and not decide.differences_but_size(there, item.partition, item.start):
        return ways + ", `resize: true` would have it resized"
    return ways


def _operation(
    what: str, item: Wanted, there: Entry | None, different: list[str], plan: DiskPlan, identity: Identity
) -> Operation | None:
    if what == decide.DELETE:
        return operations.Delete(item.number)
    if what == decide.KEEP:
        return operations.Keep(item.number)
    if what == decide.STAY_ABSENT:
        return None
    assert item.start is not None and item.size is not None  # every placed entry has both
    last = item.start + item.size - 1
    if what == decide.RESIZE and there is not None:
        entry = gpt.Entry(there.first, last, there.guid, there.type_guid, there.raw_name, there.attributes)
        return operations.Resize(item.number, entry, there.size)
    partition = item.partition
    try:
        name = gpt.encode_name(partition.label or "")
    except ValueError as error:
        plan.conflicts.append(f"{plan.state.device}, {item.name()}: {error}")
        return None
    type_guid = (partition.type_guid or gpt.LINUX_DATA).upper()
    if type_guid == gpt.NO_GUID:
        plan.conflicts.append(
            f"{plan.state.device}, {item.name()}: a type GUID of zeros marks an entry that is not used"
        )
        return None
    guid = (partition.guid or identity.make(entry_role(item.index))).upper()
    entry = gpt.Entry(item.start, last, guid, type_guid, name)
    if what == decide.RECREATE:
        return operations.Recreate(item.number, entry, "; ".join(different))
    return operations.Create(item.number, entry)


def _update(after: dict[int, Entry], step: Operation) -> None:
    if isinstance(step, operations.Delete):
        after.pop(step.number, None)
    elif isinstance(step, operations.Create):
        after[step.number] = step.entry


def _finish(
    plan: DiskPlan,
    base: Base,
    steps: list[Operation],
    after: dict[int, Entry],
    wanted: Sequence[Wanted],
) -> None:
    """Adds the partition steps to the plan, with the table they result in, and checks that table."""
    state, table = plan.state, base.table
    assert table is not None
    changed = any(step.writes for step in steps)
    plan.after = table.but(entries=after)
    plan.ours = frozenset(
        step.number for step in steps if type(step) in (operations.Create, operations.Recreate)
    ) | frozenset(item.number for item in wanted if item.proven and item.should_exist)
    plan.remade |= frozenset(
        step.number for step in steps if isinstance(step, operations.Delete | operations.Recreate)
    )
    if not changed and base.new:
        plan.after = None  # a new table would be empty: the reference makes none either
        plan.operations = tuple(step for step in base.operations if not isinstance(step, operations.NewTable))
        return
    plan.operations = (*base.operations, *steps)
    if not plan.writes:
        return
    for number in sorted(after):
        if number > table.slots:
            plan.conflicts.append(
                f"{state.device}, partition {number}: the table has room for {table.slots} partitions"
            )
    if not plan.conflicts:
        plan.conflicts += [
            f"{state.device}: {flaw}; such a table is not written" for flaw in plan.after.flaws(state.sectors)
        ]
    if state.read_only:
        plan.conflicts.append(f"{state.device} is read-only")
    if plan.after.backup != state.sectors - 1:  # the disk has grown since the table was made
        plan.after = plan.after.but(
            backup=state.sectors - 1, last_usable=state.sectors - 2 - plan.after.entries_sectors
        )
