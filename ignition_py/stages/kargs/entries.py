"""Boot entries of type #1, as text: which kernel arguments one has, and how it reads with others. Pure.

Format: the UAPI group's Boot Loader Specification; GRUB (blscfg) and systemd-boot read the same files. Words: the kernel's
`next_arg`: separated by white space, which double quotes protect.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = " \t\n\r\v\f"


class Change:
    """What the config wants: arguments that are to be there and that are not. One may be several words, in a row."""

    __slots__ = ("unwanted", "wanted")

    def __init__(self, wanted: Sequence[str], unwanted: Sequence[str]) -> None:
        self.wanted = [words for words in map(split, wanted) if words]
        self.unwanted = [words for words in map(split, unwanted) if words]

    def fulfilled(self, line: str) -> bool:
        """Is it so on this command line?"""
        words = split(line)
        return all(_find(words, some) >= 0 for some in self.wanted) and not any(_find(words, some) >= 0 for some in self.unwanted)

    def missing(self, line: str) -> str:
        """What is not as it should be on this command line, for a message."""
        words = split(line)
        said = [f"{' '.join(some)} is missing" for some in self.wanted if _find(words, some) < 0]
        return ", ".join([*said, *(f"{' '.join(some)} is there" for some in self.unwanted if _find(words, some) >= 0)])


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
    """Does the entry boot a kernel? Others (memory tests, firmware setup) get no arguments."""
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
    absent = [some for some in change.wanted if _find(split(options(text)), some) < 0]
    if absent and not at:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        at, words[len(lines)] = [len(lines)], []
        lines.append("")
    for some in absent:
        words[at[-1]] += some
    for number in at:
        for some in change.unwanted:
            while (place := _find(words[number], some)) >= 0:
                del words[number][place : place + len(some)]
        if not lines[number] or words[number] != split(_field(lines[number])[1]):
            lines[number] = " ".join(["options", *words[number]]) + "\n"
    return "".join(lines)


def _field(line: str) -> tuple[str, str]:
    """Key and value of a line; comments and empty lines have no key."""
    key, *rest = line.strip().split(None, 1)[:2] or [""]
    return ("", "") if key.startswith("#") else (key, rest[0] if rest else "")


def _find(words: list[str], some: list[str]) -> int:
    """Where `some` stand in a row in `words`; -1 for nowhere."""
    return next((at for at in range(len(words) - len(some) + 1) if words[at : at + len(some)] == some), -1)
