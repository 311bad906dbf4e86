"""The command line of `ignition-py render`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import CONFIG, FETCH_TIMEOUT, FILES_DIR, OFFLINE, VERBOSE
from ignition_py.programs.commands import command
from ignition_py.programs.render import Fetching, render
from ignition_py.spec.encode import to_data, to_json
from ignition_py.system import streams


@command(
    "render",
    example="ignition-py render --pretty config.bu > machine.ign",
    statuses={0: "rendered", 1: "it cannot be rendered", 2: "wrong usage"},
)
@CONFIG
@FETCH_TIMEOUT
@FILES_DIR
@OFFLINE
@click.option("--pretty", is_flag=True, help="Indent the output.")
@VERBOSE
def run(
    config: str, fetch_timeout: float, files_dir: str | None, offline: bool, pretty: bool, verbose: bool
) -> int:
    """Print a config with everything merged into it, as the machine would have it.

    What the config names is fetched as at boot. The result stands alone: nothing is left to merge. It is of the newest
    stable version, or of the experimental one where a field of it has no stable version. `-` reads standard input.
    """
    fetching = Fetching(files_dir=files_dir, offline=offline, timeout=fetch_timeout, verbose=verbose)
    rendered, version = render(config, fetching)
    streams.write_stdout(to_json(to_data(rendered, version), indent=2 if pretty else None) + "\n")
    return 0
