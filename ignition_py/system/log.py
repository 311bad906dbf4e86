"""Where the executor's messages go: journal, kernel log or standard output.

One `Log` is made at start-up and handed to everything. The sink is chosen once: standard output when asked, the syslog
socket of the journal (or of a syslog daemon) when something listens there, otherwise /dev/kmsg (early initramfs),
otherwise standard error. Sources: systemd's "Native Journal Protocol", RFC 3164, Documentation/ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ignition_py.system.console import Console
    from ignition_py.system.recorder import Recorder

# Priorities of syslog(3), shared by the kernel log's `<N>` prefix.
CRIT, ERR, WARNING, NOTICE, INFO, DEBUG = 2, 3, 4, 5, 6, 7
_NAMES = {CRIT: "CRITICAL", ERR: "ERROR", WARNING: "WARNING", NOTICE: "NOTICE", INFO: "INFO", DEBUG: "DEBUG"}
_FACILITY = 3 << 3  # daemon
_SYSLOG_SOCKETS = ("/dev/log", "/run/systemd/journal/dev-log")
_JOURNAL_SOCKET = "/run/systemd/journal/socket"
_KMSG_LIMIT = 900  # bytes of text; the kernel refuses records beyond 1024


class Log:
    """Writes messages with a priority. `threshold` drops what is less urgent than it. `recorder` writes the report.

    `console` shows steps, notices and warnings to whoever watches the machine.
    """

    recorder: Recorder | None = None
    console: Console | None = None

    def __init__(self, *, to_stdout: bool = False, threshold: int = DEBUG) -> None:
        self._threshold = threshold
        self._fd = -1
        self._kind = "stdout"
        if not to_stdout:
            self._open_system_log()

    def _open_system_log(self) -> None:
        for path in _SYSLOG_SOCKETS:
            if os.path.exists(path) and self._open_syslog(path):
                return
        try:
            self._fd, self._kind = os.open("/dev/kmsg", os.O_WRONLY | os.O_CLOEXEC), "kmsg"
        except OSError:
            self._kind = "stderr"

    def _open_syslog(self, path: str) -> bool:
        import socket

        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            sock = socket.socket(socket.AF_UNIX, kind)
            try:
                sock.connect(path)
            except OSError:
                sock.close()
                continue
            self._fd, self._kind = sock.detach(), "syslog" if kind == socket.SOCK_DGRAM else "syslog-stream"
            return True
        return False

    def log(self, priority: int, message: str) -> None:
        if priority > self._threshold:
            return
        if priority in (NOTICE, WARNING):
            self.progress(message.partition("\n")[0])
        for line in message.splitlines() or [""]:
            self._emit(priority, line)

    def _emit(self, priority: int, line: str) -> None:
        text = "".join([c if c.isprintable() or c == "\t" else "?" for c in line])
        if self._kind in ("stdout", "stderr"):
            stream = sys.stdout if self._kind == "stdout" else sys.stderr
            try:
                stream.write(f"{_NAMES[priority]:<8} : {text}\n")
                stream.flush()
            except (OSError, ValueError):  # closed, or a locale without the character
                pass
            return
        prefix = f"<{_FACILITY | priority}>ignition[{os.getpid()}]: ".encode()
        data = text.encode("utf-8", "replace")
        pieces = [data]
        if self._kind == "kmsg":
            pieces = [data[i : i + _KMSG_LIMIT] for i in range(0, len(data), _KMSG_LIMIT)] or [b""]
        end = {"kmsg": b"\n", "syslog-stream": b"\0"}.get(self._kind, b"")
        try:
            for piece in pieces:
                os.write(self._fd, prefix + piece + end)
        except OSError:  # a log that is gone must not stop a boot
            pass

    def failure(self, lines: Sequence[str]) -> None:
        """Why a stage failed: one block in the log, and on standard error (the console) where the log is elsewhere."""
        for line in lines:
            self.crit(line)
        if self._kind.startswith("syslog"):
            sys.stderr.write("".join(f"{line}\n" for line in lines))

    def journal(self, message: str, **fields: str) -> None:
        """An entry with fields for the journal, where there is one; an ordinary message where there is none."""
        if not os.path.exists(_JOURNAL_SOCKET):
            self.info(message)
            return
        import socket

        entry = {"MESSAGE": message, "PRIORITY": str(INFO), "SYSLOG_IDENTIFIER": "ignition", **fields}
        data = b"".join([_journal_field(name, value.encode("utf-8", "replace")) for name, value in entry.items()])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(data, _JOURNAL_SOCKET)
            except OSError:
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
        if self._kind.startswith("syslog"):
            return "journalctl --boot --identifier=ignition"
        return "dmesg" if self._kind == "kmsg" else ""

    def progress(self, what: str) -> None:
        """What is being done, for whoever watches; nothing for the log."""
        if self.console is not None:
            self.console.say(what)

    def step(self, what: str) -> Step:
        """`with log.step("disks: making ext4 on /dev/vda1"): ...` logs start, end and duration."""
        return Step(self, what)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _journal_field(name: str, value: bytes) -> bytes:
    """A field in the journal's native form; the length is said where the value has line feeds."""
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


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
