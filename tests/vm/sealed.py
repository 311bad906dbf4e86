"""The root `luks` of the boot matrix: an encrypted mirror that the config makes of two blank disks (`boot_device`).

    virtio-root     the seed: read-only, ext4 labelled `seed`, with what is to be in the root; examples/seed-root copies it
    virtio-disk1    as on the other machines of the matrix
    virtio-disk2, 3 blank; the config makes bios, esp, boot and root partitions on each, arrays of the last two, a LUKS volume
                    bound to a Tang server on the second array, and the filesystems `boot` and `root`

The machine is its own boot loader, as everywhere in tests/vm: the stamp of the first boot and the boot entry are read from
the boot filesystem, here on the first disk of the mirror.
"""

from __future__ import annotations

import os
import shutil

from ignition_py.rehearsal.hardware import Drive
from ignition_py.rehearsal.image import put
from ignition_py.rehearsal.shape import Shape
from tests.vm.formats import FormatMachine
from tests.vm.vmlab.cache import Say, cached, key_of, silent
from tests.vm.vmlab.image import root_disk, run

MIRROR = ("1200M", "1200M")  # sizes of the two disks
TANG_PORT = 81
# Under translation, measuring how long a password takes to guess takes half a minute.
LUKS = """
  luks:
    - name: root
      options: [--pbkdf, pbkdf2, --pbkdf-force-iterations, "1000"]"""
BOOT_DEVICE = f"""
boot_device:
  layout: x86_64
  luks:
    tang:
      - url: http://10.0.2.100:{TANG_PORT}
        thumbprint: %s
  mirror:
    devices: [/dev/disk/by-id/virtio-disk2, /dev/disk/by-id/virtio-disk3]
"""
CHECKS = (
    ("lsblk --inverse --noheadings --raw --output TYPE $(findmnt -no SOURCE /) | xargs", "crypt raid1 part disk part disk"),
    ("findmnt -no SOURCE,FSTYPE / | xargs; lsblk -no LABEL /dev/mapper/root", "/dev/mapper/root xfs\nroot"),
    ("cryptsetup luksDump /dev/md/md-root | sed -n 's/^Label: *//p; s/^ *[0-9]*: clevis$/clevis/p'", "luks-root\nclevis"),
    ("clevis luks list -d /dev/md/md-root | grep -o 'http[^\"]*'", f"http://10.0.2.100:{TANG_PORT}"),
    ("findmnt -no FSTYPE,LABEL /boot | xargs; lsblk -dno TYPE $(findmnt -no SOURCE /boot)", "ext4 boot\nraid1"),
    ("lsblk -no LABEL /dev/disk/by-partlabel/esp-1 /dev/disk/by-partlabel/esp-2 | xargs", "esp-1 esp-2"),
    ("partx -go NR,NAME /dev/vdc | xargs", "1 bios-1 2 esp-1 3 boot-1 4 root-1"),
)
_BOOT_PARTITION = (1 + 1 + 127) << 20  # bytes; behind the table, bios and esp
_BOOTED_BY_LOADER = Shape(
    "", kargs="root=LABEL=root seed=/dev/disk/by-label/seed", stamp=("boot", "/ignition.firstboot"), entry=("boot", "/loader/entries/debian.conf")
)
_FSTAB = "LABEL=root / auto defaults 0 0\nLABEL=boot /boot auto defaults 0 0\n"
# Copied in the machine under translation: what it has no use for stays behind. The last five name the kernel modules that are used.
_COPY = """set -e
mount -o loop,ro "$1" "$2"
cd "$2"
tar --create --xattrs --exclude='./usr/lib/modules/*/kernel' --exclude=./usr/lib/dracut --exclude='./usr/lib/udev/hwdb*' --exclude=./usr/share/perl \\
    --exclude='./usr/lib/x86_64-linux-gnu/libicu*' --exclude='./usr/lib/x86_64-linux-gnu/perl*' --exclude=./usr/lib/file \\
    --exclude=./usr/share/zoneinfo --exclude=./var/lib/dpkg --exclude=./var/cache . | tar --extract --xattrs --directory "$3"
tar --create usr/lib/modules/*/kernel/fs/ext4 usr/lib/modules/*/kernel/fs/jbd2 usr/lib/modules/*/kernel/fs/xfs usr/lib/modules/*/kernel/fs/mbcache.ko \\
    usr/lib/modules/*/kernel/drivers/virtio usr/lib/modules/*/kernel/drivers/md usr/lib/modules/*/kernel/drivers/char usr/lib/modules/*/kernel/lib \\
    usr/lib/modules/*/kernel/crypto | tar --extract --directory "$3"
"""


def seed(say: Say = silent) -> str:
    """The seed's disk. Raises BuildError."""
    first = root_disk(say)
    return cached("seed", key_of([first], [__file__]), lambda path: _build_seed(first, path), "Root disk: seed", say)


def _build_seed(source: str, path: str) -> None:
    folder = path + ".tree"
    try:
        os.makedirs(f"{folder}/mnt")
        os.makedirs(f"{folder}/files")
        argv = ["unshare", "--mount", "sh", "-c", _COPY, "sh", source, f"{folder}/mnt", f"{folder}/files"]
        run(argv, "copying the root disk's contents")
        put(f"{folder}/files", "etc/fstab", _FSTAB)
        put(f"{folder}/files", "boot/loader/entries/debian.conf", "title Debian\noptions quiet\n")
        with open(path, "wb") as file:
            file.truncate(400 << 20)
        run(["mkfs.ext4", "-q", "-L", "seed", "-O", "^has_journal", "-d", f"{folder}/files", path], "making the seed")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class SealedMachine(FormatMachine):
    """A machine whose root the config makes."""

    def __init__(self, directory: str, **settings: object) -> None:
        """`settings` as for FormatMachine. Raises BuildError."""
        super().__init__(directory, filesystem="luks", **settings)  # type: ignore[arg-type] # passed on as they are
        self.shape = _BOOTED_BY_LOADER
        os.unlink(self.disks[0])
        self.disks[0] = seed(self.say)

    def _root(self) -> Drive:
        return Drive(self.disks[0], "root", read_only=True)

    def read(self, where: tuple[str, str]) -> str | None:
        """A file of the boot filesystem; None also before there is one."""
        disk = f"{self.disks[2]}?offset={_BOOT_PARTITION}"
        with open(self.disks[2], "rb") as file:
            file.seek(_BOOT_PARTITION + 1080)
            if file.read(2) != b"\x53\xef":  # ext4's magic
                return None
        if b"Inode:" not in run(["debugfs", "-R", f"stat {where[1]}", disk], f"looking for {where[1]}"):
            return None
        return run(["debugfs", "-R", f"cat {where[1]}", disk], f"reading {where[1]}").decode()
