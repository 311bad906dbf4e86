"""The lines of a failure screen: at most 24 of at most 80 columns, the size of the smallest console.

    failure.py: Failure -> screen()          a heading, then `  name: value` and lines of others below a name
    rehearsal/failure_screen.py: unwrapped() the lines of a screen, each as long as it was

A value that is wider goes on in lines that begin with six blanks. A line of 79 or 80 columns was broken inside a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ignition_py.record import Record

LINES, COLUMNS = 24, 80
_SOFT = COLUMNS - 2  # columns of a line that ends with a word
_MORE = "      "
_WIDE = "\u1100"  # from here on a character may take two columns (Unicode's East Asian wide ones begin here)


class Line(Record):
    """`text` may take up to `most` lines. Of several that are `optional`, the last ones are left out where there is no room."""

    text: str
    most: int = 1
    optional: bool = False


def screen(lines: Sequence[Line]) -> list[str]:
    """The lines as they fit the console."""
    blocks = [(line, _wrapped(line.text, line.most)) for line in lines if not line.optional]
    room = LINES - sum(len(block) for _, block in blocks)
    optional = [_wrapped(line.text, line.most) for line in lines if line.optional]
    kept = _that_fit(optional, room)
    found: list[str] = []
    blocks_left = iter(blocks)
    put = False
    for line in lines:
        if not line.optional:
            found += next(blocks_left)[1]
        elif not put:
            found += kept
            put = True
    return found


def _that_fit(blocks: Sequence[list[str]], room: int) -> list[str]:
    """The first of the blocks, whole, in `room` lines; the last line says how many more there are."""
    if sum(map(len, blocks)) <= room:
        return [text for block in blocks for text in block]
    found: list[str] = []
    for number, block in enumerate(blocks):
        if len(found) + len(block) > room - 1:
            left = len(blocks) - number
            return [*found, f"    and {left} more"] if found or room < 2 else [*block[: room - 1], f"    and {left - 1} more"]
        found += block
    return found


def _wrapped(text: str, most: int) -> list[str]:
    """`text`, which begins with its own indentation, as at most `most` lines."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    rows, row, empty = [], indent, True
    for word in text.split():
        # A word that no line has room for is broken where it begins.
        if not empty and _columns(row) + 1 + _columns(word) > _SOFT and _columns(word) <= _SOFT - len(_MORE):
            rows.append(row)
            row, empty = _MORE, True
        row += word if empty else f" {word}"
        empty = False
        while _columns(row) > _SOFT:
            head = _head(row, COLUMNS)
            rows.append(head)
            row, empty = _MORE + row[len(head) :], len(row) == len(head)
    if not empty or not rows:
        rows.append(row)
    if len(rows) > most:
        rows = [*rows[: most - 1], _head(rows[most - 1], _SOFT - 1) + "…"]
    return rows


def _columns(text: str) -> int:
    return len(text) if text.isascii() else sum(2 if char >= _WIDE else 1 for char in text)


def _head(text: str, columns: int) -> str:
    """The beginning of `text` that fits."""
    while _columns(text) > columns:
        text = text[: columns if len(text) > columns else -1]
    return text


def unwrapped(lines: Iterable[str]) -> list[str]:
    """The lines of a screen before they were broken."""
    found: list[str] = []
    hard = False
    for line in lines:
        if line.startswith(_MORE) and found:
            found[-1] += ("" if hard else " ") + line.lstrip(" ")
        else:
            found.append(line)
        hard = _columns(line) > _SOFT
    return found
