"""The executor's command line: the reference's flags and exit statuses, and the way to all other programs.

Flags first (`ignition -platform qemu -stage fetch`) is a stage of a boot; a word first is a command of programs/cli, which
is imported only then, with click. Programs that the reference has too (`ignition-validate`) have its flags.

Exit status: 0 done, 1 the stage failed, 2 wrong usage, 3 it could not begin (platform, state file).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ignition_py import __version__, flatcar, module, providers, state, version_text
from ignition_py.context import Options
from ignition_py.goflags import DURATION, SWITCH, TEXT, Flag, Parser, Values
from ignition_py.stages import STAGES
from ignition_py.system.host import in_initramfs
from ignition_py.system.log import Log
from ignition_py.system.recorder import NAME, Recorder

if TYPE_CHECKING:  # imported when a stage begins
    from ignition_py.engine import Engine

DONE, FAILED, USAGE, CANNOT_BEGIN = 0, 1, 2, 3
FETCH_TIMEOUT = 120.0  # seconds
NEEDNET = "/run/ignition/neednet"

# Program of the reference -> module with `main(program: str, argv: Sequence[str]) -> int`.
PROGRAMS: dict[str, str] = {
    "ignition-validate": "ignition_py.programs.validate",
    "ignition-apply": "ignition_py.programs.apply",
    "ignition-rmcfg": "ignition_py.programs.rmcfg",
}
# Word of the executor's own for a boot -> module with `main(argv)`.
BOOT_COMMANDS = {"notify": "ignition_py.notify.program"}
OWN = "ignition-py"
_HELP = ("-h", "-help", "--help")
_COMPLETE = "_IGNITION_PY_COMPLETE"  # a shell asks for completions


def run() -> int:
    """The program, whatever standard input and output are; the exit status."""
    from ignition_py.system.streams import last_door

    return last_door(_program(sys.argv), main)


def _program(words: Sequence[str]) -> str:
    name = os.path.basename(words[0]) if words else "ignition"
    return OWN if name == "__main__.py" else name


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit status. `argv` begins with the program's name; default: sys.argv."""
    words = list(sys.argv if argv is None else argv)
    program, rest = _program(words), words[1:]
    if program in PROGRAMS:
        status: int = module(PROGRAMS[program]).main(program, rest)
        return status
    if rest and rest[0] in BOOT_COMMANDS:
        done: int = module(BOOT_COMMANDS[rest[0]]).main(rest[1:])
        return done
    if _is_command(program, rest):
        return _command(program, rest)
    return _stage(program, rest)


def _is_command(program: str, words: Sequence[str]) -> bool:
    """True where the words are not the flags of a stage."""
    if program == OWN and (not words or words[0] in _HELP or _COMPLETE in os.environ):
        return True
    return bool(words) and not words[0].startswith("-")


def _command(program: str, words: Sequence[str]) -> int:
    try:
        from ignition_py.programs.cli.group import program as commands
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != "click" and not missing.startswith("ignition_py.programs.cli"):
            raise
        command = words[0] if words else "help"
        if missing == "click":
            why = f"the command {command!r} needs the Python package click (python3-click on Debian), which is not installed"
        else:
            why = f"an initramfs has no commands such as {command!r}; see {program} --help"
        sys.stderr.write(f"{program}: {why}\n")
        return USAGE
    return commands.run(words, program)


def parser(program: str) -> Parser:
    """The command line of a stage."""
    flags = (
        Flag("config-cache", TEXT, "config as the fetch stages leave it", noun="file", default="/run/ignition.json"),
        Flag("fetch-timeout", DURATION, "how long to try until there is a config; 0 is forever", default=FETCH_TIMEOUT),
        Flag("log-to-stdout", SWITCH, "log to standard output, not to the journal or the kernel log"),
        Flag("neednet", TEXT, "made by fetch-offline if the network is needed", noun="file", default=NEEDNET),
        Flag("platform", TEXT, "where this machine runs (required)", noun="platform", choices=tuple(providers.PLATFORMS)),
        Flag("root", TEXT, "where the machine's root filesystem is mounted", noun="folder", default="/"),
        Flag("stage", TEXT, "which part of provisioning to do (required)", noun="stage", choices=tuple(STAGES)),
        Flag("state-file", TEXT, "what the stages hand to each other", noun="file", default="/run/ignition/state"),
        Flag("version", SWITCH, "print the version and exit"),
    )
    about = (
        "Provisions this machine from its Ignition config, one stage a run. The image's units run the stages in order."
    )
    more = f"Commands for a desk, an image builder and an installed machine: `{OWN} --help`."
    return Parser(program, flags, about=about, more=more)


def _stage(program: str, argv: Sequence[str]) -> int:
    """Parses the flags and runs a stage."""
    flags = parser(program)
    values = flags.attempt(argv, version_text())
    if isinstance(values, int):
        return values
    for name in ("platform", "stage"):
        if not values.text(name):
            sys.stderr.write(f"{program}: --{name} is required; see {program} --help\n")
            return USAGE
    log = Log(to_stdout=values.on("log-to-stdout"))
    try:
        return _run(_options(values), log)
    finally:
        log.close()


def _options(values: Values) -> Options:
    return Options(
        stage=values.text("stage"),
        platform=values.text("platform"),
        root=values.text("root"),
        config_cache=values.text("config-cache"),
        state_file=values.text("state-file"),
        neednet=values.text("neednet"),
        timeout=values.seconds("fetch-timeout"),
        folder=os.path.dirname(values.text("state-file")) or ".",
        environ=os.environ,
        flatcar=flatcar.wanted(os.environ),
    )


def _run(options: Options, log: Log) -> int:
    """Runs a stage; the exit status. Whatever goes wrong in it, a machine's console gets a sentence."""
    stage = options.stage
    log.info(f"{version_text()}: stage {stage} on platform {options.platform}")
    log.recorder = Recorder(f"{options.folder}/{NAME}", stage)
    if os.environ.get("IGNITION_CONSOLE"):
        from ignition_py.system import console

        log.console = console.Console() if console.wanted(os.environ) else None
    end_of_watch = log.console.watch(stage) if log.console is not None else bool
    log.recorder.begin(options.platform, __version__)
    engine = None
    status = CANNOT_BEGIN
    try:
        carried = state.load(options.state_file)
        status = FAILED
        from ignition_py.engine import Engine

        if options.flatcar:
            flatcar.accept_oem()
        engine = Engine(options, log, carried)
        if stage == "disks" and options.environ.get("IGNITION_REPORT_STARTED"):
            _notify("started", options, log, engine)
        engine.run()
        state.save(carried, options.state_file)
    except Exception as error:  # the last door
        end_of_watch()
        from ignition_py.failure import report_failure

        report_failure(log, options, error, engine.texts if engine is not None else ())
        if engine is not None:
            engine.tell_platform(error)
        _notify("failed", options, log, engine)
        return status
    end_of_watch()
    took = log.recorder.end()
    if log.console is not None:
        log.console.say(f"stage {stage} is done in {took:.2f} s")
    if os.path.exists(f"{options.folder}/failure.json"):
        from ignition_py.failure import forget

        forget(options.folder, stage)
    if stage == "files" and in_initramfs():
        from ignition_py.notify.handover import leave

        leave(log, options)
    log.info(f"stage {stage} is done")
    engine.tell_platform(None)
    return DONE


def _notify(event: str, options: Options, log: Log, engine: Engine | None) -> None:
    """Reports the event to whom the image names, docs/report.md. Raises nothing."""
    from ignition_py.notify.tell import Occasion, tell

    tell(
        Occasion(
            event=event, log=log, folder=options.folder, platform=options.platform, environ=options.environ,
            settings=engine.settings if engine is not None else None, config_cache=options.config_cache, stage=options.stage,
        )
    )  # fmt: skip
