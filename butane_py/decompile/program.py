"""`butane-py decompile config.ign`: the way back from an Ignition config to readable Butane."""

from __future__ import annotations

import os

from butane_py.variants import IGNITION_NAMES as VARIANTS
from ignition_py.goflags import POSIX, TEXT, Flag, HelpRequested, Parser, UsageError
from ignition_py.report.diag import ConfigError
from ignition_py.system.streams import read_stdin, say, write_stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.goflags import Values

FLAGS = (
    Flag("files-dir", TEXT, "put binary and large contents into files of this directory", short="d", noun="folder"),
    Flag("output", TEXT, "file to write (default: standard output)", short="o", noun="file"),
    Flag("variant", TEXT, "variant to write", default="fcos", noun="variant", choices=VARIANTS),
)


def main(program: str, argv: Sequence[str]) -> int:
    """Writes the Butane config; the exit status (0 written, 1 refused, 2 wrong usage). Raises OSError."""
    about = "Writes readable Butane that compiles to the same Ignition config. Without a file, standard input is read."
    command = Parser(program, FLAGS, manner=POSIX, about=about, operands="[config.ign]")
    try:
        values = command.parse(argv)
        if len(values.arguments) > 1:
            raise UsageError("more than one file is given")
    except UsageError as error:
        return command.show_usage_error(error)
    except HelpRequested:
        write_stdout(command.usage())
        return 0
    try:
        _decompile(values)
    except ConfigError as error:
        say("".join(f"{entry.raw()}\n" for entry in error.report))
        say(f"{program}: {error}\n")
    else:
        return 0
    return 1


def _decompile(values: Values) -> None:
    """Raises ConfigError, OSError."""
    from butane_py.decompile import decompile_files
    from butane_py.files import write_output

    path = values.arguments[0] if values.arguments and values.arguments[0] != "-" else None
    if path is None:
        data = read_stdin()
    else:
        with open(path, "rb") as file:
            data = file.read()
    folder = values.text("files-dir")
    name = path or "<stdin>"
    if folder:
        made = decompile_files(data, variant=values.text("variant"), name=name)
        text = made.text
        for relative, contents in made.files.items():
            target = os.path.join(folder, relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            write_output(target, contents)
    else:
        from butane_py.decompile import decompile

        text = decompile(data, variant=values.text("variant"), name=name)
    output = values.text("output")
    if output and output != "-":
        write_output(output, text.encode())
    else:
        write_stdout(text)
