"""`ignition-py check`: is a machine still what its config says?

    check/subject.py (the config, what to ask) -> check/asking.py (the machine answers) -> check/findings (rows) -> check/output

The result goes to standard output, warnings and progress to standard error.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache

from ignition_py.check import asking, hosts, ignores, script, subject
from ignition_py.check.asking import Target, Way
from ignition_py.check.findings import KINDS
from ignition_py.check.output import data, junit, prometheus, text
from ignition_py.check.result import DIFFERS, NOT_ASKED, UNKNOWN, Checked, Checker, checked
from ignition_py.programs.commands import coloured, did_you_mean
from ignition_py.programs.inputs import complain
from ignition_py.programs.render import Fetching
from ignition_py.record import Record
from ignition_py.report import text as reports
from ignition_py.report.diag import ConfigError, IgnitionError
from ignition_py.system import streams

AS_WANTED, NOT_SO, USAGE, UNASKED = 0, 1, 2, 3
TEXT, JSON, JUNIT, PROMETHEUS = STYLES = ("text", "json", "junit", "prometheus")
# Exit status of what became of a machine; of several machines the first counts.
_STATUS = {NOT_ASKED: UNASKED, DIFFERS: NOT_SO, UNKNOWN: UNASKED}
_WRITERS = {JSON: data.text, JUNIT: junit.text, PROMETHEUS: prometheus.text}


class Wishes(Record):
    """What is checked and how: the config, or for `inventories` a folder of `configs`; one way to ask; `timeout` seconds a machine."""

    config: str = ""
    ssh: str = ""
    ssh_config: str = ""
    root: str = ""
    exec: str = ""
    answers: str = ""
    inventories: tuple[str, ...] = ()
    configs: str = ""
    limits: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    ignore: str = ""
    fetch: bool = False
    script: bool = False
    timeout: float = 60.0
    at_once: int = 20
    style: str = TEXT

    def contradiction(self) -> str:
        """Why the wishes do not go together; empty where they do."""
        ways = [name for name in ("ssh", "root", "exec", "answers", "script") if getattr(self, name)]
        if len(ways) > 1:
            return f"--{ways[0]} and --{ways[1]} exclude each other"
        if self.inventories and ways not in ([], ["exec"]):
            return f"--{ways[0]} asks one machine; with --inventory machines are asked by ssh or by --exec"
        if not (ways or self.inventories):
            return "say what to ask: --ssh DEST, --root DIR, --exec COMMAND, --answers FILE or --inventory FILE"
        if not self.inventories and (self.configs or self.limits):
            return f"--{'configs' if self.configs else 'limit'} needs --inventory"
        if self.config and self.configs:
            return "give a CONFIG or --configs, not both"
        return "" if self.config or self.configs else "give a CONFIG, or the folder of an inventory's with --configs"


def chosen_kinds(words: str) -> tuple[str, ...]:
    """The kinds of rows that a list of kinds and sections of the config names; all for "". Raises ValueError."""
    every = [kind for kinds in KINDS.values() for kind in kinds]
    found: list[str] = []
    for word in filter(None, (word.strip() for word in words.split(","))):
        if word not in KINDS and word not in every:
            raise ValueError(f"there is no kind {word!r}{did_you_mean(word, [*KINDS, *every])}")
        found += KINDS.get(word, (word,))
    return tuple(dict.fromkeys(found)) or tuple(every)


def check(program: str, wishes: Wishes, fetching: Fetching) -> int:
    """Checks one machine or those of an inventory; the exit status."""
    # Answers that were recorded are those to all questions.
    asked = chosen_kinds("") if wishes.script or wishes.answers else wishes.kinds
    try:
        accepted = ignores.load(wishes.ignore, datetime.datetime.now().date()) if wishes.ignore else ignores.Ignores()
        targets = _targets(wishes)
        load = lru_cache(maxsize=None if wishes.config else 1)(
            lambda path: subject.load(path, fetching, asked, fetch=wishes.fetch)
        )
        # A config that is not valid is said once, before anybody is asked.
        text = script.script(load(wishes.config).questions) if not wishes.configs else b""
    except ConfigError as error:
        if error.report is not None:
            streams.say(reports.raw(error.report))
        complain(program, error)
        return USAGE
    except IgnitionError as error:
        complain(program, error)
        return USAGE
    except OSError as error:
        complain(program, streams.reason(error))
        return USAGE
    if wishes.script:
        streams.write_stdout(text)
        return AS_WANTED
    checker = Checker(_way(wishes), load, wishes.kinds, accepted, live=not wishes.root)
    results = checked(targets, checker, _progress(len(targets)), wishes.at_once)
    for warning in [*accepted.warnings, *accepted.unused()]:
        streams.say(f"{program}: warning: {warning}\n")
    streams.write_stdout(_shown(results, wishes))
    return status_of(results)


def _targets(wishes: Wishes) -> list[Target]:
    """Raises ConfigError."""
    if wishes.inventories:
        return hosts.targets(wishes.inventories, wishes.limits, wishes.config, wishes.configs)
    name = wishes.ssh or wishes.root or wishes.answers or wishes.exec or "machine"
    return [Target(name, wishes.config, wishes.ssh)]


def _way(wishes: Wishes) -> Way:
    if wishes.root:
        return asking.by_folder(wishes.root)
    if wishes.answers:
        return asking.by_file(wishes.answers)
    if wishes.exec:
        return asking.by_command(wishes.exec, wishes.timeout)
    return asking.by_ssh(wishes.ssh_config, wishes.timeout)


def _progress(total: int) -> Callable[[int], None]:
    """Tells how many machines have been asked, on a terminal."""

    def said(done: int) -> None:
        if total > 1 and sys.stderr.isatty():
            streams.say(f"\r{done} of {total} asked" if done < total else "\r\x1b[K")

    return said


def _shown(results: Sequence[Checked], wishes: Wishes) -> str:
    if wishes.style != TEXT:
        return _WRITERS[wishes.style](results)
    colour = coloured(sys.stdout)
    return text.many(results, colour=colour) if wishes.inventories else text.one(results[0], colour=colour)


def status_of(results: Sequence[Checked]) -> int:
    """A machine that could not be asked counts more than one that differs: nobody knows yet what is there."""
    states = {result.state for result in results}
    return next((status for state, status in _STATUS.items() if state in states), AS_WANTED)
