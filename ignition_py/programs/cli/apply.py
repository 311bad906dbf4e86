"""The command line of `ignition-py apply`."""

from __future__ import annotations

import click

from ignition_py.programs.apply import apply
from ignition_py.programs.cli.options import CONFIG, FILES_DIR
from ignition_py.programs.commands import FOLDER, command


@command(
    "apply",
    example="ignition-py apply --root /mnt/image config.bu",
    statuses={0: "applied", 1: "not applied", 2: "wrong usage"},
)
@CONFIG
@FILES_DIR
@click.option("--ignore-unsupported", is_flag=True, help="Leave out what cannot be applied to a root directory.")
@click.option("--offline", is_flag=True, help="Fetch nothing: fail if the config needs the network.")
@click.option("--root", type=FOLDER, default="/", help="The root directory to apply the config to.")
def run(config: str, files_dir: str | None, ignore_unsupported: bool, offline: bool, root: str) -> int:
    """Apply files, directories, links and units of a config to a root directory while an image is built.

    Partitions, filesystems, accounts and kernel arguments are refused, or left out with --ignore-unsupported. `-` reads
    standard input.
    """
    return apply(config, root=root, files_dir=files_dir, offline=offline, ignore_unsupported=ignore_unsupported)
