"""Reports as data, for `--format json`. docs/reports.md describes the fields; VERSION changes where one changes its meaning."""

from __future__ import annotations

from typing import Any

from ignition_py.report.diag import Entry, Place, Report, path_text

VERSION = 1


def json_line(
    name: str,
    report: Report,
    *,
    target: str = "",
    deliveries: dict[str, Any] | None = None,
    published: dict[str, Any] | None = None,
) -> str:
    """The report of one file as a line of JSON; of one `target` of it, with the deliveries of hosts and what was published, where given."""
    import json

    more: dict[str, Any] = {"target": target} if target else {}
    more |= {key: value for key, value in (("deliveries", deliveries), ("published", published)) if value is not None}
    return json.dumps({"version": VERSION, "file": name, **more, "reports": as_data(report)}, ensure_ascii=False) + "\n"


def as_data(report: Report) -> list[dict[str, Any]]:
    """The entries of a report as plain data."""
    return [_entry(entry) for entry in report]


def _entry(entry: Entry) -> dict[str, Any]:
    fix = entry.fix
    return {
        "severity": entry.severity,
        "code": entry.code,
        "message": entry.message,
        "hint": entry.hint or None,
        **_place(entry.place),
        "related": [{"message": each.message, **_place(each.place)} for each in entry.related],
        "fix": {"title": fix.title, "replacement": fix.replacement, **_place(fix.place)} if fix else None,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": path_text(place.path) if place.path else None,
        "file": place.source or None,
        "line": place.line or None,
        "column": place.column or None,
        "end_line": place.end_line or None,
        "end_column": place.end_column or None,
    }
