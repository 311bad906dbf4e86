"""Side by side: a few threads that work through a list of jobs. Imported only where there is more than one to do.

Used by `gather.py` (contents, before a stage) and `ahead.py` (configs, while others are merged). Threads as the interpreter has
them: `threading` takes longer to import and to start twenty of its own than the rest of this does.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

# Enough to hide the latency of most networks. A server that gives one client fewer connections lets the others wait.
WORKERS = 20


class Pool:
    """`work` on each of `items`. It begins in their order, at most WORKERS at a time, in threads that do not keep the process
    alive. One thread, the one that has made it, waits for results."""

    def __init__(self, work: Callable[[Any], object], items: Sequence[object]) -> None:
        self._do = work
        self._items = items
        self._next = 0
        self._results: dict[int, object] = {}
        self._errors: dict[int, BaseException] = {}
        self._lock = allocate_lock()
        self._change = allocate_lock()  # is free when something has changed since somebody waited
        self._change.acquire()
        self._over = False

    def start(self) -> None:
        for _ in range(min(WORKERS, len(self._items))):
            start_new_thread(self._work, ())

    def stopped(self) -> bool:
        """Are the results no longer wanted? Jobs ask this now and then."""
        return self._over

    def stop(self) -> None:
        """Begins no further job."""
        self._over = True

    def finished(self, index: int) -> bool:
        """Has the job ended well?"""
        return index in self._results

    def result(self, index: int) -> object:
        """Waits for one job and returns its result. Raises what it raised."""
        while index not in self._results and index not in self._errors:
            self._change.acquire()
        if index in self._errors:
            raise self._errors[index]
        return self._results[index]

    def wait(self) -> None:
        """Waits for all jobs, or for the first failure, and raises that; of several the one that stands first."""
        while not self._errors and len(self._results) < len(self._items):
            self._change.acquire()
        with self._lock:
            errors = dict(self._errors)
        if errors:
            self.stop()
            raise errors[min(errors)]

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._over or self._next >= len(self._items):
                    return
                index, self._next = self._next, self._next + 1
            try:
                result = self._do(self._items[index])
            except BaseException as error:  # whoever waits for the job gets it
                with self._lock:
                    self._errors[index] = error
                    self._tell()
            else:
                with self._lock:
                    self._results[index] = result
                    self._tell()

    def _tell(self) -> None:
        if self._change.locked():
            self._change.release()
