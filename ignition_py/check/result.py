"""Checks of one machine and of many, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ignition_py.check.asking import NotAsked, Target, Way
from ignition_py.check.findings import LIVE, rows
from ignition_py.check.findings.row import DIFFERENT, UNSEEN, Row
from ignition_py.check.ignores import Ignores
from ignition_py.check.subject import Subject, with_places
from ignition_py.record import Record, field
from ignition_py.report.diag import IgnitionError
from ignition_py.system import streams
from ignition_py.system.parallel import Jobs

AT_ONCE = 20
AS_WANTED, DIFFERS, UNKNOWN, NOT_ASKED = "as the config says", "differs", "not all looked at", "not asked"


class Checked(Record):
    """One machine: its rows, or why it could not be asked."""

    target: Target
    rows: list[Row] = field(default_factory=list)
    why: str = ""

    @property
    def state(self) -> str:
        if self.why:
            return NOT_ASKED
        states = {row.state for row in self.rows}
        return DIFFERS if DIFFERENT in states else UNKNOWN if UNSEEN in states else AS_WANTED

    @property
    def ok(self) -> bool:
        """True if everything was looked at and nothing differs."""
        return self.state == AS_WANTED

    def counted(self, *states: str) -> int:
        return sum(row.state in states for row in self.rows)


class Checker:
    """Checks machines one by one; may be called from several threads."""

    def __init__(self, way: Way, load: Callable[[str], Subject], kinds: Sequence[str], ignores: Ignores, *, live: bool) -> None:
        """`live`: the machine runs, and can be asked about its disks and its kernel."""
        self._way = way
        self._load = load
        self._kinds = set(kinds) - (set() if live else set(LIVE))
        self._ignores = ignores

    def check(self, target: Target) -> Checked:
        """Nothing is raised that has to do with this machine alone."""
        try:
            subject = self._load(target.config)
            answers = self._way(target, subject.questions)
            try:
                found = rows(subject.config, answers, subject.contents)
            except (ValueError, KeyError, TypeError, AttributeError) as error:  # JSON of another form than lsblk's, for one
                raise NotAsked(f"its answer cannot be understood: {error}") from None
        except IgnitionError as error:
            return Checked(target, why=str(error))
        except OSError as error:
            return Checked(target, why=streams.reason(error))
        chosen = [row for row in found if row.kind in self._kinds]
        return Checked(target, with_places(subject, self._ignores.applied(target.name, chosen)))


def checked(targets: Sequence[Target], checker: Checker, said: Callable[[int], None], limit: int = AT_ONCE) -> list[Checked]:
    """All machines, `limit` at a time, in their order. `said` is told how many are done."""
    jobs = Jobs(limit)
    numbers = [jobs.add(lambda target=target: checker.check(target)) for target in targets]  # type: ignore[misc]
    found = []
    for number in numbers:
        found.append(jobs.result(number))
        said(len(found))
    return found


class Group(Record):
    """A row that several machines have in common."""

    row: Row
    hosts: list[str]


def grouped(results: Sequence[Checked]) -> list[Group]:
    """The rows that are not as the config says, those of most machines first."""
    groups: dict[tuple[str, ...], Group] = {}
    for host, row in _wrong(results):
        key = (row.kind, row.name, row.wanted, row.found, row.state)
        groups.setdefault(key, Group(row, [])).hosts.append(host)
    return sorted(groups.values(), key=lambda group: -len(group.hosts))


def _wrong(results: Sequence[Checked]) -> Iterator[tuple[str, Row]]:
    for result in results:
        for row in result.rows:
            if row.state in (DIFFERENT, UNSEEN):
                yield result.target.name, row


__all__ = ["AS_WANTED", "DIFFERS", "NOT_ASKED", "UNKNOWN", "Checked", "Checker", "checked", "grouped"]
