"""The command line of `ignition-py plan`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import CONFIG, FETCH_TIMEOUT, FILES_DIR, OFFLINE, VERBOSE, styles
from ignition_py.programs.commands import command
from ignition_py.programs.plan import STYLES, named_images, plan, shown
from ignition_py.programs.render import Fetching
from ignition_py.system import streams

NOTHING, REFUSED, CHANGES = 0, 1, 2


def _images(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    try:
        return named_images(words)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@command(
    "plan",
    example="ignition-py plan config.bu --disk vda=disk.img --format svg > plan.svg\n"
    "ignition-py plan config.bu --disk /dev/sdb=100G --disk /dev/disk/by-id/ata-A1=/dev/sdb",
    statuses={
        NOTHING: "nothing would change",
        CHANGES: "something would change",
        REFUSED: "it would be refused, or the config or the arguments are wrong",
    },
    usage_status=REFUSED,
)
@CONFIG
@click.option("--disk", "images", multiple=True, metavar="NAME=IMAGE", callback=_images, help="What to take for a disk; repeatable.")
@FETCH_TIMEOUT
@FILES_DIR
@styles(*STYLES)
@OFFLINE
@click.option(
    "--sector-size", type=click.Choice(("512", "4096")), default="512", help="Of images without a partition table, in bytes."
)
@VERBOSE
def run(
    config: str,
    images: dict[str, str],
    fetch_timeout: float,
    files_dir: str | None,
    style: str,
    offline: bool,
    sector_size: str,
    verbose: bool,
) -> int:
    """Show what a config would do to this machine's disks, or to disk images. Nothing is written.

    With --disk only the named images are looked at. NAME is a device as the config names it; vda is short for
    /dev/vda, disk/by-id/x for /dev/disk/by-id/x. IMAGE is a raw disk image, the size of a blank disk (10G, 10GiB, 10GB), or the NAME
    of another --disk: the two are names of one disk.

    `-` reads the config from standard input.
    """
    fetching = Fetching(files_dir=files_dir, offline=offline, timeout=fetch_timeout, verbose=verbose)
    view = plan(config, images, fetching, int(sector_size))
    streams.write_stdout(shown(view, style))
    return {"refused": REFUSED, "changes": CHANGES, "nothing": NOTHING}[view.result]
