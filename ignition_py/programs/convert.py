"""`ignition-py convert -to VERSION CONFIG`: the same config in another version of the spec, or every reason why not.

Takes Ignition 3.x, Butane, and the old 1 and 2.x (spec/legacy). The config goes to standard output, what there is to say
about it to standard error. Exit status: 0 converted, 1 it cannot be, 2 wrong usage.
"""

from __future__ import annotations

import sys

from ignition_py.butane import is_butane
from ignition_py.goflags import SWITCH, TEXT, Flag, Parser, one_config
from ignition_py.programs.inputs import Input, compile_butane, complain, printable, read_input, write
from ignition_py.report.diag import IgnitionError, Report
from ignition_py.spec import tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.spec.tables import Config

STABLE = [name for name in tables.VERSIONS if "-" not in name]
_ABOUT = (
    "Writes a config in another version of the spec to standard output. Refuses, with a list, what the other version "
    "cannot express. `-` reads standard input."
)


def parser(program: str) -> Parser:
    flags = (
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag("pretty", SWITCH, "indent the output"),
        Flag("to", TEXT, "version to convert to", noun="version", default=STABLE[-1], choices=tuple(tables.VERSIONS)),
    )
    return Parser(program, flags, about=_ABOUT, operands="CONFIG")


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, one_config)
    if isinstance(values, int):
        return values
    target = tables.VERSIONS[values.text("to")]
    try:
        given = read_input(values.arguments[0])
        config = _convert(given, values.text("files-dir") or None, target)
    except IgnitionError as error:
        complain(program, str(error))
        return 1
    if config is None:
        complain(program, f"{given.name} cannot be converted to {values.text('to')}")
        return 1
    from ignition_py.spec.encode import to_data, to_json

    write(to_json(to_data(config, target), indent=2 if values.on("pretty") else None) + "\n")
    return 0


def _convert(given: Input, files_dir: str | None, target: int) -> Config | None:
    """The config at `target`; None where it cannot be, which has been said. Raises IgnitionError."""
    from ignition_py.spec.downgrade import convert
    from ignition_py.spec.legacy import legacy_version
    from ignition_py.spec.read import parse

    data, report = given.data, Report()
    if is_butane(data):
        compiled = compile_butane(given, files_dir)
        _show(compiled.report)
        if compiled.data is None:
            return None
        data = compiled.data
    elif legacy_version(data) is not None:
        from ignition_py.spec.legacy import translate

        config, report = translate(data, given.name)
        _show(report)
        if config is None:
            return None
        converted, report = convert(config, tables.VERSIONS[config.ignition.version], target)
        _show(report)
        return converted
    config, version, report = parse(data, given.name)
    _show(report)
    if config is None or report.fatal:
        return None
    converted, report = convert(config, version, target)
    _show(report)
    return converted


def _show(report: Report) -> None:
    for entry in report:
        hint = f" ({entry.hint})" if entry.hint else ""
        sys.stderr.write(printable(f"{entry.raw()}{hint}").replace("\n", " ") + "\n")
