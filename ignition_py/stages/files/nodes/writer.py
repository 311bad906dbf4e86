"""Writes files below the new root so that a name never stands for half of its contents.

Contents go to a temporary file beside the target that only root can read. When they have come to their end (and the
fetcher has verified them) owner and mode are set, the data is synced, and only then is the file renamed. Syncing
file by file would be most of the time of a config with many files (0.2 to 2 ms for each): they are gathered and
synced together.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from types import TracebackType
from typing import Self, TypeAlias

from ignition_py.fetch.fetcher import Content
from ignition_py.record import Record
from ignition_py.system.host import write_all
from ignition_py.system.log import Log
from ignition_py.system.removal import remove_at
from ignition_py.system.rootfs import Root, Spot, shown
from ignition_py.system.run import sync_below

Piece: TypeAlias = "bytes | Content"

BATCH_FILES = 2000
BATCH_DIRECTORIES = 200  # a descriptor each; the usual limit is 1024
BATCH_BYTES = 256 << 20
_FEW = 8  # up to here files are synced one by one, beyond with everything else below the root


class NotWrittenError(OSError):
    """A file that had waited could not be put into place.

    `path` is the argument of write(), not the resolved path, which another process may have changed.
    """

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror, shown(path))
        self.path = path


class Permissions(Record):
    """Owner, group and mode of a file to be; -1 keeps what it comes with (its directory's group where that is setgid)."""

    mode: int
    uid: int = -1
    gid: int = -1


class _Waiting(Record):
    """A written file under its temporary name, which a rename puts into place."""

    path: str
    spot: Spot
    name: bytes
    over_directory: bool

    def finish(self) -> None:
        """Renames it. Raises OSError."""
        found = self.spot.lstat()
        if found is not None and stat.S_ISDIR(found.st_mode):
            if not self.over_directory:
                self.spot.fail(errno.EISDIR)
            self.spot.remove()
        self.spot.rename_from(self.name)


class Writer:
    """`with Writer(root, log) as writer: writer.write(…)`; at the end, or with `flush()`, everything is in place."""

    def __init__(self, root: Root, log: Log) -> None:
        self._root = root
        self._log = log
        self._waiting: dict[str, _Waiting] = {}  # by where they go
        self._directories: dict[str, Spot] = {}  # one spot of each directory, whose descriptor the others share
        self._open: list[int] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._abort()

    def write(self, path: str, chunks: Iterable[Piece], permissions: Permissions, *, like: int | None = None,
              over_directory: bool = False) -> None:  # fmt: skip
        """Writes a file, over whatever is there, a directory only with `over_directory`. Missing parents are made.

        `like` is a descriptor of a file whose extended attributes (labels, ACLs, capabilities) the new one gets. Raises
        OSError, and whatever `chunks` raises; then nothing has changed at `path`.
        """
        spot = self._root.spot(path, create=True)
        if spot.where in self._waiting:
            spot.close()
            self.flush()
            spot = self._root.spot(path, create=True)
        try:
            fd, name = spot.create_temporary()
        except OSError:
            spot.close()
            raise
        try:
            for chunk in chunks:
                self._bytes += put(fd, chunk)
            os.fchown(fd, permissions.uid, permissions.gid)
            if like is not None:
                copy_attributes(like, fd)
            os.fchmod(fd, permissions.mode)
        except BaseException:
            os.close(fd)
            _discard(spot, name)
            spot.close()
            raise
        self._wait(fd, _Waiting(path, spot, name, over_directory))

    def _wait(self, fd: int, file: _Waiting) -> None:
        spot = file.spot
        self._open.append(fd)
        if len(self._waiting) >= _FEW:
            self._close_files()
        directory = spot.where.rpartition("/")[0]
        first = self._directories.setdefault(directory, spot)
        if first is not spot:
            spot.share(first)
        self._waiting[spot.where] = file
        if (
            len(self._waiting) >= BATCH_FILES
            or len(self._directories) >= BATCH_DIRECTORIES
            or self._bytes >= BATCH_BYTES
        ):
            self.flush()

    def flush(self) -> None:
        """Syncs what waits and renames it into place. Raises NotWrittenError, OSError."""
        if not self._waiting:
            return
        if len(self._waiting) > _FEW:
            sync_below(self._log, self._root.path)
        for fd in self._open:
            os.fsync(fd)
        for where, file in list(self._waiting.items()):
            try:
                file.finish()
            except OSError as error:
                raise NotWrittenError(file.path, error) from None
            del self._waiting[where]
        self._release()

    def _abort(self) -> None:
        for file in self._waiting.values():
            _discard(file.spot, file.name)
        self._waiting.clear()
        self._release()

    def _release(self) -> None:
        self._close_files()
        for spot in self._directories.values():
            spot.close()
        self._directories.clear()
        self._bytes = 0

    def _close_files(self) -> None:
        while self._open:
            os.close(self._open.pop())


def _discard(spot: Spot, name: bytes) -> None:
    """Takes a temporary file away. Errors are ignored: they would hide the first one."""
    try:
        remove_at(spot.dir, name)
    except OSError:
        return


def put(fd: int, piece: Piece) -> int:
    """Writes all of a piece of contents; its size. Raises OSError, FetchError."""
    if isinstance(piece, bytes):
        write_all(fd, piece)
        return len(piece)
    return piece.write_to(fd)


def copy_attributes(source: int, target: int) -> None:
    """Copies the extended attributes; of `system.` ones (ACLs) those that the target's filesystem takes. Raises OSError."""
    for name in os.listxattr(source):
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError:
            if not name.startswith("system."):
                raise
