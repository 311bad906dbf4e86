"""Progress of a rehearsal on standard error: a line for each step, with the seconds since the start.

rehearse.py says its steps (`say`), the machine's console is sifted for what is worth a line (`console`). On a terminal a line
below them counts the seconds of what is being done.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time

from ignition_py.rehearsal.console import FAILURES

# Console lines that are worth a line here, and what is said about them. The console cuts long unit names short.
_PHASES = (
    (r"Welcome to .*Initramfs|Welcome to .*dracut", "initramfs is up"),
    (r"^ignition: (.*)", "{}"),
    (r"Starting .*Network for Ignition", "network"),
    (r"Starting .*Switch Root", "entering the real root"),
    (r"Welcome to (?!.*(Initramfs|dracut))", "real root is up"),
    (r"Reached target .*[Mm]ulti-[Uu]ser", "services are up"),
)
_TICK = 0.5  # seconds


class Screen:
    """Progress; see the module's docstring."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._colours = self._terminal and not os.environ.get("NO_COLOR")
        self._started = time.monotonic()
        self._now = ""
        self._lock = threading.Lock()
        self._done = threading.Event()
        if self._terminal:
            threading.Thread(target=self._tick, daemon=True).start()

    def seconds(self) -> float:
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """One step. What ends in "..." goes on and is shown as what is being done."""
        with self._lock:
            self._now = text.removesuffix(" ...") if text.endswith(" ...") else ""
            self._clear()
            sys.stderr.write(f"{self._paint(f'{self.seconds():6.1f} s', '2')}  {text}\n")
            sys.stderr.flush()

    def console(self, when: float, text: str) -> None:
        """Picks from the machine's console what says how far it has got, and what failed. `when`: seconds since power on."""
        if FAILURES.search(text):
            self.say(self._paint(f"  {when:5.1f} s  {text}", "31"))
            return
        for pattern, template in _PHASES:
            found = re.search(pattern, text)
            if found:
                self.say(f"  {when:5.1f} s  {template.format(*found.groups())}")
                self._now = "booting"
                return

    def end(self) -> None:
        self._done.set()
        with self._lock:
            self._clear()

    def _paint(self, text: str, code: str) -> str:
        """`text` in a colour (an SGR code) where colours are wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text

    def _clear(self) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _tick(self) -> None:
        while not self._done.wait(_TICK):
            with self._lock:
                if self._now and not self._done.is_set():
                    sys.stderr.write(f"\r\x1b[K{self._paint(f'{self.seconds():6.1f} s', '2')}  {self._now} ...")
                    sys.stderr.flush()
