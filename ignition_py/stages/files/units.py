"""systemd units: their files and drop-ins, masks, and the preset file that enables and disables them.

Layout: systemd.unit(5), systemd.preset(5). The preset file, its place and the order of its lines are the reference's.
systemd applies presets at the first boot of a machine without an ID; an image whose machines have one by then sets
`IGNITION_ENABLE_UNITS_BY_LINKS`, and units are enabled by their links too.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator

from ignition_py.context import Context
from ignition_py.record import Record
from ignition_py.report.diag import StageError
from ignition_py.spec.provisioning import unit_name_problem
from ignition_py.spec.tables import Unit
from ignition_py.stages.files.extend import extend, own_length
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.nodes.writer import NotWrittenError, Permissions, Writer
from ignition_py.stages.files.tools import image_setting
from ignition_py.stages.files.touched import Touched
from ignition_py.system.programs import find_tool, path_in_root
from ignition_py.system.rootfs import Root, shown
from ignition_py.system.run import CommandError, run

UNITS = "/etc/systemd/system"
PRESET = "/etc/systemd/system-preset/20-ignition.preset"
MASK = "/dev/null"
_NAME = "Write characters that are not allowed as systemd-escape(1) does"
_UNIT_PATH = (UNITS, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


class UnitFile(Record):
    """A file to write: path, text, and which unit wants it."""

    path: str
    text: str
    unit: Unit

    def describe(self) -> str:
        return f"unit {shown(self.unit.name)}: {shown(self.path)}"


class Preset(Record):
    """A line of the preset file. `instances` is None for a unit that is not a template's."""

    unit: str
    enabled: bool
    instances: tuple[str, ...] | None

    def line(self) -> str:
        verb = "enable" if self.enabled else "disable"
        return " ".join([verb, self.unit, *([" ".join(self.instances)] if self.instances is not None else [])])

    def names(self) -> list[str]:
        """The units that the line is about."""
        if self.instances is None:
            return [self.unit]
        before, _, after = self.unit.partition("@")
        return [f"{before}@{instance}{after}" for instance in self.instances]


def plan_files(units: Iterable[Unit]) -> tuple[UnitFile, ...]:
    """Drop-ins with contents (an empty text makes an empty file) and units with contents that are not empty."""
    files = []
    for unit in units:
        why = unit_name_problem(unit.name)
        if why:
            raise StageError(f"{shown(unit.name)} cannot be the name of a unit: {why}", place=unit.place(), hint=_NAME)
        for dropin in unit.dropins:
            if dropin.contents is not None:
                _check_file(unit, dropin.name)
                files.append(UnitFile(f"{UNITS}/{unit.name}.d/{dropin.name}", dropin.contents, unit))
        if unit.contents:
            files.append(UnitFile(f"{UNITS}/{unit.name}", unit.contents, unit))
    return tuple(files)


def _check_file(unit: Unit, name: str) -> None:
    if not name or "/" in name or not name.isprintable() or name in (".", ".."):
        text = f"unit {shown(unit.name)}: {shown(name)} cannot be the name of a drop-in's file"
        raise StageError(text, place=unit.place(), hint="Write a name that ends in .conf, without a slash")


def plan_presets(units: Iterable[Unit]) -> tuple[Preset, ...]:
    """The lines of the preset file, sorted. Instances of one template share a line: `enable echo@.service one two`."""
    lines: dict[str, Preset] = {}
    for unit in units:
        if unit.enabled is None:
            continue
        word = "enabled" if unit.enabled else "disabled"
        if "@" not in unit.name:
            lines[f"{unit.name}-{word}"] = Preset(unit.name, unit.enabled, None)
            continue
        before, _, after = unit.name.partition("@")
        instance, dot, suffix = after.rpartition(".")
        if not dot:
            hint = "Write the name with its type: name@instance.service"
            raise StageError(f"unit {shown(unit.name)}: an instance has to end in a unit type", place=unit.place(), hint=hint)
        template = f"{before}@.{suffix}"
        others = lines.get(f"{template}-{word}")
        instances = (*(others.instances or ()), instance) if others is not None else (instance,)
        lines[f"{template}-{word}"] = Preset(template, unit.enabled, instances)
    return tuple(lines[key] for key in sorted(lines, key=str.encode))


def apply_units(ctx: Context, root: Root, journal: Journal, touched: Touched) -> None:
    """Writes units, masks and presets. Raises StageError naming the unit."""
    units = ctx.config.systemd.units
    if not units:
        return
    files = plan_files(units)
    presets = plan_presets(units)
    for file in files:
        journal.written(root.locate(file.path))
    base = own_length(root, journal, PRESET) if presets else 0
    journal.save()
    _write_files(ctx, root, files, touched)
    for unit in units:
        if unit.mask is not None:
            _mask(ctx, root, unit, touched)
    if presets:
        _write_presets(ctx, root, presets, base, touched)
    if image_setting("IGNITION_ENABLE_UNITS_BY_LINKS", default=False):
        _enable(ctx, root, units, touched)


def _write_files(ctx: Context, root: Root, files: Iterable[UnitFile], touched: Touched) -> None:
    written: dict[str, UnitFile] = {}
    try:
        with Writer(root, ctx.log) as writer:
            for file in files:
                what, start = f"files: {file.describe()}", time.monotonic()
                ctx.log.info(what)
                written[file.path] = file
                where = root.locate(file.path)
                writer.write(file.path, (file.text.encode("utf-8", "surrogatepass"),), Permissions(0o644))
                touched.add(where)
                if ctx.log.recorder is not None:
                    ctx.log.recorder.step(what, start)
    except OSError as error:
        if isinstance(error, NotWrittenError):  # found out when the files were renamed, which may be later
            file = written[error.path]
        raise StageError(f"{file.describe()}: {error.strerror}", place=file.unit.place()) from None


def _mask(ctx: Context, root: Root, unit: Unit, touched: Touched) -> None:
    path = f"{UNITS}/{unit.name}"
    try:
        if unit.mask:
            ctx.log.info(f"files: masking unit {shown(unit.name)}")
            with root.spot(path, create=True) as spot:
                found = spot.lstat()
                if found is not None and found.st_mode & 0o170000 == 0o040000:
                    spot.remove()
                spot.symlink(MASK, -1, -1)
                touched.add(spot.where)
        elif is_masked(root, unit.name):
            ctx.log.info(f"files: unmasking unit {shown(unit.name)}")
            with root.spot(path) as spot:
                spot.remove()
    except OSError as error:
        what = "masking" if unit.mask else "unmasking"
        raise StageError(f"{what} unit {shown(unit.name)}: {error.strerror}", place=unit.place()) from None


def is_masked(root: Root, name: str) -> bool:
    """True if a link to /dev/null is in place of the unit."""
    try:
        with root.spot(f"{UNITS}/{name}") as spot:
            return spot.readlink() == MASK
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno == errno.EINVAL:  # something else than a link
            return False
        raise


def _write_presets(ctx: Context, root: Root, presets: Iterable[Preset], base: int, touched: Touched) -> None:
    lines = []
    for preset in presets:
        if preset.enabled:
            _report_missing(ctx, root, preset)
        elif not _disable(ctx, root, preset):
            continue
        ctx.log.info(f"files: preset: {shown(preset.line())}")
        lines.append(preset.line() + "\n")
    if not lines:
        return
    try:
        extend(ctx.log, root, PRESET, base, "".join(lines), touched)
    except OSError as error:
        raise StageError(f"writing the presets of units to {PRESET}: {error.strerror}") from None


def _disable(ctx: Context, root: Root, preset: Preset) -> bool:
    """Takes the links of a unit that is enabled away. False where it is not, and needs no line in the presets.

    Like the reference, systemctl is asked; where there is none, the line is written, which does no harm.
    """
    prefix, chroot = find_tool(root, "systemctl")
    if prefix is None:
        return True
    if preset.instances is not None:
        return False  # the reference asks for "NAME INSTANCE…" as one unit, which is never enabled
    if chroot is not None:
        prefix = [*prefix, "--root=/"]
    try:
        run(ctx.log, [*prefix, "is-enabled", "--", preset.unit], what=f"asking whether {preset.unit} is enabled", chroot=chroot)
    except CommandError:
        return False
    run(ctx.log, [*prefix, "disable", "--", preset.unit], what=f"disabling unit {shown(preset.unit)}", chroot=chroot)
    return True


def _enable(ctx: Context, root: Root, units: Iterable[Unit], touched: Touched) -> None:
    """Makes the links of units that are to be enabled (their `[Install]` says which). Raises StageError, CommandError.

    The new root's own systemctl comes first: in its chroot no link of the image can lead it out.
    """
    path = path_in_root(root, "systemctl")
    prefix, chroot = ([path], root.path) if path and not os.geteuid() else find_tool(root, "systemctl")
    if prefix is None:
        raise StageError("enabling units by links: there is no systemctl, neither in the initramfs nor in the new root")
    if chroot is not None:
        prefix = [*prefix, "--root=/"]
    for unit in units:
        if unit.enabled and not is_masked(root, unit.name) and _exists(root, unit.name):
            try:
                run(ctx.log, [*prefix, "enable", "--", unit.name], what=f"enabling unit {shown(unit.name)}", chroot=chroot)
            except CommandError as error:
                error.place = unit.place()
                raise
    touched.add(root.locate(UNITS))


def _report_missing(ctx: Context, root: Root, preset: Preset) -> None:
    for name in preset.names():
        if not _exists(root, name):
            ctx.log.warning(f"unit {shown(name)} is to be enabled, but there is no such unit in the new root: it will not start")


def _exists(root: Root, name: str) -> bool:
    return any(root.lstat(f"{directory}/{candidate}") for directory in _UNIT_PATH for candidate in _candidates(name))


def _candidates(name: str) -> Iterator[str]:
    yield name
    before, at, after = name.partition("@")
    if at:
        yield f"{before}@.{after.rpartition('.')[2]}"
