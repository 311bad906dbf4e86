"""`butane-py upgrade --to VERSION config.bu`: a config rewritten to a newer version of its variant."""

from __future__ import annotations

from collections.abc import Sequence

import click

from butane_py.files import read_input, write_output
from butane_py.upgrader import LATEST, UpgradeError, upgraded
from butane_py.variants import VARIANTS
from ignition_py.programs.commands import FILE, FOLDER, command
from ignition_py.system.streams import say, write_stdout

STDIN = STDOUT = "-"


def _versions(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    names = [LATEST, *dict.fromkeys(version for _, version in VARIANTS)]
    return [name for name in names if name.startswith(incomplete)]


@command(
    "upgrade",
    example="butane-py upgrade --to latest -i config.bu\nbutane-py upgrade --to 1.6.0 config.bu | diff config.bu -",
    statuses={0: "rewritten", 1: "refused, or a file cannot be read or written", 2: "wrong usage"},
)
@click.argument("config", type=FILE)
@click.option("-d", "--files-dir", type=FOLDER, default="", help="Directory that local files may be embedded from.")
@click.option("-i", "--in-place", is_flag=True, help="Write the file anew.")
@click.option("-o", "--output", type=FILE, default=STDOUT, help="File to write.")
@click.option("--to", required=True, shell_complete=_versions, help=f"Version to rewrite to; {LATEST}: the newest that is stable.")
def run(config: str, files_dir: str, in_place: bool, output: str, to: str) -> int:
    """Rewrite a Butane config to a newer version of its variant, and say what that changes in its meaning.

    Comments, order, quotes and line ends stay as they are. `-` reads standard input.
    """
    if in_place and output != STDOUT:
        raise click.UsageError("give --in-place or --output, not both")
    if in_place and config == STDIN:
        raise click.UsageError("standard input cannot be written in place: leave --in-place out")
    name = "<stdin>" if config == STDIN else config
    data = read_input(config)
    try:
        text, notes = upgraded(data, name, to, files_dir or None)
    except UpgradeError as error:
        say(f"{name}: {error}\n")
        return 1
    target = config if in_place else output
    if target == STDOUT:
        write_stdout(text)
    else:
        write_output(target, text, changed_only=True)
    say("".join(f"{name}: {note}\n" for note in notes))
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
