"""Origins, reports and errors: the one way both programs say what is wrong and where.

Everything that reads configuration (YAML or JSON) hangs an origin on what it reads; everything that finds a problem adds
an `Entry` to a `Report` or raises an `IgnitionError`. Renderers (pretty, raw, JSON, SARIF) live with the programs; here
a diagnostic is data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ignition_py.record import KW_ONLY, Record

Path = tuple["str | int", ...]

ERROR = "error"
WARNING = "warning"
INFO = "info"
SEVERITIES = (ERROR, WARNING, INFO)


def path_text(path: Path) -> str:
    """`("storage", "files", 0)` as `$.storage.files.0`, the notation of the reference's reports."""
    return ".".join(["$", *map(str, path)])


class Place(Record):
    """A span of one source text: source name, path of keys and indexes, line and column (both from 1, 0 unknown).

    `end_line` and `end_column` are the position behind the last character of the span, 0 where only its beginning is
    known. `at_end` marks the end of a text, which the references print as line 0 column 0.
    """

    path: Path
    line: int = 0
    column: int = 0
    source: str = ""
    _: KW_ONLY
    end_line: int = 0
    end_column: int = 0
    at_end: bool = False

    def __repr__(self) -> str:
        return f"Place({path_text(self.path)}, {self.line}:{self.column}, {self.source!r})"


class Related(Record):
    """Another place that a diagnostic speaks of: "first given here", "this value comes from here"."""

    message: str
    place: Place


class Fix(Record):
    """A mechanical correction: the text of the span `place` is replaced. `title` says what it does ("write 0644")."""

    title: str
    place: Place
    replacement: str


class Entry(Record):
    """One diagnostic: severity, stable code, a sentence, where it is, what to do about it (`hint`, a sentence).

    `related` are other places it speaks of; `fix` is set where the correction is mechanical.
    """

    severity: str
    code: str
    message: str
    place: Place
    hint: str = ""
    _: KW_ONLY
    related: tuple[Related, ...] = ()
    fix: Fix | None = None

    def raw(self) -> str:
        """`KIND at PATH, line L col C: MESSAGE`, the line format both programs share with the references.

        The message names the lines of related places too: `'/a' is given twice (first given here: line 5)`; in another source than
        that of the diagnostic with its name, unless their own words have it.
        """
        place = self.place
        where = []
        if place.path:
            where.append(path_text(place.path))
        if place.line or place.at_end:
            where.append(
                f"line {place.line} col {place.column}" if place.column or place.at_end else f"line {place.line}"
            )
        at = f" at {', '.join(where)}" if where else ""
        return f"{self.severity}{at}: {self.sentence()}"

    def sentence(self) -> str:
        """The message with its related places."""
        notes = "; ".join(filter(None, map(self._note, self.related)))
        return self.message + (f" ({notes})" if notes else "")

    def _note(self, related: Related) -> str:
        """A related place in the words of `raw`; "" for one without a line in the same source."""
        place = related.place
        elsewhere = bool(place.source) and place.source != self.place.source
        if f"{place.source}:{place.line}" in related.message or (elsewhere and not place.line):
            return related.message
        if not place.line:
            return ""
        return f"{related.message}: {f'{place.source} ' if elsewhere else ''}line {place.line}"


class Report:
    """An ordered collection of diagnostics."""

    __slots__ = ("entries",)

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = list(entries)

    def add(self, severity: str, code: str, message: str, place: Place, hint: str = "", **more: Any) -> None:
        self.entries.append(Entry(severity, code, message, place, hint, **more))

    def merge(self, other: Report) -> None:
        self.entries.extend(other.entries)

    @property
    def fatal(self) -> bool:
        return any(entry.severity == ERROR for entry in self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __eq__(self, other: object) -> bool:
        return self.entries == other.entries if isinstance(other, Report) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # entries are added

    def __repr__(self) -> str:
        return f"Report({', '.join(entry.raw() for entry in self.entries)})"


class Cause(Record):
    """Why something cannot be done: a sentence, the entry of the config that asks for it, and what to do about it, an instruction.

    Keys of the config stand in backticks in the message and the hint, as JSON spells them: failure.py respells them for YAML.
    """

    message: str
    place: Place | None = None
    hint: str = ""

    def __str__(self) -> str:
        where = ""
        if self.place is not None and self.place.path:
            line = f" line {self.place.line}" if self.place.line else ""
            where = f" ({path_text(self.place.path)}{line}{f' of {self.place.source}' if self.place.source else ''})"
        return f"{self.message}{where}" + (f". {self.hint}" if self.hint else "")


class IgnitionError(Exception):
    """A failure that is a sentence with a place.

    `message` says what was being done and what went wrong; `place` which entry of the config asked for it; `hint` what
    to do, an instruction. Of several causes `causes` has each, `summary` is the message without them. `changed` says what has been
    changed so far ("nothing"), "" where that is not known. Everything the executor raises on purpose derives from it:

        IgnitionError
        ├── ConfigError      the config is wrong (report attached)
        ├── CommandError     a program failed (system/run.py)
        ├── FetchError       a resource could not be had (fetch/)
        └── StageError       a stage refused or failed
    """

    def __init__(
        self, message: str, *, place: Place | None = None, hint: str = "", changed: str = "", causes: Iterable[Cause] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.summary = message
        self.place = place
        self.hint = hint
        self.changed = changed
        self.causes = tuple(causes)

    def __str__(self) -> str:
        where = ""
        if self.place is not None and not self.causes:
            spot = f" line {self.place.line}" if self.place.line else ""
            where = f" ({path_text(self.place.path)}{spot})"
        ends = (self.hint, f"Changed so far: {self.changed}" if self.changed else "")
        return ". ".join((f"{self.message}{where}", *filter(None, ends)))


class ConfigError(IgnitionError):
    """The config cannot be used; `report` holds every diagnostic."""

    def __init__(
        self, message: str, report: Report | None = None, *, place: Place | None = None, hint: str = "", changed: str = ""
    ) -> None:
        super().__init__(message, place=place, hint=hint, changed=changed)
        self.report = report if report is not None else Report()


class FetchError(IgnitionError):
    """A resource could not be fetched, verified or unpacked."""


class StageError(IgnitionError):
    """A stage refused its work or failed at it."""


_EACH = "Follow the instruction at the end of each"


def several(causes: Iterable[Cause], *, about: str, each: str, changed: str = "") -> StageError:
    """One error of one or more causes, each counted once: `disks: 2 conflicts: (1) …; (2) …`. `about` begins the sentence ("disks: "),
    `each` is what one of several is called ("conflicts")."""
    found = tuple(dict.fromkeys(causes))
    first = found[0]
    if len(found) == 1:
        return StageError(f"{about}{first.message}", place=first.place, hint=first.hint, changed=changed)
    summary = f"{about}{len(found)} {each}"
    text = "; ".join(f"({number}) {cause}" for number, cause in enumerate(found, 1))
    error = StageError(f"{summary}: {text}", place=first.place, hint=_EACH, changed=changed, causes=found)
    error.summary = summary
    return error
