"""LUKS2 volumes: made or reused by cryptsetup and bound by Clevis, after partitions and RAID and before filesystems.

    stage.py -> prepare()     before the first write: programs, hardware, key files, Tang servers, devices that are there
             -> create_all()  luks_found.py (reads) -> luks_plan.py (decides, pure) -> luks_make.py (the only writer)
                              luks_clevis.py (pins), luks_keys.py (key files in /run), luks_cex.py (secure keys)

Volumes are made one after the other: each takes half of the memory for its key derivation, and measures it first.
Source of the behaviour: the reference, measured; cryptsetup(8), clevis-luks-bind(1).
"""

from __future__ import annotations

import os

from ignition_py.diag import IgnitionError
from ignition_py.stages.disks import aliases, kernel, progress
from ignition_py.stages.disks.places import at
from ignition_py.system import udev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ignition_py.context import Context
    from ignition_py.spec.tables import Luks, Storage
    from ignition_py.stages.disks.luks_plan import Decision
    from ignition_py.stages.disks.plan import DiskPlan
    from ignition_py.stages.disks.progress import Progress
    from ignition_py.system.log import Log

MAKING, MADE = "luks-making", "luks-made"  # facts of the progress record


class Prepared:
    """What was found out before the first write: conflicts, keys that the config gives, Tang advertisements by URL."""

    __slots__ = ("advertisements", "conflicts", "keys")

    def __init__(self) -> None:
        self.conflicts: list[str] = []
        self.keys: dict[str, bytes] = {}
        self.advertisements: dict[str, Any] = {}


def missing(storage: Storage) -> list[str]:
    """What forbids the volumes whatever is on the disks: names, programs, hardware, thresholds; one sentence each."""
    if not storage.luks:
        return []
    from ignition_py.stages.disks import luks_cex, luks_clevis, luks_plan
    from ignition_py.system.tools import which

    found = luks_plan.name_conflicts(storage.luks)
    needed: dict[str, str] = {}
    for luks in storage.luks:
        needed["cryptsetup"] = "making LUKS volumes"
        needed["blkid"] = "looking at disks"
        if luks.wipe_volume:
            needed["wipefs"] = "removing what is on a device"
        needed.update(luks_clevis.programs(luks))
        needed.update(luks_cex.programs(luks))
        found += luks_clevis.conflicts(luks)
        found += luks_cex.conflicts(luks)
    if udev.running():
        needed["udevadm"] = "waiting for udev"
    found += [
        f"the program {tool} is needed for {why}, but is not on PATH"
        for tool, why in sorted(needed.items())
        if not which(tool)
    ]
    return found


def prepare(ctx: Context, plans: Sequence[DiskPlan], record: Progress) -> Prepared:
    """Fetches key files and advertisements, and looks at devices that partitioning will not change."""
    prepared = Prepared()
    volumes = ctx.config.storage.luks
    if not volumes:
        return prepared
    from ignition_py.stages.disks import luks_clevis
    from ignition_py.system.tools import which

    prepared.conflicts += luks_clevis.hardware(ctx.log, volumes)
    if not _device_mapper(ctx.log):
        prepared.conflicts.append("LUKS volumes need the kernel's device mapper (dm_crypt), which is not there")
    for luks in volumes:
        try:
            _fetch(ctx, luks, prepared)
            if which("cryptsetup") and _settled(ctx.config.storage, luks, plans):
                decision = decide_one(ctx.log, luks, os.path.realpath(luks.device or ""), prepared, record)
                if decision.action == "refuse":
                    prepared.conflicts.append(decision.why)
        except IgnitionError as problem:
            prepared.conflicts.append(str(problem))
    return prepared


def _device_mapper(log: Log) -> bool:
    """Is the device mapper there? Loads dm_crypt where it is a module; cryptsetup would do so later."""
    from ignition_py.system.run import run
    from ignition_py.system.tools import which

    if which("modprobe"):
        run(log, ["modprobe", "-q", "dm_crypt"], what="loading dm_crypt", ok=range(256))
    with open("/proc/misc", encoding="ascii") as file:
        return "device-mapper" in file.read()


def _fetch(ctx: Context, luks: Luks, prepared: Prepared) -> None:
    """Key file and advertisements of a volume. Raises FetchError, StageError."""
    from ignition_py.stages.disks import luks_clevis, luks_keys

    if luks.key_file.source:
        prepared.keys[luks.name] = luks_keys.given(ctx, luks)
    prepared.advertisements.update(luks_clevis.advertisements(ctx, luks))


def _settled(storage: Storage, luks: Luks, plans: Sequence[DiskPlan]) -> bool:
    """Is the volume's device there already, and will nothing before LUKS change it?"""
    device = luks.device or ""
    if storage.raid or not udev.ready(device):
        return False
    name = os.path.basename(os.path.realpath(device))
    disk, number = kernel.whole_disk(name)
    written = {os.path.basename(plan.state.node): plan for plan in plans if plan.writes}
    plan = written.get(disk or name)
    if plan is None:
        return not (written and device.startswith("/dev/disk/by-part"))  # that link may go to another partition
    if not disk or plan.before is None or plan.after is None or number in plan.remade:
        return False
    kept = plan.before.entries.get(number)
    return kept is not None and kept == plan.after.entries.get(number)


def fact(luks: Luks) -> tuple[str, str]:
    from ignition_py.stages.disks.luks_found import mangled

    return progress.word(mangled(luks.name)), progress.digest(luks)


def decide_one(log: Log, luks: Luks, node: str, prepared: Prepared, record: Progress) -> Decision:
    """Reads what is on `node`, tries the key where it matters, and decides. Raises StageError or CommandError."""
    from ignition_py.stages.disks import luks_found, luks_plan

    found = luks_found.look(log, node, luks)
    unfinished = ""
    if record.has(MAKING, *fact(luks)) and not record.has(MADE, *fact(luks)):
        unfinished = "an earlier run of this boot was interrupted while making it"
    elif found.marker == luks_found.marker_of(luks):
        unfinished = "an earlier boot with this config was cut off before the volume was handed over"
    made = record.has(MADE, *fact(luks))
    decision = luks_plan.plan_volume(luks, found, made=made, unfinished=unfinished)
    if decision.action == "reuse" and not luks_found.opens(log, node, luks, prepared.keys[luks.name]):
        return luks_plan.refused(luks, found, ["the key file of the config does not open it"])
    return decision


def create_all(ctx: Context, prepared: Prepared, record: Progress) -> None:
    """Makes, reuses or keeps every volume; its node below /dev/mapper is there then. Raises StageError (all
    conflicts at once), CommandError or FetchError."""
    volumes = ctx.config.storage.luks
    if not volumes:
        return
    from ignition_py.stages.disks.luks_make import Maker
    from ignition_py.stages.disks.refusal import refuse

    log = ctx.log
    udev.wait_for(log, [luks.device or "" for luks in volumes])
    todo: list[tuple[Luks, Decision, str]] = []
    conflicts = []
    for luks in volumes:
        alias, node = aliases.make(luks.device or "")
        log.info(f"disks: {alias} -> {node}")
        decision = decide_one(log, luks, node, prepared, record)
        log.info(f"disks: plan for LUKS volume {luks.name} on {luks.device}: {decision.action}: {decision.why}")
        if decision.action == "refuse":
            conflicts.append(decision.why)
        if node in [other for _, _, other in todo]:
            conflicts.append(f"{luks.device} is the device of two LUKS volumes{at(luks)}")
        todo.append((luks, decision, node))
    refuse(conflicts, "No LUKS volume has been changed")
    maker = Maker(ctx, prepared, record)
    for luks, decision, node in todo:
        maker.carry_out(luks, decision, node)
    ctx.state.luks_persist_key_files = maker.persist
    ctx.state.luks_persist_volume_key_files = maker.persist_volume_keys
