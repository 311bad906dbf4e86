"""Machines for the boot matrix (test_matrix.py): an initramfs made in each way, a root disk with each filesystem.

    dracut            dracut with our module, as in the other tests
    initramfs-tools   mkinitramfs with our hook, in a Debian tree of its own: the two packages exclude each other
    cpio              dracut without us, and our stand-alone archive appended to it
"""

from __future__ import annotations

import os
import shutil

from vmlab.cache import Say, cached, files_below, key_of, silent
from vmlab.image import REPOSITORY, kernel, root_disk, run, tree, tree_key
from vmlab.initramfs import initramfs, inside, python_sources
from vmlab.machine import Machine

from ignition_py.rehearsal.layout import ROOT_SIZE
from ignition_py.rehearsal.shape import Shape

BUILDERS = os.path.join(REPOSITORY, "ignition_py", "initrd")
# The same Debian with mkinitramfs in place of dracut. busybox: its shell has what the boot scripts use.
_TOOLS = Shape("tools", packages=("initramfs-tools", "busybox", "zstd"), without="dracut")
_OMIT = "ifcfg kernel-modules-extra lunmask network nvdimm overlay-root qemu-net resume terminfo"
FORMATS = ("dracut", "initramfs-tools", "cpio")
ROOTS = ("ext4", "btrfs")


def _builder_files() -> list[str]:
    return [*python_sources(), *files_below(BUILDERS)]


def segments(form: str, say: Say = silent) -> list[str]:
    """Files that make up the initramfs of a format, in the order in which they are to be loaded. Raises BuildError."""
    if form == "dracut":
        return initramfs(say=say)
    files = _builder_files()
    if form == "initramfs-tools":
        other = tree(say, _TOOLS)
        key = key_of([tree_key(_TOOLS)], [__file__, *files])
        return [cached("mkinitramfs", key, lambda path: _build_mkinitramfs(other, path), "Initramfs: mkinitramfs", say)]
    directory = tree(say)
    foreign = cached("foreign", key_of([tree_key(), _OMIT]), lambda path: _build_foreign(directory, path), "Initramfs: without us", say)
    ours = cached("archive", key_of([tree_key()], [__file__, *files]), lambda path: _build_archive(directory, path), "Archive", say)
    return [foreign, ours]


def _built(directory: str, path: str, script: str) -> None:
    """Runs a build inside a tree; what it leaves at /tmp/out/image becomes `path`."""
    work = path + ".work"
    try:
        inside(directory, REPOSITORY, work, script)
        shutil.move(f"{work}/image", path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build_mkinitramfs(directory: str, path: str) -> None:
    _, version = kernel(directory)
    build = f"python3 -m ignition_py initrd build --format initramfs-tools --kernel {version} --output /tmp/out/image"
    _built(directory, path, f"set -e; echo COMPRESS=gzip >/etc/initramfs-tools/conf.d/quick; {build}")


def _build_foreign(directory: str, path: str) -> None:
    """By dracut alone, with systemd-networkd, and no trace of Python or Ignition."""
    _, version = kernel(directory)
    script = f"""set -e
dracut --force --quiet --no-hostonly --no-early-microcode --no-compress --omit "{_OMIT}" --add systemd-networkd --kver {version} /tmp/out/image
! cpio --quiet -it </tmp/out/image | grep -E 'python|ignition'
"""
    _built(directory, path, script)


def _build_archive(directory: str, path: str) -> None:
    _, version = kernel(directory)
    _built(directory, path, f"python3 -m ignition_py initrd build --format cpio --kernel {version} --output /tmp/out/image")


def root(filesystem: str, say: Say = silent) -> str:
    """A root disk with the same contents on another filesystem. Raises BuildError."""
    first = root_disk(say)
    if filesystem == "ext4":
        return first
    return cached(f"{filesystem}-root", key_of([first]), lambda path: _convert(first, filesystem, path), f"Root disk: {filesystem}", say)


def _convert(source: str, filesystem: str, path: str) -> None:
    """Without mounting what the host's kernel may not know: mkfs takes the contents from a folder."""
    folder = path + ".tree"
    os.makedirs(folder)
    try:
        script = 'mount -o loop,ro "$1" "$2" && cp -a "$2/." "$3/" && sed -i "s/ext4/$4/" "$3/etc/fstab"'
        os.makedirs(folder + "/mnt")
        os.makedirs(folder + "/files")
        argv = ["unshare", "--mount", "sh", "-c", script, "sh", source, f"{folder}/mnt", f"{folder}/files", filesystem]
        run(argv, "copying the root disk's contents")
        with open(path, "wb") as file:
            file.truncate(ROOT_SIZE)
        run([f"mkfs.{filesystem}", "-q", "-L", "root", "--rootdir", f"{folder}/files", path], "making the root disk")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class FormatMachine(Machine):
    """A machine with the initramfs of a format and a root disk with a filesystem."""

    def __init__(self, directory: str, *, form: str, filesystem: str, **settings: object) -> None:
        """`settings` as for Machine. Raises BuildError."""
        from vmlab.qemu import joined

        super().__init__(directory, **settings)  # type: ignore[arg-type] # passed on as they are
        self.initrd = joined(segments(form, self.say), self.path)
        if filesystem != "ext4":
            run(["cp", "--reflink=auto", "--sparse=always", root(filesystem, self.say), self.disks[0]], "copying the root disk")
