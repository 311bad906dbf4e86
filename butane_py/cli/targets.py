"""`butane-py targets`: the systems that configs are written for, and the matrix of what each takes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from butane_py.targets import matrix
from butane_py.targets.registry import NAMES, nearest
from ignition_py.programs.commands import command
from ignition_py.system.streams import write_stdout

FORMATS = ("text", "json", "markdown")


@command(
    "targets",
    example="butane-py targets\nbutane-py targets --matrix cloud-init flatcar\nbutane-py targets --format json",
    statuses={0: "done", 2: "wrong usage"},
)
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--matrix", "whole", is_flag=True, help="Show what each target takes, field by field.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", help="Format of what is printed.")
def run(names: tuple[str, ...], whole: bool, style: str) -> int:
    """List the systems that configs are written for, or all that the named ones take.

    N is said in the system's own words, F is written as a file, - cannot be said; in parentheses: with limits.
    """
    for name in names:
        if name not in NAMES:
            raise click.UsageError(f"there is no target {name!r}; {nearest(name)}")
    wanted = names or NAMES
    if style == "json":
        write_stdout(matrix.as_json(wanted))
    elif whole or (names and style == "text"):
        write_stdout(matrix.as_markdown(wanted) if style == "markdown" else matrix.as_text(wanted))
    else:
        write_stdout(matrix.list_markdown(wanted) if style == "markdown" else matrix.list_text(wanted))
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
