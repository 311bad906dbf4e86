"""LUKS2 volumes: made or reused by cryptsetup and bound by Clevis, after partitions and RAID and before filesystems.

    stage.py -> missing(), prepare()  before the first write: names, programs, hardware, key files, Tang servers
             -> foresee.py            the devices, as far as they are known then
             -> create_all()  luks_found.py (reads) -> luks_plan.py (decides, pure) -> luks_make.py (the only writer)
                              luks_clevis.py (pins), luks_keys.py (key files in /run), luks_cex.py (secure keys)

Source of the behaviour: the reference, measured; cryptsetup(8), clevis-luks-bind(1).
"""

from __future__ import annotations

from ignition_py.report.diag import IgnitionError
from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.places import at
from ignition_py.system import udev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ignition_py.context import Context
    from ignition_py.spec.tables import Luks, Storage
    from ignition_py.stages.disks.luks.found import Found
    from ignition_py.stages.disks.luks.plan import Decision
    from ignition_py.stages.disks.progress import Progress
    from ignition_py.system.log import Log

MAKING, MADE = "luks-making", "luks-made"  # facts of the progress record
_FETCHES = 8  # at a time


class Prepared:
    """What was found out before the first write: conflicts, keys that the config gives, by volume, Tang advertisements by URL."""

    __slots__ = ("advertisements", "conflicts", "keys")

    def __init__(self) -> None:
        self.conflicts: list[str] = []
        self.keys: dict[str, bytes] = {}
        self.advertisements: dict[str, Any] = {}


def contradictions(storage: Storage) -> list[str]:
    """What forbids the volumes on any machine: names, thresholds; one sentence each."""
    if not storage.luks:
        return []
    from ignition_py.stages.disks.luks import clevis as luks_clevis
    from ignition_py.stages.disks.luks import plan as luks_plan

    return [*luks_plan.name_conflicts(storage.luks), *(why for luks in storage.luks for why in luks_clevis.conflicts(luks))]


def missing(storage: Storage) -> list[str]:
    """What forbids the volumes on this machine whatever is on its disks: that, programs, hardware; one sentence each."""
    if not storage.luks:
        return []
    from ignition_py.stages.disks.luks import cex as luks_cex
    from ignition_py.stages.disks.luks import clevis as luks_clevis
    from ignition_py.system.host import which

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
    found += [
        f"the program {tool} is needed for {why}, but is not on PATH"
        for tool, why in sorted(needed.items())
        if not which(tool)
    ]
    return found


def prepare(ctx: Context) -> Prepared:
    """Fetches key files and advertisements of all volumes, and looks for the TPM and the device mapper."""
    prepared = Prepared()
    volumes = ctx.config.storage.luks
    if not volumes:
        return prepared
    from ignition_py.stages.disks.luks import clevis as luks_clevis

    prepared.conflicts += luks_clevis.hardware(ctx.log, volumes)
    if not _device_mapper(ctx.log):
        prepared.conflicts.append("LUKS volumes need the kernel's device mapper (dm_crypt), which is not there")
    fetch(ctx, volumes, prepared)
    return prepared


def _device_mapper(log: Log) -> bool:
    """Is the device mapper there? Loads dm_crypt where it is a module; cryptsetup would do so later."""
    from ignition_py.system.host import which
    from ignition_py.system.run import run

    if which("modprobe"):
        run(log, ["modprobe", "-q", "dm_crypt"], what="loading dm_crypt", ok=range(256))
    with open("/proc/misc", encoding="ascii") as file:
        return "device-mapper" in file.read()


def fetch(ctx: Context, volumes: Sequence[Luks], prepared: Prepared) -> None:
    """Key files and advertisements, side by side: a server that does not answer takes its time. What fails is a conflict."""
    from ignition_py.stages.disks.luks import clevis as luks_clevis
    from ignition_py.stages.disks.luks import keys as luks_keys
    from ignition_py.system.parallel import run_all

    def key(luks: Luks) -> Callable[[], None]:
        def job() -> None:
            prepared.keys[luks.name] = luks_keys.given(ctx, luks)

        return job

    def attempt(number: int, job: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                job()
            except IgnitionError as problem:
                problems[number] = str(problem)

        return run

    problems: dict[int, str] = {}
    jobs = [key(luks) for luks in volumes if luks.key_file.source]
    jobs += [job for luks in volumes for job in luks_clevis.advertisements(ctx, luks, prepared.advertisements)]
    run_all([attempt(number, job) for number, job in enumerate(jobs)], _FETCHES)
    prepared.conflicts += [problems[number] for number in sorted(problems)]


def fact(luks: Luks) -> tuple[str, str]:
    from ignition_py.stages.disks.luks.found import mangled

    return progress.word(mangled(luks.name)), progress.digest(luks)


def decide_one(log: Log, luks: Luks, node: str, keys: Mapping[str, bytes], record: Progress) -> Decision:
    """Reads what is on `node`, tries the key where it matters, and decides. Raises StageError or CommandError."""
    from ignition_py.stages.disks.luks import found as luks_found

    found = luks_found.look(log, node, luks)
    return decide(luks, found, record, lambda: luks_found.opens(log, node, luks, keys[luks.name]))


def decide(luks: Luks, found: Found, record: Progress, opens: Callable[[], bool | None]) -> Decision:
    """Decides about a device that holds `found`. `opens`: does the key of the config open it? None: nobody can say yet."""
    from ignition_py.stages.disks.luks import found as luks_found
    from ignition_py.stages.disks.luks import plan as luks_plan

    unfinished = ""
    if record.has(MAKING, *fact(luks)) and not record.has(MADE, *fact(luks)):
        unfinished = "an earlier run of this boot was interrupted while making it"
    elif found.marker == luks_found.marker_of(luks):
        unfinished = "an earlier boot with this config was cut off before the volume was handed over"
    made = record.has(MADE, *fact(luks))
    decision = luks_plan.plan_volume(luks, found, made=made, unfinished=unfinished)
    if decision.action != "reuse":
        return decision
    fits = opens()
    if fits is None:
        return luks_plan.Decision("unknown", "reused if its key file opens it, else refused")
    return decision if fits else luks_plan.refused(luks, found, ["the key file of the config does not open it"])


def create_all(ctx: Context, prepared: Prepared, record: Progress) -> None:
    """Makes, reuses or keeps every volume; its node below /dev/mapper is there then. Raises StageError (all
    conflicts at once), CommandError or FetchError."""
    volumes = ctx.config.storage.luks
    if not volumes:
        return
    from ignition_py.stages.disks.luks.make import Maker
    from ignition_py.stages.disks.refusal import refuse

    log = ctx.log
    udev.wait_for(log, [luks.device or "" for luks in volumes])
    todo: list[tuple[Luks, Decision, str]] = []
    conflicts = []
    for luks in volumes:
        alias, node = aliases.make(luks.device or "")
        log.info(f"disks: {alias} -> {node}")
        decision = decide_one(log, luks, node, prepared.keys, record)
        log.info(f"disks: plan for LUKS volume {luks.name} on {luks.device}: {decision.action}: {decision.why}")
        if decision.action == "refuse":
            conflicts.append(decision.why)
        if node in [other for _, _, other in todo]:
            conflicts.append(f"{luks.device} is the device of two LUKS volumes{at(luks)}")
        todo.append((luks, decision, node))
    refuse(conflicts, "No LUKS volume has been changed")
    maker = Maker(ctx, prepared, record)
    maker.carry_out(todo)
    ctx.state.luks_persist_key_files = maker.persist
    ctx.state.luks_persist_volume_key_files = maker.persist_volume_keys
