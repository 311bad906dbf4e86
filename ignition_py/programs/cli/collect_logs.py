"""The command line of `ignition-py collect-logs`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import ROOT
from ignition_py.programs.collect_logs import DEFAULT, archive, collect
from ignition_py.programs.commands import FILE, command
from ignition_py.system import streams
from ignition_py.system.host import write_private


@command(
    "collect-logs",
    example="ignition-py collect-logs --output - > logs.tar.gz",
    statuses={0: "written", 1: "it cannot be written", 2: "wrong usage"},
)
@click.option("--output", type=FILE, default=DEFAULT, help="The archive to write; - is standard output.")
@ROOT
def run(output: str, root: str) -> int:
    """Write an archive (.tar.gz) of what is known about the provisioning of this machine. It holds no secrets."""
    members = collect(root)
    if output == "-":
        streams.write_stdout(archive(members))
        return 0
    write_private(output, archive(members), what="the archive", durable=True)
    streams.write_stdout("".join(f"{name}\n" for name in members) + f"{output}: {len(members)} files\n")
    return 0
