"""What an earlier life leaves on a disk: the signatures that libblkid knows, made by the real program where there is one that
needs no kernel module, else by hand as the format says."""

from __future__ import annotations

import struct
import subprocess
from binascii import crc32
from collections.abc import Callable
from pathlib import Path

Maker = Callable[[str | Path, int, int], None]  # (image, start, size) in bytes
_LVM_CRC_START = 0xF597A6CF  # initial value of the label's checksum: LVM2's lib/misc/crc.c


def _write(image: str | Path, at: int, data: bytes) -> None:
    with open(image, "r+b") as file:
        file.seek(at)
        file.write(data)


def _linux_raid_090(image: str | Path, start: int, size: int) -> None:
    """The superblock of version 0.90 lies in the last whole 64 KiB: md(4)."""
    block = bytearray(4096)
    struct.pack_into("<IIIII", block, 0, 0xA92B4EFC, 0, 90, 0, 0)
    struct.pack_into("<IIIIIIII", block, 20, 0x11111111, 0, 1, ((size & ~0xFFFF) - 0x10000) // 1024, 2, 2, 127, 0)
    struct.pack_into("<III", block, 52, 0x22222222, 0x33333333, 0x44444444)
    _write(image, start + (size & ~0xFFFF) - 0x10000, bytes(block))


def _linux_raid_1(image: str | Path, start: int, size: int, minor: int) -> None:
    """Version 1.0 lies 8 KiB before the end, 1.1 at the beginning, 1.2 4 KiB behind it: md(4), linux/raid/md_p.h."""
    at = {0: (size // 512 - 16 & ~7) * 512, 1: 0, 2: 4096}[minor]
    block = bytearray(256 + 4)
    struct.pack_into("<IIII16s32sQIIQII", block, 0, 0xA92B4EFC, 1, 0, 0, b"\x11" * 16, b"any:old", 0, 1, 0, 2048, 0, 2)
    struct.pack_into("<QQQQ", block, 128, 2048 if minor else 0, 2048, at // 512, 0)
    struct.pack_into("<I", block, 220, 2)  # max_dev
    total = sum(struct.unpack("<65I", bytes(block)))
    struct.pack_into("<I", block, 216, (total & 0xFFFFFFFF) + (total >> 32))
    _write(image, start + at, bytes(block))


def _lvm(image: str | Path, start: int, size: int) -> None:
    """A physical volume's label in its second sector."""
    body = struct.pack("<I8s32sQ", 32, b"LVM2 001", b"0123456789abcdefghijklmnopqrstuv", size).ljust(492, b"\0")
    checksum = crc32(body, _LVM_CRC_START ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    _write(image, start + 512, b"LABELONE" + struct.pack("<QI", 1, checksum) + body)


def _iso9660(image: str | Path, start: int, size: int) -> None:
    volume = (b"\x01CD001\x01\0" + b" " * 32 + b"OLDISO".ljust(32)).ljust(2048, b"\0")
    _write(image, start + 16 * 2048, volume + b"\xffCD001\x01".ljust(2048, b"\0"))


def _zfs(image: str | Path, start: int, size: int) -> None:
    """Four labels of 256 KiB, two at either end, each with an array of uberblocks in its second half."""
    end = size & ~(0x40000 - 1)
    for label in (0, 0x40000, end - 0x80000, end - 0x40000):
        for number in range(32):
            _write(image, start + label + 0x20000 + number * 1024, struct.pack("<QQQQQ", 0x00BAB10C, 5000, 9, 9, 9))


def _made_by(command: str) -> Maker:
    def make(image: str | Path, start: int, size: int) -> None:
        scratch = Path(f"/dev/shm/old-{command.split()[0]}")
        with scratch.open("wb") as file:
            file.truncate(size)
        subprocess.run([*command.split(), scratch], check=True, capture_output=True)
        dd = ["dd", f"if={scratch}", f"of={image}", "bs=1M", f"seek={start}", "oflag=seek_bytes", "conv=notrunc,sparse"]
        subprocess.run(dd, check=True, capture_output=True)
        scratch.unlink()

    return make


OLD: dict[str, Maker] = {
    "linux_raid 0.90": _linux_raid_090,
    "linux_raid 1.0": lambda image, start, size: _linux_raid_1(image, start, size, 0),
    "linux_raid 1.1": lambda image, start, size: _linux_raid_1(image, start, size, 1),
    "linux_raid 1.2": lambda image, start, size: _linux_raid_1(image, start, size, 2),
    "lvm": _lvm,
    "iso9660": _iso9660,
    "zfs": _zfs,
    "ext4": _made_by("mkfs.ext4 -q -F -L OLD"),
    "btrfs": _made_by("mkfs.btrfs -q -f -L OLD"),
    "xfs": _made_by("mkfs.xfs -q -f -L OLD"),
    "swap": _made_by("mkswap -L OLD"),
    "luks": _made_by("cryptsetup luksFormat -q --type luks2 --key-file /etc/hostname --pbkdf pbkdf2 --pbkdf-force-iterations 1000"),
}


def leave(kind: str, image: str | Path, start: int, size: int) -> None:
    """Puts what `kind` is of into `size` bytes of an image or a device from `start` on."""
    OLD[kind](image, start, size)
