"""`--watch`: compile again whenever a config or a local file changes.

Folders are watched with inotify (through libc, Linux); where there is none, or its limits are reached, the files' times are looked at
twice a second. Which of the two it is, is said at the start.
"""

from __future__ import annotations

import os
import struct
import time

from butane_py.cli.job import REFUSED, Job
from ignition_py.system.streams import reason, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ignition_py.goflags import Values

POLL_SECONDS = 0.5
QUIET_SECONDS = 0.05  # editors write a file in several steps
# inotify(7): IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_ATTRIB
_EVENTS = 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x4
_EVENT = struct.Struct("iIII")
_CLOEXEC, _NONBLOCK = 0o2000000, 0o4000


def watch(values: Values, job: Job, files: list[str]) -> int:
    """Compiles, waits for a change, and compiles again, until it is interrupted."""
    folders = [*{os.path.dirname(name) or "." for name in files if not os.path.isdir(name)}]
    trees = [name for name in files if os.path.isdir(name)] + ([job.options.files_dir] if job.options.files_dir else [])
    watcher: Inotify | Polling
    try:
        watcher = Inotify(folders, trees)
    except OSError:
        watcher = Polling(folders, trees)
    say(f"watching {', '.join([*files, *trees[len(trees) - bool(job.options.files_dir) :]])} with {watcher.name}; Ctrl-C ends it\n")
    while True:
        status = _once(values, job, files)
        say(f"{time.strftime('%H:%M:%S')} {'refused' if status else 'compiled'}\n")
        watcher.wait()


def _once(values: Values, job: Job, files: list[str]) -> int:
    from butane_py.cli.batch import compile_all
    from butane_py.cli.main import compile_one

    try:
        if values.given("output-dir"):
            return compile_all(values, job, files)
        return compile_one(job, files[0], values.text("output"), changed_only=True)  # writing may be a change that is watched
    except OSError as error:
        say(f"{reason(error)}\n")
        return REFUSED


class Inotify:
    """Waits for changes with inotify(7). Raises OSError where it cannot be had."""

    name = "inotify"

    def __init__(self, folders: list[str], trees: list[str]) -> None:
        import ctypes

        self._libc = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError("this system has no inotify")
        self._folders = folders
        self._trees = trees
        self._descriptor: int = self._libc.inotify_init1(_CLOEXEC | _NONBLOCK)
        if self._descriptor < 0:
            raise OSError(self._errno(), os.strerror(self._errno()))
        self._add()

    def _add(self) -> None:
        """Watches all folders; those that are watched already stay so."""
        for folder in [*self._folders, *(below for tree in self._trees for below in _folders(tree))]:
            if self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _EVENTS) < 0 and self._errno() != 2:
                raise OSError(self._errno(), os.strerror(self._errno()), folder)

    def wait(self) -> None:
        """Returns once something has changed and nothing more does."""
        import select

        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        changed = False
        while not changed or poll.poll(QUIET_SECONDS * 1000):
            poll.poll()
            changed = any(not name.endswith(".tmp") for name in self._names()) or changed
        self._add()

    def _names(self) -> Iterator[str]:
        """Names of what has changed."""
        data = os.read(self._descriptor, 1 << 16)
        at = 0
        while at < len(data):
            *_, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            yield os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length


class Polling:
    """Waits for changes by looking at sizes and times of all files."""

    name = "polling"

    def __init__(self, folders: list[str], trees: list[str]) -> None:
        self._folders = folders
        self._trees = trees
        self._seen = self._state()

    def _state(self) -> dict[str, tuple[int, int, int]]:
        state = {}
        for folder in [*self._folders, *(below for tree in self._trees for below in _folders(tree))]:
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if not entry.name.endswith(".tmp"):
                            status = entry.stat(follow_symlinks=False)
                            state[entry.path] = (status.st_mtime_ns, status.st_size, status.st_ino)
            except OSError:
                continue
        return state

    def wait(self) -> None:
        """Returns once something has changed since the last time."""
        while (state := self._state()) == self._seen:
            time.sleep(POLL_SECONDS)
        self._seen = state


def _folders(tree: str) -> Iterator[str]:
    return (base for base, _, _ in os.walk(tree))
