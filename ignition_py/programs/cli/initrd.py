"""The command lines of `ignition-py initrd build`, `install` and `size`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ignition_py.initrd import whole
from ignition_py.programs import initrd
from ignition_py.programs.cli.options import VERBOSE, styles
from ignition_py.programs.commands import FILE, FOLDER, Group, command
from ignition_py.system import streams

T = TypeVar("T", bound=Callable[..., Any])

_STATUSES = {0: "done", 1: "it cannot be done", 2: "wrong usage"}


def _contents(function: T) -> T:
    """The options that say what an archive carries."""
    kernel = "Version of the kernel: whose initramfs this is, or (cpio) whose modules the archive brings."
    tools = "Programs that the archive brings: `all` that a config may ask for, `none`, or their names with commas."
    function = VERBOSE(function)
    function = click.option("--tools", default="all", metavar="LIST", help=tools)(function)
    return click.option("--kernel", default="", metavar="VERSION", help=kernel)(function)


@command(
    "build",
    example="ignition-py initrd build --format cpio --output ignition.cpio\n"
    "ignition-py initrd build --format dracut --output initrd.img --kernel 6.1.0-30-amd64 -- --no-hostonly",
    statuses=_STATUSES,
)
@click.option("--format", "form", type=click.Choice(initrd.FORMATS), required=True, help="What to make.")
@click.option("--output", type=FILE, required=True, help="Where to write it.")
@click.option("--compress", type=click.Choice(initrd.COMPRESSIONS), default="none", help="With --format cpio.")
@_contents
@click.argument("more", nargs=-1, metavar="[-- ARGUMENTS OF DRACUT OR MKINITRAMFS]")
def build(form: str, output: str, compress: str, kernel: str, tools: str, verbose: bool, more: tuple[str, ...]) -> int:
    """Make an initramfs, or an archive to append to one."""
    contents = initrd.Contents(tools=tools, kernel=kernel, verbose=verbose)
    streams.write_stdout(initrd.build(form, output, contents, compress=compress, more=more) + "\n")
    return 0


@command("install", example="ignition-py initrd install --format dracut", statuses=_STATUSES)
@click.option("--format", "form", type=click.Choice(initrd.HOSTS), required=True, help="For which program.")
@click.option("--root", type=FOLDER, default="/", help="Where the image's root filesystem is.")
def install(form: str, root: str) -> int:
    """Have dracut or mkinitramfs put ignition-py into every initramfs that they make."""
    streams.write_stdout("".join(f"{path}\n" for path in whole.install(form, root)))
    return 0


@command("size", example="ignition-py initrd size --tools none", statuses=_STATUSES)
@styles("table", "json")
@_contents
def size(style: str, kernel: str, tools: str, verbose: bool) -> int:
    """Show what each part of the stand-alone archive weighs, as it is and by zstd -19."""
    contents = initrd.Contents(tools=tools, kernel=kernel, verbose=verbose)
    streams.write_stdout(initrd.size(contents, as_json=style == "json"))
    return 0


run = Group(
    name="initrd",
    help="Make an initramfs with ignition-py, or an archive to append to one.\n\n"
    "Runs where images are built, with the Python that the image will carry.",
)
for each in (build, install, size):
    run.add_command(each)
