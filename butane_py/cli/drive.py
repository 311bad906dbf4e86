"""`butane-py drive CONFIG`: a config drive, as an image to attach to a machine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import click

from butane_py.deliver import ignition_file
from butane_py.deliver.model import DeliveryError
from butane_py.files import identity, read_input, write_output
from ignition_py.programs.commands import FILE, command
from ignition_py.rehearsal.drives import FILESYSTEMS, LAYOUTS, make
from ignition_py.rehearsal.image import BuildError

_EXAMPLE = """butane-py drive config.ign --layout config-2 -o drive.iso
butane-py drive config.ign --layout ignition --filesystem vfat -o stick.img"""


@command("drive", example=_EXAMPLE, statuses={0: "written", 1: "a file cannot be read or written, or a program failed", 2: "wrong usage"})
@click.argument("config", type=FILE)
@click.option("--layout", type=click.Choice(tuple(LAYOUTS)), required=True,
              help="; ".join(f"{name}: {layout.used}" for name, layout in LAYOUTS.items()) + ".")
@click.option("--filesystem", type=click.Choice(tuple(FILESYSTEMS)), default="iso9660", help="Filesystem of the image.")
@click.option("-o", "--output", type=FILE, required=True, help="Image to write.")
@click.option("--private", is_flag=True, help="Write an image that only its owner can read (0600); that of such a config always is.")
def run(config: str, layout: str, filesystem: str, output: str, private: bool) -> int:
    """Write a config drive with an Ignition config.

    `-` reads the config from standard input. With xorriso and with vfat the same config gives the same image, with the times of
    SOURCE_DATE_EPOCH.
    """
    found = ignition_file.read(config)
    with tempfile.TemporaryDirectory(prefix="butane-py-drive-") as folder:
        try:
            image = read_input(make(layout, filesystem, found.data, folder))
        except BuildError as error:
            raise DeliveryError(str(error)) from None
    write_output(output, image, private=private or found.private, inputs={identity(config)})
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
