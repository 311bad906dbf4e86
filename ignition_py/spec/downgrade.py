"""A config in another 3.x version: up, without losing anything, or down, refusing what the older version cannot say.

    convert(config, 6, 2) -> the config that `encode.to_data(…, 2)` writes, or every reason why there is none

Fields that came later are dropped only where they say what holds anyway (`shouldExist: true`). Values are held against
the rules of the target, so formats, URL schemes, hash functions and pins need no list here.
"""

from __future__ import annotations

from typing import Any

from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, Entry, Path, Report
from ignition_py.spec import tables
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.origins import place_of
from ignition_py.spec.tables import Config
from ignition_py.spec.upgrade import SPECIAL_BITS_SINCE, upgrade

declare(
    "newer-field",
    title="A field is newer than the version",
    why=(
        "The config has a field that the version it is rewritten to does not have, and leaving it out would change what "
        "the machine becomes."
    ),
    fix="Remove the field, or choose a version that has it.",
)


declare(
    "special-bits",
    title="Special mode bits would be lost",
    why=(
        "Setuid, setgid and sticky bits have no effect before Ignition 3.6.0, so a config that is rewritten to an older "
        "version would lose them."
    ),
    fix="Remove the bits from the mode, or choose version 3.6.0 or newer.",
)


_SPECIAL_BITS = 0o7000
_NAMES = {minor: text for text, minor in tables.VERSIONS.items()}


def convert(config: Config, version: int, target: int) -> tuple[Config | None, Report]:
    """`config`, valid at minor `version`, as one of minor `target`; None where the report has errors."""
    report = Report()
    config = _raised(config, version, target) if target >= version else _Fit(config, version, target, report).fitted()
    config = config.but(ignition=config.ignition.but(version=_NAMES[target]))
    _check_values(config, target, report)
    return None if report.fatal else config, report


def _raised(config: Config, version: int, target: int) -> Config:
    """Special mode bits had no effect before 3.6: they go where they would get one, and stay where they stay without."""
    raised = upgrade(config, version, lossless=True)
    if target < SPECIAL_BITS_SINCE and version < SPECIAL_BITS_SINCE:
        storage = raised.storage.but(
            files=_with_modes(raised.storage.files, config.storage.files),
            directories=_with_modes(raised.storage.directories, config.storage.directories),
        )
        raised = raised.but(storage=storage) if config.has("storage") else raised
    return raised


def _with_modes(new: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return tuple([each.but(mode=before.mode) for each, before in zip(new, old, strict=True)]) or None


class _Fit:
    """Takes a config down to a version: what does not fit is reported, all of it.

    Special mode bits (`mode: 644` has one: 644 is 01204) that have no effect at `version` need none at the target either.
    """

    def __init__(self, config: Config, version: int, target: int, report: Report) -> None:
        self._config = config
        self._special_bits = version >= SPECIAL_BITS_SINCE > target
        self._target = target
        self._report = report

    def fitted(self) -> Config:
        config: Config = self._struct(self._config, ())
        return config

    def _struct(self, struct: Any, path: Path) -> Any:
        changes: dict[str, object] = {}
        for entry, value in list(struct.items()):
            here = (*path, entry.name)
            if not entry.at(self._target):
                changes[entry.name] = None
                if not _says_nothing(entry, value):
                    self._refuse(entry, here)
            elif entry.struct is not None and entry.many:
                changes[entry.name] = tuple([self._struct(item, (*here, i)) for i, item in enumerate(value)])
            elif entry.struct is not None:
                changes[entry.name] = self._struct(value, here)
            elif entry.name == "mode" and value & _SPECIAL_BITS and self._special_bits:
                message = f"mode {value:04o} has special bits, which have no effect before {_NAMES[SPECIAL_BITS_SINCE]}"
                self._add("special-bits", message, here)
        return struct.but(**changes) if changes else struct

    def _refuse(self, entry: Field, path: Path) -> None:
        since = next(name for name, minor in tables.VERSIONS.items() if entry.at(minor))
        self._add("newer-field", f"{entry.json} came with {since}; {_NAMES[self._target]} has no such field", path)

    def _add(self, code: str, message: str, path: Path) -> None:
        self._report.entries.append(Entry(ERROR, code, message, place_of(self._config, path)))


def _says_nothing(entry: Field, value: object) -> bool:
    """Is the field without effect, so that leaving it out says the same?"""
    if entry.struct is not None:
        items = value if isinstance(value, tuple) else (value,)
        return not entry.many and all(_says_nothing(below, each) for item in items for below, each in _fields(item))
    if entry.name == "should_exist" and entry.kind == "bool":
        return value is True
    return value is False or value == () or (value == "" and entry.name == "compression")


def _fields(struct: object) -> list[tuple[Field, object]]:
    known: Struct = struct  # type: ignore[assignment]  # of a table
    return list(known.items())


def _check_values(config: Config, target: int, report: Report) -> None:
    from ignition_py.spec.rules.all import validate

    for finding in validate(config, target):
        if finding.severity == ERROR:
            message = f"not in {_NAMES[target]}: {finding.message}"
            report.entries.append(Entry(ERROR, finding.code, message, place_of(config, finding.path), finding.hint))
