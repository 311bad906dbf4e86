"""Patterns of variables: regular expressions that are matched in time linear in the text, whatever they are.

Known are characters, classes, ., groups, |, and the quantifiers * + ? {m} {m,} {m,n}; a pattern has to fit the whole text. Not known are
back-references, look-arounds and lazy quantifiers. Matching follows all ways at once (Thompson, "Regular Expression Search Algorithm",
CACM 1968), so that no pattern and no value can make a build hang.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

_ATOM = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\[dDwWsSnrt]|\\[^\w\s]|\.|[^\\\[\](){}|*+?^$.]", re.S)
_QUANTIFIER = re.compile(r"[*+?]|\{(\d{1,4})(,(\d{0,4}))?\}")
_MOST = 1_000  # characters of a pattern, and repetitions in braces
_MOST_STATES = 10_000
_DEEPEST = 50  # groups inside of one another


class PatternError(ValueError):
    """The pattern is none, or has what is not known here; `at` is the index of the character."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Pattern:
    """A compiled pattern. Raises PatternError."""

    __slots__ = ("_start", "_states", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        if len(source) > _MOST:
            raise PatternError(f"a pattern has at most {_MOST} characters", _MOST)
        # A state is an expression of one character with the state behind it, or None with all states that follow at once.
        self._states: list[tuple[re.Pattern[str] | None, tuple[int, ...]]] = [(None, ())]
        self._start = self._compiled(_Parser(source).whole(), 0)

    def fits(self, text: str) -> bool:
        """True if the pattern fits the whole text."""
        states = self._states
        now = self._closure([self._start])
        for char in text:
            found = [outs[0] for atom, outs in map(states.__getitem__, now) if atom is not None and atom.match(char)]
            now = self._closure(found)
            if not now:
                return False
        return 0 in now

    def _closure(self, waiting: list[int]) -> set[int]:
        """The states that are reached without a character."""
        seen: set[int] = set()
        while waiting:
            state = waiting.pop()
            if state not in seen:
                seen.add(state)
                atom, outs = self._states[state]
                if atom is None:
                    waiting.extend(outs)
        return seen

    def _add(self, atom: re.Pattern[str] | None, *outs: int) -> int:
        if len(self._states) >= _MOST_STATES:
            raise PatternError("the pattern is too large: write fewer repetitions", 0)
        self._states.append((atom, outs))
        return len(self._states) - 1

    def _compiled(self, tree: Any, after: int) -> int:
        """The state at which `tree` begins; `after` is the one behind it."""
        kind, *rest = tree
        if kind == "atom":
            return self._add(rest[0], after)
        if kind == "all":
            for each in reversed(rest[0]):
                after = self._compiled(each, after)
            return after
        if kind == "any":
            return self._add(None, *[self._compiled(each, after) for each in rest[0]])
        inner, least, most = rest
        if most is None:
            loop = self._add(None)
            self._states[loop] = (None, (self._compiled(inner, loop), after))
            after = loop
        for _ in range(0 if most is None else most - least):
            after = self._add(None, self._compiled(inner, after), after)
        for _ in range(least):
            after = self._compiled(inner, after)
        return after


class _Parser:
    """Reads a pattern into a tree of atom, all (in a row), any (of several) and times."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def whole(self) -> Any:
        if self.source.startswith("^"):
            self.at = 1
        tree = self._any()
        if self.source[self.at :] == "$":
            self.at += 1
        if self.at < len(self.source):
            raise self._error("the parenthesis has no partner" if self._here(")") else "this stands alone")
        return tree

    def _here(self, text: str) -> bool:
        return self.source.startswith(text, self.at)

    def _error(self, message: str) -> PatternError:
        return PatternError(message, self.at)

    def _any(self) -> Any:
        ways = [self._all()]
        while self._here("|"):
            self.at += 1
            ways.append(self._all())
        return ways[0] if len(ways) == 1 else ("any", ways)

    def _all(self) -> Any:
        parts = []
        while self.at < len(self.source) and not self._here("|") and not self._here(")"):
            if self.source[self.at :] == "$":
                break
            parts.append(self._times(self._one()))
        return ("all", parts)

    def _one(self) -> Any:
        if self._here("("):
            return self._group()
        found = _ATOM.match(self.source, self.at)
        if found is None:
            if re.match(r"\\[1-9]", self.source[self.at :]):
                raise self._error("back-references are not known here")
            raise self._error(f"{self.source[self.at]} is not known here; with a backslash before it it is the character")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of set operations, which Python may know one day
                atom = re.compile(found[0], re.S)
        except re.error as error:
            raise self._error(str(error)) from None
        self.at = found.end()
        return ("atom", atom)

    def _group(self) -> Any:
        if self._here("(?") and not self._here("(?:"):
            raise self._error("of groups only (…) and (?:…) are known")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(f"groups are nested more than {_DEEPEST} deep")
        begun, self.at = self.at, self.at + (3 if self._here("(?:") else 1)
        tree = self._any()
        if not self._here(")"):
            self.at = begun
            raise self._error("the parenthesis is not closed")
        self.at += 1
        self.depth -= 1
        return tree

    def _times(self, tree: Any) -> Any:
        found = _QUANTIFIER.match(self.source, self.at)
        if found is None:
            return tree
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(found[0])
        least, most = simple or (int(found[1]), int(found[1]) if found[2] is None else int(found[3]) if found[3] else None)
        if least > _MOST or (most is not None and (most > _MOST or most < least)):
            raise self._error(f"a repetition is from a smaller number to a larger one, of at most {_MOST}")
        self.at = found.end()
        if _QUANTIFIER.match(self.source, self.at):
            raise self._error("one quantifier follows another")
        return ("times", tree, least, most)
