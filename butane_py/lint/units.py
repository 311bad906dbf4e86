"""Units that the config writes and nothing starts. Source: systemd.unit(5), systemd.timer(5), systemd.socket(5), systemd.path(5)."""

from __future__ import annotations

from ignition_py.spec.unitfile import UnitError, sections_with_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.compilation import Compilation
    from ignition_py.spec import tables as spec

_STARTERS = (".timer", ".socket", ".path", ".automount")
_STARTED = (".service", ".mount")


def check_units(work: Compilation, compiled: spec.Config) -> None:
    units = compiled.systemd.units
    texts = [text for unit in units for text in (unit.contents, *(dropin.contents for dropin in unit.dropins)) if text]
    files = {file.path for file in compiled.storage.files} | {link.path for link in compiled.storage.links}
    for i, unit in enumerate(units):
        if not unit.contents or unit.enabled is not None or unit.mask or "@." in unit.name:
            continue
        stem, dot, kind = unit.name.rpartition(".")
        starters = {stem + starter for starter in _STARTERS} if dot + kind in _STARTED else set()
        if any(other.name in starters for other in units) or any(unit.name in text for text in texts if text is not unit.contents):
            continue
        if any(path.endswith((f".wants/{unit.name}", f".requires/{unit.name}")) for path in files):
            continue
        if "Install" in _sections(unit.contents):
            message = f"{unit.name} has an [Install] section and is not enabled: add enabled: true, or false to silence this"
        else:
            message = f"nothing starts {unit.name}: it is not enabled and no unit of this config names it"
        work.at_output(compiled, "warning", "lint-unit-not-started", message, ("systemd", "units", i, "name"))


def _sections(text: str) -> set[str]:
    try:
        return set(sections_with_settings(text))
    except UnitError:
        return set()
