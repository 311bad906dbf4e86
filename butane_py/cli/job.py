"""What the command line asks for, and compiling one file that way: what a single run, a batch and a watch have in common."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.result import Result
from ignition_py.goflags import Values
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import ERROR, INFO, ConfigError, Entry, Place, Report
from ignition_py.system import streams

if TYPE_CHECKING:
    from butane_py.linter.settings import Settings

DONE, REFUSED, USAGE = 0, 1, 2


class Job(Record):
    """How files are compiled.

    `options` are the compiler's; `strict` refuses configs with warnings; `check` writes nothing; `style` is that of the reports:
    text, raw, json or sarif; `map_to` is where a source map goes: beside, inline, or "" for none; `private` makes files 0600.
    """

    options: Options
    _: KW_ONLY
    check: bool
    strict: bool
    style: str
    colour: bool
    map_to: str = ""
    private: bool = False

    @classmethod
    def asked(cls, values: Values) -> Job:
        map_to = values.text("source-map")
        options = Options(
            values.text("files-dir") or None,
            pretty=values.on("pretty"),
            raw=values.on("raw"),
            lint=_lints(values),
            settings=_settings(values),
            allow_extensions=values.on("allow-extensions"),
            source_map=bool(map_to),
        )
        style = values.text("format")
        if style == "text" and values.on("raw-errors"):
            style = "raw"
        colour = coloured(values.text("color"))
        return cls(
            options,
            check=values.on("check"),
            strict=values.on("strict"),
            style=style,
            colour=colour,
            map_to=map_to,
            private=values.on("private"),
        )

    def compile(self, data: bytes, name: str) -> Result:
        """Compiles `data`; with --strict nothing comes out where there is any report."""
        try:
            result = compile_source(data, name, self.options_for(name))
        except ConfigError as error:  # of the linter's settings and rules
            return Result(
                None, Report([Entry(ERROR, "lint-settings", error.message, Place((), source=name), error.hint)])
            )
        if self.strict and any(entry.severity != INFO for entry in result.report):
            return result.but(output=None, source_map=None)
        if self.map_to == "inline" and result.output is not None and result.source_map is not None:
            return self._with_map(result, result.output, result.source_map, name)
        return result

    def options_for(self, name: str) -> Options:
        """The options for one config: with the linter, those of the settings file that is found upwards from it."""
        if not self.options.lint:
            return self.options
        from butane_py.linter.settings import for_config

        return for_config(self.options, name)

    def _with_map(self, result: Result, output: str, made: dict[str, Any], name: str) -> Result:
        from butane_py.emit.source_map import inside

        if not output.startswith("{"):
            message = "a MachineConfig has no room for a source map: put it beside with --source-map, or give --raw"
            return Result(
                None, Report([*result.report, Entry(ERROR, "source-map-inline", message, Place((), 1, 1, name))])
            )
        return result.but(output=inside(output, made), source_map=None)

    def tell(self, text: str, *, config_to_stdout: bool) -> None:
        """Writes reports: JSON and SARIF to standard output where no config goes there, all else to standard error."""
        if self.style in ("json", "sarif") and (self.check or not config_to_stdout):
            streams.write_stdout(text)
        else:
            streams.say(text)

    def shown(self, result: Result, data: bytes, name: str) -> str:
        """The report as text, one of the styles text, raw and json; SARIF is one document for all files."""
        from butane_py import render

        report = result.report
        if self.style == "json":
            return render.json_line(name, report)
        if not len(report) or self.style == "sarif":
            return ""
        if self.style == "raw":
            return render.raw(report)
        text = render.pretty(report, data, colour=self.colour)
        fixable = sum(entry.fix is not None for entry in report)
        fix = f"; --fix can correct {fixable} of them" if fixable and name != "<stdin>" else ""
        return f"{text}{name}: {render.summary(report)}{'; nothing was written' if result.output is None else ''}{fix}\n"


def _lints(values: Values) -> bool:
    return values.text("lint") not in ("", "off") or (values.given("select") and values.text("lint") != "off")


def _settings(values: Values) -> Settings | None:
    """The linter's settings of the command line; None where it has none."""
    if not (values.given("select") or values.given("ignore") or values.text("lint") == "verify"):
        return None
    from butane_py.linter.settings import Settings, listed

    select, ignore = listed(values.text("select")), listed(values.text("ignore"))
    return Settings(select, ignore, verify=values.text("lint") == "verify")


def coloured(when: str) -> bool:
    """Are reports to be coloured? Never in a pipe unless asked for; NO_COLOR is respected."""
    if when in ("always", "yes"):
        return True
    return when == "auto" and "NO_COLOR" not in os.environ and sys.stderr.isatty()
