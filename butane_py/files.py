"""The one writer of output files: whole or not at all, never onto what was read, nothing where the file says the same already."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TypeAlias

from ignition_py.system.host import write_all

Identity: TypeAlias = "tuple[int, int]"  # device and inode

_MODE, _PRIVATE = 0o644, 0o600
_MOST_LINKS = 40  # in a row, as Linux follows them
# Why a file cannot be put in place of another, which can be written all the same: a mount point, another user's file in a
# sticky folder, a folder that is read-only or not ours, a name without room for a suffix.
_IN_PLACE = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG)


def identity(path: str) -> Identity | None:
    """What a file is known by, whatever its names are; None where it cannot be looked at."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def read_input(path: str) -> bytes:
    """The contents of a file, for `-` those of standard input. Raises OSError."""
    if path == "-":
        from ignition_py.system.streams import read_stdin

        return read_stdin()
    with open(path, "rb") as file:
        return file.read()


def write_output(
    path: str,
    data: bytes,
    *,
    private: bool = False,
    changed_only: bool = False,
    sync: bool = True,
    inputs: Collection[Identity | None] = (),
    header: bytes = b"",
) -> bool:
    """Puts `data` at `path`; True if it was written. Raises OSError, which names `path`; the old file is then intact.

    Symbolic links are followed, and the mode and owner of an existing file stay; a new file is 0644 less the umask.
    `private` makes either 0600. A regular file is written aside, synced to the disk with `sync`, and renamed; where that
    cannot be (a mount point, for one) it is written in place. Pipes, devices and descriptors (/dev/stdout) are written to.
    `changed_only` leaves a file alone that holds `data` already.
    Refused are files among `inputs`, and with `header` files that have other contents than such as begin with it.
    """
    try:
        return _write(path, data, private=private, changed_only=changed_only, sync=sync, inputs=inputs, header=header)
    except OSError as error:
        if error.filename != path or error.filename2 is not None:
            error.filename, error.filename2 = path, None
        raise


def write_pieces(
    path: str, pieces: Iterable[bytes], *, private: bool = False, inputs: Collection[Identity | None] = ()
) -> None:
    """As `write_output()`, for what is too large to be held in memory; a file that cannot be renamed to `path` is an error."""
    try:
        target = _target(path)
        status = None if isinstance(target, int) or not os.path.exists(path) else os.stat(path)
        if isinstance(target, int):
            _write_each(target, pieces)
        elif status is not None and not stat.S_ISREG(status.st_mode):
            with open(path, "wb", buffering=0) as stream:
                _write_each(stream.fileno(), pieces)
        else:
            _refuse_input(status, inputs)
            _replace(target, pieces, status, private=private, sync=True)
    except OSError as error:
        if error.filename != path or error.filename2 is not None:
            error.filename, error.filename2 = path, None
        raise


def _refuse_input(status: os.stat_result | None, inputs: Collection[Identity | None]) -> None:
    if status is not None and (status.st_dev, status.st_ino) in inputs:
        raise OSError(errno.EEXIST, "this file is read to make it, and would be lost; write somewhere else")


def _write_each(descriptor: int, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        write_all(descriptor, piece)


def _write(
    path: str,
    data: bytes,
    *,
    private: bool,
    changed_only: bool,
    sync: bool,
    inputs: Collection[Identity | None],
    header: bytes,
) -> bool:
    target = _target(path)
    if isinstance(target, int):
        write_all(target, data)
        return True
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    if status is not None and not stat.S_ISREG(status.st_mode):
        with open(path, "wb", buffering=0) as stream:
            write_all(stream.fileno(), data)
        return True
    if status is not None:
        _refuse_input(status, inputs)
        held = _held(path) if changed_only or header else None
        if changed_only and held == data and not (private and status.st_mode & 0o077):
            return False
        if held and header and not held.startswith(header):
            raise OSError(
                errno.EEXIST,
                f"this file does not begin with {header.decode()!r}: it is not overwritten; write somewhere else",
            )
    try:
        _replace(target, (data,), status, private=private, sync=sync)
    except OSError as error:
        if status is None or error.errno not in _IN_PLACE:
            raise
        _overwrite(path, data, private=private, sync=sync)
    return True


def _target(path: str) -> str | int:
    """The path behind symbolic links; the number of the open descriptor that /dev/stdout, /dev/fd/3 and their like are names of.

    Opened anew by that name, a file would be written from its beginning, and a socket not at all.
    """
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(path)
        if name.isdecimal() and os.path.realpath(folder) == f"/proc/{os.getpid()}/fd":
            return int(name)
        try:
            path = os.path.join(folder, os.readlink(path))
        except (OSError, ValueError):
            break
    return path


def _held(path: str) -> bytes | None:
    """The contents of a file; None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except PermissionError:
        return None


def _replace(target: str, pieces: Iterable[bytes], status: os.stat_result | None, *, private: bool, sync: bool) -> None:
    """Writes a file aside and renames it to `target`. Raises OSError; nothing is left aside."""
    folder, name = os.path.split(target)
    # A random name: what a killed run has left behind is in nobody's way.
    aside = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}.tmp")
    mode = _MODE if status is None and not private else _PRIVATE
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            _write_each(descriptor, pieces)
            if status is not None:
                _keep_owner(descriptor, status)
                os.fchmod(descriptor, _PRIVATE if private else stat.S_IMODE(status.st_mode))
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(aside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise


def _keep_owner(descriptor: int, status: os.stat_result) -> None:
    """Gives the file the owner that `status` tells. Raises PermissionError where that cannot be."""
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.fchown(descriptor, status.st_uid, status.st_gid)
        except OSError as error:
            raise PermissionError(errno.EPERM, error.strerror) from None


def _overwrite(path: str, data: bytes, *, private: bool, sync: bool) -> None:
    """Writes an existing file in place; what it held is put back on a failure. Raises OSError."""
    held = _held(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        if private:
            os.fchmod(descriptor, _PRIVATE)
        try:
            _fill(descriptor, data)
            if sync:
                os.fsync(descriptor)
        except BaseException:
            if held is not None:
                with suppress(OSError):
                    _fill(descriptor, held)
            raise
    finally:
        os.close(descriptor)


def _fill(descriptor: int, data: bytes) -> None:
    """Makes `data` the contents. Blocks that the file has stay its own until all is written, so there is room to go back."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    write_all(descriptor, data)
    os.ftruncate(descriptor, len(data))
