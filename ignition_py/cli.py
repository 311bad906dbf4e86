"""The executor's command line: the reference's flags and exit statuses, and subcommands of our own.

Flags first (`ignition -platform qemu -stage fetch`) is a stage of a boot; a word first is a subcommand, whose module is
imported only then. A program name of the reference (`ignition-validate`) stands for a subcommand.

Exit status: 0 done, 1 the stage failed, 2 wrong usage, 3 it could not begin (platform, state file).
"""

from __future__ import annotations

import os
import sys

from ignition_py import COMPATIBLE, __version__
from ignition_py.goflags import DURATION, SWITCH, TEXT, Flag, Parser
from ignition_py.report.diag import IgnitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.goflags import Values
    from ignition_py.system.log import Log

DONE, FAILED, USAGE, CANNOT_BEGIN = 0, 1, 2, 3
FETCH_TIMEOUT = 120.0  # seconds
NEEDNET = "/run/ignition/neednet"

# Subcommand -> (module with `main(program: str, argv: Sequence[str]) -> int`, one line of help).
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "validate": ("ignition_py.programs.validate", "check configs and say what is wrong with them"),
    "fetch": ("ignition_py.programs.fetch", "get this machine's config, or say where it comes from"),
    "rmcfg": ("ignition_py.programs.rmcfg", "delete the config from the platform"),
    "render": ("ignition_py.programs.render", "print a config with everything merged into it"),
    "plan": ("ignition_py.programs.plan", "show what would happen to this machine's disks, or to disk images"),
    "apply": ("ignition_py.programs.apply", "apply a config to a root directory while an image is built"),
    "rehearse": ("ignition_py.programs.rehearse", "boot a config in a throw-away virtual machine"),
    "status": ("ignition_py.programs.status", "say whether this machine has been provisioned"),
    "analyze": ("ignition_py.programs.analyze", "show where the time of provisioning went"),
    "collect-logs": ("ignition_py.programs.collect_logs", "put what is known about provisioning into an archive"),
    "convert": ("ignition_py.programs.convert", "write a config in another version of the spec"),
    "initrd": ("ignition_py.programs.initrd", "make an initramfs, or an archive to append to one"),
}
# Name of the program -> the subcommand it stands for.
PROGRAMS: dict[str, str] = {"ignition-validate": "validate", "ignition-apply": "apply", "ignition-rmcfg": "rmcfg"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit status. `argv` begins with the program's name; default: sys.argv."""
    words = list(sys.argv if argv is None else argv)
    program = os.path.basename(words[0]) if words else "ignition"
    if program == "__main__.py":
        program = "ignition-py"
    rest = words[1:]
    if program in PROGRAMS:
        return _subcommand(PROGRAMS[program], program, rest)
    if rest and not rest[0].startswith("-") and SUBCOMMANDS:
        if rest[0] in SUBCOMMANDS:
            return _subcommand(rest[0], f"{program} {rest[0]}", rest[1:])
        sys.stderr.write(f"{program}: there is no command {rest[0]!r}; there are {', '.join(SUBCOMMANDS)}\n")
        return USAGE
    return _stage(program, rest)


def _subcommand(name: str, program: str, argv: Sequence[str]) -> int:
    from importlib import import_module

    status: int = import_module(SUBCOMMANDS[name][0]).main(program, argv)
    return status


def version_text() -> str:
    return f"Ignition {COMPATIBLE} (ignition-py {__version__})"


def parser(program: str) -> Parser:
    """The command line of a stage."""
    from ignition_py.providers import PLATFORMS
    from ignition_py.stages import STAGES

    flags = (
        Flag("config-cache", TEXT, "config as the fetch stages leave it", noun="file", default="/run/ignition.json"),
        Flag("fetch-timeout", DURATION, "how long to try until there is a config; 0 is forever", default=FETCH_TIMEOUT),
        Flag("log-to-stdout", SWITCH, "log to standard output, not to the journal or the kernel log"),
        Flag("neednet", TEXT, "made by fetch-offline if the network is needed", noun="file", default=NEEDNET),
        Flag("platform", TEXT, "where this machine runs (required)", noun="platform", choices=tuple(PLATFORMS)),
        Flag("root", TEXT, "where the machine's root filesystem is mounted", noun="folder", default="/"),
        Flag("stage", TEXT, "which part of provisioning to do (required)", noun="stage", choices=tuple(STAGES)),
        Flag("state-file", TEXT, "what the stages hand to each other", noun="file", default="/run/ignition/state"),
        Flag("version", SWITCH, "print the version and exit"),
    )
    about = (
        "Provisions this machine from its Ignition config, one stage a run. The image's units run the stages in order."
    )
    commands = "\n".join(f"  {name:<26}{text}" for name, (_, text) in SUBCOMMANDS.items())
    more = f"commands ({program} COMMAND -help tells more):\n{commands}" if commands else ""
    return Parser(program, flags, about=about, more=more)


def _stage(program: str, argv: Sequence[str]) -> int:
    """Parses the flags and runs a stage."""
    flags = parser(program)
    values = flags.attempt(argv)
    if isinstance(values, int):
        return values
    if values.on("version"):
        sys.stdout.write(f"{version_text()}\n")
        return DONE
    for name in ("platform", "stage"):
        if not values.text(name):
            sys.stderr.write(f"{program}: --{name} is required; see {program} -help\n")
            return USAGE
    from ignition_py.system.log import Log

    log = Log(to_stdout=values.on("log-to-stdout"))
    try:
        return _run(values, log)
    finally:
        log.close()


def _run(values: Values, log: Log) -> int:
    from ignition_py import providers, state
    from ignition_py.system.recorder import NAME, Recorder

    stage, platform = values.text("stage"), values.text("platform")
    log.info(f"{version_text()}: stage {stage} on platform {platform}")
    folder = os.path.dirname(values.text("state-file")) or "."
    log.recorder = Recorder(f"{folder}/{NAME}", stage)
    if os.environ.get("IGNITION_CONSOLE"):
        from ignition_py.system import console

        log.console = console.Console() if console.wanted(os.environ) else None
    log.recorder.begin(platform, __version__)
    try:
        providers.check(platform)
        kept = state.load(values.text("state-file"))
    except IgnitionError as error:
        _failed(values, log, error)
        return CANNOT_BEGIN
    from ignition_py.engine import Engine

    engine = Engine(
        log=log,
        state=kept,
        platform=platform,
        root=values.text("root"),
        config_cache=values.text("config-cache"),
        neednet=values.text("neednet"),
        timeout=values.seconds("fetch-timeout"),
        environ=os.environ,
        spool=f"{folder}/fetched",
    )
    try:
        engine.run(stage)
        state.save(kept, values.text("state-file"))
    except Exception as error:  # the last door: a machine's console gets a sentence, whatever went wrong
        _failed(values, log, error)
        return FAILED
    took = log.recorder.end()
    if log.console is not None:
        log.console.say(f"stage {stage} is done in {took:.2f} s")
    if os.path.exists(f"{folder}/failure.json"):
        from ignition_py.failure import forget

        forget(folder, stage)
    log.info(f"stage {stage} is done")
    return DONE


def _failed(values: Values, log: Log, error: Exception) -> None:
    """Tells why on the console, in the log, beside the state file and in the report."""
    from ignition_py.failure import Failure

    stage = values.text("stage")
    failure = Failure.of(stage, error) if isinstance(error, IgnitionError) else Failure.defect(stage, error)
    cache = values.text("config-cache")
    if failure.place is not None and failure.place.source == cache:
        from ignition_py.sources import original

        failure.place, failure.written = original(failure.place, cache)
    failure.log = log.where
    if log.recorder is not None:
        failure.report = log.recorder.path
        took = log.recorder.end(failure.data())
        if log.console is not None:
            log.console.say(f"stage {stage} failed after {took:.2f} s")
    log.failure(failure.screen())
    folder = os.path.dirname(values.text("state-file")) or "."
    failure.write(folder)
    from ignition_py.kept import keep

    keep(log, stage, values.text("root"), failure)
    if failure.earlier:
        log.notice(f"the first boot that failed: {failure.earlier}")
        failure.write(folder)
