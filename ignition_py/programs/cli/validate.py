"""The command line of `ignition-py validate`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import FILES_DIR, styles
from ignition_py.programs.commands import FILE, command
from ignition_py.programs.validate import STYLES, validate


class _NoConfigs(click.UsageError):
    """No config is named; the exit status is that of ignition-validate."""

    exit_code = 1


@command(
    "validate",
    example="ignition-py validate config.ign\nignition-py validate --format json *.bu",
    statuses={0: "every config can be used", 1: "a config cannot be used or read, or none is named", 2: "wrong usage"},
)
@click.argument("configs", type=FILE, nargs=-1)
@FILES_DIR
@styles(*STYLES, text="How to show the reports; auto is pretty on a terminal, and lines elsewhere.")
def run(configs: tuple[str, ...], files_dir: str | None, style: str) -> int:
    """Check configs and report what is wrong with them, and where.

    Takes Ignition configs, Butane configs (compiled first) and MachineConfigs. `-` reads standard input.
    """
    if not configs:
        raise _NoConfigs("name the configs to check, or - for standard input")
    return validate("ignition-py validate", configs, style, files_dir)
