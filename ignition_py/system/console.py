"""Progress for whoever watches the machine: on every console of the kernel's, and on the splash screen where there is one.

Log (log.py) -> Console.say("disks: making ext4 on /dev/vda1"), when the image's units ask for it with IGNITION_CONSOLE. The journal has
all of it and more; /dev/console would be one console only. Sources: proc(5) "/proc/consoles"; console(4); plymouth's boot protocol
(src/ply-boot-protocol.h): a letter, 0x02, the length of the text with its NUL, the text.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock, start_new_thread  # as in recorder.py: threading is dear at each start
from collections.abc import Callable

SETTING = "IGNITION_CONSOLE"
CONSOLES = "/proc/consoles"
_SPLASH = "\0/org/freedesktop/plymouthd"
_SPLASH_RUNS = "/run/plymouth/pid"
_MOST = 40  # lines of one stage; after these one each second
_LONGEST = 200  # characters; also what plymouth's length byte allows
_BEAT = 60.0  # seconds of silence after which a stage says that it is still at work
_PATIENCE = 1.0  # seconds for the splash screen


class Console:
    """All consoles. Errors are ignored: consoles are best effort."""

    def __init__(self, consoles: str = CONSOLES, folder: str = "/dev") -> None:
        self._paths = [f"{folder}/{name}" for name in names(consoles)]
        self._splash = os.path.exists(_SPLASH_RUNS)
        self._count = 0
        self._last = time.monotonic()
        self._line = ""

    def watch(self, stage: str) -> Callable[[], object]:
        """Says each minute in which nothing else is said that the stage is still at work, and with what. Ends it where the function
        that it returns is called."""
        running, began = allocate_lock(), time.monotonic()
        running.acquire()

        def beat() -> None:
            while not running.acquire(timeout=_BEAT):
                now = time.monotonic()
                if now - self._last >= _BEAT - 1:
                    last = f"; last step: {self._line}" if self._line else ""
                    self._put(f"stage {stage} is still at work after {int(now - began) // 60} min{last}", now)

        try:
            start_new_thread(beat, ())
        except RuntimeError:  # no memory for a thread
            return bool
        return running.release

    def say(self, text: str) -> None:
        """One line, unless there have been very many of them just now."""
        now = time.monotonic()
        self._line = text
        self._count += 1
        if self._count > _MOST and now - self._last < 1:
            return
        self._put(text, now)

    def _put(self, text: str, now: float) -> None:
        self._last = now
        line = "".join([c if c.isprintable() else "?" for c in text[:_LONGEST]])
        for path in self._paths:
            _write(path, f"ignition: {line}\n".encode("utf-8", "replace"))
        if self._splash:
            self._splash = _show(line)


def wanted(environ: dict[str, str] | os._Environ[str]) -> bool:
    """True if the image's units ask for progress on the console."""
    return environ.get(SETTING, "") not in ("", "0", "no")


def names(path: str) -> list[str]:
    """The consoles that are enabled (`E` among their flags), as the kernel lists them."""
    try:
        with open(path) as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        name, _, rest = line.partition(" ")
        flags = rest.partition("(")[2].partition(")")[0]
        if "E" in flags:
            found.append(name)
    return found


def _write(path: str, data: bytes) -> None:
    """Writes without waiting: a slow serial line must not hold up a boot."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(fd, data)
    except OSError:
        pass
    finally:
        os.close(fd)


def _show(text: str) -> bool:
    """Shows a line on the splash screen. False where there is none any more."""
    import socket

    data = text.encode("utf-8", "replace")[:254].decode("utf-8", "ignore").encode()  # no half of a character
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_PATIENCE)
            sock.connect(_SPLASH)
            sock.sendall(b"M\x02" + bytes([len(data) + 1]) + data + b"\0")
            return sock.recv(1) == b"\x06"
    except OSError:
        return False
