"""`butane-py import cloud-config FILE`: configs of other programs as Butane."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from butane_py import render
from butane_py.cli.flags import FORMATS
from butane_py.files import identity, read_input, write_output
from butane_py.importer import VARIANTS, Imported, Wanted, cloud_config
from butane_py.importer.user_data import PLATFORMS
from ignition_py.programs.commands import FILE, Group, coloured
from ignition_py.report.diag import INFO
from ignition_py.system.streams import say, write_stdout

STDIN = STDOUT = "-"

run = Group("import", help="Write the config of another program as Butane.")


@run.command(
    "cloud-config",
    example="butane-py import cloud-config -o config.bu user-data\n"
    "butane-py import cloud-config --variant flatcar --jinja-afterburn aws bootstrap.yaml | butane-py --strict > config.ign",
    statuses={0: "written", 1: "refused, or a file cannot be read or written", 2: "wrong usage"},
)
@click.argument("config", type=FILE, default=STDIN)
@click.option("--variant", type=click.Choice(VARIANTS), default="fcos", help="Variant to write.")
@click.option(
    "--jinja-afterburn",
    "platform",
    type=click.Choice(sorted(PLATFORMS)),
    default=None,
    help="Have metadata of the instance in templates put in on the machine, from what Afterburn reads on this platform.",
)
@click.option("-s", "--strict", is_flag=True, help="Refuse a config of which something is not carried over as it is.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", help="Format of reports.")
@click.option("-o", "--output", type=FILE, default=STDOUT, help="File to write.")
@click.option("--private", is_flag=True, help="Write a file that only its owner can read (mode 0600).")
def cloud_config_command(
    config: str, variant: str, platform: str | None, strict: bool, style: str, output: str, private: bool
) -> int:
    """Write a Butane config that does what a cloud-config of cloud-init does.

    What cannot be carried over is a warning at its line; unknown keys are errors. Commands become scripts with units that run
    them. `-`, or no file, reads standard input.
    """
    name = "<stdin>" if config == STDIN else config
    made = cloud_config(read_input(config), name, Wanted(variant, platform=platform or ""))
    refused = made.text is None or (strict and any(entry.severity != INFO for entry in made.report))
    _tell(made, name, style, to_stdout=refused or output != STDOUT, refused=refused)
    if refused or made.text is None:
        return 1
    if output == STDOUT:
        write_stdout(made.text)
    else:
        write_output(output, made.text.encode(), private=private, inputs={identity(config)})
    return 0


def _tell(made: Imported, name: str, style: str, *, to_stdout: bool, refused: bool) -> None:
    """Writes the report: JSON and SARIF to standard output where no config goes there, all else to standard error."""
    if style == "text":
        if len(made.report):
            text = render.pretty(made.report, made.shown, colour=coloured(sys.stderr))
            say(f"{text}{name}: {render.summary(made.report)}{'; nothing was written' if refused else ''}\n")
        return
    if style == "sarif":
        from ignition_py.report.sarif import sarif

        text = sarif([(name, made.report)])
    else:
        text = render.json_line(name, made.report)
    (write_stdout if to_stdout else say)(text)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
