"""`butane-py platforms`: who configs can be written for with `build --for`, and what each of them takes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from butane_py.deliver import listing
from ignition_py.programs.commands import command
from ignition_py.system.streams import write_stdout


@command("platforms", example="butane-py platforms\nbutane-py platforms --format json", statuses={0: "done", 2: "wrong usage"})
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", help="Format of what is printed.")
def run(style: str) -> int:
    """List the platforms and consumers that `butane-py build --for` knows, and what each of them takes.

    Platforms by the size of user data; counted raw or as base64. Consumers by the newest version of Ignition configs that a release reads.
    Limits that are not sure give warnings, never errors.
    """
    write_stdout(listing.as_json() if style == "json" else listing.as_text())
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
