"""`butane-py`: the reference's command line, and more behind it.

Exit status: 0 compiled; 1 refused (errors in the config, any report with --strict, a file that cannot be read or written);
2 wrong usage. The config goes to standard output or --output, reports go to standard error.
"""

from __future__ import annotations

import os
import sys

from ignition_py.goflags import POSIX, SWITCH, TEXT, Flag, HelpRequested, Parser, UsageError
from ignition_py.system import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from butane_py.cli.job import Job
    from ignition_py.goflags import Values

DONE, REFUSED, USAGE = 0, 1, 2
STDIN = STDOUT = "-"
COMPLETE = "_BUTANE_PY_COMPLETE"  # a shell asks for completions
FORMATS = ("text", "json", "sarif")

# Subcommand -> module with `main(program: str, argv: Sequence[str]) -> int`, and one line of help.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "completion": ("butane_py.cli.completion", "print the script by which a shell completes the words of this program"),
    "decompile": ("butane_py.cli.decompile", "write an Ignition config as readable Butane"),
    "explain": ("ignition_py.programs.explain", "what the code of a report means, with examples"),
    "schema": ("butane_py.cli.schema", "print the JSON Schema of a version of the language"),
    "upgrade": ("butane_py.cli.upgrade", "rewrite a config to a newer version of its variant"),
}

FLAGS = (
    Flag("allow-extensions", SWITCH, "take keys x-... at the top, and <<, without a warning"),
    Flag("check", SWITCH, "check the config without writing any output", short="c"),
    Flag("color", TEXT, "colour reports: auto, always or never", default="auto", noun="when", bare="always"),
    Flag("debug", SWITCH, "print which part of the config made which part of the output", short="D", hidden=True),
    Flag("diff", SWITCH, "show what --fix would change, and write nothing"),
    Flag("files-dir", TEXT, "directory that local files may be embedded from", short="d", noun="folder"),
    Flag("fix", SWITCH, "correct what is mechanical in the configs themselves, comments kept"),
    Flag("format", TEXT, "format of reports", default="text", noun="format", choices=FORMATS),
    Flag("help", SWITCH, "show this help", short="h", hidden=True),
    Flag("ignore", TEXT, "leave reports of these codes out (lint-unit,lint-crlf)", noun="codes"),
    Flag("input", TEXT, "file to read (name it without a flag instead)", noun="file", hidden=True),
    Flag("jobs", TEXT, "with --output-dir: how many processes compile (default: 1)", noun="number"),
    Flag("lint", TEXT, "also run the linter; verify: with systemd-analyze", noun="mode", bare="on", choices=("on", "off", "verify")),
    Flag("output", TEXT, "file to write (default: standard output)", short="o", noun="file"),
    Flag("output-dir", TEXT, "compile several files, and all .bu files of folders, to this folder", noun="folder"),
    Flag("pretty", SWITCH, "indent the JSON", short="p"),
    Flag("private", SWITCH, "write files that only their owner can read (mode 0600): configs hold secrets"),
    Flag("raw", SWITCH, "write an Ignition config, never a MachineConfig around it", short="r"),
    Flag("raw-errors", SWITCH, "print reports a line each, for programs"),
    Flag("select", TEXT, "lint with these rules only", noun="codes"),
    Flag("source-map", TEXT, "also write which line of the YAML made what, beside the output (OUTPUT.map) or into it", noun="where",
         bare="beside", choices=("beside", "inline")),
    Flag("strict", SWITCH, "fail on any warning", short="s"),
    Flag("version", SWITCH, "print the version and exit", short="V"),
    Flag("watch", SWITCH, "compile again whenever a file changes (with --output or --output-dir)"),
)  # fmt: skip


_MORE = """Commands ({program} COMMAND --help tells more):
{commands}

Example:
  {program} --strict --files-dir files --output config.ign config.bu
  {program} --output-dir out --lint configs/

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
    if len(others) > 1 or (others and given):
        raise UsageError("more than one file is given; --output-dir compiles many")
    if values.on("watch") and not (values.text("output") and (others or given)):
        raise UsageError("--watch needs a file and --output, or --output-dir")
    return [name for name in (others or [given]) if name]


def _run(values: Values, files: list[str]) -> int:
    from butane_py.cli.job import Job

    job = Job.asked(values)
    if values.on("fix") or values.on("diff"):
        from butane_py.cli.fix import fix_files

        return fix_files(values, job, files)
    if values.on("watch"):
        from butane_py.cli.watch import watch

        return watch(values, job, files)
    if values.given("output-dir"):
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
