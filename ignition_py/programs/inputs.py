"""What every command reads and writes: one config from a file or standard input, Butane compiled on the way; text out."""

from __future__ import annotations

import sys

from ignition_py.report.diag import ConfigError, IgnitionError, Report

STDIN = "-"
SHOWN_STDIN = "<stdin>"


class Input:
    """One config as it came: the name that reports use, and its bytes."""

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data


class Compiled:
    """The Ignition JSON of a Butane config (None where it has errors), and the report, which is about the YAML."""

    __slots__ = ("data", "report")

    def __init__(self, data: bytes | None, report: Report) -> None:
        self.data = data
        self.report = report


def read_input(path: str) -> Input:
    """Reads a file, or standard input for `-`. Raises IgnitionError."""
    if path == STDIN:
        return Input(SHOWN_STDIN, sys.stdin.buffer.read())
    try:
        with open(path, "rb") as file:
            return Input(path, file.read())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise IgnitionError(f"reading the config {path}: {why}") from None


def compile_butane(given: Input, files_dir: str | None = None) -> Compiled:
    """Compiles a Butane config. Raises ConfigError where the compiler is not installed."""
    try:
        from butane_py.compilation import Options
        from butane_py.pipeline import compile_source
    except ImportError as error:
        raise ConfigError(f"{given.name} is a Butane config, and the compiler is not complete here: {error}") from None

    result = compile_source(given.data, given.name, Options(files_dir, raw=True))
    return Compiled(None if result.output is None else result.output.encode(), result.report)


def write(text: str) -> None:
    """To standard output, as UTF-8 in any locale. Half a surrogate pair, which a key can hold, is shown as U+FFFD."""
    stream = sys.stdout.buffer
    stream.write(printable(text).encode())
    stream.flush()


def complain(program: str, message: str) -> None:
    sys.stderr.write(f"{program}: {printable(message)}\n")


def printable(text: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
