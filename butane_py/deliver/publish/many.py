"""Many requests to a store side by side: it answers within tens of milliseconds, and a fleet has thousands of parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from ignition_py.system.parallel import Jobs

T = TypeVar("T")
R = TypeVar("R")
Progress: TypeAlias = "Callable[[int, int], None]"  # how many of how many are done

AT_ONCE = 8


def all_done(items: Sequence[T], action: Callable[[T], R], progress: Progress | None = None) -> list[R]:
    """The results of the action on all items. Raises the first failure when no action runs any more, so that none is cut off."""
    jobs = Jobs(AT_ONCE, stop_on_error=True)
    for item in items:
        jobs.add(partial(action, item))
    try:
        for done in range(1, len(items) + 1):
            jobs.next(None)
            if progress is not None:
                progress(done, len(items))
    except BaseException:
        jobs.stop()
        jobs.join()
        raise
    return jobs.wait()
