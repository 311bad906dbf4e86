"""The command line of `ignition-py convert`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import CONFIG, FILES_DIR
from ignition_py.programs.commands import command
from ignition_py.programs.convert import STABLE, convert
from ignition_py.programs.inputs import complain, read_input
from ignition_py.spec import tables
from ignition_py.spec.encode import to_data, to_json
from ignition_py.system import streams


@command(
    "convert",
    example="ignition-py convert --to 3.4.0 config.ign > older.ign",
    statuses={0: "converted", 1: "it cannot be converted", 2: "wrong usage"},
)
@CONFIG
@FILES_DIR
@click.option("--pretty", is_flag=True, help="Indent the output.")
@click.option("--to", type=click.Choice(tuple(tables.VERSIONS)), default=STABLE[-1], help="The version to convert to.")
def run(config: str, files_dir: str | None, pretty: bool, to: str) -> int:
    """Write a config in another version of the spec to standard output.

    Takes Ignition 1, 2.x and 3.x, Butane and MachineConfigs. What the other version cannot express is refused, with a list.
    `-` reads standard input.
    """
    source = read_input(config)
    converted, report = convert(source, tables.VERSIONS[to], files_dir)
    for entry in report:
        hint = f" ({entry.hint})" if entry.hint else ""
        streams.say(f"{entry.raw()}{hint}".replace("\n", " ") + "\n")
    if converted is None:
        complain("ignition-py convert", f"{source.name} cannot be converted to {to}")
        return 1
    streams.write_stdout(to_json(to_data(converted, tables.VERSIONS[to]), indent=2 if pretty else None) + "\n")
    return 0
