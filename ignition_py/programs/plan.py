"""`ignition-py plan`: what the disks stage would do, without writing anything.

    config ──► stages/disks/plan.py (each disk) ──► stages/disks/foresee.py ──► plan_view.py ──► plan_text.py, plan_svg.py, JSON

Without images it looks at this machine's disks (which takes root); with them, only at the images that are named (plan_images.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import dumps

from ignition_py.context import Context
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.programs.butane_places import ButaneOrigin
from ignition_py.programs.plan_images import Images, image_state
from ignition_py.programs.plan_svg import picture
from ignition_py.programs.plan_text import lines
from ignition_py.programs.plan_view import View, build
from ignition_py.programs.render import Fetching, rendered
from ignition_py.report.diag import Cause, IgnitionError, StageError
from ignition_py.spec import tables
from ignition_py.spec.tables import Config, Disk
from ignition_py.stages.disks import leftovers, raid
from ignition_py.stages.disks.foresee.conflicts import foresee
from ignition_py.stages.disks.foresee.machine import Machine
from ignition_py.stages.disks.identity import Identity
from ignition_py.stages.disks.leftovers import Leftover
from ignition_py.stages.disks.luks import cex as luks_cex
from ignition_py.stages.disks.luks import clevis as luks_clevis
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.stages.disks.luks import stage as luks
from ignition_py.stages.disks.luks.prepared import Prepared
from ignition_py.stages.disks.partitions.inspect import DiskState, inspect_disk
from ignition_py.stages.disks.partitions.plan import DiskPlan, plan_disk
from ignition_py.stages.disks.places import conflict
from ignition_py.stages.disks.progress import Progress, peek
from ignition_py.stages.disks.stage import table_written, wiped
from ignition_py.state import State
from ignition_py.system.log import Log
from ignition_py.system.udev import neighbours

LINES, SVG, JSON = STYLES = ("text", "svg", "json")


def named_images(words: Iterable[str]) -> dict[str, str]:
    """`NAME=IMAGE` words -> image by device. Raises ValueError for a word of another form."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, image = word.partition("=")
        if not (name and equals and image):
            raise ValueError(f"{word!r} is not of the form NAME=IMAGE")
        if image.startswith("/dev/") or os.path.exists(image):
            image = os.path.normpath(image)
        found[_device(name)] = image
    return found


def _device(name: str) -> str:
    return os.path.normpath(name if name.startswith("/") else f"/dev/{name}")


def plan(path: str, images: Mapping[str, str], fetching: Fetching, sector_size: int = 512) -> View:
    """What the config at `path` would do to `images` (see plan_images.Images), or without them to this machine's disks.

    `sector_size` in bytes is for images without a partition table. Raises IgnitionError.
    """
    config = rendered(path, fetching)
    storage = config.storage
    log = fetching.log()
    disks = Images(images) if images else None
    record = peek(storage, live=disks is None)
    plans, problems = _plans(log, config, disks, sector_size, record)
    for name in [] if disks is None else disks.unused(_devices(config)):
        log.warning(f"--disk {name}: the config names no such disk; to say that a device of the config is it: --disk DEVICE={name}")
    prepared = _prepared(log, config, fetching, here=disks is None)
    look = Machine(log, plans, record) if disks is None else disks
    foreseen = foresee(log, storage, plans, record, look, prepared.keys)
    checks = [*_checks(config), *prepared.conflicts]
    return build(log, plans, foreseen, problems, checks, yaml=isinstance(config._origin, ButaneOrigin))


def shown(view: View, style: str = LINES) -> str:
    """The plan in one of STYLES."""
    if style == JSON:
        return dumps(view.data(), indent=2) + "\n"
    if style == SVG:
        return picture(view)
    return "".join(f"{line}\n" for line in lines(view))


def _devices(config: Config) -> Iterator[str]:
    """Every device that the storage section names."""
    storage = config.storage
    for array in storage.raid:
        yield from array.devices or ()
    for volume in storage.luks:
        yield volume.device or ""
    for filesystem in storage.filesystems:
        yield filesystem.device
    for disk in storage.disks:
        yield disk.device


def _checks(config: Config) -> list[Cause]:
    """What forbids parts of the config on any disk."""
    return [*raid.contradictions(config.storage), *luks.contradictions(config.storage)]


def _prepared(log: Log, config: Config, fetching: Fetching, *, here: bool) -> Prepared:
    """What can be known of LUKS volumes without a look at the disks. On this machine (`here`) what the stage would refuse is a
    conflict; at a desk that looks at images, a key that cannot be had leaves open whether it fits."""
    prepared, volumes = Prepared(), config.storage.luks
    if not volumes:
        return prepared

    offline = fetching.offline
    fetcher = Fetcher(log, offline=offline, limit=fetching.timeout)
    if not offline:
        fetcher.configure(config.ignition)
    ctx = Context(config=config, root="/", log=log, state=State(), fetcher=fetcher)
    if here:
        prepared.conflicts += [*luks_clevis.hardware(log, volumes), *(why for volume in volumes for why in luks_cex.conflicts(volume))]
    if here and not offline:
        luks.fetch(ctx, volumes, prepared)
        return prepared
    for entry in volumes:
        try:
            if entry.key_file.source:
                prepared.keys[entry.name] = luks_keys.of_config(ctx, entry)
        except IgnitionError as problem:
            log.warning(f"not known: {problem}")
    return prepared


def _plans(
    log: Log, config: Config, images: Images | None, sector_size: int, record: Progress
) -> tuple[list[DiskPlan], list[Cause]]:
    """A plan for every disk of the config and for every other image, and why others have none."""
    disks = list(config.storage.disks)
    if images is not None:
        disks += [tables.Disk(device=name) for name in images.others(_device(disk.device) for disk in disks)]
    plans: list[DiskPlan] = []
    problems: list[Cause] = []
    seen: dict[str, str] = {}
    idle = leftovers.idle(wiped(disks)) if images is None else ()
    for disk in disks:
        try:
            state = _state(log, disk, images, sector_size, idle)
        except IgnitionError as problem:
            problems.append(conflict(problem.message, disk, problem.hint))
            continue
        identity = state.node if images is None else images.disk(_device(disk.device))
        if identity in seen:
            problems.append(conflict(f"{seen[identity]} and {disk.device} are the same disk, {identity}", disk))
            continue
        seen[identity] = disk.device
        plans.append(_plan(disk, state, record))
    return plans, problems


def _plan(disk: Disk, state: DiskState, record: Progress) -> DiskPlan:
    return plan_disk(disk, state, Identity(disk, state.sectors), done=table_written(record, disk, state))


def _state(log: Log, disk: Disk, images: Images | None, sector_size: int, idle: Sequence[Leftover]) -> DiskState:
    """Raises StageError."""
    if images is not None:
        image = images.image(_device(disk.device))
        if image is None:
            raise StageError(
                f"no --disk says what to take for {disk.device}",
                hint=f"Give an image, a size, or another --disk that it is: --disk {disk.device}=NAME",
            )
        return image_state(log, disk.device, image, sector_size)

    if not os.path.exists(disk.device):
        raise StageError(f"{disk.device} does not exist; {neighbours(disk.device)}")
    return inspect_disk(log, disk.device, os.path.realpath(disk.device), idle)
