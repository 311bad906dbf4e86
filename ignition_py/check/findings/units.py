"""Rows of systemd units and their drop-ins. Sources: systemctl(1), systemd.unit(5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from ignition_py.check import questions as ask
from ignition_py.check.findings.facts import Facts, Seen
from ignition_py.check.findings.row import NONE, NOT_LOOKED_AT, UNSEEN, Row, unseen
from ignition_py.report.diag import Path
from ignition_py.spec.tables import Config, Unit
from ignition_py.stages.files.units import UNITS as FOLDER

# States of `systemctl is-enabled` that are as good as enabled: there is nothing to enable, or another name is.
_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated")
_MASKED = ("masked", "masked-runtime")
_BROKEN = ("not-found", "bad-setting", "error")


def unit_rows(config: Config, facts: Facts) -> Iterator[Row]:
    files = {file.path for file in config.storage.files} | set(ask.unit_files(config))
    for index, unit in enumerate(config.systemd.units):
        path: Path = ("systemd", "units", index)
        line = facts.line(ask.UNITS, unit.name)
        shown = dict(part.split("=", 1) for part in line.split("\t") if "=" in part)
        yield _unit(unit, shown, line, facts, path)
        for number, dropin in enumerate(unit.dropins):
            if dropin.contents is not None:
                place = (*path, "dropins", number)
                yield _text("drop-in", f"{unit.name}/{dropin.name}", f"{FOLDER}/{unit.name}.d/{dropin.name}", dropin.contents, facts, place)
        for other in shown.get("DropInPaths", "").split():
            if other.startswith("/etc/") and other not in files:
                yield Row("drop-in", f"{unit.name}/{other.rpartition('/')[2]}", NONE, other, path=path)


def _unit(unit: Unit, shown: Mapping[str, str], line: str, facts: Facts, path: Path) -> Row:
    """State, failure and text of a unit."""
    wanted = "masked" if unit.mask else "enabled" if unit.enabled else "disabled" if unit.enabled is False else "present"
    text = _text("unit", unit.name, f"{FOLDER}/{unit.name}", unit.contents, facts, path) if unit.contents and not unit.mask else None
    full = f"{wanted}, contents" if text is not None else wanted
    if line == ask.FAILED:
        return unseen("unit", unit.name, full, path=path, why="not looked at: there is no systemctl")
    state, active = shown.get("UnitFileState", ""), shown.get("ActiveState", "")
    fits = _fits(wanted, state, shown)
    words = [state or shown.get("LoadState", "") or "not-found"]
    words += [active] if active == "failed" or (fits and active) else []
    note = _dropins_of_others(shown)
    if text is None or (state in _MASKED and not fits):
        return Row("unit", unit.name, full, ", ".join(words), fits and active != "failed", note=note, path=path)
    found = text.found if text.found != NONE else "no unit file"
    right = fits and active != "failed" and (text.ok or text.state == UNSEEN)
    row = Row("unit", unit.name, full, ", ".join([*words, found]), right, note=note, path=path)
    return row.but(state=UNSEEN) if right and text.state == UNSEEN else row


def _fits(wanted: str, state: str, shown: Mapping[str, str]) -> bool:
    if wanted == "masked":
        return state in _MASKED
    if wanted == "enabled":
        return state in _ENABLED
    if wanted == "disabled":
        return not state.startswith("enabled") and state not in _MASKED
    return state not in _MASKED and (state or shown.get("LoadState")) not in (None, "", *_BROKEN)


def _text(kind: str, name: str, file: str, contents: str, facts: Facts, path: Path) -> Row:
    """The row of a file of systemd's."""
    present = facts.node(file)
    if present == ask.ABSENT:
        return Row(kind, name, "contents", NONE, path=path)
    if not isinstance(present, Seen):
        return unseen(kind, name, "contents", path=path)
    if present.kind != "regular file":
        return Row(kind, name, "contents", present.kind, path=path)
    digest = hashlib.sha256(contents.encode("utf-8", "surrogatepass")).hexdigest()
    found = facts.line(ask.SUMS, "256", file)
    if found in (ask.DENIED, ask.FAILED):
        return unseen(kind, name, "contents", path=path, why=NOT_LOOKED_AT)
    return Row(kind, name, "contents", "contents" if found == digest else "other contents", path=path)


def _dropins_of_others(shown: Mapping[str, str]) -> str:
    """The drop-ins that the system brings, in /usr and, made at run time, in /run."""
    others = [path for path in shown.get("DropInPaths", "").split() if not path.startswith("/etc/")]
    return f"drop-ins set by others: {' '.join(others)}" if others else ""


__all__ = ["unit_rows"]
