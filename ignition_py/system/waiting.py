"""Tells who is waited for, how long already, how long still, and why the last try failed. Nothing is ended by it: a slow disk is no
failure.

A line comes 5 s after the first failed try (60 s where nothing has failed), then ever more rarely, and at most one in 5 s from all
waits of a stage together: consoles are slow.
"""

from __future__ import annotations

import os
from time import monotonic

from ignition_py.system.log import Log

FIRST = 5.0  # seconds until the first line of a wait whose tries fail
INTERVAL = 60.0  # seconds between two lines at most
APART = 5.0  # seconds between two lines of different waits
_IN_SECONDS = 120.0  # of the time that is left, what is said in seconds


class Waiting:
    """One wait, from now on. `who` completes the sentence "waiting for …": `mkfs.ext4 (making ext4 on /dev/vda1)`. `limit` is in
    seconds, None for no limit. `tries`: it is one of tries that have begun to fail, so its lines begin early."""

    _told = 0.0  # when any wait of this process has told last

    def __init__(self, log: Log, who: str, limit: float | None = None, *, tries: bool = False) -> None:
        self._log = log
        self._who = who
        self._start = monotonic()
        self._end = None if limit is None or limit == float("inf") else self._start + limit
        self._pause = min(FIRST, INTERVAL) if tries else INTERVAL
        self._next = self._start + self._pause

    def left(self) -> float:
        """Seconds until the next line is due, at least 0."""
        return max(self._next - monotonic(), 0.0)

    def tell(self, reason: str = "") -> None:
        """Logs a line for the consoles, if one is due. `reason`: why the last try has failed."""
        now = monotonic()
        if now < self._next:
            return
        apart = Waiting._told + min(APART, INTERVAL)
        if now < apart:
            self._next = apart
            return
        Waiting._told = now
        self._pause = min(self._pause * 2, INTERVAL)
        self._next = now + self._pause
        left = max(self._end - now, 0) if self._end is not None else 0
        still = f", {f'{int(left)} s' if left < _IN_SECONDS else spoken(left)} more at most" if self._end is not None else ""
        last = f"; last error: {reason}" if reason else ""
        self._log.notice(f"waiting for {self._who}, {spoken(now - self._start)} so far{still}{last}")


def spoken(seconds: float) -> str:
    """`59 s`, `3 min`, `2 h 5 min`; rounded down."""
    if seconds < 60:
        return f"{seconds:.2g} s" if 0 < seconds < 1 else f"{int(seconds)} s"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def wait_for_child(pid: int, waiting: Waiting) -> int:
    """Waits until a child process has ended; its wait status."""
    from select import POLLIN, poll

    try:
        end = os.pidfd_open(pid)
    except OSError:  # before Linux 5.3
        return os.waitpid(pid, 0)[1]
    try:
        ready = poll()
        ready.register(end, POLLIN)
        while not ready.poll(waiting.left() * 1000 + 1):
            waiting.tell()
    finally:
        os.close(end)
    return os.waitpid(pid, 0)[1]
