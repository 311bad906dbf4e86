"""The command line of `ignition-py analyze`."""

from __future__ import annotations

import click

from ignition_py.programs.analyze import BLAME, VIEWS, analyze
from ignition_py.programs.cli.options import REPORT, ROOT, styles
from ignition_py.programs.commands import command
from ignition_py.system import streams


@command(
    "analyze",
    example="ignition-py analyze critical-path\nignition-py analyze svg > boot.svg",
    statuses={0: "done", 1: "there is no report, or it cannot be read", 2: "wrong usage"},
)
@click.argument("view", type=click.Choice(VIEWS), default=BLAME)
@styles("text", "json", text="How to show it; a picture is a picture.")
@REPORT
@ROOT
def run(view: str, style: str, report: str, root: str) -> int:
    """Show where the time of provisioning went.

    VIEW is blame (everything that took time, longest first; the default), critical-path (what the end of provisioning waited
    for, in order), or svg (a time line, as a picture).
    """
    streams.write_stdout(analyze(view, root=root, report=report, as_json=style == "json"))
    return 0
