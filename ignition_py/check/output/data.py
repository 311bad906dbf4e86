"""For programs: one JSON object; docs/check.md describes it. VERSION changes where a key changes its meaning."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any

from ignition_py.check.findings.row import STATE_NAMES, Row
from ignition_py.check.result import Checked, grouped
from ignition_py.system.streams import encoded

VERSION = 1


def text(results: Sequence[Checked]) -> str:
    """All machines with all their rows, and the rows that are not as the config says with their machines."""
    found = {
        "version": VERSION,
        "hosts": [_host(result) for result in results],
        "differences": [{**_row(group.row), "hosts": group.hosts} for group in grouped(results)],
    }
    return encoded(dumps(found, ensure_ascii=False, indent=2)).decode() + "\n"


def _host(result: Checked) -> dict[str, Any]:
    target = result.target
    return {
        "name": target.name,
        "address": target.address or None,
        "config": target.config,
        "result": result.state,
        "why": result.why or None,
        "items": [_row(row) for row in result.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    place = row.place
    return {
        **row.data(),
        "state": STATE_NAMES[row.state],
        "note": row.note or None,
        "file": place.source if place is not None else None,
        "line": place.line if place is not None and place.line else None,
        "column": place.column if place is not None and place.line else None,
    }
