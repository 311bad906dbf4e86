"""What a lint rule is: one decorated function with its code, texts, severity and examples.

    @lint("lint-http-unverified", title="…", why="…", fix="…", wrong="…", right="…")
    def http_unverified(facts: Facts, find: Find) -> None:
        find.at(path, "http://… has no hash", hint="…")

Rules of others: a module named by an entry point of the group `butane_py.lints`, whose import registers rules in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ignition_py.record import Record
from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING, Entry, Fix, Path, Place, Related

if TYPE_CHECKING:
    from butane_py.linter.facts import Facts

Check: TypeAlias = "Callable[[Facts, Find], None]"

MOST_OF_A_RULE = 50  # reports; a config that has more of a kind needs no longer list


class Rule(Record):
    """One rule: its code, what it does, the severity of what it finds, and whether it looks at the config as it is written.

    Of a build with includes, rules that are `written` run for each file, all others for the whole.
    """

    code: str
    check: Check
    severity: str
    written: bool = False


RULES: dict[str, Rule] = {}


def lint(code: str, *, severity: str = WARNING, written: bool = False, **texts: Any) -> Callable[[Check], Check]:
    """Registers a rule under its code and declares the code; `texts` are those of catalog.Code. `written`: see Rule.

    Raises ValueError for a code that exists already.
    """

    def register(check: Check) -> Check:
        declare(code, severity=severity, lint=True, **texts)
        RULES[code] = Rule(code, check, severity, written)
        return check

    return register


class EnoughError(Exception):
    """A rule has found `MOST_OF_A_RULE` faults: it is ended, so that a hostile config costs no more."""


class Find:
    """Collects what one rule finds, as entries at places of the YAML text. Its methods raise EnoughError, which ends the rule."""

    def __init__(self, facts: Facts, rule: Rule) -> None:
        self.facts = facts
        self.rule = rule
        self.entries: list[Entry] = []

    def at(
        self,
        path: Path,
        message: str,
        *,
        hint: str = "",
        severity: str = "",
        fix: Fix | None = None,
        related: tuple[Related, ...] = (),
    ) -> None:
        """Reports at a path of the output, which is taken back to the YAML that made it."""
        self._add(self.facts.place(path), message, hint, severity, fix, related)

    def at_yaml(self, path: Path, message: str, *, hint: str = "", severity: str = "", fix: Fix | None = None) -> None:
        """Reports at a path of the YAML text."""
        self._add(self.facts.work.source.place(path), message, hint, severity, fix, ())

    def in_text(
        self,
        path: Path,
        line: int,
        message: str,
        *,
        hint: str = "",
        severity: str = "",
        replace: tuple[str, str] | None = None,
    ) -> None:
        """Reports a line of a text (a unit, a script) whose contents have the output path `path`.

        `replace` is what stands in that line and what to write instead: a fix where the text stands in the YAML as a block.
        """
        place = self.facts.line_place(path, line)
        fix = self.facts.line_fix(place, *replace) if replace else None
        self._add(place, message, hint, severity, fix, ())

    def _add(
        self, place: Place, message: str, hint: str, severity: str, fix: Fix | None, related: tuple[Related, ...]
    ) -> None:
        entry = Entry(severity or self.rule.severity, self.rule.code, message, place, hint, fix=fix, related=related)
        self.entries.append(entry)
        if len(self.entries) >= MOST_OF_A_RULE:
            raise EnoughError


def near(word: str, choices: Any, cutoff: float = 0.75) -> str:
    """The most similar of the choices, empty where none is similar enough or the word is too long to be a slip."""
    from difflib import get_close_matches

    if len(word) > 80:
        return ""
    lowered = {choice.lower(): choice for choice in choices}
    close = get_close_matches(word.lower(), list(lowered), 1, cutoff)
    return lowered[close[0]] if close else ""
