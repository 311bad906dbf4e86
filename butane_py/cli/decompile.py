"""`butane-py decompile config.ign`: the way back from an Ignition config to readable Butane."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from butane_py.decompiler import VARIANTS, decompiled
from butane_py.decompiler.unpack import Files
from butane_py.files import identity, read_input, write_output
from ignition_py.programs.commands import FILE, FOLDER, command
from ignition_py.report.diag import ConfigError
from ignition_py.system.streams import say, write_stdout

STDIN = STDOUT = "-"


@command(
    "decompile",
    example="butane-py decompile -d files -o config.bu config.ign\nbutane-py -d files config.bu   # compiles to the same again",
    statuses={0: "written", 1: "refused, or a file cannot be read or written", 2: "wrong usage"},
)
@click.argument("config", type=FILE, default=STDIN)
@click.option("-d", "--files-dir", type=FOLDER, default="", help="Put binary and large contents into files of this directory.")
@click.option("-o", "--output", type=FILE, default=STDOUT, help="File to write.")
@click.option("--private", is_flag=True, help="Write files that only their owner can read (mode 0600).")
@click.option("--variant", type=click.Choice(VARIANTS), default="fcos", help="Variant to write.")
def run(config: str, files_dir: str, output: str, private: bool, variant: str) -> int:
    """Write readable Butane that compiles to the same Ignition config.

    Takes Ignition 3.x configs, and MachineConfigs with one in them. Files of --files-dir that are there already are left as
    they are: another name is chosen. `-`, or no file, reads standard input.
    """
    name = "<stdin>" if config == STDIN else config
    data = read_input(config)
    try:
        made = decompiled(data, variant, name, Files(files_dir) if files_dir else None)
    except ConfigError as error:
        say("".join(f"{entry.raw()}\n" for entry in error.report))
        say(f"{click.get_current_context().command_path}: {error}\n")
        return 1
    say("".join(f"{name}: {entry.raw()}\n" for entry in made.report))
    if files_dir:
        os.makedirs(files_dir, exist_ok=True)
    for relative, contents in made.files.items():
        write_output(os.path.join(files_dir, relative), contents, private=private, changed_only=True)
    if output == STDOUT:
        write_stdout(made.text)
    else:
        write_output(output, made.text.encode(), private=private, inputs={identity(config)})
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
