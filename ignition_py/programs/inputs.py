"""What every command reads and writes: one config from a file or standard input, Butane compiled on the way; text out."""

from __future__ import annotations

from ignition_py.record import Record
from ignition_py.report.diag import ConfigError, IgnitionError, Report
from ignition_py.system import streams

STDIN = "-"
SHOWN_STDIN = "<stdin>"


class Input(Record):
    """One config as it came: the name that reports use, and its bytes."""

    name: str
    data: bytes


class Compiled(Record):
    """The Ignition JSON of a Butane config (None where it has errors), and the report, which is about the YAML."""

    data: bytes | None
    report: Report


def read_input(path: str) -> Input:
    """Reads a file, or standard input for `-`. Raises IgnitionError."""
    try:
        if path == STDIN:
            return Input(SHOWN_STDIN, streams.read_stdin())
        with open(path, "rb") as file:
            return Input(path, file.read())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise IgnitionError(f"reading the config {path}: {why}") from None


def compile_butane(config: Input, files_dir: str | None = None, *, source_map: bool = False) -> Compiled:
    """Compiles a Butane config, with the source map inside (docs/source-maps.md) if wanted. Raises ConfigError where the compiler is
    not installed."""
    try:
        from butane_py.compilation import Options
        from butane_py.emit.source_map import inside
        from butane_py.pipeline import compile_source
    except ImportError as error:
        raise ConfigError(f"{config.name} is a Butane config, and the compiler is not complete here: {error}") from None

    result = compile_source(config.data, config.name, Options(files_dir, raw=True, source_map=source_map))
    if result.output is None:
        return Compiled(None, result.report)
    if result.source_map is None:
        return Compiled(result.output.encode(), result.report)
    return Compiled(inside(result.output, result.source_map).encode(), result.report)


def complain(program: str, error: IgnitionError | str) -> None:
    """One line on standard error, and the way out below it."""
    hint = error.hint if isinstance(error, IgnitionError) else ""
    streams.say(f"{program}: {error}\n" + (f"  {hint}\n" if hint and hint not in str(error) else ""))
