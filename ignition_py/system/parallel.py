"""Jobs side by side in threads: downloads, addresses of a metadata service, disks.

    run_all(jobs, limit)     work on devices, each job to its end
    Jobs                     jobs that are added one by one, and whose results are waited for one by one, or all

Threads are daemons: a job that hangs does not keep the process alive. Imported where there is more than one job.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Any

from ignition_py.report.diag import Cause, IgnitionError, several


class Stopped(Exception):  # not an error: the result is no longer needed
    """The job was not begun before stop()."""


class Jobs:
    """Jobs have numbers from 0, begin in the order of add(), at most `limit` at a time. `stop_on_error` begins no job after
    a failure. One thread adds jobs and waits for them."""

    def __init__(self, limit: int, *, stop_on_error: bool = False) -> None:
        self._limit = limit
        self._stop_on_error = stop_on_error
        self._change = Condition()
        self._waiting: deque[Callable[[], Any]] = deque()
        self._begun = 0
        self._running = 0
        self._stopped = False
        self._results: dict[int, Any] = {}
        self._errors: dict[int, BaseException] = {}  # the first that failed first: others may fail because they are no longer needed
        self._ended: deque[int] = deque()  # in the order of their ends, without those that next() has returned

    def add(self, job: Callable[[], Any]) -> int:
        """The job's number. After a stop the job is never begun."""
        with self._change:
            number = self._begun + len(self._waiting)
            self._waiting.append(job)
            if self._running < self._limit and not self._stopped:
                self._running += 1
                Thread(target=self._work, name=f"job {number}", daemon=True).start()
        return number

    def stop(self) -> None:
        """Begins no further job; running jobs may ask stopped()."""
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def stopped(self) -> bool:
        """True if the results are no longer needed."""
        return self._stopped

    def succeeded(self, number: int) -> bool:
        """True if the job has ended without an error."""
        return number in self._results

    def result(self, number: int) -> Any:
        """Waits for one job. Raises what the job raised, Stopped where it will not begin."""
        with self._change:
            self._change.wait_for(lambda: self._over(number) or (self._stopped and number >= self._begun))
            return self._result(number)

    def next(self, timeout: float | None) -> Any:
        """The result of the job that ends next, None after `timeout` seconds without one. Raises what the job raised."""
        with self._change:
            return self._result(self._ended.popleft()) if self._change.wait_for(lambda: self._ended, timeout) else None

    def wait(self) -> list[Any]:
        """All results in the jobs' order. Raises the first failure without waiting for the jobs that still run."""
        with self._change:
            self._change.wait_for(lambda: self._errors or not self._running)
            self._stopped = self._stopped or bool(self._errors)
            return [self._result(number) for number in list(self._errors)[:1] or range(self._begun)]

    def join(self) -> list[BaseException]:
        """Waits until no job runs; the errors in the jobs' order."""
        with self._change:
            self._change.wait_for(lambda: not self._running)
            return [self._errors[number] for number in sorted(self._errors)]

    def _over(self, number: int) -> bool:
        return number in self._results or number in self._errors

    def _result(self, number: int) -> Any:
        if number in self._errors:
            raise self._errors[number]
        if number not in self._results:
            raise Stopped
        return self._results[number]

    def _work(self) -> None:
        while True:
            with self._change:
                if self._stopped or not self._waiting:
                    self._running -= 1
                    self._change.notify_all()
                    return
                job = self._waiting.popleft()
                number, self._begun = self._begun, self._begun + 1
            outcome: dict[int, Any] = self._results
            try:
                value = job()
            except BaseException as error:  # raised in the thread that waits
                outcome, value = self._errors, error
            with self._change:
                outcome[number] = value
                self._stopped = self._stopped or (self._stop_on_error and outcome is self._errors)
                self._ended.append(number)
                self._change.notify_all()


def run_all(jobs: Sequence[Callable[[], None]], limit: int, *, stop_on_error: bool = False) -> None:
    """Runs jobs on devices, up to `limit` at a time, each that begins to its end.

    Raises the one failure; of several a StageError with all sentences, and the place and the hint of the first.
    """
    if len(jobs) == 1:
        jobs[0]()
        return
    group = Jobs(limit, stop_on_error=stop_on_error)
    for job in jobs:
        group.add(job)
    errors = group.join()
    failures = [error for error in errors if isinstance(error, IgnitionError)]
    if len(failures) < len(errors):
        raise next(error for error in errors if not isinstance(error, IgnitionError))
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise several([Cause(error.message, error.place, error.hint) for error in failures], about="", each="failures")
