"""Reports as text: one line each for programs, or with the source lines and carets for people.

A diagnostic is data (ignition_py/report/diag.py); nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ignition_py.report.diag import ERROR, INFO, WARNING, Entry, Place, Report, path_text

if TYPE_CHECKING:
    from ignition_py.report.lines import Lines

_COLOURS = {ERROR: "31;1", WARNING: "33;1", INFO: "36;1"}
_BLUE, _BOLD = "34;1", "1"
_SHOWN = 120  # characters of a source line
_TAB = "\N{RIGHTWARDS ARROW}"


def raw(report: Report) -> str:
    """`KIND at PATH, line L col C: MESSAGE`, a line each."""
    return "".join(f"{one_line(entry.raw())}\n" for entry in report)


def one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")


def pretty(report: Report, text: bytes, *, colour: bool, is_json: bool = False) -> str:
    """For people: what is wrong, where, the lines with the values underlined, and the way out.

    `text` is the source that the report is about; `is_json` tells that its columns count bytes. Secrets in it are masked.
    """
    from ignition_py.report.lines import Lines

    if not len(report):
        return ""
    lines = _masked(Lines(text, is_json=is_json))
    renderer = _Renderer(lambda _: lines, colour)
    return "".join(renderer.entry(entry) for entry in report)


def _masked(lines: Lines) -> Lines:
    """The lines with the secrets of the config masked."""
    from ignition_py.report.masked import masked
    from ignition_py.spec.secrets import fields_by_name

    lines.text = masked(lines.text, fields_by_name())
    return lines


def pretty_of(report: Report, text: Callable[[str], bytes | None], *, colour: bool) -> str:
    """The same for a report about several sources. `text` gives the text of one by its name; None where no line of it may be shown."""
    from ignition_py.report.lines import Lines

    known: dict[str, Lines] = {}

    def lines(name: str) -> Lines:
        if name not in known:
            known[name] = _masked(Lines(text(name) or b""))
        return known[name]

    renderer = _Renderer(lines, colour)
    return "".join(renderer.entry(entry) for entry in report)


def summary(report: Report) -> str:
    """`2 errors and 1 warning`."""
    counts = [(sum(entry.severity == kind for entry in report), kind) for kind in (ERROR, WARNING, INFO)]
    return " and ".join(f"{count} {kind}{'s' if count != 1 else ''}" for count, kind in counts if count)


class _Renderer:
    """Renders entries. `lines` gives the text of a source by its name."""

    def __init__(self, lines: Callable[[str], Lines], colour: bool) -> None:
        self._lines = lines
        self._colour = colour

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def entry(self, entry: Entry) -> str:
        colour = _COLOURS[entry.severity]
        places = (entry.place, *(each.place for each in entry.related))
        margin = max(len(str(place.line)) if place.line else 1 for place in places)
        head = self._paint(colour, f"{entry.severity}[{entry.code}]")
        out = [f"{head}{self._paint(_BOLD, f': {_visible(entry.message)}')}", self._address(entry.place, margin)]
        out += self._excerpt(entry.place, margin, "^", colour)
        for related in entry.related:
            place = related.place
            note = f"{self._paint(_BOLD, 'note')}: {_visible(related.message)}"
            out += [f"{' ' * margin} {self._paint(_BLUE, '=')} {note}"]
            if place.line:
                out += [self._address(place, margin), *self._excerpt(place, margin, "-", _BLUE)]
        if entry.hint:
            out.append(self._more("help", entry.hint, margin))
        if entry.fix is not None and entry.fix.title != entry.hint:
            out.append(self._more("fix", entry.fix.title, margin))
        return "\n".join(out) + "\n\n"

    def _more(self, kind: str, text: str, margin: int) -> str:
        return f"{' ' * margin} {self._paint(_BLUE, '=')} {self._paint(_BOLD, kind)}: {_visible(text)}"

    def _address(self, place: Place, margin: int) -> str:
        where = f"{place.source}:{place.line}:{place.column}" if place.line else place.source
        path = f" ({path_text(place.path)})" if place.path else ""
        return f"{' ' * margin}{self._paint(_BLUE, '-->')} {where}{path}"

    def _excerpt(self, place: Place, margin: int, mark: str, colour: str) -> list[str]:
        """The line of a place with what it spans underlined. Of several lines the first is shown."""
        lines = self._lines(place.source)
        if not 0 < place.line <= len(lines) or not lines.text:
            return []
        line = lines.line(place.line)
        begin = lines.character(place.line, max(place.column, 1))
        if place.end_line > place.line:
            end, more = len(line.rstrip()), f" to line {place.end_line}"
        elif place.end_line:
            end, more = lines.character(place.end_line, place.end_column), ""
        else:
            end, more = begin + 1, ""
        start = max(0, begin - _SHOWN // 2) if len(line) > _SHOWN else 0
        shown = line[start : start + _SHOWN]
        begin, end = min(begin - start, len(shown)), min(end - start, len(shown))
        under = " " * _width(shown[:begin]) + self._paint(colour, mark * max(1, _width(shown[begin:end])) + more)
        bar = self._paint(_BLUE, "|")
        number = self._paint(_BLUE, str(place.line).rjust(margin))
        return [f"{' ' * margin} {bar}", f"{number} {bar} {_visible(shown)}", f"{' ' * margin} {bar} {under}"]


def _visible(text: str) -> str:
    """The text with tabs as arrows, and what a terminal would act on replaced."""
    return "".join(
        char if char.isprintable() else _TAB if char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _width(text: str) -> int:
    """Columns of a terminal that the text takes: two for wide characters, none for marks that combine."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
