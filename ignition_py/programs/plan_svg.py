"""The plan as a picture: each disk before and after, what stays joined by bands, and the steps that follow as text.

The same plan gives the same bytes, so pictures can be kept beside a document and compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ignition_py.programs.plan_view import (
    CREATE,
    DELETE,
    FREE,
    KEEP,
    RECREATE,
    RESIZE,
    DiskView,
    Segment,
    View,
    printable,
)
from ignition_py.programs.sizes import size_text

_WIDTH, _MARGIN, _LEFT = 960, 16, 64  # pixels
_BAR, _GAP, _LINE = 50, 26, 16
_LEAST = 24  # pixels that every segment has
_LETTER = 6.1  # pixels of a letter, on average
_ROUND = 3
_FILL = {KEEP: "#a6bddb", CREATE: "#a1d99b", DELETE: "#f4a6a0", RESIZE: "#fdd49e", RECREATE: "#fdae6b", FREE: "#f7f7f7"}
_WORDS = {KEEP: "kept", CREATE: "made", DELETE: "deleted", RESIZE: "resized", RECREATE: "deleted and made again", FREE: "free"}
_INK, _GREY, _RED = "#222222", "#777777", "#b30000"


def picture(view: View) -> str:
    """An SVG document, with a line feed at its end."""
    draw = _Drawing()
    for disk in view.disks:
        draw.disk(disk)
    if view.steps:
        draw.heading("After the partitioning")
        for step in view.steps:
            size = f" ({size_text(step.device.size)})" if step.device is not None and step.device.size else ""
            draw.line(f"{step.describe(refusals=False)}{size}", _RED if step.action == "refuse" else _INK)
        draw.space(_LINE // 2)
    for number, why in enumerate(view.conflicts, 1):
        draw.line(f"refused ({number}): {why}", _RED)
    draw.legend()
    return draw.document(view.result)


class _Drawing:
    """Grows downwards; `_y` is where the next thing goes."""

    def __init__(self) -> None:
        self._y = float(_MARGIN)
        self._out: list[str] = []

    def document(self, result: str) -> str:
        height = int(self._y + _MARGIN)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
            f'font-family="sans-serif" font-size="11">'
        )
        back = f'<title>Plan: {result}</title><rect width="100%" height="100%" fill="#ffffff"/>'
        return "\n".join([head, back, *self._out, "</svg>"]) + "\n"

    def space(self, pixels: float) -> None:
        self._y += pixels

    def heading(self, text: str) -> None:
        self._y += _LINE
        self._text(_MARGIN, self._y, text, size=13, bold=True)
        self._y += 6

    def line(self, text: str, ink: str = _INK) -> None:
        """One line of text, broken where the picture ends."""
        room = int((_WIDTH - 2 * _MARGIN) / _LETTER)
        words, row = printable(text).split(), ""
        rows = []
        for word in words:
            if row and len(row) + 1 + len(word) > room:
                rows.append(row)
                row = "    "
            row += f" {word}" if row.strip() else f"{row}{word}"
        for shown in [*rows, row]:
            self._y += _LINE
            indent = 12 * (shown.startswith("    "))
            self._text(_MARGIN + indent, self._y, shown.strip()[: room * 2], ink=ink)

    def disk(self, disk: DiskView) -> None:
        self.heading(f"{disk.device}: {size_text(disk.size)}, sectors of {disk.sector_size} bytes")
        self.line(f"table: {disk.table or 'stays as it is'}", _GREY)
        self._y += 8
        top = self._y
        self._text(_MARGIN, top + _BAR / 2 + 4, "now" if disk.conflicts else "before", ink=_GREY)
        before = self._bar(disk.before, top, after=False)
        if not disk.conflicts:
            below = top + _BAR + _GAP
            self._text(_MARGIN, below + _BAR / 2 + 4, "after", ink=_GREY)
            after = self._bar(disk.after, below, after=True)
            self._bands(disk, before, after, top + _BAR, below)
            self._y = below + _BAR
        else:
            self._y = top + _BAR
        for warning in disk.warnings:
            self.line(f"warning: {warning}", _GREY)
        self._y += _LINE

    def _bar(self, segments: Sequence[Segment], top: float, *, after: bool) -> dict[int, tuple[float, float]]:
        """Draws the segments; returns left and right edge by partition number."""
        edges: dict[int, tuple[float, float]] = {}
        room = _WIDTH - _LEFT - _MARGIN
        spare = max(room - _LEAST * len(segments), 0)
        total = sum(segment.size for segment in segments) or 1
        scale = min(1.0, room / (_LEAST * len(segments) or 1))
        x = float(_LEFT)
        for segment in segments:
            width = _LEAST * scale + spare * segment.size / total
            action = segment.action
            if not after and action in (CREATE, RESIZE):
                action = KEEP
            dash = ' stroke-dasharray="3 3"' if action == FREE else ""
            self._out.append(
                f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_BAR}" rx="{_ROUND}" fill="{_FILL[action]}" '
                f'stroke="#555555" stroke-width="0.8"{dash}/>'
            )
            self._words(segment, x, top, width)
            if segment.number:
                edges[segment.number] = (x, x + width)
            x += width
        return edges

    def _words(self, segment: Segment, x: float, top: float, width: float) -> None:
        if segment.number:
            first = f"{segment.number} {segment.label}" if segment.label else str(segment.number)
            rows = [first, size_text(segment.size), segment.holds]
        else:
            rows = ["free", size_text(segment.size)]
        room = int((width - 8) / _LETTER)
        for number, row in enumerate(rows):
            if row and room > 0:
                shown = row if len(row) <= room else row[: room - 1] + "…" if room > 3 else row[:room]
                ink, bold = (_INK, number == 0) if segment.number else (_GREY, False)
                self._text(x + 4, top + 14 + number * 15, shown, ink=ink, bold=bold)

    def _bands(
        self,
        disk: DiskView,
        before: dict[int, tuple[float, float]],
        after: dict[int, tuple[float, float]],
        top: float,
        below: float,
    ) -> None:
        """Joins what stays: the same partition above and below."""
        for row in disk.rows:
            if row.action in (KEEP, RESIZE) and row.number in before and row.number in after:
                (a, b), (c, d) = before[row.number], after[row.number]
                points = f"{a:.1f},{top:.1f} {b:.1f},{top:.1f} {d:.1f},{below:.1f} {c:.1f},{below:.1f}"
                self._out.append(f'<polygon points="{points}" fill="{_FILL[row.action]}" fill-opacity="0.35"/>')

    def legend(self) -> None:
        self._y += _LINE
        x = float(_MARGIN)
        for action, word in _WORDS.items():
            self._out.append(
                f'<rect x="{x:.1f}" y="{self._y - 9:.1f}" width="10" height="10" fill="{_FILL[action]}" stroke="#555555" '
                'stroke-width="0.8"/>'
            )
            self._text(x + 14, self._y, word, ink=_GREY)
            x += 30 + len(word) * _LETTER

    def _text(self, x: float, y: float, text: str, *, ink: str = _INK, size: int = 0, bold: bool = False) -> None:
        more = f' font-size="{size}"' if size else ""
        more += ' font-weight="bold"' if bold else ""
        self._out.append(f'<text x="{x:.1f}" y="{y:.1f}" fill="{ink}"{more}>{escape(printable(text), quote=False)}</text>')
