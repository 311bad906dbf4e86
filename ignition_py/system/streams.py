"""Standard input, output and error of every program, and the way out of `main`: all bytes or an error, never a traceback.

A single read(2) or write(2) may do less than it was asked to: on a pipe that is O_NONBLOCK, on a full disk, after a stop and
a continue. With PYTHONUNBUFFERED=1 `sys.stdout.buffer` is such a single call, and what it left out is lost. Programs read
with `read_stdin`, write with `write_stdout` and `say`, and run inside `last_door`, which also makes `print` and `click.echo` whole.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from ignition_py.system.host import wait_ready, write_all

FAILED, INTERRUPTED, PIPE_CLOSED = 1, 130, 141
_PIECE = 1 << 20  # bytes that are read at once
_NAMES = ("standard input", "standard output", "standard error")


def read_all(descriptor: int) -> bytes:
    """Reads to the end, and waits where the descriptor is O_NONBLOCK. Raises OSError."""
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(descriptor, _PIECE)
        except BlockingIOError:
            wait_ready(descriptor, reading=True)
            continue
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def read_stdin() -> bytes:
    """All of standard input. Raises OSError, which names standard input."""
    data: bytes = _named(0, _read, sys.stdin)
    return data


def write_stdout(data: bytes | str) -> None:
    """Writes to standard output; text is written as UTF-8 in any locale. Raises OSError, which names standard output."""
    _named(1, _write, sys.stdout, encoded(data) if isinstance(data, str) else data)


def say(text: str) -> None:
    """Writes to standard error as UTF-8. Errors are ignored: nobody is left to be told."""
    try:
        _write(sys.stderr, encoded(text))
    except OSError:
        return


def encoded(text: str) -> bytes:
    """`text` as UTF-8; half a surrogate pair, which names and keys can hold, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= char <= "\udfff" else char for char in text).encode()


def reason(error: OSError) -> str:
    """`FILE: No such file or directory`; for a full disk the way out too."""
    name = error.filename
    shown = os.fsdecode(name) if isinstance(name, bytes) else str(name) if name is not None else ""
    way_out = "; make room there, or write somewhere else" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{shown}: {error.strerror or error}{way_out}" if shown else f"{error.strerror or error}{way_out}"


def _named(number: int, action: Callable[..., Any], *arguments: object) -> Any:
    try:
        return action(*arguments)
    except OSError as error:
        if error.filename is None:
            error.filename = _NAMES[number]
        raise


def _read(stream: TextIO | None) -> bytes:
    if stream is None:
        return b""
    descriptor = _descriptor(stream)
    return stream.buffer.read() if descriptor is None else read_all(descriptor)


def _write(stream: TextIO | None, data: bytes) -> None:
    if stream is None:
        return
    stream.flush()
    descriptor = _descriptor(stream)
    if descriptor is None and not hasattr(stream, "buffer"):
        stream.write(data.decode("utf-8", "replace"))  # io.StringIO
    elif descriptor is None:
        stream.buffer.write(data)
        stream.flush()
    else:
        write_all(descriptor, data)


def _descriptor(stream: TextIO) -> int | None:
    """The stream's descriptor; None where a test or a caller of the library has put a buffer in its place."""
    try:
        return stream.fileno()
    except io.UnsupportedOperation:
        return None


class _Whole(io.RawIOBase):
    """What text of standard output and error is written through: `write` takes all bytes or raises OSError."""

    def __init__(self, number: int, *, quiet: bool) -> None:
        self._number = number
        self._quiet = quiet

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        """The number of bytes, all of them. Raises OSError, but not for standard error."""
        try:
            _named(self._number, write_all, self._number, data)
        except OSError:
            if not self._quiet:
                raise
        return len(data)


def open_standard() -> None:
    """Makes the standard streams whole. Those that the caller has closed lead to /dev/null, as in programs of the reference's language."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # lives as long as the process
    sys.stdout = _text(1, quiet=False)
    sys.stderr = _text(2, quiet=True)


def _text(number: int, *, quiet: bool) -> TextIO:
    raw: Any = _Whole(number, quiet=quiet)  # a raw stream will do: it has no short writes that a buffer would mend
    return io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape" if quiet else "replace", write_through=True)


def last_door(program: str, main: Callable[[], int]) -> int:
    """Runs `main` with whole standard streams; the exit status. Whatever goes wrong is a sentence on standard error.

    Where the reader of standard output has gone away the process ends by SIGPIPE, as the references do (141 in a shell).
    """
    open_standard()
    try:
        return main()
    except BrokenPipeError as error:
        if error.filename == _NAMES[1]:
            return _ended_by_pipe()
        say(f"{program}: {reason(error)}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as error:
        return _status(error.code)
    except Exception as error:  # the last door: people get a sentence, whatever went wrong
        say(f"{program}: {_explained(error)}\n")
        return FAILED


def _status(code: object) -> int:
    """The exit status of a SystemExit: a number, nothing, or a message for standard error."""
    if code is None or isinstance(code, int):
        return code or 0
    say(f"{code}\n")
    return FAILED


def _ended_by_pipe() -> int:
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    return PIPE_CLOSED  # process 1 of a container is not killed by a signal


def _explained(error: Exception) -> str:
    from ignition_py.report.diag import IgnitionError

    if isinstance(error, IgnitionError):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return reason(error)
    import traceback

    from ignition_py import __version__

    step = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(step.filename)} line {step.lineno}"
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({where})"
    return f"a defect of ignition-py {__version__}; please report it: {type(error).__name__} in {where}"
