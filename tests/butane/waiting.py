"""Waiting for what another process does, and interrupting it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Returns once the condition holds; fails after `seconds`, which only a fault takes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def interruptible() -> None:
    """In the child: what is started in the background of a shell without job control ignores SIGINT, and passes that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(process: subprocess.Popen[str]) -> int:
    """Interrupts a process; its exit status."""
    try:
        process.send_signal(signal.SIGINT)
        return process.wait(120)
    finally:
        process.kill()
