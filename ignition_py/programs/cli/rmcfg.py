"""The command line of `ignition-py rmcfg`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import platforms
from ignition_py.programs.commands import command
from ignition_py.programs.rmcfg import rmcfg
from ignition_py.providers import DELETING


@command(
    "rmcfg",
    help=f"Delete the config from where the platform keeps it. That works on {' and '.join(DELETING)}.",
    example="ignition-py rmcfg --platform vmware",
    statuses={0: "deleted", 1: "it cannot be deleted", 2: "wrong usage"},
)
@click.option("--log-to-stdout", is_flag=True, help="Log to standard output, not to the journal or the kernel log.")
@platforms()
def run(log_to_stdout: bool, platform: str) -> int:
    return rmcfg("ignition-py rmcfg", platform, log_to_stdout=log_to_stdout)
