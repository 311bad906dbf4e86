"""Machines of a newer Debian than the rest of the tests have: dracut 1xx as Fedora and SUSE have it too, Python 3.13, another libc.

    TRIXIE      the tree with dracut; its root disk
    TOOLS       the same with initramfs-tools in place of dracut
    WORKSHOP    what makes images: mkosi, ukify, firmware and boot loaders. No root disk.
"""

from __future__ import annotations

import os
import re
import shutil

from ignition_py.rehearsal.image import debian_sources
from ignition_py.rehearsal.shape import Shape
from tests.vm.vmlab.cache import Say, cached, files_below, key_of, silent
from tests.vm.vmlab.image import REPOSITORY, kernel, tree, tree_key
from tests.vm.vmlab.initramfs import inside, python_sources
from tests.vm.vmlab.machine import Machine
from tests.vm.vmlab.qemu import joined

PAGE = os.path.join(REPOSITORY, "docs", "images.md")
BUILDERS = os.path.join(REPOSITORY, "ignition_py", "initrd")
SUITE = "trixie"
TRIXIE = Shape("trixie", suite=SUITE)
TOOLS = Shape("trixietools", suite=SUITE, packages=("initramfs-tools", "busybox", "zstd"), without="dracut")
WORKSHOP = Shape(
    "workshop", suite=SUITE,
    packages=("mkosi", "systemd-ukify", "systemd-boot-efi", "ovmf", "plymouth", "ca-certificates"),
)  # fmt: skip
FIRMWARE = "usr/share/ovmf/OVMF.fd"
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
    """Runs commands inside a tree; what they leave as `image` becomes `path`. Raises BuildError."""
    work = path + ".work"
    try:
        run_in_folder(directory, work, script)
        shutil.move(f"{work}/image", path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_in_folder(directory: str, folder: str, script: str) -> None:
    """Runs commands inside a tree, in `folder`, which is /tmp/out there, with ignition-py on their path. Raises BuildError."""
    _, version = kernel(directory)
    head = f"""set -e
printf '#!/bin/sh\\nexec python3 -m ignition_py "$@"\\n' >/usr/local/bin/ignition-py
chmod 755 /usr/local/bin/ignition-py
PATH=/usr/local/bin:$PATH kernel={version} omit="{_OMIT}"
cd /tmp/out
"""
    inside(directory, REPOSITORY, folder, head + script)


def mirror() -> str:
    """Where this machine's apt takes Debian's packages from; "" where it says nothing about that."""
    entries = [entry for entries in debian_sources(SUITE).values() for entry in entries]
    found = [re.search(r"^(?:URIs:|deb(?:\s+\[.*\])?)\s+(\S+)", entry, re.MULTILINE) for entry in entries]
    return next((match[1] for match in found if match), "")


class NewerMachine(Machine):
    """A machine with the newer kernel and root disk, and an initramfs in segments."""

    def __init__(self, directory: str, segments: list[str], **settings: object) -> None:
        """`settings` as for Machine. Raises BuildError."""
        super().__init__(directory, shape=TRIXIE, **settings)  # type: ignore[arg-type] # passed on as they are
        self.kernel, _ = kernel(tree(self.say, TRIXIE))
        self.initrd = joined(segments, self.path)


def archive(say: Say = silent, options: str = "") -> str:
    """The stand-alone archive of the older Debian: another Python and another libc than those of the newer initramfs. Raises BuildError."""
    directory = tree(say)
    script = f"ignition-py initrd build --format cpio --output /tmp/out/image {options}".rstrip()
    return cached("older-archive", key_of([tree_key(), script], _files()), lambda path: run_inside(directory, path, script), "Archive", say)


def commands(first: str) -> str:
    """The block of the page that begins with `first`: as it is, without `$ ` and `# ` of commands."""
    with open(PAGE, encoding="utf-8") as file:
        blocks = re.findall(r"^```\w+[^\n]*\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)
    found = [re.sub(r"^[$#] ", "", block, flags=re.MULTILINE) for block in blocks]
    return next(block for block in found if block.startswith(first))


class PxeMachine(NewerMachine):
    """Firmware and iPXE start it: a script by TFTP, which names files on a web server at 10.0.2.100."""

    def __init__(self, directory: str, script: str, files: dict[str, str], *, firmware: str = "", **settings: object) -> None:
        """`script`: iPXE's, `{}` in it stands for the image's kernel arguments; `files`: name -> path. Raises BuildError."""
        super().__init__(directory, [], **settings)
        self.firmware = firmware
        self.script = script
        self.served = f"{self.path}/served"
        os.mkdir(self.served)
        os.mkdir(f"{self.path}/tftp")
        for name, path in {"vmlinuz": self.kernel, **files}.items():
            os.symlink(path, f"{self.served}/{name}")
        self.kernel = ""

    def argv(self, append: str) -> list[str]:
        with open(f"{self.path}/tftp/boot.ipxe", "w", encoding="utf-8") as file:
            file.write(self.script.format(append))
        argv = super().argv(append)
        card = argv.index("-netdev") + 1
        argv[card] += f",tftp={self.path}/tftp,bootfile=boot.ipxe"
        argv = [word.replace(",bootindex=1", "").replace("virtio-net-pci,", "virtio-net-pci,bootindex=0,") for word in argv]
        return [*argv, "-no-reboot", *(["-bios", self.firmware] if self.firmware else [])]


class UefiMachine(NewerMachine):
    """UEFI firmware starts what is on an EFI system partition."""

    def __init__(self, directory: str, partition: str, **settings: object) -> None:
        """`partition`: the folder that the firmware sees as that partition. Raises BuildError."""
        super().__init__(directory, [], **settings)
        self.partition = partition
        self.firmware = os.path.join(tree(self.say, WORKSHOP), FIRMWARE)
        self.kernel = ""

    def argv(self, append: str) -> list[str]:
        argv = [word.replace(",bootindex=1", "") for word in super().argv(append)]
        drive = ["-drive", f"file=fat:{self.partition},if=none,id=esp,format=raw,readonly=on"]
        return [*argv, "-no-reboot", "-bios", self.firmware, *drive, "-device", "virtio-blk-pci,drive=esp,bootindex=0"]
