"""The picture of a build as SVG: the files as a tree, a column for each kind of hosts, and a mark where a kind gets a file.

The same build gives the same bytes, so a picture can be kept beside a document and compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from butane_py.fleet.graph import Kind, Row, tree

_MARGIN, _LINE, _INDENT = 16, 24, 18  # pixels
_COLUMN, _LETTER = 34, 6.6
_MOST_COLUMNS = 24
_HOSTS = 6  # names in the legend
_INK, _GREY, _PALE, _RULE = "#222222", "#777777", "#f2f5f9", "#c9d3de"
_FILL = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#bab0ac")


def picture(title: str, found: Sequence[Kind]) -> str:
    """An SVG document, with a line feed at its end."""
    columns = _columns(found)
    rows = tree(found)
    draw = _Drawing(max((len(row.file) * _LETTER + row.depth * _INDENT for row in rows), default=0.0), len(columns))
    draw.heading(title, sum(len(kind.hosts) for kind in found), len({row.file for row in rows}))
    draw.letters(columns)
    for number, row in enumerate(rows):
        draw.row(row, [_count(row, column) for column in columns], shaded=not number % 2)
    draw.legend(columns)
    return draw.document(title)


def _columns(found: Sequence[Kind]) -> list[list[Kind]]:
    """The kinds of each column: one, except that the last column has all that are left over."""
    ordered = sorted(found, key=lambda kind: -len(kind.hosts)) if len(found) > _MOST_COLUMNS else list(found)
    rest = ordered[_MOST_COLUMNS:]
    return [[kind] for kind in ordered[:_MOST_COLUMNS]] + ([rest] if rest else [])


def _count(row: Row, column: Sequence[Kind]) -> int:
    """How often the hosts of a column get the file of a row; -1: some of them get it."""
    counts = [(row.file == kind.source) if row.edge is None else kind.counts.get(row.edge, 0) for kind in column]
    if len(set(counts)) == 1:
        return int(counts[0])
    return -1


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else "…"


class _Drawing:
    """Grows downwards; `_y` is where the next thing goes."""

    def __init__(self, names: float, columns: int) -> None:
        self._left = _MARGIN + max(names, 160.0) + 24
        self._width = max(self._left + columns * _COLUMN + _MARGIN, 420.0)
        self._y = float(_MARGIN)
        self._out: list[str] = []

    def document(self, title: str) -> str:
        height, width = int(self._y + _MARGIN), int(self._width)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="12">'
        )
        back = f'<title>Build of {_escaped(title)}</title><rect width="100%" height="100%" fill="#ffffff"/>'
        return "\n".join([head, back, *self._out, "</svg>"]) + "\n"

    def heading(self, title: str, hosts: int, files: int) -> None:
        self._y += 12
        self._text(_MARGIN, self._y, title, size=14, bold=True)
        self._y += 17
        counts = f"{hosts:,} host{'s' * (hosts != 1)}, {files} file{'s' * (files != 1)}"
        self._text(_MARGIN, self._y, counts, ink=_GREY)
        self._y += 12

    def letters(self, columns: Sequence[Sequence[Kind]]) -> None:
        """The heads of the columns: a letter, and the number of hosts below it."""
        self._y += 12
        for number, column in enumerate(columns):
            x = self._left + (number + 0.5) * _COLUMN
            self._text(x, self._y, _letter(number), bold=True, ink=_FILL[number % len(_FILL)], middle=True)
            self._text(x, self._y + 13, f"{sum(len(kind.hosts) for kind in column):,}", ink=_GREY, size=10, middle=True)
        self._y += 20

    def row(self, row: Row, counts: Sequence[int], *, shaded: bool) -> None:
        """A file: its branch of the tree, its name, and a mark for each column."""
        top, middle = self._y, self._y + _LINE / 2
        if shaded:
            self._out.append(f'<rect x="0" y="{top:.1f}" width="{self._width:.0f}" height="{_LINE}" fill="{_PALE}"/>')
        for level, ends in enumerate(row.last):
            x = _MARGIN + level * _INDENT + 5
            here = level == row.depth - 1
            if here or not ends:
                below = middle if here and ends else top + _LINE
                self._line(x, top, x, below)
            if here:
                self._line(x, middle, x + _INDENT - 7, middle)
        text = f"{row.file} (see above)" if row.again else row.file
        self._text(_MARGIN + row.depth * _INDENT, middle + 4, text, ink=_GREY if row.again else _INK, bold=not row.depth)
        for number, count in enumerate(counts):
            self._mark(self._left + (number + 0.5) * _COLUMN, middle, count, _FILL[number % len(_FILL)])
        self._y += _LINE

    def _mark(self, x: float, y: float, count: int, fill: str) -> None:
        if not count:
            self._out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.5" fill="{_RULE}"/>')
            return
        inside = "#ffffff" if count < 0 else fill
        self._out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{inside}" stroke="{fill}" stroke-width="1.5"/>')
        if count > 1:
            self._text(x, y + 3.5, str(count) if count < 100 else "+", ink="#ffffff", size=10, middle=True)

    def legend(self, columns: Sequence[Sequence[Kind]]) -> None:
        """The hosts of each column."""
        self._y += 8
        for number, column in enumerate(columns):
            self._y += 18
            self._text(_MARGIN, self._y, _letter(number), bold=True, ink=_FILL[number % len(_FILL)])
            hosts = tuple(name for kind in column for name in kind.hosts)
            room = int((self._width - 2 * _MARGIN - 20) / _LETTER)
            title = next((text for most in range(_HOSTS, 0, -1) if len(text := column[0].but(hosts=hosts).title(most)) <= room), "")
            self._text(_MARGIN + 20, self._y, title or f"{hosts[0][: room - 12]}… and {len(hosts) - 1:,} more")
        self._y += 18
        self._text(_MARGIN, self._y, "●  gets the file, a number: so many times      ○  some of the column do", ink=_GREY, size=10)

    def _line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        self._out.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{_RULE}" stroke-width="1.2"/>')

    def _text(
        self, x: float, y: float, text: str, *, ink: str = _INK, size: int = 0, bold: bool = False, middle: bool = False
    ) -> None:
        more = f' font-size="{size}"' if size else ""
        more += ' font-weight="bold"' if bold else ""
        more += ' text-anchor="middle"' if middle else ""
        self._out.append(f'<text x="{x:.1f}" y="{y:.1f}" fill="{ink}"{more}>{_escaped(text)}</text>')


def _escaped(text: str) -> str:
    return escape("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text), quote=False)
