"""`ignition-py validate` and `ignition-validate`: checks configs and reports what is wrong with them, and where.

One line on standard output for each report, `KIND at PATH, line L col C: MESSAGE`; with a terminal there, the source
line and a caret too. Exit status as the reference's: 1 where a config cannot be used or the operand is missing, 2 for an
unknown flag.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from os import environ

from ignition_py import version_text
from ignition_py.butane import is_butane
from ignition_py.goflags import SWITCH, TEXT, Flag, Parser
from ignition_py.programs.inputs import Input, compile_butane, complain, read_input
from ignition_py.programs.machine_config import embedded, is_machine_config
from ignition_py.report import text as reports
from ignition_py.report.data import json_line
from ignition_py.report.diag import IgnitionError, Report
from ignition_py.spec.read import parse
from ignition_py.system import streams

AUTO, LINES, PRETTY, JSON, SARIF = STYLES = ("auto", "lines", "pretty", "json", "sarif")
_ABOUT = "Checks Ignition configs (and Butane configs, compiled first). `-` reads standard input."


def parser(program: str) -> Parser:
    """The command line of `ignition-validate`."""
    flags = (
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag("format", TEXT, "how to show the reports", default=AUTO, noun="format", choices=STYLES),
        Flag("version", SWITCH, "print the version and exit"),
    )
    return Parser(program, flags, about=_ABOUT, operands="CONFIG...")


def main(program: str, argv: Sequence[str]) -> int:
    """Runs `ignition-validate` and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, version_text())
    if isinstance(values, int):
        return values
    if not values.arguments:
        streams.say(flags.usage())
        return 1
    return validate(program, values.arguments, values.text("format"), values.text("files-dir") or None, machine_configs=False)


def validate(
    program: str, paths: Sequence[str], style: str = AUTO, files_dir: str | None = None, *, machine_configs: bool = True
) -> int:
    """Checks the configs at `paths` and writes their reports to standard output in one of STYLES; the exit status.

    Without `machine_configs` a MachineConfig is an error, as for the reference.
    """
    if style == AUTO:
        style = PRETTY if sys.stdout.isatty() else LINES
    status = 0
    reports: list[tuple[str, Report]] = []
    for path in paths:
        prefix = f"{path}: " if len(paths) > 1 else ""
        try:
            config = read_input(path)
            report = check(config, files_dir, machine_configs=machine_configs)
        except IgnitionError as error:
            complain(program, f"{prefix}{error}")
            status = 1
            continue
        status = 1 if report.fatal else status
        reports.append((config.name, report))
        if style == JSON:
            streams.write_stdout(json_line(config.name, report))
        elif len(report) and style != SARIF:
            streams.write_stdout(_shown(config, report, style, prefix))
    if style == SARIF:
        from ignition_py.report.sarif import sarif

        streams.write_stdout(sarif(reports, "ignition-py"))
    return status


def check(config: Input, files_dir: str | None = None, *, machine_configs: bool = True) -> Report:
    """The reports about one config: of a Butane config those of its compilation, of a MachineConfig those about its Ignition
    config. Raises IgnitionError."""
    if is_butane(config.data):
        return compile_butane(config, files_dir).report

    machine_config = embedded(config.data) if machine_configs else None
    if machine_config is not None:
        return machine_config.led_back(parse(machine_config.data, config.name)[2])
    return parse(config.data, config.name)[2]


def _shown(config: Input, report: Report, style: str, prefix: str) -> str:
    if style == PRETTY:
        colour = sys.stdout.isatty() and not environ.get("NO_COLOR")
        is_json = not (is_butane(config.data) or is_machine_config(config.data))
        return reports.pretty(report, config.data, colour=colour, is_json=is_json)
    return "".join(f"{prefix}{line}\n" for line in reports.raw(report).splitlines()) if prefix else reports.raw(report)
