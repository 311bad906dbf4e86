"""`ignition-py validate` and `ignition-validate`: says what is wrong with configs, and where.

One line on standard output for each thing found, `KIND at PATH, line L col C: MESSAGE`; with a terminal there, the source
line and a caret too. Exit status as the reference's: 1 where a config cannot be used or the operand is missing, 2 for a
flag that is not known.
"""

from __future__ import annotations

import sys

from ignition_py.butane import is_butane
from ignition_py.goflags import SWITCH, TEXT, Flag, Parser
from ignition_py.programs.inputs import Input, compile_butane, complain, read_input, write
from ignition_py.report.diag import IgnitionError, Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LINES, PRETTY, JSON, AUTO = "lines", "pretty", "json", "auto"
_ABOUT = "Checks Ignition configs (and Butane configs, compiled first). `-` reads standard input."


def parser(program: str) -> Parser:
    flags = (
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag(
            "format",
            TEXT,
            "how to show what was found",
            default=AUTO,
            noun="format",
            choices=(AUTO, LINES, PRETTY, JSON),
        ),
        Flag("version", SWITCH, "print the version and exit"),
    )
    return Parser(program, flags, about=_ABOUT, operands="CONFIG...")


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv)
    if isinstance(values, int):
        return values
    if values.on("version"):
        from ignition_py.cli import version_text

        write(f"{version_text()}\n")
        return 0
    if not values.arguments:
        sys.stderr.write(flags.usage())
        return 1
    way = values.text("format")
    if way == AUTO:
        way = PRETTY if sys.stdout.isatty() else LINES
    run = _Run(program, way, values.text("files-dir") or None, several=len(values.arguments) > 1)
    for path in values.arguments:
        run.check(path)
    return run.finish()


class _Run:
    """One run over all files: shows what it finds as it goes, and keeps the worst status."""

    def __init__(self, program: str, way: str, files_dir: str | None, *, several: bool) -> None:
        self._program = program
        self._way = way
        self._files_dir = files_dir
        self._several = several
        self._status = 0
        self._data: list[dict[str, Any]] = []

    def check(self, path: str) -> None:
        try:
            given = read_input(path)
            report = self._report(given)
        except IgnitionError as error:
            name = f"{path}: " if self._several else ""
            complain(self._program, f"{name}{error}")
            self._status = 1
            return
        if report.fatal:
            self._status = 1
        self._show(given, report)

    def _report(self, given: Input) -> Report:
        if is_butane(given.data):
            return compile_butane(given, self._files_dir).report
        from ignition_py.spec.read import parse

        return parse(given.data, given.name)[2]

    def _show(self, given: Input, report: Report) -> None:
        from ignition_py.report import text as reports

        if self._way == JSON:
            from ignition_py.report.data import as_data

            self._data += as_data(report)
        elif self._way == PRETTY:
            from os import environ

            colour = sys.stdout.isatty() and not environ.get("NO_COLOR")
            write(reports.pretty(report, given.data, colour=colour))
        elif len(report):
            text = reports.raw(report)
            if self._several:
                text = "".join(f"{given.name}: {line}\n" for line in text.splitlines())
            write(text)

    def finish(self) -> int:
        if self._way == JSON:
            from json import dumps

            write(dumps(self._data, ensure_ascii=False, indent=2) + "\n")
        return self._status
