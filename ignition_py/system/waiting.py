"""Tells once a minute who is waited for, and how long already. Nothing is ended by it: a slow disk is no failure."""

from __future__ import annotations

import os
from time import monotonic

from ignition_py.system.log import Log

INTERVAL = 60.0  # seconds between two lines


class Waiting:
    """One wait, from now on. `who` completes the sentence "waiting for …": `mkfs.ext4 (making ext4 on /dev/vda1)`."""

    def __init__(self, log: Log, who: str) -> None:
        self._log = log
        self._who = who
        self._start = monotonic()
        self._next = self._start + INTERVAL

    def left(self) -> float:
        """Seconds until the next line is due, at least 0."""
        return max(self._next - monotonic(), 0.0)

    def tell(self, more: str = "") -> None:
        """Logs a line for the consoles, if one is due. `more` is added to it."""
        now = monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL
        self._log.notice(f"waiting for {self._who}, {spoken(now - self._start)} so far{more}")


def spoken(seconds: float) -> str:
    """`59 s`, `3 min`, `2 h 5 min`; rounded down."""
    if seconds < 60:
        return f"{seconds:.3g} s"
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
