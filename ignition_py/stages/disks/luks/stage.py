"""LUKS2 volumes: made or reused by cryptsetup and bound by Clevis, after partitions and RAID and before filesystems.

    stage.py -> missing(), prepare()  before the first write: names, programs, hardware, key files, Tang servers
             -> foresee/              the devices, as far as they are known then
             -> create_all()  found.py (reads) -> plan.py (decides, pure) -> make.py (the only writer)
                              clevis.py (pins), pin_config.py (their configuration), keys.py (key files in /run), cex.py (secure keys)

Source of the behaviour: the reference, measured; cryptsetup(8), clevis-luks-bind(1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ignition_py.context import Context
from ignition_py.report.diag import Cause, IgnitionError
from ignition_py.spec.tables import Luks, Storage
from ignition_py.stages.disks import aliases
from ignition_py.stages.disks.luks import cex as luks_cex
from ignition_py.stages.disks.luks import clevis as luks_clevis
from ignition_py.stages.disks.luks import found as luks_found
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.stages.disks.luks import plan as luks_plan
from ignition_py.stages.disks.luks.make import Maker
from ignition_py.stages.disks.luks.plan import Decision
from ignition_py.stages.disks.luks.prepared import Prepared
from ignition_py.stages.disks.places import conflict
from ignition_py.stages.disks.progress import Progress
from ignition_py.stages.disks.refusal import missing_programs, refuse
from ignition_py.system import udev
from ignition_py.system.host import which
from ignition_py.system.log import Log
from ignition_py.system.parallel import run_all
from ignition_py.system.run import run

_FETCHES = 8  # at a time


def contradictions(storage: Storage) -> list[Cause]:
    """What forbids the volumes on any machine: names, thresholds."""
    if not storage.luks:
        return []
    return [*luks_plan.name_conflicts(storage.luks), *(why for luks in storage.luks for why in luks_clevis.conflicts(luks))]


def missing(storage: Storage) -> list[Cause]:
    """What forbids the volumes on this machine whatever is on its disks: that, programs, hardware."""
    if not storage.luks:
        return []
    found = contradictions(storage)
    needed: dict[str, str] = {}
    for luks in storage.luks:
        needed["cryptsetup"] = "making LUKS volumes"
        needed["blkid"] = "looking at disks"
        if luks.wipe_volume:
            needed["wipefs"] = "removing what is on a device"
        needed.update(luks_clevis.programs(luks))
        needed.update(luks_cex.programs(luks))
        found += luks_cex.conflicts(luks)
    if udev.running():
        needed["udevadm"] = "waiting for udev"
    return found + missing_programs(needed, storage.luks[0])


def prepare(ctx: Context) -> Prepared:
    """Fetches key files and advertisements of all volumes, and looks for the TPM and the device mapper."""
    prepared = Prepared()
    volumes = ctx.config.storage.luks
    if not volumes:
        return prepared
    prepared.conflicts += luks_clevis.hardware(ctx.log, volumes)
    if not _device_mapper(ctx.log):
        text = "LUKS volumes need the kernel's device mapper (dm_crypt), which is not there"
        prepared.conflicts.append(conflict(text, volumes[0], "Build the image's initramfs with the kernel module dm_crypt"))
    fetch(ctx, volumes, prepared)
    return prepared


def _device_mapper(log: Log) -> bool:
    """True if the device mapper is there. Loads dm_crypt where it is a module; cryptsetup would do so later."""
    if which("modprobe"):
        run(log, ["modprobe", "-q", "dm_crypt"], what="loading dm_crypt", ok=range(256))
    with open("/proc/misc", encoding="ascii") as file:
        return "device-mapper" in file.read()


def fetch(ctx: Context, volumes: Sequence[Luks], prepared: Prepared) -> None:
    """Key files and advertisements, side by side: a server that does not answer takes its time. What fails is a conflict."""
    def key(luks: Luks) -> Callable[[], None]:
        def job() -> None:
            prepared.keys[luks.name] = luks_keys.of_config(ctx, luks)

        return job

    def attempt(number: int, job: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                job()
            except IgnitionError as problem:
                problems[number] = Cause(problem.message, problem.place, problem.hint)

        return guarded

    problems: dict[int, Cause] = {}
    jobs = [key(luks) for luks in volumes if luks.key_file.source]
    jobs += [job for luks in volumes for job in luks_clevis.advertisements(ctx, luks, prepared.advertisements)]
    run_all([attempt(number, job) for number, job in enumerate(jobs)], _FETCHES)
    prepared.conflicts += [problems[number] for number in sorted(problems)]


def decide_one(log: Log, luks: Luks, node: str, keys: Mapping[str, bytes], record: Progress) -> Decision:
    """Reads what is on `node`, tries the key where it matters, and decides. Raises StageError or CommandError."""
    found = luks_found.look(log, node, luks)
    return luks_plan.decide(luks, found, record, lambda: luks_found.opens(log, node, luks, keys[luks.name]))


def create_all(ctx: Context, prepared: Prepared, record: Progress) -> None:
    """Makes, reuses or keeps every volume; its node below /dev/mapper is there then. Raises StageError (all
    conflicts at once), CommandError or FetchError."""
    volumes = ctx.config.storage.luks
    if not volumes:
        return
    log = ctx.log
    udev.wait_for(log, {luks.device or "": luks.place() for luks in volumes})
    todo: list[tuple[Luks, Decision, str]] = []
    conflicts = []
    for luks in volumes:
        alias, node = aliases.make(luks.device or "")
        log.info(f"disks: {alias} -> {node}")
        decision = decide_one(log, luks, node, prepared.keys, record)
        log.info(f"disks: plan for LUKS volume {luks.name} on {luks.device}: {decision.action}: {decision.why}")
        if decision.action == "refuse":
            conflicts.append(conflict(decision.why, luks, decision.hint))
        if node in [other for _, _, other in todo]:
            text = f"{luks.device} is the device of two LUKS volumes"
            conflicts.append(conflict(text, luks, "Give one of them another `device`"))
        todo.append((luks, decision, node))
    refuse(conflicts, "partition tables and RAID arrays, and no LUKS volume")
    maker = Maker(ctx, prepared, record)
    maker.carry_out(todo)
    ctx.state.luks_persist_key_files = maker.persist
    ctx.state.luks_persist_volume_key_files = maker.persist_volume_keys
