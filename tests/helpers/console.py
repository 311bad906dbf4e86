"""The console sessions of a Markdown page: fenced blocks of the language `console`, with prompts, commands and what they print.

`$` is the prompt of an ordinary user, `#` of root. A line that ends in a backslash goes on in the next one. Lines without a prompt
are the output of the command above them. Behind the language a block may have words, which readers do not see:

    ```console vm                      it boots a virtual machine
    ```console matrix                  it takes minutes: run on demand, with -m matrix
    ```console status=2                its last command ends with exit status 2
    ```console not-run: why not        it cannot be run where the tests run
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

LEVELS = ("user", "root", "vm", "matrix")  # each runs what those before it do
PROMPTS = {"$": "user", "#": "root"}
_FENCE = re.compile(r"^```(?P<language>\w*)(?P<words>[^\n]*)\n(?P<body>.*?)^```", re.M | re.S)
_ELLIPSIS = re.compile(r"(?<!\.)\.\.\.(?!\.)")  # a row of more dots is drawn by a program
_TIME = re.compile(r"\b\d+(\.\d+)? (s|ms|seconds|MB|MiB)\b")


@dataclass
class Command:
    """A command as printed: `who` gives it ("user" or "root"), `output` is what the page shows of its output, without the end of its last line."""

    line: int
    who: str
    text: str
    output: str = ""


@dataclass
class Block:
    """A fenced block. `line` is that of its fence, counted from 1; `reason` says why it is not run."""

    line: int
    language: str
    body: str
    words: tuple[str, ...] = ()
    reason: str = ""
    status: int = 0
    commands: list[Command] = field(default_factory=list)

    @property
    def level(self) -> str:
        """The least that a session has to be to run it: one of LEVELS."""
        root = any(command.who == "root" for command in self.commands)
        return max(("root" if root else "user", *self.words), key=LEVELS.index)


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page. Raises ValueError for a console block that is not of the form above."""
    found = []
    for match in _FENCE.finditer(text):
        block = Block(text.count("\n", 0, match.start()) + 1, match["language"], match["body"])
        if block.language == "console":
            _read_words(block, match["words"].strip())
            _read_commands(block)
        else:
            block.words = tuple(match["words"].split())
        found.append(block)
    return found


def _read_words(block: Block, words: str) -> None:
    before, marked, reason = words.partition("not-run:")
    block.reason = reason.strip()
    block.words = tuple(before.split())
    for word in block.words:
        if word.startswith("status="):
            block.status = int(word.removeprefix("status="))
        elif word not in LEVELS[2:]:
            raise ValueError(f"line {block.line}: a console block has no word {word!r}")
    block.words = tuple(word for word in block.words if word in LEVELS)
    if marked and not block.reason:
        raise ValueError(f"line {block.line}: not-run: has no reason")


def _read_commands(block: Block) -> None:
    goes_on = False
    output: list[str] = []
    for number, line in enumerate(block.body.splitlines(), block.line + 1):
        if goes_on:
            block.commands[-1].text += "\n" + line
        elif line[:2] in ("$ ", "# "):
            block.commands.append(Command(number, PROMPTS[line[0]], line[2:]))
            output = []
        elif block.commands:
            output.append(line)
            block.commands[-1].output = "\n".join(output)
            continue
        else:
            raise ValueError(f"line {number}: output before the first command")
        goes_on = line.endswith("\\")


def files(text: str) -> dict[str, str]:
    """The files that a page shows, by name: a block whose fence names a file (```yaml web.bu), and what `$ cat FILE` prints."""
    found = {}
    for block in blocks(text):
        if block.language != "console" and block.words:
            found[block.words[0]] = block.body
        for command in block.commands:
            name = re.fullmatch(r"cat ([^\s|<>&;]+)", command.text)
            if name and command.output and "..." not in command.output.splitlines():
                found[name[1]] = command.output + "\n"
    return found


def differences(shown: str, printed: str) -> str:
    """Where `printed` is not what the page shows; "" where it is. `...` stands for any text of a line, and on a line of its own for
    any lines. Times and sizes in MB may differ, and so may the number of blanks between words."""
    if not shown.strip():
        return ""
    pattern = "".join(_line_pattern(line) for line in shown.strip("\n").splitlines())
    if re.fullmatch(pattern, "".join(_squeezed(line) + "\n" for line in printed.strip("\n").splitlines())):
        return ""
    return f"the page shows\n{_indented(shown)}\nand the command printed\n{_indented(printed)}"


def _squeezed(line: str) -> str:
    return _TIME.sub(lambda found: "0 " + found[2], " ".join(line.split()))


def _line_pattern(line: str) -> str:
    squeezed = _squeezed(line)
    if squeezed == "...":
        return r"(?:.*\n)*"
    return ".*".join(map(re.escape, _ELLIPSIS.split(squeezed))) + r"\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def hidden_commands(text: str, programs: tuple[str, ...]) -> list[str]:
    """Lines that look like a command and stand where none is run: with the name of one of `programs` first, in a shell script, a block without
    a language or an indented one, with or without a prompt. A synopsis, with `[` in it, is no command."""
    found = []
    starts = tuple(f"{name} " for name in programs)
    for number, line in _lines_outside(text):
        words = line.strip().removeprefix("$ ")
        if words.startswith(starts) and "[" not in words:
            found.append(f"line {number}: {words}")
    return found


def _lines_outside(text: str) -> list[tuple[int, str]]:
    """The lines of indented blocks, and of fenced ones that may hold commands of a shell."""
    inside = ""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = "" if inside else line[3:].split(" ")[0] or "plain"
        elif inside in ("plain", "sh", "bash", "shell", "text") or (not inside and line.startswith("    ")):
            found.append((number, line))
    return found


def pages(root: Path) -> list[Path]:
    """README.md, CONTRIBUTING.md and every page of docs/."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
