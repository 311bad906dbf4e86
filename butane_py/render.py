"""The compiler's reports as text. What both programs print alike is in `ignition_py/report/text.py`."""

from __future__ import annotations

from ignition_py.report.data import as_data, json_line
from ignition_py.report.diag import Entry, Report
from ignition_py.report.text import one_line, pretty, pretty_of, summary

__all__ = ["as_data", "json_line", "pretty", "pretty_of", "raw", "summary"]

# Reports that the reference gives no place, and that are about the whole text.
_OF_THE_WHOLE = frozenset(("yaml", "not-butane", "wrong-type", "key-repeated", "variant-missing", "version-invalid"))


def raw(report: Report) -> str:
    """`KIND at PATH, line L col C: MESSAGE`, a line each. What only this compiler gives a place has the path `$`."""
    return "".join(f"{one_line(_raw(entry))}\n" for entry in report)


def _raw(entry: Entry) -> str:
    text = entry.raw()
    if entry.place.path or entry.code not in _OF_THE_WHOLE:
        return text
    return text.replace(" at line ", " at $, line ", 1)
