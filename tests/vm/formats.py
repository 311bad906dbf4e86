"""Machines for the boot matrix (test_matrix.py): an initramfs made in each way, a root disk of each kind.

    dracut            dracut with our module, as in the other tests
    initramfs-tools   mkinitramfs with our hook, in a Debian tree of its own: the two packages exclude each other
    cpio              dracut without us, and our stand-alone archive appended to it

The root filesystem is ext4 or btrfs on a disk, or `luks`: what the config makes of two blank disks, see sealed.py. For that one the
initramfs has seed-root (examples/) and what Debian has for opening a root by Clevis; mkinitramfs' always has.
"""

from __future__ import annotations

import os
import shutil

from ignition_py.initrd.newc import archive
from ignition_py.initrd.tree import Tree
from ignition_py.rehearsal.layout import ROOT_SIZE
from ignition_py.rehearsal.shape import PLAIN, Shape
from tests.vm.vmlab.cache import Say, cached, files_below, key_of, silent
from tests.vm.vmlab.image import REPOSITORY, kernel, root_disk, run, tree, tree_key
from tests.vm.vmlab.initramfs import initramfs, inside, python_sources
from tests.vm.vmlab.machine import Machine

BUILDERS = os.path.join(REPOSITORY, "ignition_py", "initrd")
# The same Debian with mkinitramfs in place of dracut. busybox: its shell has what the boot scripts use.
_TOOLS = Shape("tools", packages=("initramfs-tools", "busybox", "zstd", "clevis-initramfs", "cryptsetup-initramfs"), without="dracut")
_SEALED = Shape("sealed", packages=("clevis-dracut",))
SEED_ROOT = os.path.join(REPOSITORY, "examples", "seed-root")
# What opens a root on LUKS on RAID at later boots, when Tang has to be asked.
_OPENING = "mdraid crypt clevis clevis-pin-sss clevis-pin-tang"
_OMIT = "ifcfg kernel-modules-extra lunmask network nvdimm overlay-root qemu-net resume terminfo"
FORMATS = ("dracut", "initramfs-tools", "cpio")
ROOTS = ("ext4", "btrfs", "luks")


def _builder_files() -> list[str]:
    return [*python_sources(), *files_below(BUILDERS)]


def segments(form: str, say: Say = silent, *, sealed: bool = False) -> list[str]:
    """Files that make up the initramfs of a format, in the order in which they are to be loaded. `sealed`: for the root `luks`.

    Raises BuildError.
    """
    files = [__file__, *_builder_files(), *files_below(SEED_ROOT)]
    if form == "initramfs-tools":
        other = tree(say, _TOOLS)
        key = key_of([tree_key(_TOOLS)], files)
        return [cached("mkinitramfs", key, lambda path: _build_mkinitramfs(other, path), "Initramfs: mkinitramfs", say)]
    if form == "dracut" and not sealed:
        return initramfs(say=say)
    shape = _SEALED if sealed else PLAIN
    directory = tree(say, shape)
    if form == "dracut":
        return [cached("dracut.sealed", key_of([tree_key(shape)], files), lambda path: _build_sealed(directory, path), "Initramfs: dracut", say)]
    kind, more = ("foreign.sealed", _OPENING) if sealed else ("foreign", "")
    key = key_of([tree_key(shape), _OMIT, more])
    foreign = cached(kind, key, lambda path: _build_foreign(directory, path, more), "Initramfs: without us", say)
    plain = tree(say)
    ours = cached("archive", key_of([tree_key()], files), lambda path: _build_archive(plain, path), "Archive", say)
    return [foreign, ours]


def _built(directory: str, path: str, script: str) -> None:
    """Runs a build inside a tree, with examples/seed-root at /tmp/out/seed-root; what it leaves at /tmp/out/image becomes `path`."""
    work = path + ".work"
    try:
        shutil.copytree(SEED_ROOT, f"{work}/seed-root")
        inside(directory, REPOSITORY, work, f"set -e\n{script}")
        shutil.move(f"{work}/image", path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build_mkinitramfs(directory: str, path: str) -> None:
    _, version = kernel(directory)
    script = f"""echo COMPRESS=gzip >/etc/initramfs-tools/conf.d/quick
cp /tmp/out/seed-root/seed-root /usr/lib/seed-root
cp /tmp/out/seed-root/initramfs-tools/hook /etc/initramfs-tools/hooks/seed-root
cp /tmp/out/seed-root/initramfs-tools/init-premount /etc/initramfs-tools/scripts/init-premount/seed-root
python3 -m ignition_py initrd build --format initramfs-tools --kernel {version} --output /tmp/out/image
"""
    _built(directory, path, script)


def _build_sealed(directory: str, path: str) -> None:
    _, version = kernel(directory)
    script = f"""cp -r /tmp/out/seed-root /usr/lib/dracut/modules.d/90seed-root
python3 -m ignition_py initrd build --format dracut --kernel {version} --output /tmp/out/image -- --quiet --no-hostonly \\
    --no-early-microcode --no-compress --omit "{_OMIT.replace("network ", "")}" --add "network-manager seed-root {_OPENING}"
"""
    _built(directory, path, script)


def _build_foreign(directory: str, path: str, more: str) -> None:
    """By dracut alone, with systemd-networkd, and no trace of Python or Ignition."""
    _, version = kernel(directory)
    omit = _OMIT.replace("network ", "") if more else _OMIT
    script = f"""dracut --force --quiet --no-hostonly --no-early-microcode --no-compress --omit "{omit}" --add "systemd-networkd {more}" \\
    --kver {version} /tmp/out/image
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


def seed_root(directory: str) -> str:
    """seed-root as files of an initramfs with systemd that somebody else has made: one more archive, in `directory`."""
    files, units = Tree(), "/usr/lib/systemd/system"
    files.copy(f"{SEED_ROOT}/seed-root", "/usr/lib/seed-root", part="")
    files.copy(f"{SEED_ROOT}/seed-root.service", f"{units}/seed-root.service", part="")
    files.link("../seed-root.service", f"{units}/ignition-diskful.target.requires/seed-root.service", part="")
    path = os.path.join(directory, "seed-root.cpio")
    with open(path, "wb") as file:
        file.writelines(archive(files))
    return path


class FormatMachine(Machine):
    """A machine with the initramfs of a format and a root disk with a filesystem."""

    def __init__(self, directory: str, *, form: str, filesystem: str, **settings: object) -> None:
        """`settings` as for Machine. Raises BuildError."""
        from tests.vm.vmlab.qemu import joined

        super().__init__(directory, **settings)  # type: ignore[arg-type] # passed on as they are
        files = segments(form, self.say, sealed=filesystem == "luks")
        if filesystem == "luks" and form == "cpio":
            files.append(seed_root(self.path))
        self.initrd = joined(files, self.path)
        if filesystem == "btrfs":
            run(["cp", "--reflink=auto", "--sparse=always", root(filesystem, self.say), self.disks[0]], "copying the root disk")
