"""`ignition-rmcfg`: deletes the config from where the platform keeps it, so that programs of the machine cannot read it.

Run once after a first boot, by a unit of the image. Exit status as the reference's: 1 where it cannot be deleted, on
most platforms always, 2 for a wrong command line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ignition_py import version_text
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.goflags import POSIX, SWITCH, TEXT, Flag, Parser
from ignition_py.programs.inputs import complain
from ignition_py.providers import DELETING, PLATFORMS, Machine, delete
from ignition_py.report.diag import IgnitionError
from ignition_py.system.log import Log

_ABOUT = f"Deletes the config from the platform. That works on {' and '.join(DELETING)}."


def parser(program: str) -> Parser:
    flags = (
        Flag("log-to-stdout", SWITCH, "log to standard output, not to the journal or the kernel log"),
        Flag("platform", TEXT, "where this machine runs (required)", noun="platform"),
        Flag("version", SWITCH, "print the version and exit"),
    )
    return Parser(program, flags, manner=POSIX, about=_ABOUT)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs `ignition-rmcfg` and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, version_text())
    if isinstance(values, int):
        return values
    platform = values.text("platform")
    if values.arguments or platform not in PLATFORMS:
        wrong = "it takes no arguments" if values.arguments else f"there is no platform {platform!r}"
        complain(program, f"{wrong if platform else '--platform is required'}; see {program} --help")
        return 2
    return rmcfg(program, platform, log_to_stdout=values.on("log-to-stdout"))


def rmcfg(program: str, platform: str, *, log_to_stdout: bool = False) -> int:
    """Deletes the config from the platform; the exit status. A failure is logged, and said on a terminal too."""
    log = Log(to_stdout=log_to_stdout)
    try:
        delete(platform, Machine(log=log, fetcher=Fetcher(log), environ=os.environ))
    except IgnitionError as error:
        log.failure([f"the config could not be deleted: {error}"])
        if not log_to_stdout and os.isatty(2):
            complain(program, f"the config could not be deleted: {error}")
        return 1
    else:
        log.info("the config is deleted")
        return 0
    finally:
        log.close()
