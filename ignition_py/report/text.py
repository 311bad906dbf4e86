"""Reports as text: one line each for programs, with the source line and a caret for people, or JSON.

A diagnostic is data (ignition_py.report.diag); nothing here decides anything.
"""

from __future__ import annotations

from ignition_py.report.diag import ERROR, WARNING, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ignition_py.report.diag import Entry, Report

_COLOURS = {ERROR: "31;1", WARNING: "33;1", "info": "36;1"}
_SHOWN = 120  # characters of a source line


def raw(report: Report) -> str:
    """`KIND at PATH, line L col C: MESSAGE`, a line each."""
    return "".join(f"{one_line(entry.raw())}\n" for entry in report)


def one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")


class Paint:
    """Colours for a terminal, or none."""

    def __init__(self, colour: bool) -> None:
        self._on = colour

    def __call__(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text


def pretty(report: Report, text: bytes, *, colour: bool) -> str:
    """For people: what, where, the line with a caret, what to do."""
    paint = Paint(colour)
    lines = text.decode("utf-8", "replace").splitlines()
    return "".join(_pretty(entry, lines, paint) for entry in report)


def _pretty(entry: Entry, lines: list[str], paint: Paint) -> str:
    place = entry.place
    colour = _COLOURS[entry.severity]
    out = [f"{paint(colour, f'{entry.severity}[{entry.code}]')}{paint('1', f': {_visible(entry.message)}')}"]
    margin = len(str(place.line)) if place.line else 1
    bar = paint("34;1", "|")
    where = f"{place.source}:{place.line}:{place.column}" if place.line else place.source
    path = f" ({path_text(place.path)})" if place.path else ""
    out.append(f"{' ' * margin}{paint('34;1', '-->')} {where}{path}")
    if 0 < place.line <= len(lines):
        shown, at, width = _excerpt(lines[place.line - 1], place.column)
        number = paint("34;1", str(place.line))
        out += [
            f"{' ' * margin} {bar}",
            f"{number} {bar} {shown}",
            f"{' ' * margin} {bar} {' ' * at}{paint(colour, '^' * width)}",
        ]
    if entry.hint:
        out.append(f"{' ' * margin} {paint('34;1', '=')} {paint('1', 'help')}: {_visible(entry.hint)}")
    return "\n".join(out) + "\n\n"


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _excerpt(line: str, column: int) -> tuple[str, int, int]:
    """A source line for showing, where the caret goes in it, and how wide it is."""
    start = max(0, column - 1 - _SHOWN // 2) if len(line) > _SHOWN else 0
    part = _visible(line[start : start + _SHOWN].replace("\t", " "))
    at = min(max(column - 1 - start, 0), len(part))
    rest = part[at:]
    stop = (
        next((i for i, char in enumerate(rest) if char in " ,:]}"), len(rest))
        if rest[:1] not in ("'", '"')
        else len(rest)
    )
    return part, at, max(1, stop)


def as_data(report: Report) -> list[dict[str, Any]]:
    """The report as plain data, for `--format json`."""
    return [
        {
            "severity": entry.severity,
            "code": entry.code,
            "message": entry.message,
            "hint": entry.hint or None,
            "path": path_text(entry.place.path) if entry.place.path else None,
            "file": entry.place.source or None,
            "line": entry.place.line or None,
            "column": entry.place.column or None,
        }
        for entry in report
    ]


def summary(report: Report) -> str:
    """`2 errors and 1 warning`."""
    counts = [(sum(entry.severity == kind for entry in report), kind) for kind in (ERROR, WARNING)]
    return " and ".join(f"{count} {kind}{'s' if count != 1 else ''}" for count, kind in counts if count)
