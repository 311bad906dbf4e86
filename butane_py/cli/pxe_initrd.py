"""`butane-py pxe-initrd wrap|unwrap`: an Ignition config as one more initramfs of a live system that boots from the network."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click

from butane_py.deliver import ignition_file, initrd
from butane_py.deliver.model import DeliveryError
from butane_py.files import identity, write_output
from ignition_py.programs.commands import FILE, Group
from ignition_py.system.streams import read_stdin, write_stdout

STDIN = STDOUT = "-"
_STATUSES = {0: "done", 1: "refused, or a file cannot be read or written", 2: "wrong usage"}
_PIECE = 1 << 20
_EXAMPLE = """butane-py pxe-initrd wrap config.ign -o config.img
butane-py node.bu | butane-py pxe-initrd wrap --for ignition > config.img"""

run = Group("pxe-initrd", help="Wrap an Ignition config in an initramfs archive, as coreos-installer does, and unwrap it.")


@run.command("wrap", statuses=_STATUSES, example=_EXAMPLE)
@click.argument("config", type=FILE, default=STDIN)
@click.option("--for", "reader", type=click.Choice(tuple(initrd.PATHS)), default="coreos",
              help="Who reads it: a live CoreOS (/config.ign), or Ignition in any initramfs (/usr/lib/ignition/user.ign).")
@click.option("-o", "--output", type=FILE, default=STDOUT, help="File to write.")
def wrap(config: str, reader: str, output: str) -> int:
    """Write an initramfs archive with an Ignition config, which a boot loader loads behind that of the system.

    The archive may also be appended to the system's initramfs.
    """
    if output == STDOUT and sys.stdout.isatty():
        raise click.UsageError("an archive is not for a terminal: give --output, or redirect standard output")
    found = ignition_file.read(config)
    data = initrd.wrap(found.data, initrd.PATHS[reader])
    if output == STDOUT:
        write_stdout(data)
    else:
        write_output(output, data, private=found.private, inputs={identity(config)})
    return 0


@run.command("unwrap", statuses=_STATUSES, example="butane-py pxe-initrd unwrap config.img > config.ign")
@click.argument("archive", type=FILE, default=STDIN)
def unwrap(archive: str) -> int:
    """Print the Ignition config in an initramfs archive, or in several, one behind the other."""
    files = initrd.files(_pieces(archive), only=initrd.PATHS.values())
    found = next((files[path] for path in initrd.PATHS.values() if path in files), None)
    if found is None:
        name = "standard input" if archive == STDIN else archive
        raise DeliveryError(f"{name} has neither {' nor '.join(initrd.PATHS.values())}")
    write_stdout(found)
    return 0


def _pieces(path: str) -> Iterator[bytes]:
    """A file piece by piece. Raises OSError."""
    if path == STDIN:
        yield read_stdin()
        return
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
