"""Boot entries of type #1, as text: which kernel arguments one has, and how it reads with others. Pure.

Format: the UAPI group's Boot Loader Specification; GRUB (blscfg) and systemd-boot read the same files. Words: the kernel's
`next_arg`: separated by white space, which double quotes protect.
"""

from __future__ import annotations

from collections.abc import Sequence

_SPACE = " \t\n\r\v\f"


class Change:
    """What the config wants: arguments that are to be there and that are not. One may be several words, in a row."""

    __slots__ = ("unwanted", "wanted")

    def __init__(self, wanted: Sequence[str], unwanted: Sequence[str]) -> None:
        self.wanted = [words for words in map(split, wanted) if words]
        self.unwanted = [words for words in map(split, unwanted) if words]

    def fulfilled(self, line: str) -> bool:
        """True if this command line is as wanted."""
        words = split(line)
        return all(_find(words, row) >= 0 for row in self.wanted) and not any(_find(words, row) >= 0 for row in self.unwanted)

    def missing(self, line: str) -> str:
        """How this command line differs from what is wanted, for a message."""
        words = split(line)
        absent = [f"{' '.join(row)} is missing" for row in self.wanted if _find(words, row) < 0]
        return ", ".join([*absent, *(f"{' '.join(row)} is present" for row in self.unwanted if _find(words, row) >= 0)])


def split(line: str) -> list[str]:
    """The words of a command line, their quotes kept."""
    words: list[str] = []
    word, quoted = "", False
    for char in line:
        if char in _SPACE and not quoted:
            if word:
                words.append(word)
            word = ""
            continue
        quoted ^= char == '"'
        word += char
    return [*words, word] if word else words


def boots_linux(text: str) -> bool:
    """True if the entry boots a kernel. Others (memory tests, firmware setup) get no arguments."""
    return any(_field(line)[0] == "linux" for line in text.splitlines())


def options(text: str) -> str:
    """All kernel arguments of an entry; it may have several lines of them."""
    return " ".join(value for key, value in map(_field, text.splitlines()) if key == "options")


def edited(text: str, change: Change) -> str:
    """The entry with the change made: the same text where there is nothing to do, other lines and their order kept."""
    if change.fulfilled(options(text)):
        return text
    lines = text.splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if _field(line)[0] == "options"]
    words = {number: split(_field(lines[number])[1]) for number in at}
    absent = [row for row in change.wanted if _find(split(options(text)), row) < 0]
    if absent and not at:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        at, words[len(lines)] = [len(lines)], []
        lines.append("")
    for row in absent:
        words[at[-1]] += row
    for number in at:
        for row in change.unwanted:
            while (place := _find(words[number], row)) >= 0:
                del words[number][place : place + len(row)]
        if not lines[number] or words[number] != split(_field(lines[number])[1]):
            lines[number] = " ".join(["options", *words[number]]) + "\n"
    return "".join(lines)


def _field(line: str) -> tuple[str, str]:
    """Key and value of a line; comments and empty lines have no key."""
    key, *rest = line.strip().split(None, 1)[:2] or [""]
    return ("", "") if key.startswith("#") else (key, rest[0] if rest else "")


def _find(words: list[str], row: list[str]) -> int:
    """Where `row` stands in `words`; -1 for nowhere."""
    return next((at for at in range(len(words) - len(row) + 1) if words[at : at + len(row)] == row), -1)
