"""Writes a cpio archive as the kernel unpacks it: the format "newc" of Documentation/driver-api/early-userspace/buffer-format.rst."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from ignition_py.initrd.tree import Tree

Member = tuple[str, int, bytes]  # path, mode, contents

_ALIGNED = 512  # bytes; an archive that ends there can be followed by any other
_TIME = 0  # the same bytes for the same input


def archive(tree: Tree) -> Iterator[bytes]:
    """The archive in pieces: folders first. Raises BuildError."""
    return _packed(_members(tree))


def folder_archive(root: str) -> bytes:
    """Everything below `root` as an archive. Raises OSError."""
    return b"".join(_packed(_members_below(root)))


def _packed(members: Iterable[Member]) -> Iterator[bytes]:
    """Everything is owned by root."""
    size = 0
    for number, (path, mode, data) in enumerate(members, 1):
        record = _record(number, path.lstrip("/"), mode, data)
        size += len(record)
        yield record
    end = _record(0, "TRAILER!!!", 0, b"")
    yield end + b"\0" * (-(size + len(end)) % _ALIGNED)


def _members(tree: Tree) -> Iterator[Member]:
    for path in tree.folders():
        yield path, stat.S_IFDIR | 0o755, b""
    for path, entry in tree:
        yield path, entry.mode, entry.contents()


def _members_below(root: str) -> Iterator[Member]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        if folder != root:
            yield os.path.relpath(folder, root), os.lstat(folder).st_mode, b""
        for name in sorted(names):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                data = os.readlink(path).encode()
            else:
                with open(path, "rb") as file:
                    data = file.read()
            yield os.path.relpath(path, root), mode, data


def _record(number: int, name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, _TIME, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(header) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
