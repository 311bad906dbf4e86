"""Writes a cpio archive as initramfs segments are: the format "newc", see the kernel's early-userspace/buffer-format.rst."""

from __future__ import annotations

import os
import stat


def archive(root: str) -> bytes:
    """Everything below `root` as one segment; owned by root, without times, the same bytes for the same input."""
    out = bytearray()
    number = 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        below = os.path.relpath(folder, root)
        if below != ".":
            number += 1
            out += _record(number, below, os.lstat(folder).st_mode, b"")
        for name in sorted(names):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            number += 1
            out += _record(number, os.path.normpath(os.path.join(below, name)), info.st_mode, _contents(path, info))
    return bytes(out + _record(0, "TRAILER!!!", 0, b""))


def _contents(path: str, info: os.stat_result) -> bytes:
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(path).encode()
    with open(path, "rb") as file:
        return file.read()


def _record(number: int, name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(header) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
