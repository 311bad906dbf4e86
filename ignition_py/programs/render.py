"""`ignition-py render CONFIG`: the config as a machine would have it, with everything merged in, at the newest version.

What it names is fetched as at boot (render.py, fetch/); `-offline` takes only what configs carry themselves. The result goes
to standard output, warnings to standard error. Exit status: 0 rendered, 1 it cannot be, 2 wrong usage.
"""

from __future__ import annotations

import sys

from ignition_py.goflags import DURATION, SWITCH, TEXT, Flag, Parser, one_config
from ignition_py.programs.inputs import compile_butane, complain, printable, read_input, write
from ignition_py.report.diag import ERROR, Entry, IgnitionError
from ignition_py.system.log import INFO, WARNING, Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ignition_py.goflags import Values
    from ignition_py.spec.tables import Config

_ABOUT = "Writes the config with everything it merges, upgraded to the newest spec. `-` reads standard input."
_TIMEOUT = 60.0  # seconds for one fetch, as long as no config says otherwise


class StderrLog(Log):
    """Messages as plain lines on standard error."""

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._fd = -1
        self._kind = "stderr"

    def _emit(self, priority: int, line: str) -> None:
        del priority
        sys.stderr.write("".join([c if c.isprintable() or c == "\t" else "?" for c in printable(line)]) + "\n")


def parser(program: str) -> Parser:
    flags = (
        Flag("fetch-timeout", DURATION, "how long to try each fetch; 0 is forever", default=_TIMEOUT),
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag("offline", SWITCH, "fetch nothing: take data URLs only"),
        Flag("pretty", SWITCH, "indent the output"),
        Flag("verbose", SWITCH, "say what is fetched"),
    )
    return Parser(program, flags, about=_ABOUT, operands="CONFIG")


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, one_config)
    if isinstance(values, int):
        return values
    try:
        config = rendered(values)
    except IgnitionError as error:
        complain(program, str(error))
        return 1
    from ignition_py.spec import tables
    from ignition_py.spec.encode import to_data, to_json

    newest = tables.VERSIONS[tables.latest()]
    write(to_json(to_data(config, newest), indent=2 if values.on("pretty") else None) + "\n")
    return 0


def rendered(values: Values, compiled_from: Callable[[str, bytes], None] | None = None) -> Config:
    """The config of the command line, with the flags of `parser()`. `compiled_from` is told of a Butane config: the name that the
    compiled one goes by, and the text. Raises IgnitionError."""
    from ignition_py.butane import is_butane
    from ignition_py.fetch.fetcher import Fetcher
    from ignition_py.render import Renderer, log_report, parse
    from ignition_py.report.diag import ConfigError
    from ignition_py.state import State

    log = StderrLog(INFO if values.on("verbose") else WARNING)
    given = read_input(values.arguments[0])
    data, name = given.data, given.name
    if is_butane(data):
        compiled = compile_butane(given, values.text("files-dir") or None)
        log_report(compiled.report, log)
        if compiled.data is None:
            raise ConfigError(f"the Butane config {given.name} is not valid")
        data, name = compiled.data, f"{name} (compiled)"
        if compiled_from is not None:
            compiled_from(name, given.data)
    config = parse(data, name, log)
    fetcher = Fetcher(log, offline=values.on("offline"), limit=values.seconds("fetch-timeout"))
    rendered = Renderer(fetcher, log, State()).render(config)
    check_rendered(rendered, log, merged=rendered is not config)
    return rendered


def check_rendered(config: Config, log: Log, *, merged: bool) -> None:
    """Configs that are valid apart may contradict each other once merged, or be refused at the newest version.

    Raises ConfigError.
    """
    from ignition_py.render import refusal
    from ignition_py.report.diag import ConfigError
    from ignition_py.spec import tables
    from ignition_py.spec.origins import place_of
    from ignition_py.spec.rules.all import validate

    found = [f for f in validate(config, tables.VERSIONS[tables.latest()]) if f.severity == ERROR]
    for finding in found:
        place = place_of(config, finding.path)
        source = f" ({place.source})" if place.source else ""
        log.crit(Entry(ERROR, finding.code, finding.message, place).raw() + source)
    if found:
        raise ConfigError(refusal(merged=merged))
