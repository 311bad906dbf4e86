"""Configs of other programs as Butane. `cloud_config(...)` reads the cloud-config of cloud-init.

user_data.py (what the text is, template expressions) -> values.py (YAML nodes, typed, with places) -> system.py, accounts.py, files.py,
disks.py, commands.py (keys of the cloud-config, by keys.py) -> draft.py (the Butane config) -> compiled, to hold it against the rules
Source of what the keys mean: the schema and the documentation of cloud-init 26.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import ERROR, Entry, Place, Report

if TYPE_CHECKING:
    from butane_py.importer.draft import Draft

VARIANTS = ("fcos", "flatcar")


class Imported(Record):
    """`text` is the Butane config, None where the report has errors; `report` tells at its line what was not carried, or differs.

    `shown` is the cloud-config as reports may show it, unpacked and without passwords.
    """

    text: str | None
    report: Report
    shown: bytes = b""


class Wanted(Record):
    """What to make: the variant, and the platform whose metadata (of Afterburn) template expressions stand for, "" for none."""

    variant: str = "fcos"
    _: KW_ONLY
    platform: str = ""


def cloud_config(data: bytes, name: str = "<config>", wanted: Wanted | None = None) -> Imported:
    """The Butane config that does what a cloud-config does. Nothing is raised for a text, whatever is in it."""
    from butane_py.importer.draft import Draft
    from butane_py.importer.keys import read_keys
    from butane_py.importer.user_data import UserDataError, prepared
    from butane_py.importer.values import TooLarge, reader_of
    from butane_py.yaml.source import YamlError

    wanted = wanted or Wanted()
    report = Report()
    try:
        user_data = prepared(data, name, wanted, report)
        root = reader_of(user_data, name, report)
    except UserDataError as error:
        return Imported(None, Report([error.entry]))
    except YamlError as error:
        if not report.fatal:  # an expression that is left in the text may be what is no YAML
            report.add(ERROR, "yaml", str(error), Place((), error.line or 1, error.column, name), error.hint)
        return Imported(None, report)
    draft = Draft(wanted, root.reader.heading)
    try:
        read_keys(root, draft)
    except TooLarge as error:
        report.entries.append(error.entry)
    text = None if report.fatal else draft.text()
    if text is not None:
        _compile(text, draft, report)
    report.entries.sort(key=lambda entry: (entry.place.line, entry.place.column))
    return Imported(None if report.fatal else text, report, root.reader.shown)


def _compile(text: str, draft: Draft, report: Report) -> None:
    """Holds the config against the rules of its variant; what they refuse is reported where it was read."""
    from butane_py.compilation import Options
    from butane_py.pipeline import compile_source

    for entry in compile_source(text.encode("utf-8", "surrogatepass"), "the Butane config", Options()).report:
        if entry.severity == ERROR:
            place = draft.place_of(entry.place.path)
            message = f"what this becomes is refused: {entry.message}"
            report.entries.append(Entry(ERROR, "import-value", message, place, entry.hint))
