"""Cpio archives as the kernel unpacks them: the format "newc" of Documentation/driver-api/early-userspace/buffer-format.rst."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator

from ignition_py.initrd.tree import Tree

Member = tuple[str, int, bytes]  # path, mode, contents

_ALIGNED = 512  # bytes; an archive that ends there can be followed by any other
_TIME = 0  # the same bytes for the same input
_MAGIC = (b"070701", b"070702")  # the second with checksums, which the kernel does not look at either
_HEADER = 110  # bytes
_FIELDS = 13  # of eight hexadecimal digits
_MODE, _SIZE, _NAME_SIZE = 1, 6, 11
_LONGEST_NAME = 4096
_END = "TRAILER!!!"


class Damaged(ValueError):
    """The bytes are not an archive."""


def archive(tree: Tree) -> Iterator[bytes]:
    """The archive in pieces: folders first. Raises BuildError."""
    return packed(_members(tree))


def folder_archive(root: str) -> bytes:
    """Everything below `root` as an archive. Raises OSError."""
    return b"".join(packed(_members_below(root)))


def packed(members: Iterable[Member]) -> Iterator[bytes]:
    """The archive of these members in pieces. Everything is owned by root."""
    size = 0
    for number, (path, mode, data) in enumerate(members, 1):
        record = _record(number, path.lstrip("/"), mode, data)
        size += len(record)
        yield record
    end = _record(0, _END, 0, b"")
    yield end + b"\0" * (-(size + len(end)) % _ALIGNED)


def unpacked(read: Callable[[int], bytes], wanted: Callable[[str, int], bool]) -> Iterator[Member]:
    """The members of one archive that are `wanted(path, size)`, up to its end; the others are read over.

    `read(count)` gives that many bytes, fewer at the end of the data. Raises Damaged.
    """
    while True:
        header = _exactly(read, _HEADER)
        if header[:6] not in _MAGIC:
            raise Damaged("this is not a cpio archive of the format newc")
        if header[6:].strip(b"0123456789abcdefABCDEF"):  # int() takes signs, blanks and underscores too
            raise Damaged("a header of the archive has something else than hexadecimal digits")
        fields = [int(header[6 + 8 * number : 14 + 8 * number], 16) for number in range(_FIELDS)]
        size, length = fields[_SIZE], fields[_NAME_SIZE]
        if not 0 < length <= _LONGEST_NAME:
            raise Damaged(f"a name of the archive has {length:,} bytes")
        name = _exactly(read, length + -(_HEADER + length) % 4)[: length - 1].decode("utf-8", "surrogateescape")
        if name == _END:
            return
        path = name.removeprefix("./").lstrip("/")
        if wanted(path, size):
            yield path, fields[_MODE], _exactly(read, size)
            _exactly(read, -size % 4)
        else:
            _skip(read, size + -size % 4)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    data = read(count) if count else b""
    if len(data) != count:
        raise Damaged("the archive ends in the middle")
    return data


def _skip(read: Callable[[int], bytes], count: int) -> None:
    while count:
        count -= len(_exactly(read, min(count, 1 << 20)))


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
