"""`ignition-py fetch --platform P`: gets the config as a boot would, and says where it came from, or prints it.

It changes nothing. Places are asked in the order of a boot: kernel command line, the image's user.ign, a filesystem labelled
`ignition` where the image wants that, the platform. What is asked on the way goes to standard error. A config can hold
secrets, so it is printed only when asked for.
"""

from __future__ import annotations

import os
import sys

from ignition_py.config_sources import first_config
from ignition_py.goflags import DURATION, POSIX, SWITCH, TEXT, Flag, Parser
from ignition_py.providers import PLATFORMS, Machine
from ignition_py.report.diag import IgnitionError
from ignition_py.system.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ABOUT = "Gets the config of this machine as a boot would, without what it merges."
TIMEOUT = 10.0  # seconds; somebody is waiting


class _Aside(Log):
    """Logs to standard error: standard output is for the answer."""

    def _emit(self, priority: int, line: str) -> None:
        sys.stderr.write(f"{line}\n")


def parser(program: str) -> Parser:
    flags = (
        Flag("platform", TEXT, "where this machine runs (required)", noun="platform"),
        Flag("show-source", SWITCH, "say where the config came from, do not print it"),
        Flag("timeout", DURATION, "how long to try; 0 is forever", default=TIMEOUT),
    )
    return Parser(program, flags, manner=POSIX, about=_ABOUT)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status: 1 where there is no answer, 2 for a wrong command line."""
    flags = parser(program)
    values = flags.attempt(argv)
    if isinstance(values, int):
        return values
    platform = values.text("platform")
    if platform not in PLATFORMS:
        wrong = f"there is no platform {platform!r}" if platform else "--platform is required"
        sys.stderr.write(f"{program}: {wrong}; see {program} --help\n")
        return 2
    from ignition_py.fetch.fetcher import Fetcher

    log = _Aside(to_stdout=True)
    limit, trusted_time = values.seconds("timeout"), os.environ.get("IGNITION_TRUSTED_TIME", "")
    fetcher = Fetcher(log, limit=limit, trusted_time=trusted_time)
    machine = Machine(log=log, fetcher=fetcher, environ=os.environ)
    try:
        found = first_config(machine, platform, labelled=True)
    except IgnitionError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 1
    if values.on("show-source"):
        sys.stdout.write(_described(found.source, machine.source, found.data))
    else:
        sys.stdout.buffer.write(found.data)
    return 0


def _described(kind: str, place: str, data: bytes) -> str:
    from hashlib import sha512

    lines = [f"named by: {kind}"] + ([f"found at: {place}"] if place else [])
    if data:
        lines += [f"size: {len(data)} bytes", f"sha512: {sha512(data).hexdigest()}"]
    else:
        lines.append("there is no config")
    return "\n".join(lines) + "\n"
