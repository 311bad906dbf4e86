"""Side by side: a few threads that work through a list of jobs. Imported only where there is more than one to do.

Used by `gather.py` (contents, before a stage) and `ahead.py` (configs, while others are merged).
"""

from __future__ import annotations

from threading import Condition, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Job = Callable[[], object]

# Enough to hide the latency of most networks. A server that gives one client fewer connections lets the others wait.
WORKERS = 20


class Pool:
    """The jobs begin in their order, at most WORKERS at a time, in threads that do not keep the process alive."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._next = 0
        self._results: dict[int, object] = {}
        self._errors: dict[int, BaseException] = {}
        self._change = Condition()
        self._over = False

    def start(self) -> None:
        for number in range(min(WORKERS, len(self._jobs))):
            Thread(target=self._work, name=f"fetch-{number}", daemon=True).start()

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
        with self._change:
            self._change.wait_for(lambda: index in self._results or index in self._errors)
        if index in self._errors:
            raise self._errors[index]
        return self._results[index]

    def wait(self) -> None:
        """Waits for all jobs, or for the first failure, and raises that; of several the one that stands first."""
        with self._change:
            self._change.wait_for(lambda: self._errors or len(self._results) == len(self._jobs))
            errors = dict(self._errors)
        if errors:
            self.stop()
            raise errors[min(errors)]

    def _work(self) -> None:
        while True:
            with self._change:
                if self._over or self._next >= len(self._jobs):
                    return
                index, self._next = self._next, self._next + 1
            try:
                result = self._jobs[index]()
            except BaseException as error:  # whoever waits for the job gets it
                with self._change:
                    self._errors[index] = error
                    self._change.notify_all()
            else:
                with self._change:
                    self._results[index] = result
                    self._change.notify_all()
