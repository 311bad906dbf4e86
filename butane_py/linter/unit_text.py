"""Unit files as systemd reads them: sections and settings with their lines. Source: systemd.syntax(7).

The reader takes any text: what systemd would ignore or refuse is kept in `stray`, for the rules to report.
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.record import Record, field

MOST = 1 << 20  # characters; systemd reads no unit file above 1 MiB (READ_FULL_FILE of 4 MiB in newer versions)


_MOST_OF_A_COMMAND = 1 << 17  # characters of a command line


class Setting(Record):
    """One `name=value` of a section; `line` counts from 1. `value` has its continued lines joined by blanks."""

    section: str
    name: str
    value: str
    line: int


class UnitText(Record):
    """What a unit file says. `stray` are lines that are neither section, setting nor comment, or stand before any section."""

    settings: list[Setting] = field(default_factory=list)
    sections: list[tuple[str, int]] = field(default_factory=list)
    stray: list[tuple[str, int]] = field(default_factory=list)
    early: list[Setting] = field(default_factory=list)

    def all(self, section: str, *names: str) -> list[Setting]:
        """The settings of those names in a section, in their order; an empty value takes those before it away."""
        found: list[Setting] = []
        for setting in self.settings:
            if setting.section == section and setting.name in names:
                if setting.value:
                    found.append(setting)
                else:
                    found = [each for each in found if each.name != setting.name]
        return found

    def last(self, section: str, name: str) -> str:
        """The value that counts, empty where there is none."""
        found = self.all(section, name)
        return found[-1].value if found else ""

    def words(self, section: str, *names: str) -> list[str]:
        """The words of lists such as Wants= and After=."""
        return [word.strip("\"'") for setting in self.all(section, *names) for word in setting.value.split()]

    def has(self, section: str) -> bool:
        """True if the section has a setting."""
        return any(setting.section == section for setting in self.settings)


def read_unit(text: str) -> UnitText:
    """Reads the first `MOST` characters of a unit file."""
    unit = UnitText()
    section: str | None = None
    for number, line in _lines(text[:MOST]):
        if line.startswith("["):
            section = line[1:].partition("]")[0]
            unit.sections.append((section, number))
            continue
        name, equals, value = line.partition("=")
        setting = Setting(section or "", name.rstrip(), value.strip(), number)
        if not equals:
            unit.stray.append((line, number))
        elif section is None:
            unit.early.append(setting)
        else:
            unit.settings.append(setting)
    return unit


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines without comments and blank lines, each with the number of its first line."""
    parts: list[str] = []
    first = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line[:1] in ("#", ";") or (not line and not parts):
            continue
        first = first if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1].strip())
            continue
        yield first, " ".join([*parts, line])
        parts = []
    if parts:
        yield first, " ".join(parts)


class Command(Record):
    """A command line of Exec…=: the program and its words, each with True if it was quoted."""

    program: str
    words: list[tuple[str, bool]]


def read_command(value: str) -> Command:
    """Splits the first `_MOST_OF_A_COMMAND` characters at blanks outside of quotes. Prefixes of the program (@ - : + ! |) are taken off."""
    words: list[tuple[str, bool]] = []
    word: list[str] = []
    quote, quoted, escaped = "", False, False
    for char in value[:_MOST_OF_A_COMMAND] + " ":
        if escaped:
            word.append(char)
            escaped = False
        elif char == "\\" and quote != "'":
            word.append(char)
            escaped = True
        elif quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "\"'":
            quote, quoted = char, True
        elif not char.isspace():
            word.append(char)
        elif word or quoted:
            words.append(("".join(word), quoted))
            word, quoted = [], False
    program = words[0][0].lstrip("@-:+!|") if words else ""
    return Command(program, words[1:])
