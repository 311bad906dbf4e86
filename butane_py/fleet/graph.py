"""Who includes whom, and which host gets what: the data of a build's picture (picture.py draws it, mermaid.py writes it)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from butane_py.fleet.outcomes import Outcome
from ignition_py.record import Record


class Kind(Record):
    """Hosts that get the same files, the same number of times."""

    source: str
    hosts: tuple[str, ...]
    counts: dict[tuple[str, str], int]  # of each inclusion: (file, included file)

    def title(self, most: int) -> str:
        """The names of the hosts, of many the first ones."""
        if self.hosts == ("",):
            return "this build"
        shown = ", ".join(self.hosts[:most])
        return shown if len(self.hosts) <= most else f"{shown} and {len(self.hosts) - most:,} more"


class Row(Record):
    """A file in the tree of includes. again: its own includes stand at a row before. edge: the inclusion; None for a main file."""

    file: str
    depth: int
    last: tuple[bool, ...]  # of each level: whether nothing follows there
    edge: tuple[str, str] | None
    again: bool = False


def kinds(outcomes: Iterable[Outcome]) -> list[Kind]:
    """The kinds of hosts, in the order in which they first come."""
    found: dict[tuple[str, frozenset[object]], tuple[dict[tuple[str, str], int], list[str]]] = {}
    for outcome in outcomes:
        counts: dict[tuple[str, str], int] = {}
        for edge in outcome.result.includes:
            counts[edge] = counts.get(edge, 0) + 1
        kind = found.setdefault((outcome.source, frozenset(counts.items())), (counts, []))
        kind[1].append(outcome.name)
    return [Kind(source, tuple(hosts), counts) for (source, _), (counts, hosts) in found.items()]


def tree(found: Sequence[Kind]) -> list[Row]:
    """The files as a tree: the main files, and below each what it includes for any host."""
    below: dict[str, dict[str, None]] = {}
    for kind in found:
        for file, included in kind.counts:
            below.setdefault(file, {})[included] = None
    rows: list[Row] = []
    seen: set[str] = set()
    for source in dict.fromkeys(kind.source for kind in found):
        rows += _rows(source, None, (), below, seen)
    return rows


def _rows(
    file: str, edge: tuple[str, str] | None, last: tuple[bool, ...], below: dict[str, dict[str, None]], seen: set[str]
) -> Iterator[Row]:
    again = file in seen and bool(below.get(file))
    yield Row(file, len(last), last, edge, again)
    if again:
        return
    seen.add(file)
    inside = list(below.get(file, ()))
    for number, included in enumerate(inside, 1):
        yield from _rows(included, (file, included), (*last, number == len(inside)), below, seen)
