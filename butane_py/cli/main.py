"""`butane-py`: the reference's command line, and more behind it.

Exit status: 0 compiled; 1 refused (errors in the config, any report with --strict, a file that cannot be read or written);
2 wrong usage. The config goes to standard output or --output, reports go to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from butane_py.cli.flags import COMPLETE, FLAGS, SUBCOMMANDS
from ignition_py.goflags import POSIX, HelpRequested, Parser, UsageError, Values
from ignition_py.system import streams

if TYPE_CHECKING:
    from butane_py.cli.job import Job

DONE, REFUSED, USAGE = 0, 1, 2
STDIN = STDOUT = "-"


_MORE = """Commands ({program} COMMAND --help tells more):
{commands}

Example:
  {program} --strict --files-dir files --output config.ign config.bu
  {program} --output-dir out --lint configs/
  {program} --check --strict configs/

Environment:
  NO_COLOR                  reports are not coloured unless --color asks for it

Exit status:
  0                         compiled
  1                         refused: errors in a config, with --strict warnings too, or a file cannot be read or written
  2                         wrong usage"""


def parser(program: str) -> Parser:
    """The command line of the compiler, as the reference has it, with flags of our own."""
    commands = "\n".join(f"  {name:<26}{text}" for name, (_, text) in SUBCOMMANDS.items())
    about = "Compiles a Butane config (YAML) into an Ignition config (JSON). Without a file, or with -, standard input is read."
    more = _MORE.format(program=program, commands=commands)
    return Parser(program, FLAGS, manner=POSIX, about=about, operands="[file ...]", more=more)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; the exit status. `argv` begins with the program's name; default: sys.argv. Raises OSError."""
    words = list(sys.argv if argv is None else argv)
    program = os.path.basename(words[0]) if words else "butane-py"
    if program == "__main__.py":
        program = "butane-py"
    rest = words[1:]
    if COMPLETE in os.environ:
        from butane_py.cli.completion import complete

        return complete(program)
    if rest and rest[0] in SUBCOMMANDS:
        from importlib import import_module

        if os.path.exists(rest[0]):
            streams.say(f"{program}: {rest[0]} is taken for the command; to compile the file of that name, write ./{rest[0]}\n")
        status: int = import_module(SUBCOMMANDS[rest[0]][0]).main(f"{program} {rest[0]}", rest[1:])
        return status
    command = parser(program)
    try:
        values = command.parse(_respelled(rest))
        files = _inputs(values)
    except UsageError as error:
        return _wrong_usage(program, error)
    except HelpRequested:
        files = []
        values = command.parse(["--help"])
    if values.on("help"):
        streams.write_stdout(command.usage())
        return DONE
    if values.on("version"):
        from butane_py import COMPATIBLE
        from ignition_py import __version__

        streams.write_stdout(f"Butane {COMPATIBLE} (butane-py {__version__})\n")
        return DONE
    try:
        return _run(values, files)
    except UsageError as error:
        return _wrong_usage(program, error)


def _wrong_usage(program: str, error: UsageError) -> int:
    streams.say(f"{program}: {error}\nTry '{program} --help'.\n")
    return USAGE


def _respelled(words: list[str]) -> list[str]:
    """`--colour` as `--color`: two spellings of one flag, of which the last on the line counts."""
    end = words.index("--") if "--" in words else len(words)
    head = [
        "--color" + word[8:] if word == "--colour" or word.startswith("--colour=") else word for word in words[:end]
    ]
    return head + words[end:]


def _inputs(values: Values) -> list[str]:
    """The files to read; none for standard input. Raises UsageError."""
    given = values.text("input")
    if values.given("input"):
        streams.say("--input is deprecated: name the file without a flag\n")
    others = list(values.arguments)
    if values.on("fix") or values.on("diff"):
        return others
    if values.given("output-dir"):
        if values.given("output"):
            raise UsageError("--output takes one config, --output-dir many: give one of them")
        if given or not others:
            raise UsageError("--output-dir needs the files or folders to compile")
        return others
    if values.text("source-map") == "beside" and not values.text("output") and not values.on("check"):
        raise UsageError(
            "--source-map needs --output or --output-dir, to put the map beside; --source-map=inline puts it into the config"
        )
    if (len(others) > 1 and (not values.on("check") or values.on("watch"))) or (others and given):
        raise UsageError("more than one file is given; --output-dir compiles many, --check checks many")
    if values.on("watch") and not (values.text("output") and (others or given)):
        raise UsageError("--watch needs a file and --output, or --output-dir")
    return [name for name in (others or [given]) if name]


def _run(values: Values, files: list[str]) -> int:
    from butane_py.cli.job import Job

    job = Job.asked(values)
    if values.on("fix") or values.on("diff"):
        from butane_py.cli.fix import fix_files

        return fix_files(values, job, files)
    if any(map(values.given, ("target", "target-options", "target-part", "gzip"))):
        from butane_py.cli.for_targets import compile_for_targets

        return compile_for_targets(values, job, files)
    if values.on("watch"):
        from butane_py.cli.watch import watch

        return watch(values, job, files)
    if values.given("output-dir") or len(files) > 1 or (values.on("check") and files and os.path.isdir(files[0])):
        from butane_py.cli.batch import compile_all

        return compile_all(values, job, files)
    path = files[0] if files and files[0] != STDIN else None
    output = values.text("output")
    return compile_one(job, path, "" if output == STDOUT else output, debug=values.on("debug"))


def compile_one(job: Job, path: str | None, output: str, *, debug: bool = False) -> int:
    """Compiles one file (None: standard input) to `output` (empty: standard output). Raises OSError for the standard streams."""
    from butane_py.cli.one import as_bytes, compile_file, say_report

    outcome = compile_file(job, path, output)
    say_report(job, outcome, config_to_stdout=not output)
    result = outcome.result
    if result.output is None:
        return REFUSED
    if debug and result.compilation is not None:
        from butane_py.trace import translations

        streams.say(translations(result.compilation))
    if not job.check and not output:
        streams.write_stdout(as_bytes(result.output))
    return DONE


def run() -> None:
    """The program: no garbage collection in a process this short, and no tearing down of what the system frees anyway."""
    import gc

    gc.disable()
    os._exit(streams.last_door("butane-py", main))
