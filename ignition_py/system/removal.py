"""Removing trees below the new root, by descriptors: part of the door that `rootfs.py` is.

Nothing here follows a symlink or leaves the directory that it is given.
"""

from __future__ import annotations

import errno
import os

TEMPORARY = b".ignition-new-"  # how the names of everything that is not yet, or no longer, in its place begin
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEP = 64  # levels of a tree that are removed with a descriptor each; deeper ones are moved up first


def remove_at(directory: int, name: bytes) -> None:
    """Removes `name` with all that is below it, without leaving `directory` and without following a symlink."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        _remove_directory(directory, name)


def _remove_directory(directory: int, name: bytes) -> None:
    """Depth first, with a descriptor for each level; what lies deeper than `_DEEP` is moved to the top and goes next.

    A mounted filesystem is left alone and fails the removal: what is on it was not meant. (Its device number would
    not tell: btrfs subvolumes differ in it too, and bind mounts do not.)
    """
    mount = _mount_id(directory)
    top = _open_within(mount, directory, name)
    stack: list[tuple[int, bytes, list[bytes]]] = [(top, name, _names(top))]
    moved = 0
    try:
        while stack:
            fd, here, todo = stack[-1]
            if not todo:
                os.close(stack.pop()[0])
                os.rmdir(here, dir_fd=stack[-1][0] if stack else directory)
                continue
            child = todo.pop()
            try:
                os.unlink(child, dir_fd=fd)
                continue
            except IsADirectoryError:
                below = _open_within(mount, fd, child)
            if len(stack) < _DEEP:
                stack.append((below, child, _names(below)))
                continue
            os.close(below)
            moved += 1
            lifted = TEMPORARY + b"removed-%d" % moved
            os.rename(child, lifted, src_dir_fd=fd, dst_dir_fd=top)
            stack[0][2].append(lifted)
    finally:
        for fd, _, _ in stack:
            os.close(fd)


def _open_within(mount: bytes, directory: int, name: bytes) -> int:
    """A descriptor of the directory `name`. Raises OSError: EBUSY where another filesystem is mounted on it."""
    fd = os.open(name, _LIST, dir_fd=directory)
    if _mount_id(fd) != mount:
        os.close(fd)
        raise OSError(errno.EBUSY, "another filesystem is mounted on it", os.fsdecode(name))
    return fd


def _mount_id(fd: int) -> bytes:
    """Which mount a descriptor is on: proc(5), /proc/PID/fdinfo. Empty where there is no /proc."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
            return next((line for line in file if line.startswith(b"mnt_id:")), b"")
    except OSError:
        return b""


def _names(fd: int) -> list[bytes]:
    return [os.fsencode(name) for name in os.listdir(fd)]
