"""The serial console of a machine, line by line with the time of each, and how it says that a boot has failed."""

from __future__ import annotations

import os
import re
import selectors
import threading
import time
from collections.abc import Callable
from typing import IO

# What a console shows when a boot goes wrong, the earliest sign first. The match is looked for in plain text.
FAILURES = re.compile(
    r"Kernel panic|Failed to start|Failed to mount|Ignition failed|dracut: FATAL|dracut Warning: .*does not exist"
    r"|Dependency failed for .*(Root|Ignition|Initrd)|[Ee]mergency [Mm]ode|Timed out waiting for device"
)
# What no boot recovers from; an image that is not ours may have services that fail and do no harm.
FATAL = re.compile(r"Kernel panic|Ignition failed|dracut: FATAL|[Ee]mergency [Mm]ode|emergency shell|Press Enter for maintenance")
# What a console says while a machine waits: the executor's own lines, systemd's about jobs that take long, and what was begun last.
_WAITS = (
    re.compile(r"^ignition: (?:\w+: )?waiting for (.*)"),
    re.compile(r"A (?:start|stop) job is running for (.*)"),
    re.compile(r"^ignition: (.*)"),
)
# Seconds after which the begin of a line is shown as it is: a question waits for its answer on the same line.
UNFINISHED = 5.0
LONGEST = 1 << 16  # bytes that are kept of a line without an end
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78cM])")


def plain(text: str) -> str:
    """`text` without terminal control sequences."""
    return _ESCAPES.sub("", text).replace("\r", "").rstrip()


class Console:
    """Reads a machine's console in a thread. `lines` holds (seconds since power on, plain text)."""

    def __init__(self, stream: IO[bytes], watch: Callable[[float, str], None] | None = None) -> None:
        self.lines: list[tuple[float, str]] = []
        self.closed = False
        self._watch = watch
        self._started = time.monotonic()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        begun = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while True:
                if len(begun) > LONGEST or not selector.select(UNFINISHED if begun else None):
                    self._add(begun)
                    begun = b""
                    continue
                read = os.read(stream.fileno(), 1 << 16)
                if not read:
                    break
                *lines, begun = (begun + read).split(b"\n")
                for line in lines:
                    self._add(line)
        self._add(begun)
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _add(self, raw: bytes) -> None:
        text = plain(raw.decode(errors="replace"))
        if not text:
            return
        line = (time.monotonic() - self._started, text)
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()
        if self._watch is not None:
            self._watch(*line)

    def wait_for(self, pattern: str, timeout: float) -> float | None:
        """Seconds since power on at which a line first matched; None where none did before the end or in time."""
        wanted = re.compile(pattern)
        end = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                for when, text in self.lines[seen:]:
                    if wanted.search(text):
                        return when
                seen = len(self.lines)
                left = end - time.monotonic()
                if self.closed or left <= 0:
                    return None
                self._changed.wait(left)

    def first_failure(self) -> str | None:
        """The first line that says that something failed."""
        return next((text for _, text in list(self.lines) if FAILURES.search(text)), None)

    def waited_for(self) -> str:
        """What the machine waited for last, as far as its console tells; "" where it does not."""
        for _, text in reversed(list(self.lines)):
            found = next(filter(None, (pattern.search(text) for pattern in _WAITS)), None)
            if found is not None:
                return found[1].strip()
        return ""

    def text(self, last: int | None = None) -> str:
        """The console so far, or its last lines."""
        lines = [f"[{when:6.1f}] {text}" for when, text in list(self.lines)]
        return "\n".join(lines if last is None else lines[-last:])

    def join(self, timeout: float) -> None:
        """Waits for the end of the stream, after the machine has gone."""
        self._thread.join(timeout)
