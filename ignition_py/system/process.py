"""One program: started in a process group of its own, fed, read with bounds, and ended; what `run.py` is made of.

Sources: setsid(2), kill(2), pidfd_open(2), pipe(7).
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from ignition_py.system.waiting import Waiting

_PIECE = 1 << 16  # bytes; the usual capacity of a pipe
_LAST = 16  # pieces that are read after the end of the first process: 1 MiB, the largest capacity of a pipe
_POLL = 0.05  # seconds between looks at the process where the kernel has no pidfd


class TimedOut(Exception):  # run.py makes the error
    """The program was killed, as it had not ended in time."""


class Captured:
    """Output of a program: all of it, or the first and the last half of `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def add(self, data: bytes) -> None:
        self._size += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:  # seldom: each time moves half of the limit
            del self._tail[: -self._half]

    def value(self) -> bytes:
        tail = bytes(self._tail[-self._half :])
        left_out = self._size - len(self._head) - len(tail)
        mark = f"\n[{left_out} bytes left out]\n".encode() if left_out else b""
        return bytes(self._head) + mark + tail


class Process:
    """A program that has been started. `stdout` and `stderr` are what was read, also after TimedOut. Raises OSError."""

    def __init__(self, argv: list[str], environment: dict[str, str], limit: int) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=environment, start_new_session=True
        )
        self._stdout, self._stderr = Captured(limit), Captured(limit)

    @property
    def stdout(self) -> bytes:
        return self._stdout.value()

    @property
    def stderr(self) -> bytes:
        return self._stderr.value()

    def finish(self, stdin: bytes, timeout: float | None, waiting: Waiting) -> int:
        """The exit status, negative for a signal. Raises TimedOut after `timeout` seconds, None for no limit."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._process as process:
            try:
                self._exchange(process, stdin, deadline, waiting)
            except BaseException:  # also an interrupt from the keyboard, which does not reach another session
                self._kill(process)
                raise
            return process.returncode

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        """Kills the whole group. The first process has not been waited for, so its number still names this group."""
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _exchange(
        self, process: subprocess.Popen[bytes], stdin: bytes, deadline: float | None, waiting: Waiting
    ) -> None:
        """Feeds and reads until the first process ends. Raises TimedOut."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        reads = [_Reader(process.stdout, self._stdout), _Reader(process.stderr, self._stderr)]
        end = _pidfd(process.pid)
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdin, selectors.EVENT_WRITE, _Writer(process.stdin, stdin).write)
            for reader in reads:
                ready.register(reader.pipe, selectors.EVENT_READ, reader.read)
            if end >= 0:
                ready.register(end, selectors.EVENT_READ)
            try:
                while process.poll() is None:
                    waiting.tell()
                    patience = waiting.left()
                    if deadline is not None:
                        patience = min(patience, deadline - time.monotonic())
                        if patience <= 0:
                            raise TimedOut
                    for key, _ in ready.select(patience if end >= 0 else min(patience, _POLL)):
                        more: Callable[[], bool] | None = key.data
                        if more is not None and not more():
                            ready.unregister(key.fileobj)
                            if key.fileobj is process.stdin:
                                process.stdin.close()
            finally:
                if end >= 0:
                    os.close(end)
                for reader in reads:
                    reader.read(_LAST)


class _Writer:
    """Standard input of a program."""

    def __init__(self, pipe: IO[bytes], data: bytes) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._left = memoryview(data)

    def write(self) -> bool:
        """Writes a piece. False after the last one."""
        try:
            if self._left:
                self._left = self._left[os.write(self._pipe.fileno(), self._left[:_PIECE]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:  # the program does not want to read more
            return False
        return bool(self._left)


class _Reader:
    """Standard output or standard error of a program."""

    def __init__(self, pipe: IO[bytes], output: Captured) -> None:
        os.set_blocking(pipe.fileno(), False)
        self.pipe = pipe
        self._output = output

    def read(self, pieces: int = 1) -> bool:
        """Reads what is there, at most so many pieces. False at the end of the output."""
        for _ in range(pieces):
            try:
                data = os.read(self.pipe.fileno(), _PIECE)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._output.add(data)
        return True


def _pidfd(pid: int) -> int:
    """A descriptor that is readable once the process has ended; -1 where the kernel has none (before Linux 5.3)."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1
