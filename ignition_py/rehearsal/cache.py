"""Where built things are kept: `${XDG_CACHE_HOME:-~/.cache}/ignition-py/vm`, each under a key of what it is made from.

A build writes into a temporary name and is renamed when it is whole, so an interrupted one is never used. One lock per
kind of thing: two processes that want the same thing build it once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from errno import EBUSY

from ignition_py.system.host import mounts

Say = Callable[[str], None]


def silent(_: str) -> None:
    """A `Say` that says nothing."""


def cache_directory() -> str:
    """The cache, made when it is not there."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.join(base, "ignition-py", "vm")
    os.makedirs(path, exist_ok=True)
    return path


def files_below(directory: str, suffixes: tuple[str, ...] = ()) -> list[str]:
    """Paths of the files below `directory`, sorted; bytecode caches left out."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        found += [os.path.join(folder, name) for name in sorted(names) if not suffixes or name.endswith(suffixes)]
    return found


def key_of(texts: Iterable[str], files: Iterable[str] = ()) -> str:
    """A short hash of some texts and of some files: their names, contents, and who may run them."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    for path in files:
        digest.update(f"{os.path.basename(path)} {os.stat(path).st_mode & 0o111}".encode() + b"\0")
        with open(path, "rb") as file:
            digest.update(file.read() + b"\0")
    return digest.hexdigest()[:16]


def machine_lock() -> str:
    """The lock that a machine holds while it runs: one at a time for a user, who alone can write in the cache. VM_LOCK names another."""
    return os.environ.get("VM_LOCK") or os.path.join(cache_directory(), ".machine.lock")


@contextlib.contextmanager
def locked(path: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds an exclusive lock on the file `path`, which is not a link; `waiting()` is called where another process has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def cached(kind: str, key: str, build: Callable[[str], None], what: str, say: Say = silent) -> str:
    """Path of the thing of this kind with this key; `build(path)` makes it when it is not there.

    Only the newest thing of each kind is kept, and what another process may still use for an hour more.
    """
    directory = cache_directory()
    final = os.path.join(directory, f"{kind}-{key}")
    with locked(os.path.join(directory, f".{kind}.lock")):
        if os.path.exists(final):
            os.utime(final)
            return final
        say(f"{what} ...")
        started = time.monotonic()
        partial = final + ".partial"
        _remove(partial)
        build(partial)
        os.rename(partial, final)
        say(f"{what}: {time.monotonic() - started:.0f} s")
        for entry in os.scandir(directory):
            old = time.time() - entry.stat(follow_symlinks=False).st_mtime > 3600
            if entry.name.startswith(f"{kind}-") and entry.path != final and old:
                _remove(entry.path)
    return final


def _remove(path: str) -> None:
    """Removes a thing of the cache. Raises OSError where something is mounted below it, whose files are not the cache's."""
    below = os.path.realpath(path) + "/"
    mounted = next((mount.target for mount in mounts() if mount.target.startswith(below)), "")
    if mounted:
        raise OSError(EBUSY, "something is mounted there; unmount it (umount --recursive), then run this again", mounted)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
