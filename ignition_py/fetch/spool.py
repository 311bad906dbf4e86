"""A private folder of contents that were fetched and verified ahead, for this stage and the ones behind it.

It lies in /run, which on most machines is memory: `allowance()` bounds it. Files are named by a digest of the request, not of
the contents; only root can write here. A file that is there is complete and verified.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from threading import Lock
from types import TracebackType
from typing import Self

from ignition_py.spec.tables import Resource
from ignition_py.system.digest import digest_of
from ignition_py.system.host import available_memory

LARGEST = 512 << 20  # bytes in all, however large the machine
CHUNK = 1 << 16  # bytes; larger ones are given back to the system each time, and taken again page by page
_COMPLETE = "complete"
_PART = ".part"
_UNKNOWN_MEMORY = 256 << 20  # bytes; what is assumed where the kernel does not say


class NoRoom(Exception):  # no failure: the contents are fetched when they are needed
    """The allowance is used up."""


class Allowance:
    """Bytes that may be kept, shared by everything that is fetched side by side."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = Lock()

    def take(self, size: int) -> None:
        """Raises NoRoom where there is less."""
        with self._lock:
            if size > self._left:
                raise NoRoom
            self._left -= size


class Share:
    """What one download has of the allowance: `grow_to()` its announced length, then its real one."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._held = 0

    def grow_to(self, size: int) -> None:
        """Raises NoRoom."""
        if size > self._held:
            self._allowance.take(size - self._held)
            self._held = size

    def give_back(self) -> None:
        self._allowance.take(-self._held)
        self._held = 0


def name_of(resource: Resource) -> str:
    """The name that a resource has in the spool: a digest of all that says what it is."""
    headers = [part or "" for header in resource.http_headers for part in (header.name, header.value)]
    parts = (resource.source or "", resource.compression or "", resource.verification.hash or "", *headers)
    return digest_of("".join(f"{len(part)}:{part}" for part in parts))


class Spool:
    """`with Spool(folder) as spool`: the folder, made where it is missing. Raises OSError where it is not ours alone."""

    def __init__(self, folder: str, *, make: bool = False) -> None:
        self.folder = folder
        self._part = f".{os.getpid()}-{id(self):x}{_PART}"  # another run may have been killed, and left its own
        if make:
            os.makedirs(os.path.dirname(folder) or ".", mode=0o700, exist_ok=True)
            if not os.path.lexists(folder):
                os.mkdir(folder, 0o700)
        self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        found = os.fstat(self._fd)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            self.close()
            raise PermissionError(1, "it is open to others", folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._fd)

    def has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> Iterator[bytes]:
        """The contents with that name. Raises OSError."""
        fd = self._open(name)
        try:
            while chunk := os.read(fd, CHUNK):
                yield chunk
        finally:
            os.close(fd)

    def copy(self, name: str, target: int) -> int:
        """Writes the contents to the descriptor `target`, by the kernel where it can; their size. Raises OSError."""
        fd = self._open(name)
        try:
            return _copy(fd, target)
        finally:
            os.close(fd)

    def _open(self, name: str) -> int:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)

    def begin(self, name: str) -> int:
        """A descriptor of a new file; `keep()` or `drop()` end it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name + self._part, flags, 0o600, dir_fd=self._fd)

    def keep(self, name: str) -> None:
        """The new file is complete and verified: it gets its name."""
        os.rename(name + self._part, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def drop(self, name: str) -> None:
        os.unlink(name + self._part, dir_fd=self._fd)

    @property
    def complete(self) -> bool:
        """True if everything has been fetched that there was room for."""
        return self.has(_COMPLETE)

    def set_complete(self) -> None:
        os.close(os.open(_COMPLETE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=self._fd))

    def clear(self) -> None:
        for name in os.listdir(self._fd):
            os.unlink(name, dir_fd=self._fd)

    def allowance(self) -> int:
        """Bytes that may still come: at most LARGEST in all, half of what is free in the folder's filesystem, a quarter of
        the memory that is available (proc(5), MemAvailable), since /run is memory that nothing can take back."""
        used = sum(os.stat(name, dir_fd=self._fd).st_size for name in os.listdir(self._fd) if not name.endswith(_PART))
        status = os.fstatvfs(self._fd)
        return max(
            min(LARGEST - used, status.f_bavail * status.f_frsize // 2, (available_memory() or _UNKNOWN_MEMORY) // 4), 0
        )


def _copy(source: int, target: int) -> int:
    """Copies the whole of an open file. Raises OSError."""
    at, size = 0, os.fstat(source).st_size
    while at < size:
        try:
            count = os.sendfile(target, source, at, size - at)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):  # a filesystem that cannot
                raise
            count = os.write(target, os.pread(source, CHUNK, at))
        if not count:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        at += count
    return size
