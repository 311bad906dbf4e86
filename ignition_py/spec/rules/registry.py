"""Rules: functions of one structure that report what is wrong with it, and the walk that runs them.

A rule is registered with `@rule(Struct, "code", title=…, why=…, fix=…, wrong=…, right=…, since=, until=)` of a `RuleSet`, which
also declares its code in the catalogue. It calls `findings.error(...)` or `findings.warning(...)` with a path relative to its
structure. Which rule fails at which path follows the reference; the words are our own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, Unpack

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.catalog import Texts, code, declare
from ignition_py.report.diag import ERROR, WARNING, Path
from ignition_py.spec.model import NEVER, Struct

Rule: TypeAlias = "Callable[[Any, Any], None]"


class Change(Record):
    """A mechanical correction of a config: the value at `path` becomes `value`. `title` is a sentence such as "write 0644"."""

    path: Path
    value: str | int
    title: str = ""


class Finding(Record):
    """One thing that a rule found: what, and the path of field names and indexes to it.

    `related` are (sentence, path) of other values that it is about; `fix` is set where the correction is mechanical.
    """

    severity: str
    code: str
    message: str
    path: Path
    hint: str = ""
    _: KW_ONLY
    related: tuple[tuple[str, Path], ...] = ()
    fix: Change | None = None


class Findings:
    """Collects what the rules of one config find. `at` is the path of the structure that is being checked.

    Paths given to its methods are relative to `at`, those of `related` and `fix` too.
    """

    __slots__ = ("at", "found", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.at: Path = ()
        self.found: list[Finding] = []

    def error(
        self,
        code: str,
        message: str,
        *path: str | int,
        hint: str = "",
        related: tuple[tuple[str, Path], ...] = (),
        fix: str | int | None = None,
    ) -> None:
        """Reports an error at `path`. `fix` is the value that has to stand there instead."""
        self._add(ERROR, code, message, path, hint, related, fix)

    def warning(
        self,
        code: str,
        message: str,
        *path: str | int,
        hint: str = "",
        related: tuple[tuple[str, Path], ...] = (),
        fix: str | int | None = None,
    ) -> None:
        """Reports a warning at `path`. `fix` is the value that has to stand there instead."""
        self._add(WARNING, code, message, path, hint, related, fix)

    def _add(
        self,
        severity: str,
        code: str,
        message: str,
        path: Path,
        hint: str,
        related: tuple[tuple[str, Path], ...],
        fix: str | int | None,
    ) -> None:
        whole = (*self.at, *path)
        others = tuple((sentence, (*self.at, *other)) for sentence, other in related)
        change = Change(whole, fix) if fix is not None else None
        self.found.append(Finding(severity, code, message, whole, hint, related=others, fix=change))


class RuleSet:
    """The rules of one language, by the structure that they check."""

    def __init__(self) -> None:
        self._rules: dict[type[Struct], list[tuple[int, int, Rule]]] = {}

    def rule(
        self, struct: type[Struct], name: str = "", /, *, since: int = 0, until: int = NEVER, **texts: Unpack[Texts]
    ) -> Callable[[Rule], Rule]:
        """Registers a rule for `struct` (and what derives from it) at the versions since <= v < until.

        With `name` the rule reports that code, and `texts` describe it (ignition_py/report/catalog.py). A rule of several codes
        or structures stacks decorators: `rule` without a name, and `code` for the further codes.
        """
        if name:
            declare(name, since=f"Ignition 3.{since}.0" if since else "", **texts)

        def register(check: Rule) -> Rule:
            self._rules.setdefault(struct, []).append((since, until, check))
            return check

        return register

    def of(self, cls: type[Struct], version: int) -> list[Rule]:
        """The rules for a structure at a version, those of what it derives from first."""
        return [
            check
            for base in reversed(cls.__mro__)
            for since, until, check in self._rules.get(base, ())
            if since <= version < until
        ]

    def walk(self, struct: Struct, findings: Findings, *, keys: bool) -> None:
        """Runs the rules on `struct` and all below it; `keys` also looks for entries given twice."""
        walker = _Walker(self, findings, keys)
        walker.walk(struct, ())
        findings.found += walker.duplicates


class _Walker:
    def __init__(self, rules: RuleSet, findings: Findings, keys: bool) -> None:
        self.rules = rules
        self.findings = findings
        self.keys = keys
        self.duplicates: list[Finding] = []
        self._of: dict[type[Struct], list[Rule]] = {}

    def walk(self, struct: Struct, path: Path) -> None:
        cls = type(struct)
        checks = self._of.get(cls)
        if checks is None:
            checks = self._of[cls] = self.rules.of(cls, self.findings.version)
        for check in checks:
            self.findings.at = path
            check(struct, self.findings)
        lists: dict[str, dict[str, Path]] = {}
        values = struct.__dict__
        for name, entry in cls.FIELDS.items():
            value = values.get(name)
            if not value:
                continue
            if entry.many:
                if self.keys and not entry.appended:
                    first = lists.setdefault(entry.namespace or name, {})
                    self._keys(value, entry.struct is not None, first, (*path, name))
                if entry.struct is not None:
                    for i, item in enumerate(value):
                        self.walk(item, (*path, name, i))
            elif entry.struct is not None:
                self.walk(value, (*path, name))

    @code(
        "duplicate",
        title="An entry is given twice",
        why="Two entries of a list have the same key (path, name, device or source), so one of them could have no effect.",
        fix="Remove one of the two, or give it another path, name or device.",
        wrong="storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/motd\n",
        right="storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/issue\n",
    )
    def _keys(self, items: tuple[Any, ...], structs: bool, first: dict[str, Path], path: Path) -> None:
        """Reports the entries of a list whose key another has already; `first` is where each key stands first."""
        for i, item in enumerate(items):
            key = item.key() if structs else item
            at = (*path, i)
            if key in first:
                what = f"{key!r} is" if key and path[-1] in _NAMED else "this entry is"
                finding = Finding(
                    ERROR,
                    "duplicate",
                    f"{what} given twice",
                    at,
                    "remove one of the two, or give it another name",
                    related=(("first given here", first[key]),),
                )
                self.duplicates.append(finding)
            else:
                first[key] = at


# Lists whose keys may be shown: others may hold secrets.
_NAMED = frozenset(
    ("files", "directories", "links", "units", "dropins", "disks", "filesystems", "raid", "luks", "users", "groups")
)
SPEC = RuleSet()
rule = SPEC.rule
