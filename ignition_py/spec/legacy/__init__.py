"""Ignition 1 and 2.0 to 2.4, which Flatcar still takes: configs of them, translated to spec 3.1.

    legacy_version(data)     is it one?
    translate(data, source)  -> config at 3.1.0, report
    read(data, source)       -> the same at the newest version, as spec/read.py gives it

What spec 3 cannot say is refused entry by entry, with the reason and the line. Facts: the published specifications 1 and
2.0 to 2.4, their migration guides, and what Flatcar's converter does where the meaning is open.
"""

from __future__ import annotations

from json import loads
from typing import Any

from ignition_py.report.diag import ERROR, WARNING, Entry, Report
from ignition_py.spec.jsonnode import JsonSyntaxError, decode_text
from ignition_py.spec.jsontext import JsonDocument, NeedsExact
from ignition_py.spec.legacy.config import config
from ignition_py.spec.legacy.reader import Reader, Unreadable
from ignition_py.spec.origins import place_of
from ignition_py.spec.rules.all import validate
from ignition_py.spec.tables import Config
from ignition_py.spec.upgrade import upgrade

TARGET = 1  # minor version of spec 3 that has everything that 2.4 can say
SPEC_1 = -1  # counts as the minor version before 2.0
VERSIONS = {"1": SPEC_1, "2.0.0": 0, "2.1.0": 1, "2.2.0": 2, "2.3.0": 3, "2.4.0": 4}


def legacy_version(data: bytes) -> str | None:
    """The version of a config of spec 1 or 2, known or not; None for anything else."""
    if b"ignitionVersion" not in data and b'"2.' not in data:
        return None

    try:
        return _version_of(_parsed(JsonDocument(data)))
    except JsonSyntaxError:
        return None


def _parsed(document: JsonDocument) -> Any:
    """The text's value; of a key given twice the last one counts. None where it nests without end. Raises JsonSyntaxError."""
    try:
        return document.parse()
    except NeedsExact:
        try:
            return loads(decode_text(document.data))
        except (RecursionError, ValueError):
            return None


def _version_of(raw: Any) -> str | None:
    if not isinstance(raw, dict):
        return None
    ignition = raw.get("ignition")
    if isinstance(ignition, dict):
        version = ignition.get("version")
        return version if isinstance(version, str) and version.startswith("2.") else None
    return str(raw["ignitionVersion"]) if type(raw.get("ignitionVersion")) is int else None


def translate(data: bytes, source: str = "") -> tuple[Config | None, Report]:
    """The config at 3.1.0, None where the report has errors. Call it where `legacy_version` gives a version."""
    document = JsonDocument(data, source)
    report = Report()
    raw = _parsed(document)
    text = _version_of(raw) or ""
    version = VERSIONS.get(text)
    if version is None:
        known = ", ".join(VERSIONS)
        place = document.place(("ignition", "version"))
        report.add(ERROR, "version-unknown", f"{text} is no version of spec 1 or 2 that there was: {known}", place)
        return None, report
    reader = Reader(raw, (), document, version, report)
    try:
        made = config(reader)
    except Unreadable:
        return None, report
    if not report.fatal:
        _check(made, report)
    return None if report.fatal else made, report


def _check(made: Config, report: Report) -> None:
    for finding in validate(made, TARGET):
        if finding.code == "unit-no-install" and finding.severity == WARNING:
            continue  # old configs enable units that systemd's own files complete
        place = place_of(made, finding.path)
        report.entries.append(Entry(finding.severity, finding.code, finding.message, place, finding.hint))


def read(data: bytes, source: str = "") -> tuple[Config | None, Report]:
    """The config at the newest version, None where the report is fatal: `spec.read.read` for spec 1 and 2."""
    config, report = translate(data, source)
    return (None if config is None else upgrade(config, TARGET)), report


__all__ = ["TARGET", "VERSIONS", "legacy_version", "read", "translate"]
