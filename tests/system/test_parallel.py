"""system/parallel.py: jobs side by side, their results, failures and their end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ignition_py.report.diag import Cause, Place, StageError
from ignition_py.system.parallel import Jobs, Stopped, run_all


def echo(value: object) -> Callable[[], object]:
    return lambda: value


def failing(error: BaseException) -> Callable[[], object]:
    def job() -> object:
        raise error

    return job


def test_results_in_the_order_of_the_jobs_whatever_ends_first() -> None:
    jobs, second = Jobs(2), threading.Event()
    jobs.add(lambda: second.wait(60) and "a")
    jobs.add(lambda: second.set() or "b")
    assert jobs.wait() == ["a", "b"]
    assert jobs.succeeded(0)
    assert not jobs.succeeded(2)


def test_next_returns_results_as_they_come_and_nothing_when_there_is_none() -> None:
    jobs, go = Jobs(5), threading.Event()
    assert jobs.next(0.01) is None
    jobs.add(lambda: go.wait(60) and "slow")
    jobs.add(echo("fast"))
    assert jobs.next(10) == "fast"
    jobs.add(failing(StageError("refused")))
    with pytest.raises(StageError, match="refused"):
        jobs.next(10)
    go.set()
    assert jobs.next(None) == "slow"


def test_a_job_that_never_begins_is_not_waited_for() -> None:
    """The only thread is busy when the results are no longer needed."""
    jobs, go, running = Jobs(1), threading.Event(), threading.Event()
    first = jobs.add(lambda: running.set() or (go.wait(60) and "done"))
    second = jobs.add(echo("never"))
    assert running.wait(60)
    jobs.stop()
    with pytest.raises(Stopped):
        jobs.result(second)
    with pytest.raises(Stopped):
        jobs.result(jobs.add(echo("too late")))
    go.set()
    assert jobs.result(first) == "done"
    assert jobs.wait() == ["done"]


def test_wait_raises_a_failure_while_another_job_still_runs() -> None:
    jobs, go = Jobs(2, stop_on_error=True), threading.Event()
    jobs.add(lambda: go.wait(60))
    jobs.add(failing(StageError("broken")))
    with pytest.raises(StageError, match="broken"):
        jobs.wait()
    assert jobs.stopped()
    go.set()
    assert [str(error) for error in jobs.join()] == ["broken"]


def test_the_failure_that_came_first_is_the_cause() -> None:
    """A job that ends because it is no longer needed fails after the one that made it so, and may have been added before."""
    jobs = Jobs(2, stop_on_error=True)

    def obedient() -> None:
        while not jobs.stopped():
            time.sleep(0.001)
        raise StageError("no longer needed")

    jobs.add(obedient)
    jobs.add(failing(StageError("the cause")))
    jobs.join()
    with pytest.raises(StageError, match="the cause"):
        jobs.wait()


def test_several_failures_keep_place_and_hint_each() -> None:
    place = Place(("storage", "disks", 0))
    first, second = StageError("one", place=place, hint="do this"), StageError("two")
    barrier = threading.Barrier(2, timeout=60)

    def job(error: StageError) -> Callable[[], None]:
        def run() -> None:
            barrier.wait()
            raise error

        return run

    with pytest.raises(StageError) as failure:
        run_all([job(first), job(second)], 2)
    assert failure.value.summary == "2 failures"
    assert failure.value.causes == (Cause("one", place, "do this"), Cause("two"))
    assert failure.value.message == "2 failures: (1) one ($.storage.disks.0). do this; (2) two"


def test_jobs_run_side_by_side_in_bounded_number() -> None:
    running: list[int] = []
    peak: list[int] = []
    both = threading.Barrier(2, timeout=60)

    def job() -> None:
        running.append(1)
        peak.append(len(running))
        both.wait()
        running.pop()

    run_all([job] * 4, 2)
    assert max(peak) == 2


def test_every_failure_is_told_and_the_rest_is_finished() -> None:
    done: list[int] = []

    def fail(text: str) -> Callable[[], None]:
        def job() -> None:
            raise StageError(text)

        return job

    with pytest.raises(StageError) as failure:
        run_all([fail("one"), lambda: done.append(1), fail("two")], 2)
    assert [cause.message for cause in failure.value.causes] == ["one", "two"]
    assert done == [1]
    with pytest.raises(KeyError):
        run_all([lambda: {}["x"], lambda: None], 2)


def test_after_a_failure_nothing_further_is_begun_where_that_is_asked_for() -> None:
    begun: list[str] = []

    def job(name: str) -> Callable[[], None]:
        def run() -> None:
            begun.append(name)
            if name == "b":
                raise StageError(name)

        return run

    with pytest.raises(StageError, match=r"^b$"):
        run_all([job(name) for name in "abcd"], 1, stop_on_error=True)
    assert begun == ["a", "b"]
