"""RAID arrays: made by mdadm with the reference's arguments, after the partitions and before LUKS and filesystems.

The config has no word for wiping a RAID member, so a member must be empty, or a partition that this config provably made
(`identity.py`). An array that an earlier run made of such partitions, and that udev has started since, is kept.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from ignition_py.report.diag import Cause
from ignition_py.spec.tables import Raid, Storage
from ignition_py.stages.disks import aliases, leftovers, progress
from ignition_py.stages.disks.partitions import kernel
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.stages.disks.places import AskedBy, conflict
from ignition_py.stages.disks.progress import Progress
from ignition_py.stages.disks.refusal import missing_programs, refuse
from ignition_py.system import udev
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log
from ignition_py.system.parallel import run_all
from ignition_py.system.run import run

MAKING, MADE = "raid-making", "raid"  # facts of the progress record


def missing(storage: Storage) -> list[Cause]:
    """What forbids the arrays whatever is on the disks."""
    if not storage.raid:
        return []
    needed = {"mdadm": "making RAID arrays", "wipefs": "emptying RAID arrays"}
    return [*missing_programs(needed, storage.raid[0]), *contradictions(storage)]


def contradictions(storage: Storage) -> list[Cause]:
    """What forbids the arrays on any machine."""
    return [
        conflict(
            f"the RAID array {array.name} has {len(array.devices)} devices, all of them spares",
            array, f"Give it more devices, or set `spares` to {len(array.devices) - 1} at most",
        )
        for array in storage.raid
        if len(array.devices) - (array.spares or 0) < 1
    ]  # fmt: skip


def node_of(name: str) -> str:
    """The path at which an array appears."""
    return name if name.startswith("/dev") else f"/dev/md/{name}"


def create_command(array: Raid) -> list[str]:
    """The mdadm command; `homehost any` makes the name independent of the machine's."""
    spares = array.spares or 0
    command = ["mdadm", "--create", array.name, "--force", "--run", "--homehost", "any", "--level", array.level or ""]
    command += ["--raid-devices", str(len(array.devices) - spares)]
    if spares > 0:
        command += ["--spare-devices", str(spares)]
    return [*command, *array.options, *(aliases.alias_of(device) for device in array.devices)]


def create_all(log: Log, storage: Storage, plans: Sequence[DiskPlan], record: Progress) -> None:
    """Makes every array that is not there yet. Raises StageError (all conflicts at once) or CommandError."""
    if not storage.raid:
        return
    members = {device: array.place() for array in storage.raid for device in array.devices}
    udev.wait_for(log, members)
    for device in members:
        alias, node = aliases.make(device)
        log.info(f"disks: {alias} -> {node}")
    udev.settle(log)  # it may be putting an older array of these members together
    todo, conflicts = [], []
    for array in storage.raid:
        if made_and_running(log, array, plans, record):
            log.info(f"disks: the RAID array {array.name} was made by an earlier run and is kept")
            udev.wait_for(log, {node_of(array.name): array.place()})
            continue
        _stop_leftovers(log, array, plans)
        todo.append(array)
        conflicts += _conflicts(log, array, plans)
    refuse(conflicts, "the partition tables, and no RAID array")
    run_all([partial(_create, log, array, record) for array in todo], os.cpu_count() or 1, stop_on_error=True)


def made_and_running(log: Log, array: Raid, plans: Sequence[DiskPlan], record: Progress) -> bool:
    """True if an earlier run of this config made the array, and it is running."""
    nodes = [aliases.real_of(device) for device in array.devices]
    holders = {tuple(kernel.holders(os.path.basename(node))) for node in nodes}
    if len(holders) != 1 or len(next(iter(holders))) != 1:
        return False
    md = next(iter(holders))[0]
    if not kernel.array_runs(md):
        return False
    if record.has(*_fact(array)):
        return True
    if record.has(*_fact(array, MAKING)):
        return False  # killed before its contents were wiped
    return all(proven(node, plans) for node in nodes) and _name(log, md) == os.path.basename(array.name)


def stoppable(array: Raid, plans: Sequence[DiskPlan]) -> list[str]:
    """What udev has put together ("md127") of what the members hold, an old array or one that a run had begun when it was cut off:
    arrays on nothing but members that this config made, and that nobody uses."""
    nodes = [aliases.real_of(device) for device in array.devices]
    if not all(proven(node, plans) for node in nodes):
        return []
    names = {os.path.basename(node) for node in nodes}
    found = sorted({md for name in names for md in kernel.holders(name) if md.startswith("md")})
    return [md for md in found if set(kernel.members(md)) <= names and not kernel.in_use(md)]


def _stop_leftovers(log: Log, array: Raid, plans: Sequence[DiskPlan]) -> None:
    for md in stoppable(array, plans):
        log.info(f"disks: stopping {md}, which udev has put together of what the members of the RAID array {array.name} held")
        run(log, ["mdadm", "--stop", f"/dev/{md}"], what=f"stopping {md}, which holds members of the RAID array {array.name}")
        udev.settle(log)


def _name(log: Log, md: str) -> str:
    """The name in an array's superblock, without its home host."""
    done = run(log, ["mdadm", "--detail", "--export", f"/dev/{md}"], what=f"reading what the RAID array {md} is")
    values = dict(line.partition("=")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines())
    return values.get("MD_NAME", "").rpartition(":")[2]


def proven(node: str, plans: Sequence[DiskPlan]) -> bool:
    """True if `node` is a partition that this config made, now or in a run that was cut off."""
    disk, number = kernel.whole_disk(os.path.basename(node))
    return any(os.path.basename(plan.state.node) == disk and number in plan.ours for plan in plans)


def _conflicts(log: Log, array: Raid, plans: Sequence[DiskPlan]) -> list[Cause]:
    found = []
    for device in array.devices:
        node = aliases.real_of(device)
        busy = kernel.in_use(os.path.basename(node))
        signature = Signature() if busy else probe(log, node)
        found.append(member_conflict(array, device, busy, signature, proven=proven(node, plans)))
    return [why for why in found if why]


def member_conflict(array: Raid, device: str, busy: str, found: Signature, *, proven: bool) -> Cause | None:
    """Why a device that is `busy` and holds `found` cannot become part of the array; None where it can. `proven`: this config
    made the device."""
    if busy:
        return conflict(
            f"{device} cannot become part of the RAID array {array.name}: {busy}", array,
            f"Name another device, or stop what uses {device} before the first boot",
        )  # fmt: skip
    if (found.type or found.ambiguous or found.table) and not proven:
        return conflict(
            f"{device} cannot become part of the RAID array {array.name}: it holds {found.describe()}", array,
            "To destroy that, set `wipeTable: true` on its disk, which makes the partition anew, "
            f"or run wipefs --all {device}; to keep it, name another device",
        )  # fmt: skip
    return None


def capacity(array: Raid, sizes: Sequence[int]) -> int:
    """About how many bytes an array of members of these sizes has; metadata is not taken off (md(4))."""
    active = len(sizes) - (array.spares or 0)
    if active < 1:
        return 0
    level, least = (array.level or "").removeprefix("raid"), min(sizes)
    if level in ("linear", "0", "stripe"):
        return sum(sizes[:active])
    if level in ("1", "mirror"):
        return least
    if level == "10":
        return least * active // 2
    return least * max(active - (2 if level == "6" else 1), 1)


def _fact(array: Raid, state: str = MADE) -> tuple[str, str, str]:
    return (state, progress.word(array.name), progress.digest(array))


def _create(log: Log, array: Raid, record: Progress) -> None:
    record.add(*_fact(array, MAKING))
    with log.step(f"disks: making the RAID array {array.name} ({array.level}) of {', '.join(array.devices)}"):
        with AskedBy(array, "See what mdadm says; `level`, `devices`, `spares` and `options` of the array go to it as they are"):
            run(log, create_command(array), what=f"making the RAID array {array.name}")
            udev.wait_for(log, {node_of(array.name): array.place()})
        _empty(log, array)
        # Else udev may go on taking a member for what it was: lsblk, dracut's hooks and others believe it.
        udev.settle_devices(log, *map(aliases.alias_of, array.devices))
    record.add(*_fact(array))


def _empty(log: Log, array: Raid) -> None:
    """Removes the signatures of a new array. Where it lies as an older one did, it holds what that one held, and udev may have
    started a volume group in it."""
    node = os.path.realpath(node_of(array.name))
    leftovers.stop(log, [os.path.basename(node)])
    found = probe(log, node)
    if found.type or found.ambiguous or found.table:
        log.info(f"disks: the new RAID array {array.name} shows {found.describe()} of an older one, which is wiped")
        run(log, ["wipefs", "--all", node], what=f"removing what an older array has left in the RAID array {array.name}")
