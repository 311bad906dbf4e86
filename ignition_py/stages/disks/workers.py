"""Work on devices that have nothing to do with each other, side by side in a bounded number of threads.

Used by each part of the disks stage: tables, arrays, LUKS volumes, filesystems; the work itself is done by other programs.
"""

from __future__ import annotations

from ignition_py.report.diag import IgnitionError, StageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def side_by_side(jobs: Sequence[Callable[[], None]], workers: int, *, stop: bool = False) -> None:
    """Runs the jobs in up to `workers` threads, each to its end, and raises what failed: all failures in one
    StageError. `stop`: after a failure no further one begins."""
    if len(jobs) == 1:
        jobs[0]()
        return
    import threading

    todo = list(reversed(jobs))
    failures: list[IgnitionError] = []
    crashes: list[BaseException] = []

    def work() -> None:
        while not (stop and (failures or crashes)):
            try:
                job = todo.pop()
            except IndexError:
                return
            try:
                job()
            except IgnitionError as failure:
                failures.append(failure)
            except BaseException as crash:  # handed to the main thread, which raises it
                crashes.append(crash)

    threads = [threading.Thread(target=work) for _ in range(min(workers, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if crashes:
        raise crashes[0]
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise StageError("; ".join(str(failure) for failure in failures))
