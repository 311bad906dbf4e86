"""Comments that silence reports: `# butane-py: ignore[code, …]` on a line, `# butane-py: ignore-file[code, …]` for the whole file.

A comment after a value silences reports of that value; after the first line of a list's entry, those of the whole entry; on a line of
its own, those of the line below. Without codes in brackets it silences all. Errors are never silenced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.settings import OFF, Settings, matches
from butane_py.yaml.source import Source
from ignition_py.record import Record
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, INFO, Entry, Place, Report
from ignition_py.report.examples import file_

declare(
    "lint-unused-ignore",
    title="A comment silences nothing",
    why="No report of that code is made there any more, so the comment hides the next one.",
    fix="Take the comment away, or put it on the line of the report.",
    wrong="# butane-py: ignore-file[lint-crlf]\n" + file_("mode: 0644\n"),
    right=file_("mode: 0644\n"),
    severity=INFO,
    lint=True,
)


MARK = b"butane-py: ignore"
UNUSED = "lint-unused-ignore"
_COMMENT = r"#\s*butane-py:\s*(ignore(?:-file)?)\b(?:\[([^\]\n]*)\])?"
_EVERY = "*"


class Ignore(Record):
    """One code of one comment. `line` is the line it speaks of, 0 for the whole file; `column` and `at` tell where it stands."""

    code: str
    line: int
    at: int
    column: int

    def silences(self, entry: Entry, lines: set[int]) -> bool:
        covered = not self.line or self.line in lines
        return covered and entry.severity != ERROR and (self.code == _EVERY or matches(entry.code, (self.code,)))


def filtered(report: Report, source: Source, settings: Settings | None, *, lint: bool) -> Report:
    """The report with severities as set, and without what is ignored. `lint`: an ignore that silences nothing is reported too."""
    settings = settings or Settings()
    entries = [
        _set(entry, settings) for entry in report if entry.severity == ERROR or not matches(entry.code, settings.ignore)
    ]
    kept = [entry for entry in entries if entry.severity != OFF]
    ignores = list(_ignores(source)) if MARK in source.text else []
    if not ignores:
        return Report(kept)
    used: set[int] = set()
    left = []
    for entry in kept:
        lines = _lines_of(source, entry.place)
        silencing = [i for i, ignore in enumerate(ignores) if ignore.silences(entry, lines)]
        used.update(silencing)
        if not silencing:
            left.append(entry)
    if lint and settings.runs(UNUSED) and not matches(UNUSED, settings.ignore):
        left += [
            _set(_unused(ignore, source), settings)
            for i, ignore in enumerate(ignores)
            if i not in used and _could_run(ignore, settings)
        ]
    return Report([entry for entry in left if entry.severity != OFF])


def _set(entry: Entry, settings: Settings) -> Entry:
    severity = settings.severity_of(entry.code) if entry.severity != ERROR else ""
    return entry.but(severity=severity) if severity else entry


def _could_run(ignore: Ignore, settings: Settings) -> bool:
    """False for codes of rules that the settings leave out, and of targets: their ignores are not superfluous."""
    if ignore.code.startswith("target-"):
        return False
    return ignore.code == _EVERY or (settings.runs(ignore.code) and not matches(ignore.code, settings.ignore))


def _unused(ignore: Ignore, source: Source) -> Entry:
    what = "any report" if ignore.code == _EVERY else ignore.code
    where = "file" if not ignore.line else f"line {ignore.line}"
    return Entry(INFO, UNUSED, f"this comment silences nothing: {where} gets no report of {what}".replace("of any report", "at all"),
                 Place((), ignore.at, ignore.column, source.name), "take it away")  # fmt: skip


def _lines_of(source: Source, place: Place) -> set[int]:
    """The lines whose comments speak of a place: its own, that of its key, and the first lines of the list entries around it."""
    path = place.path
    lines = {place.line, source.key_place(path).line if path else 0}
    for length in range(1, len(path) + 1):
        node = source.find(path[:length]) if isinstance(path[length - 1], int) else None
        if node is not None:
            lines.add(node.line)
    return lines - {0}


def _ignores(source: Source) -> Iterator[Ignore]:
    lines = source.text.decode("utf-8", "replace").splitlines()
    inside = _scalar_lines(source.text)
    for number, line in enumerate(lines, 1):
        found = re.search(_COMMENT, line) if "butane-py:" in line else None
        if found is None or number in inside:
            continue
        own = not line[: found.start()].strip()
        target = 0 if found[1] == "ignore-file" else _below(lines, number) if own else number
        for code in (found[2] or _EVERY).replace(",", " ").split():
            yield Ignore(code, target, number, found.start() + 1)


def _below(lines: list[str], number: int) -> int:
    """The next line that is neither blank nor a comment."""
    for below, line in enumerate(lines[number:], number + 1):
        if line.strip() and not line.lstrip().startswith("#"):
            return below
    return number


def _scalar_lines(text: bytes) -> set[int]:
    """Lines that are inside of scalars of several lines: what looks like a comment there belongs to the value."""
    from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported without saying so
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import ScalarEvent

    lines: set[int] = set()
    parser = CParser(text)
    try:
        while parser.peek_event() is not None:
            event = parser.get_event()
            if isinstance(event, ScalarEvent) and event.end_mark.line > event.start_mark.line:
                last = event.end_mark.line + (event.style not in ("|", ">"))
                lines.update(range(event.start_mark.line + 2, last + 1))
    except YAMLError:
        return lines
    return lines
