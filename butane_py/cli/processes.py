"""Work shared out to processes, with the results in the order of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MOST = 256
_CHUNK = 16  # items that a process takes at once
LOST = "a process that compiles has died, for want of memory perhaps; run it again with fewer --jobs"


def in_processes(
    call: Callable[[Item], Outcome], items: Sequence[Item], count: int, lost: Callable[[Item], Outcome]
) -> Iterator[Outcome]:
    """The outcomes of `call` for all items, from `count` processes. Where a process dies, what is left gets `lost`."""
    if count < 2 or len(items) < 2:
        yield from map(call, items)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    if "fork" not in multiprocessing.get_all_start_methods():
        yield from map(call, items)
        return
    # Forked processes have everything already, `call` with what it has read too: only items and outcomes are sent.
    context = multiprocessing.get_context("fork")
    done = 0
    with ProcessPoolExecutor(min(count, len(items)), mp_context=context, initializer=_begin, initargs=(call,)) as pool:
        try:
            for outcome in pool.map(_run, items, chunksize=min(_CHUNK, -(-len(items) // count))):
                yield outcome
                done += 1
        except BrokenProcessPool:
            yield from (lost(item) for item in items[done:])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_call: Callable[[Any], Any]


def _begin(call: Callable[[Any], Any]) -> None:
    """Sets up a process. Ctrl-C is left to the one that shares out the work."""
    import signal

    global _call
    _call = call
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(item: Any) -> Any:
    return _call(item)
