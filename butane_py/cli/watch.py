"""`--watch`: compile again whenever one of the files that were read changes.

The files' states are looked at several times a second, through symbolic links: so a link that leads elsewhere, a folder that was
removed and made anew and a file that is not there yet are seen alike, on every platform and on network filesystems.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from butane_py.cli.batch import batch, configs_below
from butane_py.cli.job import DONE, REFUSED, Job
from butane_py.cli.one import compile_file, say_report
from butane_py.cli.reads import below
from ignition_py.goflags import UsageError, Values
from ignition_py.system.streams import reason, say

if TYPE_CHECKING:
    from butane_py.cli.building import Request

States: TypeAlias = "dict[str, tuple[int, ...] | None]"  # of each path: what changes when its contents do; None where it is not there

POLL_SECONDS = 0.25
QUIET_SECONDS = 0.05  # editors write a file in several steps
_MOST_NOISE = 0.5  # seconds after which what keeps changing is compiled all the same
_COARSE = 20_000_000  # nanoseconds that a file's time may lag behind the clock
_LEAST_SHARE = 10  # of the time, a part in so many is spent on looking


def watch(values: Values, job: Job, operands: list[str]) -> int:
    """Compiles, waits for a change, and compiles again, until it is interrupted. Raises UsageError for the first time only."""
    watched = Watched(operands)
    watched.look()
    status, reads = _once(values, job, operands)
    shown = [*operands, *([job.options.files_dir] if job.options.files_dir else [])]
    say(f"watching {', '.join(shown)}; Ctrl-C ends it\n")
    while True:
        say(f"{time.strftime('%H:%M:%S')} {'refused' if status else 'compiled'}\n")
        watched.choose(reads, more=bool(status))
        watched.wait()
        try:
            status, reads = _once(values, job, operands)
        except UsageError as error:  # a folder that is lost, or that is empty
            say(f"{error}\n")
            status, reads = REFUSED, set()


def watch_build(request: Request) -> int:
    """Builds a fleet, and again after each change, until it is interrupted. Raises ManyHosts and LimitError the first time only."""
    from butane_py.cli.building import Build, ManyHosts
    from butane_py.fleet.selection import LimitError

    build = Build(request)
    watched = Watched(sorted(build.reads))
    watched.look()
    status = build.run()
    say(f"watching {', '.join(sorted(build.reads)[:4])}{' …' if len(build.reads) > 4 else ''}; Ctrl-C ends it\n")
    while True:
        say(f"{time.strftime('%H:%M:%S')} {'refused' if status else 'built'}\n")
        watched.choose(build.reads, more=bool(status))
        watched.wait()
        build = Build(request)
        try:
            status = build.run()
        except (ManyHosts, LimitError, OSError) as error:
            say(f"{reason(error) if isinstance(error, OSError) else error}\n")
            status = REFUSED


def _once(values: Values, job: Job, operands: list[str]) -> tuple[int, set[str]]:
    """Compiles; the exit status, and the files that were read. Raises UsageError."""
    try:
        if values.given("output-dir"):
            return batch(values, job, operands)
        outcome = compile_file(job, operands[0], values.text("output"))
    except OSError as error:
        say(f"{reason(error)}\n")
        return REFUSED, set()
    say_report(job, outcome, config_to_stdout=False)
    return REFUSED if outcome.result.output is None else DONE, {outcome.name, *outcome.reads}


class Watched:
    """What is looked at: files with local files, and folders whose configs are compiled; and how it looked before the last compiling."""

    def __init__(self, operands: list[str]) -> None:
        self._trees = [name for name in operands if os.path.isdir(name)]
        self._operands = {name for name in operands if name not in self._trees}
        self._files = self._operands
        self._seen: tuple[States, States] = ({}, {})
        self._begun = 0  # when the compiling began that is next or that runs

    def look(self) -> None:
        """Takes down how everything looks now."""
        self._begun = time.time_ns() - _COARSE
        self._seen = self._now()

    def choose(self, reads: set[str], *, more: bool) -> None:
        """Watches the files that the last compiling read, with `more` beside those of before: a config that cannot be compiled names none.

        Of files that were watched already the state before it counts, so that what changed meanwhile is compiled; of others the time of
        their last change tells.
        """
        self._files = (self._files if more else self._operands) | reads
        before, trees = self._seen
        found = {path: None if state and state[0] >= self._begun else state for path, state in states(self._files).items()}
        self._seen = {**found, **{path: before[path] for path in self._files & before.keys()}}, trees

    def wait(self) -> None:
        """Returns once something has changed, and either nothing more does or too much."""
        pause = POLL_SECONDS
        while True:
            start = time.monotonic()
            now = self._now()
            pause = max(POLL_SECONDS, _LEAST_SHARE * (time.monotonic() - start))
            if now != self._seen:
                break
            time.sleep(pause)
        end = time.monotonic() + _MOST_NOISE
        while time.monotonic() < end:
            time.sleep(QUIET_SECONDS)
            later = self._now()
            if later == now:
                break
            now = later
        self._begun = time.time_ns() - _COARSE
        self._seen = now

    def _now(self) -> tuple[States, States]:
        trees: States = {}
        for tree in self._trees:
            trees.update((each, _of(each)) for each in configs_below(tree))
        return states(self._files), trees


def states(files: Iterable[str]) -> States:
    """The states of files, and of folders with all that is in them."""
    found: States = {}
    for path in files:
        found[path] = _of(path)
        if os.path.isdir(path):
            found.update((each, _of(each)) for each in below(path))
    return found


def _of(path: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev, status.st_mode
