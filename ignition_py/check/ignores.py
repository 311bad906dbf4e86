"""Differences that are accepted for a while: `--ignore FILE`, a YAML list.

    - ignore: "file:/etc/motd"       # KIND:NAME, each a pattern of fnmatch(3): * ? [abc]
      reason: written by the login banner's service
      until: 2027-01-31              # the last day; left out: for ever
      hosts: "web*"                  # left out: all

An entry without a reason is refused. One whose day is over counts no more, and is warned of, as is one that nothing matches.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ignition_py.check.findings import KINDS
from ignition_py.check.findings.row import DIFFERENT, IGNORED, UNSEEN, Row
from ignition_py.programs.commands import did_you_mean
from ignition_py.programs.inputs import read_input
from ignition_py.record import Record
from ignition_py.report.diag import ConfigError

if TYPE_CHECKING:
    from butane_py.yaml.source import Node

_KEYS = ("ignore", "reason", "until", "hosts")


class Ignore(Record):
    """One entry, with the line of the file where it stands."""

    kind: str
    name: str
    hosts: str
    reason: str
    line: int


class Ignores:
    """The entries that count. `warnings`: sentences with file and line about others."""

    def __init__(self, name: str = "", entries: Sequence[Ignore] = (), warnings: Sequence[str] = ()) -> None:
        self._name = name
        self._entries = entries
        self._used: set[int] = set()
        self.warnings = list(warnings)

    def applied(self, host: str, rows: Iterable[Row]) -> list[Row]:
        """The rows, differences that an entry lists as IGNORED with its reason."""
        return [self._applied(host, row) if row.state in (DIFFERENT, UNSEEN) else row for row in rows]

    def _applied(self, host: str, row: Row) -> Row:
        for entry in self._entries:
            if fnmatchcase(row.kind, entry.kind) and fnmatchcase(row.name, entry.name) and fnmatchcase(host, entry.hosts):
                self._used.add(entry.line)
                return row.but(state=IGNORED, note=f"ignored: {entry.reason}")
        return row

    def unused(self) -> list[str]:
        """Warnings about entries that no difference needed."""
        unused = [entry for entry in self._entries if entry.line not in self._used]
        return [f"{self._name}:{entry.line}: {entry.kind}:{entry.name} matches no difference" for entry in unused]


def load(path: str, today: datetime.date) -> Ignores:
    """Reads a file of entries. Raises ConfigError with file, line and column for one that has no reason or cannot be understood."""
    try:
        from butane_py.yaml.source import SEQUENCE, Source, YamlError
    except ImportError as error:
        raise ConfigError(f"{path} is YAML, and the compiler, which reads it, is not complete here: {error}") from None

    source = read_input(path)
    try:
        root = Source(source.data, source.name).root
    except YamlError as error:
        raise ConfigError(f"{source.name}:{error.line}:{error.column}: {error}") from None
    if root is None:
        return Ignores(source.name)
    if root.kind != SEQUENCE:
        raise _refused(source.name, root, "this is not a list of entries with `ignore` and `reason`")
    entries, warnings = [], []
    for node in root.items:
        entry, until = _entry(source.name, node)
        if until is not None and until < today:
            warnings.append(f"{source.name}:{entry.line}: {entry.kind}:{entry.name} was ignored until {until}, and counts again")
        else:
            entries.append(entry)
    return Ignores(source.name, entries, warnings)


def _entry(name: str, node: Node) -> tuple[Ignore, datetime.date | None]:
    """Raises ConfigError."""
    from butane_py.yaml.source import MAPPING, SCALAR

    if node.kind != MAPPING:
        raise _refused(name, node, "this is not an entry with `ignore` and `reason`")
    given: dict[str, Node] = {}
    for key, value in node.items:
        if key.value not in _KEYS:
            raise _refused(name, key, f"unknown key `{key.value}`{did_you_mean(key.value, _KEYS)}")
        if value.kind != SCALAR:
            raise _refused(name, value, f"`{key.value}` is not a text")
        given[key.value] = value
    if "ignore" not in given:
        raise _refused(name, node, "the entry has no `ignore`, the KIND:NAME of what it is about")
    if "reason" not in given or not given["reason"].value.strip():
        raise _refused(name, node, "the entry has no `reason`; write why this difference is accepted")
    kind, colon, pattern = given["ignore"].value.partition(":")
    if not colon or not pattern:
        raise _refused(name, given["ignore"], f"`{given['ignore'].value}` is not of the form KIND:NAME, such as file:/etc/motd")
    known = [each for kinds in KINDS.values() for each in kinds]
    if not any(fnmatchcase(each, kind) for each in known):
        raise _refused(name, given["ignore"], f"there is no kind `{kind}`{did_you_mean(kind, known)}")
    hosts = given["hosts"].value if "hosts" in given else "*"
    reason = " ".join(given["reason"].value.split())
    return Ignore(kind, pattern, hosts, reason, node.line), _date(name, given.get("until"))


def _date(name: str, node: Node | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(node.value) if node is not None else None
    except ValueError:
        assert node is not None
        raise _refused(name, node, f"`{node.value}` is not a day such as 2027-01-31") from None


def _refused(name: str, node: Node, why: str) -> ConfigError:
    return ConfigError(f"{name}:{node.line}:{node.column}: {why}")
