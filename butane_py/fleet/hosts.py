"""Reports of many hosts as one: what several have in common is said once, and what no two may have in common is compared."""

from __future__ import annotations

from collections.abc import Iterator

from butane_py.fleet.evaluation import shown_safely
from butane_py.fleet.result import HostResult
from butane_py.fleet.types import identities
from butane_py.fleet.values import Value
from ignition_py.record import Record
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Related, Report

_NAMED = 2  # hosts that a sentence names
_MOST_TWINS = 100  # reports of values that are not unique, of a variable


class _Common(Record):
    """An entry and the hosts that have it."""

    entry: Entry
    hosts: list[str]


class Combined:
    """Collects the reports of hosts, in the order in which they are built. Results themselves are not kept."""

    def __init__(self) -> None:
        self._entries: dict[tuple[object, ...], _Common] = {}
        self._values: dict[str, dict[str, list[tuple[str, Value]]]] = {}
        self._unused: set[str] | None = None
        self.count = 0

    def add(self, host: str, result: HostResult) -> None:
        """Adds what is said of a host. `host` is "" without an inventory."""
        self.count += 1
        for entry in result.report:
            place = entry.place
            key = (entry.severity, entry.code, entry.message, entry.hint, place.source, place.path, place.line, place.column)
            self._entries.setdefault(key, _Common(entry, [])).hosts.append(host)
        for name, bound in result.variables.items():
            if bound.declaration.unique:
                known = self._values.setdefault(name, {})
                for identity, value in dict(identities(bound.value, bound.declaration.type)).items():
                    known.setdefault(identity, []).append((host, value))
        self._unused = set(result.unused) if self._unused is None else self._unused & set(result.unused)

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of given values that no file of any host declares."""
        return tuple(sorted(self._unused or ()))

    def report(self) -> Report:
        """The report of all hosts."""
        return Report([*(self._counted(each) for each in self._entries.values()), *self._twins()])

    def _counted(self, common: _Common) -> Entry:
        """The entry with the hosts that it is about, where there are others."""
        entry, hosts = common.entry, common.hosts
        if self.count < 2:
            return entry
        if entry.code == "var-missing":
            return entry.but(message=f"{entry.message} for {named(hosts)}")
        count = len(hosts)
        if count == self.count:
            suffix = f"in all {count:,} hosts"
        else:
            suffix = f"for {hosts[0]}" if count == 1 else f"in {count:,} of {self.count:,} hosts, first {hosts[0]}"
        return entry.but(message=f"{entry.message} ({suffix})")

    @code(
        "var-not-unique",
        title="Two hosts have the same value",
        why="The variable is declared unique: two machines with one address, MAC or name disturb each other.",
        fix="Give each host a value of its own, or take `unique` away.",
    )
    def _twins(self) -> Iterator[Entry]:
        for name, known in self._values.items():
            shared = [each for each in known.values() if len(each) > 1]
            for each in shared[:_MOST_TWINS]:
                yield from _twin(name, each)


def _twin(name: str, given: list[tuple[str, Value]]) -> Iterator[Entry]:
    """The entries for one value that several hosts have: one for each place that gives it."""
    (first, value), *others = given
    places = {(each.place.source, each.place.line, each.place.column) for _, each in given}
    if len(places) == 1:
        hosts = [host for host, _ in given]
        message = f"`{name}` is {shown_safely(value)} for {named(hosts)}, and has to be unique"
        yield Entry(ERROR, "var-not-unique", message, value.place, "give each host a value of its own")
        return
    for host, other in others:
        message = f"`{name}` of {host} is {shown_safely(other)}, which is that of {first} too"
        related = (Related(f"{first} has it here", value.place),)
        yield Entry(ERROR, "var-not-unique", message, other.place, "give each host a value of its own", related=related)


def named(hosts: list[str]) -> str:
    """`n3`, `n3 and n7`, `n3, n7 and 41 more`."""
    if len(hosts) <= _NAMED:
        return " and ".join(hosts)
    return f"{', '.join(hosts[:_NAMED])} and {len(hosts) - _NAMED:,} more"


def combined(results: dict[str, HostResult]) -> Report:
    """The report of the results of many hosts, by their names."""
    collected = Combined()
    for host, result in results.items():
        collected.add(host, result)
    return collected.report()
