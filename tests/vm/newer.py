"""Machines of a newer Debian than the rest of the tests have: dracut 1xx as Fedora and SUSE have it too, Python 3.13, another libc.

    TRIXIE      the tree with dracut; its root disk
    TOOLS       the same with initramfs-tools in place of dracut
    WORKSHOP    what makes images: mkosi, ukify, firmware and boot loaders. No root disk.
"""

from __future__ import annotations

import os
import shutil

from vmlab.cache import Say, cached, files_below, key_of, silent
from vmlab.image import REPOSITORY, kernel, tree, tree_key
from vmlab.initramfs import inside, python_sources
from vmlab.machine import Machine
from vmlab.qemu import joined

from ignition_py.rehearsal.shape import Shape

BUILDERS = os.path.join(REPOSITORY, "ignition_py", "initrd")
SUITE = "trixie"
TRIXIE = Shape("trixie", suite=SUITE)
TOOLS = Shape("trixietools", suite=SUITE, packages=("initramfs-tools", "busybox", "zstd"), without="dracut")
_OMIT = "kernel-modules-extra lunmask nvdimm overlay-root qemu-net resume terminfo"
# Commands of docs/images.md, run inside the tree. $kernel: the version of the tree's kernel.
BUILDS = {
    "dracut": (TRIXIE, """ignition-py initrd install --format dracut
echo 'add_dracutmodules+=" ignition "' >/etc/dracut.conf.d/ignition.conf
dracut --quiet --omit "$omit" --force --no-hostonly /tmp/out/image $kernel"""),
    "dracut --add": (TRIXIE, """ignition-py initrd install --format dracut
dracut --quiet --omit "$omit" --force --no-hostonly --add ignition /tmp/out/image $kernel"""),
    "initrd build": (TRIXIE, """ignition-py initrd build --format dracut --output /tmp/out/image --kernel $kernel -- \\
    --quiet --no-hostonly --omit "$omit" """),
    "foreign": (TRIXIE, """dracut --quiet --omit "$omit" --force --no-hostonly --add systemd-networkd --kver $kernel /tmp/out/image
! lsinitrd /tmp/out/image | grep -E 'python|ignition'"""),
    "initramfs-tools": (TOOLS, """ignition-py initrd install --format initramfs-tools
update-initramfs -c -k all
mv /boot/initrd.img-$kernel /tmp/out/image"""),
}  # fmt: skip


def _files() -> list[str]:
    return [*python_sources(), *files_below(BUILDERS)]


def built(name: str, say: Say = silent) -> str:
    """The initramfs that a build of BUILDS makes. Raises BuildError."""
    shape, script = BUILDS[name]
    directory = tree(say, shape)
    key = key_of([tree_key(shape), script, _OMIT], [] if name == "foreign" else _files())
    kind = f"{SUITE}-{name.replace(' ', '')}"
    return cached(kind, key, lambda path: run_inside(directory, path, script), f"Initramfs: {SUITE}, {name}", say)


def run_inside(directory: str, path: str, script: str) -> None:
    """Runs commands inside a tree, with ignition-py on their path; what they leave at /tmp/out/image becomes `path`. Raises BuildError."""
    work = path + ".work"
    _, version = kernel(directory)
    head = f"""set -e
printf '#!/bin/sh\\nexec python3 -m ignition_py "$@"\\n' >/usr/local/bin/ignition-py
chmod 755 /usr/local/bin/ignition-py
PATH=/usr/local/bin:$PATH kernel={version} omit="{_OMIT}"
"""
    try:
        inside(directory, REPOSITORY, work, head + script)
        shutil.move(f"{work}/image", path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


class NewerMachine(Machine):
    """A machine with the newer kernel and root disk, and an initramfs in segments."""

    def __init__(self, directory: str, segments: list[str], **settings: object) -> None:
        """`settings` as for Machine. Raises BuildError."""
        super().__init__(directory, shape=TRIXIE, **settings)  # type: ignore[arg-type] # passed on as they are
        self.kernel, _ = kernel(tree(self.say, TRIXIE))
        self.initrd = joined(segments, self.path)
