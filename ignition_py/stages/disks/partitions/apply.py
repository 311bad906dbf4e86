"""The only writer of partition tables: writes a plan, tells the kernel, and verifies what both now say.

The disk's node stays locked (flock, see "Locking Block Device Access" in systemd's documentation) from the first
write to the verification, so that udev does not read a table that is half there or re-read it in between.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping

from ignition_py.report.diag import StageError
from ignition_py.stages.disks.partitions import dm, gpt, kernel, parted_device
from ignition_py.stages.disks.partitions.gpt import Entry, Table, Write
from ignition_py.stages.disks.partitions.inspect import kernel_partitions
from ignition_py.stages.disks.partitions.kernel import KernelChange, KernelPartition
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.system import udev
from ignition_py.system.blkid import probe
from ignition_py.system.log import Log
from ignition_py.system.run import run

BUSY_PATIENCE = 5.0  # seconds; how long a probe of udev's may hold a partition that must go
# Bytes of a partition where signatures can be: of all that blkid knows, the second header of LUKS2 lies deepest (4 MiB), and of those
# at the end ZFS's labels reach farthest (512 KiB).
HEAD, TAIL = 5 << 20, 1 << 20
KERNEL_PATIENCE = 10.0  # seconds; how long partition nodes may come and go after udev has read the table again


def kernel_changes(plan: DiskPlan, now: Mapping[int, KernelPartition]) -> tuple[KernelChange, ...]:
    """What the kernel, which has the partitions `now`, must be told so that it sees `plan.after`: deletions, then resizes
    (shrinking first), then additions."""
    unit = plan.state.sector_size
    goal = {} if plan.after is None else {n: (e.first * unit, e.size * unit) for n, e in plan.after.entries.items()}
    delete, resize, add = [], [], []
    for number, part in sorted(now.items()):
        if number not in goal or number in plan.remade or goal[number][0] != part.start:
            delete.append(KernelChange("delete", number))
        elif goal[number][1] != part.size:
            resize.append(KernelChange("resize", number, *goal[number]))
    gone = {change.number for change in delete}
    for number, (start, size) in sorted(goal.items()):
        if number not in now or number in gone:
            add.append(KernelChange("add", number, start, size))
    resize.sort(key=lambda change: change.size - now[change.number].size)
    return (*delete, *resize, *add)


def apply_plan(log: Log, plan: DiskPlan) -> None:
    """Carries a plan without conflicts out. Raises StageError or CommandError; see docs/disks.md for what is then
    on the disk."""
    state = plan.state
    if plan.after is None and not plan.writes:
        return
    # Without a write the table may be one we would refuse to write: the kernel's view of that is not ours to mend.
    mends = plan.writes or not (plan.after and plan.after.flaws(state.sectors))
    changes = kernel_changes(plan, state.kernel) if mends else ()
    if not plan.writes and not changes:
        return
    try:
        fd = os.open(state.node, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise StageError(f"opening {state.device} for writing: {error.strerror}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if plan.writes:
            _write_plan(log, fd, plan)
        mapped = kernel.device_mapper(os.path.basename(state.node))
        if not mapped:
            _tell_kernel(log, fd, changes, state.device)
        if plan.writes:
            _verify_table(fd, plan)
    finally:
        os.close(fd)
    udev.settle_devices(log, state.node)
    if mapped:
        _tell_mapper(log, plan)
    udev.settle(log)  # and the events of the partitions
    if plan.after is not None:
        verify_kernel(log, plan)


def _write_plan(log: Log, fd: int, plan: DiskPlan) -> None:
    """The sectors of a plan. What new partitions hold goes first: once they are in the table, the next boot's udev would start an array
    or a volume group that it finds there."""
    state = plan.state
    contents = tuple(content_writes(plan))
    if contents:
        write(fd, state.sector_size, contents, state.device)
        _verify_contents(log, plan)
    if plan.discards:
        write(fd, state.sector_size, gpt.wipe_writes(state.reading), state.device)
        # After the table: blkid passes over a signature that a partition covers. `--force`: partitions of mappings count as users.
        command = ["wipefs", "--all", "--force", state.node]
        run(log, command, what=f"removing the signatures of {state.device}")
    if plan.after is not None:
        sector0 = b"" if plan.discards else state.reading.sector0
        write(fd, state.sector_size, gpt.encode(plan.after, state.sectors, sector0), state.device)


def content_writes(plan: DiskPlan) -> Iterator[Write]:
    """Zeros where a signature of a partition of `plan.wipes` can be: at its beginning and at its end."""
    unit = plan.state.sector_size
    for _, entry in _wiped_entries(plan):
        head, tail = (min(size // unit, entry.size) for size in (HEAD, TAIL))
        yield Write("contents", entry.first, bytes(head * unit))
        yield Write("contents", entry.last + 1 - tail, bytes(tail * unit))


def _wiped_entries(plan: DiskPlan) -> list[tuple[int, Entry]]:
    entries = plan.after.entries if plan.after is not None else {}
    return [(number, entries[number]) for number in sorted(plan.wipes)]


def _verify_contents(log: Log, plan: DiskPlan) -> None:
    state, unit = plan.state, plan.state.sector_size
    for number, entry in _wiped_entries(plan):
        found = probe(log, state.node, entry.first * unit, entry.size * unit)
        if found.type or found.ambiguous:
            raise StageError(f"{state.device}: where partition {number} will be there is still {found.describe()} after wiping")


def write(fd: int, sector_size: int, writes: Iterable[Write], device: str) -> None:
    """Writes sectors in order, with a sync before each change of group and at the end. Raises StageError."""
    group = ""
    try:
        for part in writes:
            if group and part.group != group:
                os.fsync(fd)
            group = part.group
            data, at = memoryview(part.data), part.lba * sector_size
            while data:
                done = os.pwrite(fd, data, at)
                data, at = data[done:], at + done
        os.fsync(fd)
    except OSError as error:
        raise StageError(f"writing the partition table of {device}: {error.strerror}") from None


def _tell_kernel(log: Log, fd: int, changes: tuple[KernelChange, ...], device: str) -> None:
    """Partition by partition, so that others of the disk may stay mounted; all at once where the kernel knows no
    other way."""
    for change in changes:
        log.debug(f"kernel, {device}: {change.describe()}")
        try:
            _tell_one(fd, change)
        except OSError as error:
            try:
                kernel.reread_all(fd)
            except OSError:
                raise StageError(
                    f"{device}: the table is written, but the kernel would not {change.action} partition "
                    f"{change.number}, which something uses: {error.strerror}",
                    hint="Reboot: the kernel then reads the new table, and the stage goes on",
                ) from None
            log.info(f"{device}: the kernel has read the whole table again")
            return


def _tell_one(fd: int, change: KernelChange) -> None:
    deadline = time.monotonic() + BUSY_PATIENCE
    while True:
        try:
            if change.action == "delete":
                kernel.delete(fd, change.number)
            elif change.action == "resize":
                kernel.resize(fd, change.number, change.start, change.size)
            else:
                kernel.add(fd, change.number, change.start, change.size)
        except OSError as error:
            if change.action == "delete" and error.errno == errno.ENXIO:
                return
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _tell_mapper(log: Log, plan: DiskPlan) -> None:
    """The same for a device-mapper disk, where rules of udev's (kpartx) may have done it already."""
    disk = os.path.basename(plan.state.node)
    for change in kernel_changes(plan, dm.partitions(log, disk)):
        log.debug(f"device mapper, {plan.state.device}: {change.describe()}")
        dm.change(log, disk, change)
    udev.settle(log)


def _verify_table(fd: int, plan: DiskPlan) -> None:
    """Both copies read back by our own codec, and the table by libparted, must be what was planned."""
    state, table = plan.state, plan.after
    size = state.sector_size
    seen = gpt.read(lambda lba, count: os.pread(fd, count * size, lba * size), size, state.sectors)
    if table is None:
        if seen.primary is not None or seen.backup is not None or seen.mbr != gpt.MBR_NONE:
            raise StageError(f"{state.device}: after wiping there is still a partition table")
        return
    for which, copy in (("primary", seen.primary), ("backup", seen.backup)):
        if copy != table:
            raise StageError(
                f"{state.device}: the {which} table reads back different from what was written",
                hint="Check the disk (smartctl), and that nothing else writes to it",
            )
    _verify_parted(state.node, state.device, table)


def _verify_parted(node: str, device: str, table: Table) -> None:
    expected = {number: (entry.first, entry.last) for number, entry in table.entries.items()}
    seen = parted_device.reread(node)
    found = {part.number: (part.first, part.last) for part in seen}
    names = all(
        part.name is None or part.name == _plain(table.entries[part.number].name)
        for part in seen
        if part.number in expected
    )
    if found != expected or not names:
        raise StageError(f"{device}: libparted reads another table ({found}) than was written ({expected})")


def _plain(name: str) -> str:
    return name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def verify_kernel(log: Log, plan: DiskPlan) -> None:
    """The kernel's partitions must be those of the table. Waits a little: after the device is closed, udev may have
    the kernel read the table again, and for a moment there are no partitions. Raises StageError."""
    assert plan.after is not None
    state = plan.state
    name, unit = os.path.basename(state.node), state.sector_size
    goal = {n: (e.first * unit, e.size * unit) for n, e in plan.after.entries.items()}
    deadline = time.monotonic() + KERNEL_PATIENCE
    while True:
        parts = kernel_partitions(log, name)
        seen = {number: (part.start, part.size) for number, part in parts.items()}
        if seen == goal and all(os.path.exists(f"/dev/{part.name}") for part in parts.values()):
            return
        if time.monotonic() > deadline:
            raise StageError(
                f"{state.device}: the kernel's partitions are not those of the table that was written: "
                f"{_difference(seen, goal)} (bytes: start, size)"
            )
        time.sleep(0.05)


def _difference(seen: dict[int, tuple[int, int]], goal: dict[int, tuple[int, int]]) -> str:
    return (
        "; ".join(
            f"partition {number} is {seen.get(number, 'missing')} instead of {goal.get(number, 'absent')}"
            for number in sorted(set(seen) | set(goal))
            if seen.get(number) != goal.get(number)
        )
        or "a device node is missing"
    )
