"""The only door to paths below the new root.

Every stage that touches the new root goes through `Root`. A path of the config is walked component by component with
open descriptors, and a symlink on the way is read and followed as if the new root were `/`: what `openat2(2)` calls
RESOLVE_IN_ROOT. `..` goes back to the descriptor that the walk came from and is never looked up on disk, so a
directory that somebody moves meanwhile cannot lead the walk out. No path text below the root is ever handed to the
kernel as a whole. openat2 itself is not used: it cannot make missing directories on its way, and reaching it from
Python takes ctypes, which costs more to import than all the walks of a usual config.

Filesystems mounted below the root are part of it. Failures are OSError with the path as seen from inside the root.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Container, Iterator
from types import TracebackType
from typing import NoReturn, Self

from ignition_py.system.removal import TEMPORARY, remove_at

MAX_LINKS = 40  # as the kernel: path_resolution(7)
MAX_READ = 64 << 20  # bytes; a passwd, unit or journal file larger than this is an attack
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def encode(path: str) -> bytes:
    """The bytes of a path or name. Raises OSError (EINVAL, EILSEQ) for what no filesystem can hold."""
    if "\0" in path:
        raise OSError(errno.EINVAL, "the path holds a NUL byte", shown(path))
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise OSError(errno.EILSEQ, "the path holds half a surrogate pair", shown(path)) from None


def decode(path: bytes) -> str:
    """The text of a path; bytes that are not UTF-8 become lone surrogates, and `encode` turns them back."""
    return path.decode("utf-8", "surrogateescape")


def shown(path: str) -> str:
    """A path for a message: one line, whatever the path holds."""
    if path.isprintable() and "\ufffd" not in path:
        return path
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path)


def clean(path: str) -> str:
    """An absolute path of a config by its components alone: `.` and empty ones drop out, `..` goes up."""
    return "/" + "/".join(part for part in os.path.normpath("/" + path).split("/") if part)


def fail(number: int, path: bytes) -> NoReturn:
    raise OSError(number, os.strerror(number), shown(decode(path)))


def _components(path: bytes) -> list[bytes]:
    """The components of a path, last one first."""
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]


def temporary_name(name: bytes) -> bytes:
    """The name under which new content for `name` waits beside it.

    Always the same for one name, so a run after an interruption meets, and replaces, what the first one left.
    """
    import binascii

    return TEMPORARY + b"%08x-" % binascii.crc32(name) + name[:200]


class Spot:
    """A name in an open directory below the root: what a path stands for, whether or not something is there.

    `where` is the path after following symlinks, as seen from inside the root. Nothing here follows a symlink at
    `name`.
    """

    __slots__ = ("dir", "name", "where")

    def __init__(self, directory: int, name: bytes, where: str) -> None:
        self.dir = directory
        self.name = name
        self.where = where

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self.dir >= 0:
            os.close(self.dir)
            self.dir = -1

    def share(self, other: Spot) -> None:
        """Uses the descriptor of another spot in the same directory, which has to be closed after this one's last use."""
        os.close(self.dir)
        self.dir = other.dir

    def fail(self, number: int) -> NoReturn:
        raise OSError(number, os.strerror(number), shown(self.where))

    def lstat(self) -> os.stat_result | None:
        """What is there; None for nothing."""
        try:
            return os.stat(self.name, dir_fd=self.dir, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def readlink(self) -> str:
        """The text of the symlink that is there. Raises OSError (EINVAL where it is none)."""
        return decode(os.readlink(self.name, dir_fd=self.dir))

    def open_regular(self, flags: int = _READ) -> int:
        """A descriptor of the regular file that is there; devices, pipes and sockets are not opened.

        Raises OSError: ENOENT, ELOOP for a symlink, EINVAL for anything else that is not a regular file.
        """
        found = self.lstat()
        if found is None:
            self.fail(errno.ENOENT)
        if not stat.S_ISREG(found.st_mode):
            self.fail(errno.ELOOP if stat.S_ISLNK(found.st_mode) else errno.EINVAL)
        fd = os.open(self.name, flags | _READ, dir_fd=self.dir)
        if not stat.S_ISREG(os.fstat(fd).st_mode):  # changed hands in between
            os.close(fd)
            self.fail(errno.EINVAL)
        return fd

    def mkdir(self, mode: int = 0o755) -> None:
        os.mkdir(self.name, mode, dir_fd=self.dir)

    def create(self, name: bytes | None = None) -> int:
        """A new file, readable by nobody else, open for writing. Raises OSError (EEXIST)."""
        return os.open(name or self.name, _CREATE, 0o600, dir_fd=self.dir)

    def create_temporary(self) -> tuple[int, bytes]:
        """A new file beside the spot, for `rename_from`; one that an earlier run left is thrown away."""
        name = temporary_name(self.name)
        for _ in range(8):
            try:
                return self.create(name), name
            except FileExistsError:
                remove_at(self.dir, name)
        raise FileExistsError(errno.EEXIST, "somebody keeps making a file beside it", shown(self.where))

    def symlink(self, target: str, uid: int, gid: int) -> None:
        """Puts a symlink here in one step, over anything that is not a directory."""
        name = temporary_name(self.name)
        remove_at(self.dir, name)
        os.symlink(encode(target), name, dir_fd=self.dir)
        try:
            os.chown(name, uid, gid, dir_fd=self.dir, follow_symlinks=False)
            self.rename_from(name)
        except OSError:
            remove_at(self.dir, name)
            raise

    def hardlink(self, target: Spot) -> None:
        """Puts a hard link to `target` (itself, were it a symlink) here in one step, over anything but a directory."""
        name = temporary_name(self.name)
        remove_at(self.dir, name)
        os.link(target.name, name, src_dir_fd=target.dir, dst_dir_fd=self.dir, follow_symlinks=False)
        self.rename_from(name)
        remove_at(self.dir, name)  # rename(2) leaves both names where they are links to one file

    def rename_from(self, name: bytes) -> None:
        """Moves `name` of the same directory here."""
        os.rename(name, self.name, src_dir_fd=self.dir, dst_dir_fd=self.dir)

    def set_owner(self, uid: int, gid: int) -> None:
        """-1 leaves the owner or the group as it is. A symlink's own owner is set."""
        os.chown(self.name, uid, gid, dir_fd=self.dir, follow_symlinks=False)

    def set_mode(self, mode: int) -> None:
        """Sets the permissions of the file or directory that is there; refuses anything else (EINVAL, ELOOP)."""
        found = self.lstat()
        directory = found is not None and stat.S_ISDIR(found.st_mode)
        fd = os.open(self.name, _LIST, dir_fd=self.dir) if directory else self.open_regular()
        try:
            os.fchmod(fd, mode)
        finally:
            os.close(fd)

    def remove(self) -> None:
        """Removes what is there with all that is below it; nothing there is no error. Refuses mount points (EBUSY)."""
        if self.name == b".":
            self.fail(errno.EBUSY)
        remove_at(self.dir, self.name)


class Root:
    """The new root. `path` is where it is mounted; `created` is told of every directory that had to be made."""

    __slots__ = ("created", "fd", "path")

    def __init__(self, path: str, created: Callable[[str], None] | None = None) -> None:
        self.path = os.path.abspath(path)
        self.fd = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self.created = created

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self.fd)

    def spot(self, path: str, *, create: bool = False, follow: bool = False) -> Spot:
        """The spot that `path` stands for; the caller closes it.

        The last component is not followed unless `follow`. `create` makes missing directories on the way, owned by the
        caller, mode 0755 less the umask. Raises OSError: ENOENT, ENOTDIR, ELOOP, EINVAL …
        """
        walk = _Walk(self, encode(path), create, None)
        try:
            name = walk.go(follow)
            directory = walk.fds.pop() if len(walk.fds) > 1 else os.dup(self.fd)
        finally:
            walk.close()
        return Spot(directory, name, walk.text(name))

    def locate(self, path: str, planned: Container[str] = ()) -> str:
        """Where `path` leads, its last component unfollowed, without changing anything.

        Missing directories count as directories to be made, and so do the paths in `planned` whatever is there now.
        """
        walk = _Walk(self, encode(path), False, planned)
        try:
            return walk.text(walk.go(False))
        finally:
            walk.close()

    def lstat(self, path: str, *, follow: bool = False) -> os.stat_result | None:
        """What is at `path`; None where nothing is, or no directory on the way."""
        try:
            with self.spot(path, follow=follow) as spot:
                return spot.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_file(self, path: str) -> bool:
        """True if there is a regular file at the end of `path` (symlinks followed inside the root)."""
        found = self.lstat(path, follow=True)
        return found is not None and stat.S_ISREG(found.st_mode)

    def read(self, path: str, limit: int = MAX_READ) -> bytes | None:
        """The bytes of a regular file (symlinks followed inside the root); None where there is none.

        Raises OSError; EFBIG where it is larger than `limit` bytes.
        """
        try:
            with self.spot(path, follow=True) as spot:
                fd = spot.open_regular()
        except (FileNotFoundError, NotADirectoryError):
            return None
        with open(fd, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            fail(errno.EFBIG, encode(path))
        return data

    def listdir(self, path: str) -> list[str]:
        """The names in a directory, sorted; none where there is no directory."""
        try:
            with self.spot(path, follow=True) as spot:
                fd = os.open(spot.name, _LIST, dir_fd=spot.dir)
        except (FileNotFoundError, NotADirectoryError):
            return []
        try:
            return sorted(decode(os.fsencode(name)) for name in os.listdir(fd))
        finally:
            os.close(fd)

    def directory(self, path: str, made: Callable[[str], None] | None = None) -> int:
        """A descriptor of the directory at `path`, none of whose components is a symlink.

        With `made`, missing ones are made, mode 0755 whatever the umask, and told to it. Raises OSError: ENOENT, ELOOP for a
        symlink, ENOTDIR for anything else that is no directory.
        """
        fd = os.dup(self.fd)
        where = b""
        try:
            for part in reversed(_components(encode(clean(path)))):
                where += b"/" + part
                below = _directory(fd, part, where, made)
                os.close(fd)
                fd = below
        except OSError:
            os.close(fd)
            raise
        return fd

    def mkdirs(self, path: str) -> None:
        """Makes the directory at `path` and its parents where they are missing."""
        self.spot(path.rstrip("/") + "/.made", create=True).close()


def _directory(fd: int, part: bytes, where: bytes, made: Callable[[str], None] | None) -> int:
    """One step of `Root.directory`."""
    try:
        return os.open(part, _DIRECTORY, dir_fd=fd)
    except FileNotFoundError:
        if made is None:
            fail(errno.ENOENT, where)
    except OSError as error:
        if error.errno != errno.ENOTDIR:
            fail(error.errno or errno.EIO, where)
        mode = os.stat(part, dir_fd=fd, follow_symlinks=False).st_mode
        fail(errno.ELOOP if stat.S_ISLNK(mode) else errno.ENOTDIR, where)
    try:
        os.mkdir(part, 0o755, dir_fd=fd)
        made(decode(where))
        new = os.open(part, _LIST, dir_fd=fd)
        os.fchmod(new, 0o755)
    except OSError as error:
        fail(error.errno or errno.EIO, where)
    return new


class _Walk:
    """One walk: the descriptors and names of the directories gone through, and the components still to go.

    In a walk that only locates (`planned` is not None) -1 stands for a directory that does not exist yet.
    """

    __slots__ = ("create", "fds", "links", "names", "path", "planned", "root", "todo")

    def __init__(self, root: Root, path: bytes, create: bool, planned: Container[str] | None) -> None:
        self.root = root
        self.path = path
        self.create = create
        self.planned = planned
        self.fds = [root.fd]
        self.names: list[bytes] = []
        self.todo = _components(path)
        self.links = 0

    def close(self) -> None:
        while len(self.fds) > 1:
            self._back()

    def _back(self) -> None:
        fd = self.fds.pop()
        if fd >= 0:
            os.close(fd)

    def text(self, name: bytes) -> str:
        parts = self.names if name == b"." else [*self.names, name]
        return "/" + decode(b"/".join(parts))

    def go(self, follow: bool) -> bytes:
        """Walks to the end; the last component's name, `.` where the path ends at a directory already walked into."""
        while self.todo:
            part = self.todo.pop()
            if part == b"..":
                if self.names:
                    self.names.pop()
                    self._back()
                continue
            last = not self.todo
            if last and not follow:
                return part
            fd = self._enter(part, last)
            if fd is None:
                return part
            if last and fd >= 0:
                os.close(fd)
                return part
            if fd != _AGAIN:
                self.fds.append(fd)
                self.names.append(part)
        return b"."

    def _enter(self, part: bytes, last: bool) -> int | None:
        """A descriptor of the directory `part`, -1 for one that is planned, _AGAIN where `todo` has changed.

        None where `part` is the last one and no directory.
        """
        here = self.fds[-1]
        if here < 0 or (self.planned and self.text(part) in self.planned):
            return -1
        try:
            return os.open(part, _DIRECTORY, dir_fd=here)
        except FileNotFoundError:
            if last:
                return None
            return self._missing(part)
        except OSError as error:
            if error.errno != errno.ENOTDIR:
                fail(error.errno or errno.EIO, encode(self.text(part)))
        try:
            target = os.readlink(part, dir_fd=here)
        except OSError as error:
            if error.errno != errno.EINVAL:
                fail(error.errno or errno.EIO, encode(self.text(part)))
            if last:
                return None
            fail(errno.ENOTDIR, encode(self.text(part)))
        self._follow(target)
        return _AGAIN

    def _follow(self, target: bytes) -> None:
        self.links += 1
        if self.links > MAX_LINKS:
            fail(errno.ELOOP, self.path)
        if target.startswith(b"/"):
            self.close()
            self.names.clear()
        self.todo.extend(_components(target))

    def _missing(self, part: bytes) -> int:
        if self.planned is not None:
            return -1
        where = self.text(part)
        if not self.create:
            fail(errno.ENOENT, encode(where))
        try:
            os.mkdir(part, 0o755, dir_fd=self.fds[-1])
        except FileExistsError:  # a dangling symlink cannot get here; somebody else was faster
            pass
        else:
            if self.root.created is not None:
                self.root.created(where)
        self.todo.append(part)
        return _AGAIN


_AGAIN = -2


def chunks_of(fd: int, size: int = 1 << 20) -> Iterator[bytes]:
    """The bytes of an open file in pieces of `size`."""
    while True:
        piece = os.read(fd, size)
        if not piece:
            return
        yield piece
