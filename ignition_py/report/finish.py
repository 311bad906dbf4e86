"""What every report gets before it is shown: no entry twice, no consequence of a reported mistake, and a way out."""

from __future__ import annotations

from ignition_py.report import codes  # noqa: F401  # declares the codes that no single module reports
from ignition_py.report.catalog import way_out
from ignition_py.report.diag import Report

# Code -> codes whose entry at the same place explains it.
CONSEQUENCES = {"mode-special-bits": ("mode-decimal",), "duplicate": ("partition-number-twice",)}


def finished(report: Report) -> Report:
    """The report without twins and without consequences of a mistake that is reported at the same place.

    An entry without a hint of its own gets the title of its fix, or the way out of its code.
    """
    if not len(report):
        return report
    reported = {(entry.code, entry.place.source, entry.place.path) for entry in report}
    seen: set[tuple[object, ...]] = set()
    entries = []
    for entry in report:
        place = entry.place
        key = (entry.severity, entry.code, entry.message, place.source, place.path, place.line, place.column)
        causes = CONSEQUENCES.get(entry.code, ())
        if key in seen or any((cause, place.source, place.path) in reported for cause in causes):
            continue
        seen.add(key)
        entry.hint = entry.hint or (entry.fix.title if entry.fix else way_out(entry.code))
        entries.append(entry)
    return Report(entries)
