"""Sink `serial`: one line on each console of the kernel's, for programs: `ignition-result: {"event":"failed",…}`."""

from __future__ import annotations

import os
import time
from select import POLLOUT, poll

from ignition_py.notify.event import Report, marker
from ignition_py.notify.sinks import Door
from ignition_py.system.console import names
from ignition_py.system.host import INITRAMFS

PATIENCE = 2.0  # seconds that a console may take to accept the line


def tell(report: Report, door: Door) -> None:
    """Writes the line, in an initramfs. Errors are ignored: consoles are best effort."""
    if not os.path.exists(door.path(INITRAMFS)):
        return
    line = f"\n{marker(report.data)}\n".encode()
    for name in names(door.path("/proc/consoles")):
        _write(f"{door.path('/dev')}/{name}", line)


def _write(path: str, data: bytes) -> None:
    """A line that is cut off is no JSON, so what a slow console has no room for yet is waited for, not long."""
    end = time.monotonic() + PATIENCE
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    ready = poll()
    ready.register(fd, POLLOUT)
    try:
        while data and (left := end - time.monotonic()) > 0:
            if ready.poll(left * 1000):
                data = data[os.write(fd, data) :]
    except OSError:
        pass
    finally:
        os.close(fd)
