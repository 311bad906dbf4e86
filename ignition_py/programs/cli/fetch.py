"""The command line of `ignition-py fetch`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import platforms
from ignition_py.programs.commands import DURATION, command
from ignition_py.programs.fetch import fetch
from ignition_py.system import streams


@command(
    "fetch",
    example="ignition-py fetch --platform aws --show-source",
    statuses={0: "fetched", 1: "there is no config, or it cannot be fetched", 2: "wrong usage"},
)
@platforms()
@click.option("--show-source", is_flag=True, help="Say where the config came from, do not print it.")
@click.option("--timeout", type=DURATION, default="10s", help="How long to try; 0 is without limit.")
def run(platform: str, show_source: bool, timeout: float) -> int:
    """Get the config of this machine as a boot would, without what it merges. Nothing is changed."""
    found = fetch(platform, timeout)
    streams.write_stdout(found.described() if show_source else found.data)
    return 0
