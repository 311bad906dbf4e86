"""Rows as lines of a table: entry, wanted, found."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from ignition_py.check.findings.row import DIFFERENT, IGNORED, OTHERS, SAME, UNSEEN, Row
from ignition_py.report.diag import Place
from ignition_py.system.rootfs import shown

_COLOURS = {SAME: "32", DIFFERENT: "31;1", UNSEEN: "33", OTHERS: "36", IGNORED: "2"}


def table(rows: Sequence[Row], *, colour: bool = False) -> list[str]:
    """Columns as wide as they need to be and as the terminal allows; below a row its place and its note."""
    width = shutil.get_terminal_size((140, 24)).columns
    names = [shown(f"{row.kind} {row.name}") for row in rows]
    first = min(max(map(len, ("item", *names))), width // 2)
    rest = max(16, (width - first - 9) // 2)
    second = min(rest, max((len(row.wanted) for row in rows), default=0))
    lines = [f"    {'item':<{first}}  {'wanted':<{second}}  found", f"    {'-' * first}  {'-' * second}  {'-' * second}"]
    for name, row in zip(names, rows, strict=True):
        found = "as wanted" if row.wanted == row.found and len(row.wanted) > rest else _cut(shown(row.found), rest)
        mark = f"\x1b[{_COLOURS[row.state]}m{row.state}\x1b[0m" if colour else row.state
        lines.append(f" {mark} {_cut(name, first):<{first}}  {_cut(shown(row.wanted), second):<{second}}  {found}".rstrip())
        lines += [f"      {text}" for text in (place_text(row.place), shown(row.note)) if text]
    return lines


def place_text(place: Place | None) -> str:
    """`node.bu:12:7`; "" where that is not known."""
    if place is None or not place.source:
        return ""
    return f"{shown(place.source)}:{place.line}:{place.column}" if place.line else shown(place.source)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
