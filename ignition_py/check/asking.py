"""Ways to ask a machine: ssh, a command of the operator's, a mounted root, answers that were recorded.

    way(target, questions) -> answers       raises NotAsked

The script is standard input of `sh` at the other end: nothing of it is in a list of processes, and nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ignition_py.check import folder, script
from ignition_py.check.questions import Questions
from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError
from ignition_py.system.log import CRIT, Log, Stream
from ignition_py.system.output import cause
from ignition_py.system.rootfs import shown
from ignition_py.system.run import CommandError, Finished, run

_CONNECT = 15  # seconds until ssh gives up on a connection
_MOST = 64 << 20  # bytes of an answer
_SHOWN = 4  # lines of what a program says of its failure
_SSH_FAILED = 255  # ssh(1): an error of its own


class NotAsked(IgnitionError):
    """The machine gave no answers; the message says why."""


class Target(Record):
    """A machine. `address`: where ssh finds it; `config`: the path of its config."""

    name: str
    config: str
    address: str = ""


Way = Callable[[Target, Questions], "dict[str, str]"]


def by_ssh(config: str, timeout: float) -> Way:
    """`ssh ADDRESS sh -s`, which asks nothing itself. `config`: a file of settings for ssh, "" for the user's. `timeout` in seconds."""

    def ask(target: Target, asked: Questions) -> dict[str, str]:
        if target.address.startswith("-"):  # an option, which an inventory from elsewhere could smuggle in
            raise NotAsked(f"{shown(target.address)} cannot be an address")
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT}", "-T", *(["-F", config] if config else [])]
        return _run(["ssh", *options, "--", target.address, "sh", "-s"], target, asked, timeout)

    return ask


def by_command(command: str, timeout: float) -> Way:
    """A command line for sh, whose standard input is the script. It finds name and address of the machine in its environment."""

    def ask(target: Target, asked: Questions) -> dict[str, str]:
        return _run(["sh", "-c", command], target, asked, timeout)

    return ask


def _run(argv: list[str], target: Target, asked: Questions, timeout: float) -> dict[str, str]:
    environment = {**os.environ, "CHECK_HOST": target.name, "CHECK_ADDRESS": target.address}
    log = Log(Stream("stderr"), threshold=CRIT - 1)
    try:
        done = run(
            log, argv, what="asking", stdin=script.script(asked), env=environment, timeout=timeout, limit=_MOST, ok=range(-64, 256)
        )
    except CommandError as error:  # what it printed is half of an answer
        raise NotAsked(error.summary.removeprefix("asking: ")) from None
    try:
        return script.answers(asked, done.stdout)
    except ValueError as error:
        raise NotAsked(_reason(argv[0], done) if done.returncode else str(error)) from None


def _reason(program: str, done: Finished) -> str:
    """Why a program failed, in its own words where they are ssh's."""
    said = "; ".join(cause([done.stderr.decode("utf-8", "replace")], program, _SHOWN))
    if done.returncode == _SSH_FAILED and said:
        return said
    how = f"ended by signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
    return f"{program} failed ({how})" + (f": {said}" if said else "")


def by_folder(path: str) -> Way:
    """A root that is mounted at `path`."""

    def ask(_: Target, asked: Questions) -> dict[str, str]:
        try:
            return folder.answers(asked, path)
        except OSError as error:
            raise NotAsked(f"{path}: {error.strerror}") from None

    return ask


def by_file(path: str) -> Way:
    """What the script printed some time ago."""

    def ask(_: Target, asked: Questions) -> dict[str, str]:
        try:
            with open(path, "rb") as file:
                return script.answers(asked, file.read(_MOST))
        except OSError as error:
            raise NotAsked(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise NotAsked(f"{path}: {error}; run the script of this config (--script) again") from None

    return ask
