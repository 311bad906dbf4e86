"""Where the executor's messages go: journal, kernel log or standard output.

One `Log` is made at start-up and handed to everything. Its sink is chosen once: standard output when asked, the syslog
socket of the journal (or of a syslog daemon) when something listens there, otherwise /dev/kmsg (early initramfs),
otherwise standard error. Sources: systemd's "Native Journal Protocol", RFC 3164, Documentation/ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import os
import sys
import time

# The class in C that `socket` builds upon. `socket` itself brings selectors, enum, functools and collections: 30 of the 104
# Minstr that a disks stage with nothing to do would take with the journal on, the interpreter's 28 included.
from _socket import AF_UNIX, SOCK_DGRAM, SOCK_STREAM, socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from ignition_py.system.console import Console
from ignition_py.system.recorder import Recorder


class Sink(Protocol):
    """Takes messages of one line, of printable characters and tabs, and never raises: a log must not stop a boot.

    `where` says where somebody finds the whole log, "" where that is the place in which a failure is shown.
    `hidden`: somebody at the console does not see it.
    """

    where: str
    hidden: bool

    def write(self, priority: int, line: str) -> None: ...

    def close(self) -> None: ...


# Priorities of syslog(3), shared by the kernel log's `<N>` prefix.
CRIT, ERR, WARNING, NOTICE, INFO, DEBUG = 2, 3, 4, 5, 6, 7
_NAMES = {CRIT: "CRITICAL", ERR: "ERROR", WARNING: "WARNING", NOTICE: "NOTICE", INFO: "INFO", DEBUG: "DEBUG"}
_FACILITY = 3 << 3  # daemon
SYSLOG_SOCKETS = ("/dev/log", "/run/systemd/journal/dev-log")
JOURNAL_SOCKET = "/run/systemd/journal/socket"
KERNEL_LOG = "/dev/kmsg"
_KERNEL_LIMIT = 900  # bytes of text; the kernel refuses records beyond 1024


class Stream:
    """A standard stream of this process, "stdout" or "stderr". `named`: each line begins with the name of its priority."""

    where = ""
    hidden = False

    def __init__(self, name: str, *, named: bool = True) -> None:
        self._name = name
        self._named = named

    def write(self, priority: int, line: str) -> None:
        stream = getattr(sys, self._name)
        try:
            stream.write(f"{_NAMES[priority]:<8} : {line}\n" if self._named else f"{line}\n")
            stream.flush()
        except (OSError, ValueError):  # closed, or a locale without the character
            return

    def close(self) -> None:
        """The stream belongs to the process."""


class Descriptor:
    """An open descriptor that takes records: `ending` ends one, longer texts than `limit` bytes become several."""

    def __init__(self, fd: int, where: str, *, hidden: bool, ending: bytes = b"", limit: int = 0) -> None:
        self._fd = fd
        self.where = where
        self.hidden = hidden
        self._ending = ending
        self._limit = limit

    def write(self, priority: int, line: str) -> None:
        prefix = f"<{_FACILITY | priority}>ignition[{os.getpid()}]: ".encode()
        data = line.encode("utf-8", "replace")
        limit = self._limit or max(len(data), 1)
        try:
            for start in range(0, max(len(data), 1), limit):
                os.write(self._fd, prefix + data[start : start + limit] + self._ending)
        except OSError:  # a log that is gone must not stop a boot
            return

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def system_sink() -> Sink:
    """The journal or a syslog daemon, else the kernel's log, else standard error."""
    for path in SYSLOG_SOCKETS:
        if os.path.exists(path):
            sink = _syslog(path)
            if sink is not None:
                return sink
    try:
        fd = os.open(KERNEL_LOG, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return Stream("stderr")
    return Descriptor(fd, "dmesg", hidden=False, ending=b"\n", limit=_KERNEL_LIMIT)


def _syslog(path: str) -> Descriptor | None:
    for kind, ending in ((SOCK_DGRAM, b""), (SOCK_STREAM, b"\0")):
        sock = socket(AF_UNIX, kind)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            continue
        return Descriptor(sock.detach(), "journalctl --boot --identifier=ignition", hidden=True, ending=ending)
    return None


def tell_journal(message: str, **fields: str) -> bool:
    """An entry with fields for the journal (systemd.journal-fields(7)). False where there is none, or it does not take it."""
    if not os.path.exists(JOURNAL_SOCKET):
        return False
    entry = {"MESSAGE": message, "PRIORITY": str(INFO), "SYSLOG_IDENTIFIER": "ignition", **fields}
    data = b"".join([_journal_field(name, value.encode("utf-8", "replace")) for name, value in entry.items()])
    sock = socket(AF_UNIX, SOCK_DGRAM)
    try:
        sock.sendto(data, JOURNAL_SOCKET)
    except OSError:
        return False
    finally:
        sock.close()
    return True


def _journal_field(name: str, value: bytes) -> bytes:
    """A field in the journal's native form; with its length where the value has line feeds."""
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


class Log:
    """Writes messages with a priority to a sink. `threshold` drops what is less urgent than it. `recorder` writes the report.

    `console` shows steps, notices and warnings to whoever watches the machine. `hide` takes the secrets of the config out of notices
    and of what is more urgent (spec/secrets.py); what is less urgent is made of words that hold none.
    """

    recorder: Recorder | None = None
    console: Console | None = None
    hide: Callable[[str], str] = staticmethod(str)

    def __init__(self, sink: Sink | None = None, *, to_stdout: bool = False, threshold: int = DEBUG) -> None:
        self._threshold = threshold
        self._sink: Sink = sink or (Stream("stdout") if to_stdout else system_sink())

    def log(self, priority: int, message: str) -> None:
        if priority > self._threshold:
            return
        if priority <= NOTICE:
            message = self.hide(message)
        if priority in (NOTICE, WARNING):
            first = message.partition("\n")[0]
            self.progress(first if priority == NOTICE else f"warning: {first}")
            if priority == WARNING and self.recorder is not None:
                self.recorder.warning(first)
        for line in message.splitlines() or [""]:
            self._sink.write(priority, "".join([c if c.isprintable() or c == "\t" else "?" for c in line]))

    def failure(self, lines: Sequence[str], screen: Sequence[str] = ()) -> None:
        """Why a stage failed: one block in the log, and the screen on standard error (the console) where the log is elsewhere."""
        for line in lines:
            self.crit(line)
        if self._sink.hidden:
            for line in screen or lines:
                Stream("stderr", named=False).write(CRIT, self.hide(line))

    def journal(self, message: str, **fields: str) -> None:
        """An entry with fields for the journal, where there is one; an ordinary message where there is none."""
        if not tell_journal(message, **fields):
            self.info(message)

    def crit(self, message: str) -> None:
        self.log(CRIT, message)

    def error(self, message: str) -> None:
        self.log(ERR, message)

    def warning(self, message: str) -> None:
        self.log(WARNING, message)

    def notice(self, message: str) -> None:
        self.log(NOTICE, message)

    def info(self, message: str) -> None:
        self.log(INFO, message)

    def debug(self, message: str) -> None:
        self.log(DEBUG, message)

    @property
    def where(self) -> str:
        """Where somebody finds the whole log; "" where it has gone to the same place as the failure."""
        return self._sink.where

    def progress(self, what: str) -> None:
        """What is being done, for whoever watches; nothing for the log."""
        if self.console is not None:
            self.console.say(what)

    def step(self, what: str) -> Step:
        """`with log.step("disks: making ext4 on /dev/vda1"): ...` logs start, end and duration."""
        return Step(self, what)

    def close(self) -> None:
        self._sink.close()


class Step:
    """One piece of work in the log; see `Log.step`."""

    __slots__ = ("_log", "_start", "_what")

    def __init__(self, log: Log, what: str) -> None:
        self._log = log
        self._what = what
        self._start = 0.0

    def __enter__(self) -> Step:
        self._start = time.monotonic()
        self._log.info(self._what)
        self._log.progress(self._what)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        took = time.monotonic() - self._start
        if error is None:
            self._log.info(f"{self._what}: done in {took:.2f} s")
        else:
            self._log.error(f"{self._what}: failed after {took:.2f} s")
        if self._log.recorder is not None:
            self._log.recorder.step(self._what, self._start, ok=error is None)
