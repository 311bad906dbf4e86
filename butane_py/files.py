"""Writing output files: whole or not at all, and not at all where they say the same already."""

from __future__ import annotations

import os
import stat

_MODE = 0o644


def write_output(path: str, data: bytes, *, changed_only: bool = False) -> None:
    """Puts `data` at `path`: aside, synced, renamed. What is no regular file (a pipe, /dev/stdout) is written to. Raises OSError.

    `changed_only`: a file that holds `data` already is left alone.
    """
    mode = _MODE & ~_umask()
    try:
        status = os.stat(path)
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(status.st_mode):
            _write_to(path, data)
            return
        if changed_only and _holds(path, data):
            return
        mode = stat.S_IMODE(status.st_mode)
    target = os.path.realpath(path)
    aside = f"{target}.{os.getpid()}.tmp"
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except PermissionError:
        # A file that may be written in a directory that may not.
        _write_to(path, data)
        return
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.rename(aside, target)
    except BaseException:
        os.unlink(aside)
        raise


def write_changed(path: str, data: bytes) -> bool:
    """As `write_output`, but leaves a file alone that holds `data` already. Was it written? Raises OSError.

    Not synced: a batch can be run again, and a thousand syncs take longer than the compiling.
    """
    if _holds(path, data):
        return False
    aside = f"{path}.{os.getpid()}.tmp"
    try:
        with open(aside, "xb", opener=_opener) as file:
            file.write(data)
        os.rename(aside, path)
    except BaseException:
        if os.path.lexists(aside):
            os.unlink(aside)
        raise
    return True


def _holds(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size == len(data) and file.read() == data
    except FileNotFoundError:
        return False


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, _MODE)


def _write_to(path: str, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
