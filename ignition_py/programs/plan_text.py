"""The plan for a terminal: a drawing of each disk before and after, a table of its partitions, and the steps that follow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from ignition_py.programs.plan_view import FREE, KEEP, DiskView, Row, Segment, View, printable
from ignition_py.programs.sizes import size_text

_WIDTH, _LEAST_WIDTH, _MOST_WIDTH = 100, 60, 160
_LEFT = 9  # columns before a drawing
_MARKS = {"create": "+", "delete": "-", "resize": "~", "recreate": "!", KEEP: " "}


def lines(view: View) -> Iterator[str]:
    width = _width()
    for disk in view.disks:
        yield from _disk(disk, width)
        yield ""
    if view.steps:
        yield "After the partitioning"
        for step in view.steps:
            size = f" ({size_text(step.device.size)})" if step.device is not None and step.device.size else ""
            yield f"  {printable(step.describe(refusals=False))}{size}"
        yield ""
    for number, why in enumerate(view.conflicts, 1):
        yield f"  refused ({number}): {printable(why)}"
    yield {
        "nothing": "Nothing to do: all of it is as the config wants it.",
        "changes": "These changes would be made. Nothing has been written.",
        "refused": "Refused: the stage would fail before it writes anything.",
    }[view.result]


def _width() -> int:
    try:
        width = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        width = _WIDTH
    return max(_LEAST_WIDTH, min(width, _MOST_WIDTH))


def _disk(disk: DiskView, width: int) -> Iterator[str]:
    image = f" ({printable(disk.image)})" if disk.image not in ("", disk.device) else ""
    yield f"{printable(disk.device)}{image}: {size_text(disk.size)}, sectors of {disk.sector_size} bytes"
    for warning in disk.warnings:
        yield f"  warning: {printable(warning)}"
    yield f"  table: {disk.table or 'stays as it is'}"
    columns = width - _LEFT - 1
    if disk.conflicts:
        yield f"  now    {bar(disk.before, columns)}"
    else:
        yield f"  before {bar(disk.before, columns)}"
        yield f"  after  {bar(disk.after, columns)}"
    if disk.rows:
        yield from _table([_cells(row, disk.sector_size) for row in disk.rows])


def bar(segments: Sequence[Segment], columns: int) -> str:
    """`|1 boot 512 MiB|2 root        |     free     |` in about `columns` columns; every segment has room for its number."""
    texts = [_inside(segment) for segment in segments]
    least = [min(len(text), max(len(str(segment.number)), 2)) for text, segment in zip(texts, segments, strict=True)]
    spare = max(columns - len(segments) - 1 - sum(least), 0)
    total = sum(segment.size for segment in segments) or 1
    cells: list[str] = []
    at = 0
    for segment, text, room in zip(segments, texts, least, strict=True):
        before = spare * at // total
        at += segment.size
        room += spare * at // total - before
        fill = "." if segment.action == FREE else " "
        shown = text if len(text) <= room else str(segment.number)[:room] if segment.number else ""
        cells.append(shown.center(room, fill) if segment.action == FREE else shown.ljust(room, fill))
    return "|" + "|".join(cells) + "|"


def _inside(segment: Segment) -> str:
    if segment.action == FREE:
        return f" free {size_text(segment.size)} "
    return " ".join(part for part in (str(segment.number), segment.label, size_text(segment.size)) if part)


def _cells(row: Row, unit: int) -> tuple[str, ...]:
    now, then = row.before, row.after
    starts = [size_text(entry.first * unit) for entry in (now, then) if entry is not None]
    sizes = [size_text(entry.size * unit) for entry in (now, then) if entry is not None]
    content = row.becomes or ("stays" if row.action == KEEP and row.holds else "")
    busy = f" ({row.busy})" if row.busy else ""
    return (
        f"{_MARKS[row.action]}{row.number}",
        row.label,
        " > ".join(dict.fromkeys(starts)),
        " > ".join(dict.fromkeys(sizes)),
        row.type,
        (row.holds or ("-" if now is not None else "")) + busy,
        row.action,
        content,
    )


_HEAD = (" no", "label", "start", "size", "type", "holds now", "what", "then")


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    table = [_HEAD, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    for row in table:
        yield "  " + "  ".join(cell.ljust(room) for cell, room in zip(row, widths, strict=True)).rstrip()
