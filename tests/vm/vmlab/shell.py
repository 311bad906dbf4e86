"""Runs a command in a machine with blank disks: `python -m tests.vm.vmlab.shell [--disk 1G]... -- COMMAND...`.

The machine is the test image's real root, without a first boot. The working tree is at /src and the site-packages of
the Python that runs this at /site, both read-only and both on PYTHONPATH; blank disks are /dev/vdb and on. The exit
status is the command's own; 124 where it ran out of time, 125 where the machine did not come up.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.vm.vmlab.cache import Say, silent
from tests.vm.vmlab.image import REPOSITORY, BuildError
from tests.vm.vmlab.machine import Boot, BootFailed, Machine

_MOUNT = """set -e
for tag in TAGS; do
    mkdir -p /$tag
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose $tag /$tag
done
udevadm settle
"""
_ENVIRONMENT = ("env", "PYTHONPATH=/src:/site", "PYTHONDONTWRITEBYTECODE=1", "HOME=/root", "LC_ALL=C.UTF-8", "CI=true")


@contextmanager
def vm_shell(
    disks: Sequence[str] = (), say: Say = silent, more: Mapping[str, str] | None = None, *, tpm: bool = False
) -> Iterator[Boot]:
    """A booted machine with the working tree in it; `boot.run(argv)` and `boot.ask(script)` use it. `more`: directories of the
    host that are to be at /TAG, by tag."""
    with tempfile.TemporaryDirectory(prefix="vm-shell-") as directory:
        shares = {"src": REPOSITORY, "site": sysconfig.get_path("purelib"), **(more or {})}
        settings: dict[str, Any] = {"disks": disks, "shares": shares, "say": say, "tpm": tpm}
        with Machine(directory, **settings) as machine, machine.boot(first_boot=False) as boot:
            boot.wait_until_up()
            mount_tree(boot, tuple(shares))
            yield boot


def mount_tree(boot: Boot, tags: Sequence[str] = ("src", "site")) -> None:
    """Mounts shares in a booted machine, each at /TAG. Raises BootFailed."""
    mounted = boot.ask(_MOUNT.replace("TAGS", " ".join(tags)))
    if mounted.rc != 0:
        raise BootFailed(f"the working tree could not be mounted in the machine: {mounted.stderr}")


def in_tree(argv: Sequence[str]) -> list[str]:
    """`argv` with an environment in which our packages and the tests' dependencies can be imported."""
    return [*_ENVIRONMENT, *argv]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm.vmlab.shell", description="Runs a command in a virtual machine.")
    parser.add_argument("--disk", action="append", default=[], metavar="SIZE", help="a blank disk, for example 1G")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    try:
        with vm_shell(options.disk, say=lambda text: print(text, file=sys.stderr)) as boot:
            answer = boot.run(in_tree(options.command), timeout=options.timeout)
    except (BootFailed, BuildError) as error:
        print(error, file=sys.stderr)
        return 125
    sys.stdout.write(answer.stdout)
    sys.stderr.write(answer.stderr)
    return 124 if answer.rc is None else answer.rc


if __name__ == "__main__":
    sys.exit(main())
