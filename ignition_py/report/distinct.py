"""Reports without what they say already: entries given twice, and consequences of a mistake that another entry reports."""

from __future__ import annotations

from ignition_py.report.diag import Report

# Code -> codes whose entry at the same place explains it.
CONSEQUENCES = {"mode-special-bits": ("mode-decimal", "mode-range")}


def distinct(report: Report) -> Report:
    """The report without twins, and without consequences of a reported mistake at the same place."""
    if len(report) < 2:
        return report
    reported = {(entry.code, entry.place.path) for entry in report}
    seen: set[tuple[object, ...]] = set()
    entries = []
    for entry in report:
        place = entry.place
        key = (entry.severity, entry.code, entry.message, place.path, place.line, place.column)
        causes = CONSEQUENCES.get(entry.code, ())
        if key not in seen and not any((cause, place.path) in reported for cause in causes):
            seen.add(key)
            entries.append(entry)
    return Report(entries)
