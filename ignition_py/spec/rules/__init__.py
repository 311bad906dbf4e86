"""The checks of the Ignition language: every check once, with the versions that have it.

A rule is a function of one structure, registered with `@rule(Struct, since=, until=)` in a `RuleSet`; it calls `find.error(...)` or
`find.warning(...)` with a path relative to its structure. `validate()` walks a config once, runs the rules of each structure
and looks for duplicate keys. Which check fails at which path follows the reference; the words are our own.
"""

from __future__ import annotations

from ignition_py.report.diag import ERROR, WARNING
from ignition_py.spec.model import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ignition_py.report.diag import Path
    from ignition_py.spec.model import Struct

    Rule = Callable[[Any, Any], None]


class Finding:
    """One thing that a rule found: what, and the path of field names and indexes to it."""

    __slots__ = ("code", "hint", "message", "path", "severity")

    def __init__(self, severity: str, code: str, message: str, path: Path, hint: str) -> None:
        self.severity = severity
        self.code = code
        self.message = message
        self.path = path
        self.hint = hint


class Findings:
    """Collects what the rules of one config find. `at` is the path of the structure that is being looked at."""

    __slots__ = ("at", "found", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.at: Path = ()
        self.found: list[Finding] = []

    def error(self, code: str, message: str, *path: str | int, hint: str = "") -> None:
        self.found.append(Finding(ERROR, code, message, (*self.at, *path), hint))

    def warning(self, code: str, message: str, *path: str | int, hint: str = "") -> None:
        self.found.append(Finding(WARNING, code, message, (*self.at, *path), hint))


class RuleSet:
    """The checks of one language, by the structure that they look at."""

    def __init__(self) -> None:
        self._rules: dict[type[Struct], list[tuple[int, int, Rule]]] = {}

    def rule(self, struct: type[Struct], since: int = 0, until: int = NEVER) -> Callable[[Rule], Rule]:
        """Registers a check for `struct` (and what derives from it) at the versions since <= v < until."""

        def register(check: Rule) -> Rule:
            self._rules.setdefault(struct, []).append((since, until, check))
            return check

        return register

    def of(self, cls: type[Struct], version: int) -> list[Rule]:
        """The checks for a structure at a version, those of what it derives from first."""
        return [
            check
            for base in reversed(cls.__mro__)
            for since, until, check in self._rules.get(base, ())
            if since <= version < until
        ]

    def walk(self, struct: Struct, find: Findings, *, keys: bool) -> None:
        """Runs the checks on `struct` and all below it; `keys` also looks for entries given twice."""
        walker = _Walker(self, find, keys)
        walker.walk(struct, ())
        find.found += walker.duplicates


class _Walker:
    def __init__(self, rules: RuleSet, find: Findings, keys: bool) -> None:
        self.rules = rules
        self.find = find
        self.keys = keys
        self.duplicates: list[Finding] = []
        self._of: dict[type[Struct], list[Rule]] = {}

    def walk(self, struct: Struct, path: Path) -> None:
        cls = type(struct)
        checks = self._of.get(cls)
        if checks is None:
            checks = self._of[cls] = self.rules.of(cls, self.find.version)
        for check in checks:
            self.find.at = path
            check(struct, self.find)
        lists: dict[str, set[str]] = {}
        values = struct.__dict__
        for name, entry in cls.FIELDS.items():
            value = values.get(name)
            if not value:
                continue
            if entry.many:
                if self.keys and not entry.appended:
                    self._keys(
                        value, entry.struct is not None, lists.setdefault(entry.namespace or name, set()), (*path, name)
                    )
                if entry.struct is not None:
                    for i, item in enumerate(value):
                        self.walk(item, (*path, name, i))
            elif entry.struct is not None:
                self.walk(value, (*path, name))

    def _keys(self, items: tuple[Any, ...], structs: bool, seen: set[str], path: Path) -> None:
        for i, item in enumerate(items):
            key = item.key() if structs else item
            if key in seen:
                what = f"{key!r} is" if key and path[-1] in _NAMED else "this entry is"
                self.duplicates.append(Finding(ERROR, "duplicate", f"{what} given twice", (*path, i), ""))
            seen.add(key)


# Lists whose keys may be shown: others may hold secrets.
_NAMED = frozenset(
    ("files", "directories", "links", "units", "dropins", "disks", "filesystems", "raid", "luks", "users", "groups")
)
SPEC = RuleSet()
rule = SPEC.rule


def validate(config: Struct, version: int) -> list[Finding]:
    """Everything that is wrong with `config` (a Config, or any structure of one) at minor `version`."""
    from ignition_py.spec.rules import disks, resources, storage, system

    _ = disks, resources, storage, system  # importing them registers their checks
    find = Findings(version)
    SPEC.walk(config, find, keys=True)
    return find.found
