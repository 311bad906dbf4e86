"""`butane-py iso embed|show|remove IMAGE`: the config in a live ISO of Fedora CoreOS and its relatives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import click

from butane_py.deliver import ignition_file, iso
from butane_py.deliver.initrd import CONFIG
from butane_py.deliver.model import DeliveryError
from butane_py.files import identity, write_pieces
from ignition_py.programs.commands import FILE, Group
from ignition_py.system.host import write_all
from ignition_py.system.streams import write_stdout

_STATUSES = {0: "done", 1: "refused, or a file cannot be read or written", 2: "wrong usage"}
_OUTPUT = click.option("-o", "--output", type=FILE, default="", show_default=False, help="Write a copy (default: change IMAGE itself).")
_EXAMPLE = """butane-py iso embed fedora-coreos-live.iso --config config.ign --output mine.iso
butane-py node.bu | butane-py iso embed --force live.iso"""

run = Group("iso", help="Put an Ignition config into a CoreOS live ISO, show it, take it out, as coreos-installer does.")


@run.command("embed", statuses=_STATUSES, example=_EXAMPLE)
@click.argument("image", type=FILE)
@click.option("-i", "--config", type=FILE, default="-", help="Ignition config; - is standard input.")
@click.option("-f", "--force", is_flag=True, help="Replace a config that the image has.")
@_OUTPUT
def embed(image: str, config: str, force: bool, output: str) -> int:
    """Put an Ignition config into the reserved area of an image.

    The image never grows. A config that does not fit, compressed, is refused.
    """
    found = ignition_file.read(config)
    with open(image, "rb") as file:
        area = iso.find(file)
        files = iso.read(file, area)
        if CONFIG in files and not force:
            raise DeliveryError(f"{image} has a config already", hint="--force replaces it; butane-py iso show prints it")
        data = iso.filled({**files, CONFIG: found.data}, area)
        _write(file, image, area, data, output, private=found.private)
    return 0


@run.command("show", statuses=_STATUSES, example="butane-py iso show mine.iso > config.ign")
@click.argument("image", type=FILE)
def show(image: str) -> int:
    """Print the Ignition config in an image."""
    with open(image, "rb") as file:
        found = iso.read(file, iso.find(file)).get(CONFIG)
    if found is None:
        raise DeliveryError(f"{image} has no config")
    write_stdout(found)
    return 0


@run.command("remove", statuses=_STATUSES, example="butane-py iso remove mine.iso")
@click.argument("image", type=FILE)
@_OUTPUT
def remove(image: str, output: str) -> int:
    """Take the Ignition config out of an image; network settings in the same area stay."""
    with open(image, "rb") as file:
        area = iso.find(file)
        files = iso.read(file, area)
        files.pop(CONFIG, None)
        _write(file, image, area, iso.filled(files, area), output, private=False)
    return 0


def _write(file: BinaryIO, image: str, area: iso.Area, data: bytes, output: str, *, private: bool) -> None:
    """Writes the area into the image itself, or a whole image with it. Raises OSError."""
    if output:
        pieces = _shown(iso.replaced(file, area, data), os.fstat(file.fileno()).st_size)
        write_pieces(output, pieces, private=private, inputs={identity(image)})
        return
    descriptor = os.open(image, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.lseek(descriptor, area.offset, os.SEEK_SET)
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _shown(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Passes the pieces on, with a bar on a terminal: images have a gigabyte and more."""
    if not sys.stderr.isatty():
        yield from pieces
        return
    with click.progressbar(length=size, label="writing", file=sys.stderr) as bar:
        for piece in pieces:
            yield piece
            bar.update(len(piece))


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
