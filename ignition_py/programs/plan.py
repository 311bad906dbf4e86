"""`ignition-py plan CONFIG [--disk NAME=IMAGE]...`: what the disks stage would do, without writing anything.

    config ──► stages/disks/plan.py (each disk) ──► stages/disks/foresee.py ──► plan_view.py ──► plan_text.py, plan_svg.py, JSON

Without `--disk` it looks at this machine's disks (which takes root); with it, only at the images that are named (plan_images.py).
Exit status: 0 nothing would change, 2 something would, 1 it would be refused, or the config or the arguments are wrong.
"""

from __future__ import annotations

from ignition_py.goflags import DURATION, POSIX, SWITCH, TEXT, Flag, HelpRequested, Parser, UsageError
from ignition_py.programs.inputs import complain, write
from ignition_py.report.diag import IgnitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.goflags import Values
    from ignition_py.programs.plan_view import View
    from ignition_py.spec.tables import Config, Disk
    from ignition_py.stages.disks.luks.prepared import Prepared
    from ignition_py.stages.disks.partitions.inspect import DiskState
    from ignition_py.stages.disks.partitions.plan import DiskPlan
    from ignition_py.stages.disks.progress import Progress
    from ignition_py.system.log import Log

NOTHING, REFUSED, CHANGES = 0, 1, 2
LINES, SVG, JSON = "text", "svg", "json"
_TIMEOUT = 60.0  # seconds for one fetch, as long as no config says otherwise
_ABOUT = (
    "Shows what the config would do to this machine's disks, or to the images that --disk names. Nothing is written. "
    "Exit status: 0 nothing to do, 2 changes, 1 refused."
)
_MORE = (
    "NAME is a device of the config, IMAGE a raw image of it, or a size (10G) for a blank disk; one image may have several names. "
    "`-` reads the config from standard input."
)


def parser(program: str) -> Parser:
    flags = (
        Flag("disk", TEXT, "what to take for a disk of the config; may be repeated", noun="NAME=IMAGE", many=True),
        Flag("fetch-timeout", DURATION, "how long to try each fetch; 0 is forever", default=_TIMEOUT),
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag("format", TEXT, "how to show it", default=LINES, noun="format", choices=(LINES, SVG, JSON)),
        Flag("offline", SWITCH, "fetch nothing: take data URLs only"),
        Flag("sector-size", TEXT, "of images without a partition table, in bytes", default="512", choices=("512", "4096")),
        Flag("verbose", SWITCH, "say what is done"),
    )
    return Parser(program, flags, manner=POSIX, about=_ABOUT, operands="CONFIG", more=_MORE)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    try:
        values = flags.parse(argv)
        if len(values.arguments) != 1:
            raise UsageError("exactly one config is needed")
        images = _images(values)
    except HelpRequested:
        return flags.show_help()
    except UsageError as error:
        flags.show_usage_error(error)
        return REFUSED
    try:
        view = _view(values, images)
    except IgnitionError as error:
        complain(program, str(error))
        return REFUSED
    _show(view, values.text("format"))
    return {"refused": REFUSED, "changes": CHANGES, "nothing": NOTHING}[view.result]


def _images(values: Values) -> dict[str, str]:
    """Device of the config -> image or size. Raises UsageError."""
    import os

    found: dict[str, str] = {}
    for word in values.texts("disk"):
        name, equals, image = word.partition("=")
        if not (name and equals and image):
            raise UsageError(f"--disk wants NAME=IMAGE, not {word!r}")
        found[os.path.normpath(name if name.startswith("/") else f"/dev/{name}")] = image
    return found


def _view(values: Values, images: dict[str, str]) -> View:
    """Raises IgnitionError."""
    from ignition_py.programs.plan_view import build
    from ignition_py.programs.render import StderrLog, rendered
    from ignition_py.stages.disks.foresee.conflicts import foresee
    from ignition_py.stages.disks.places import remember
    from ignition_py.stages.disks.progress import peek
    from ignition_py.system.log import INFO, WARNING

    config = rendered(values, remember)
    storage = config.storage
    log = StderrLog(INFO if values.on("verbose") else WARNING)
    record = peek(storage, live=not images)
    plans, problems = _plans(log, config, images, int(values.text("sector-size")), record)
    prepared = _prepared(log, values, config, here=not images)
    if images:
        from ignition_py.programs.plan_images import Images

        foreseen = foresee(log, storage, plans, record, Images(images), prepared.keys)
    else:
        from ignition_py.stages.disks.foresee.machine import Machine

        foreseen = foresee(log, storage, plans, record, Machine(log, plans, record), prepared.keys)
    return build(log, plans, foreseen, problems, [*_checks(config), *prepared.conflicts])


def _checks(config: Config) -> list[str]:
    """What forbids parts of the config on any disk."""
    from ignition_py.stages.disks import raid
    from ignition_py.stages.disks.luks import stage as luks

    return [*(why for why in raid.missing(config.storage) if "on PATH" not in why), *luks.contradictions(config.storage)]


def _prepared(log: Log, values: Values, config: Config, *, here: bool) -> Prepared:
    """What can be known of LUKS volumes without a look at the disks. On this machine (`here`) what the stage would refuse is a
    conflict; at a desk that looks at images, a key that cannot be had leaves open whether it fits."""
    from ignition_py.stages.disks.luks import cex as luks_cex
    from ignition_py.stages.disks.luks import clevis as luks_clevis
    from ignition_py.stages.disks.luks import keys as luks_keys
    from ignition_py.stages.disks.luks import stage as luks
    from ignition_py.stages.disks.luks.prepared import Prepared

    prepared, volumes = Prepared(), config.storage.luks
    if not volumes:
        return prepared
    from ignition_py.context import Context
    from ignition_py.fetch.fetcher import Fetcher
    from ignition_py.state import State

    offline = values.on("offline")
    fetcher = Fetcher(log, offline=offline, limit=values.seconds("fetch-timeout"))
    if not offline:
        fetcher.configure(config.ignition)
    ctx = Context(config=config, root="/", log=log, state=State(), fetcher=fetcher)
    if here:
        prepared.conflicts += [*luks_clevis.hardware(log, volumes), *(why for it in volumes for why in luks_cex.conflicts(it))]
    if here and not offline:
        luks.fetch(ctx, volumes, prepared)
        return prepared
    for entry in volumes:
        try:
            if entry.key_file.source:
                prepared.keys[entry.name] = luks_keys.given(ctx, entry)
        except IgnitionError as problem:
            log.warning(f"not known: {problem}")
    return prepared


def _plans(
    log: Log, config: Config, images: dict[str, str], sector_size: int, record: Progress
) -> tuple[list[DiskPlan], list[str]]:
    """A plan for every disk of the config and for every other image, and why others have none."""
    from ignition_py.spec import tables

    disks = list(config.storage.disks)
    if images:
        from ignition_py.programs.plan_images import Images

        disks += [tables.Disk(device=name) for name in Images(images).others(_clean(disk.device) for disk in disks)]
    plans: list[DiskPlan] = []
    problems: list[str] = []
    seen: dict[str, str] = {}
    for disk in disks:
        try:
            state = _state(log, disk, images, sector_size)
        except IgnitionError as problem:
            problems.append(str(problem))
            continue
        if state.node and state.node in seen:
            problems.append(f"{seen[state.node]} and {disk.device} are the same disk, {state.node}")
            continue
        seen[state.node] = disk.device
        plans.append(_plan(disk, state, record))
    return plans, problems


def _plan(disk: Disk, state: DiskState, record: Progress) -> DiskPlan:
    from ignition_py.stages.disks.identity import Identity
    from ignition_py.stages.disks.partitions.plan import plan_disk
    from ignition_py.stages.disks.stage import table_written

    return plan_disk(disk, state, Identity(disk, state.sectors), done=table_written(record, disk, state))


def _state(log: Log, disk: Disk, images: dict[str, str], sector_size: int) -> DiskState:
    """Raises StageError."""
    import os

    from ignition_py.report.diag import StageError

    if images:
        from ignition_py.programs.plan_images import image_state

        image = images.get(_clean(disk.device))
        if image is None:
            raise StageError(f"no --disk says what to take for {disk.device}")
        return image_state(log, disk.device, image, sector_size)
    from ignition_py.stages.disks.partitions.inspect import inspect_disk
    from ignition_py.system.udev import neighbours

    if not os.path.exists(disk.device):
        raise StageError(f"{disk.device} is not there; {neighbours(disk.device)}")
    return inspect_disk(log, disk.device, os.path.realpath(disk.device))


def _clean(name: str) -> str:
    import os

    return os.path.normpath(name)


def _show(view: View, kind: str) -> None:
    if kind == JSON:
        from json import dumps

        write(dumps(view.data(), indent=2) + "\n")
    elif kind == SVG:
        from ignition_py.programs.plan_svg import picture

        write(picture(view))
    else:
        from ignition_py.programs.plan_text import lines

        write("".join(f"{line}\n" for line in lines(view)))
