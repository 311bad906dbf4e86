"""Local files with references, for `interpolate:` of contents, units, quadlets and trees. Errors stand in the file itself."""

from __future__ import annotations

import os
import re

from butane_py.compilation import Compilation
from butane_py.fleet.evaluation import EvaluationProblem, Lookup, ReportedError, Use, in_text
from butane_py.fleet.expressions import Pieces, SyntaxProblem, parse
from butane_py.fleet.pattern import Pattern, PatternError
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Path, Place, Related

_MOST_KEPT = 16 << 20  # bytes of texts whose pieces are kept for the next host
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class PayloadCache:
    """The pieces of local files, for all hosts of a build."""

    def __init__(self) -> None:
        self._known: dict[bytes, Pieces] = {}
        self._size = 0

    def pieces(self, contents: bytes) -> Pieces:
        """The pieces of a text. Raises UnicodeDecodeError and SyntaxProblem."""
        found = self._known.get(contents)
        if found is None:
            found = parse(contents.decode("utf-8"))
            self._size += len(contents)
            if self._size <= _MOST_KEPT:
                self._known[contents] = found
        return found


class Payloads:
    """Replaces references in the local files of one compilation."""

    def __init__(self, cache: PayloadCache, lookup: Lookup) -> None:
        self.cache = cache
        self.lookup = lookup
        self.uses: dict[Path, tuple[Use, ...]] = {}  # by the path of the key that names the file
        self.texts: list[tuple[str, bytes, Pieces]] = []  # names, contents and pieces of the files

    @code(
        "payload-text",
        title="A file with references is not a text",
        why="`interpolate` replaces references in UTF-8 text. In other bytes none can be found, or what looks like one is an accident.",
        fix="Save the file as UTF-8, or take interpolate away.",
        wrong="storage:\n  files:\n    - path: /a\n      mode: 0644\n      contents: {local: random.bin, interpolate: true}\n",
        right="storage:\n  files:\n    - path: /a\n      mode: 0644\n      contents: {local: a.txt, interpolate: true}\n",
        build=True,
        local=True,
    )
    def replaced(self, work: Compilation, contents: bytes, local: str, path: Path) -> bytes:
        """The contents with references replaced; as they are where an error was reported."""
        name = os.path.normpath(os.path.join(work.options.files_dir or "", local))
        here = (Related("embedded here", work.source.place(path)),)
        try:
            pieces = self.cache.pieces(contents)
            self.texts.append((name, contents, pieces))
            text, uses = in_text(pieces, self.lookup)
        except UnicodeDecodeError as error:
            line, column = contents.count(b"\n", 0, error.start) + 1, error.start - contents.rfind(b"\n", 0, error.start)
            place = Place((), line, column, name)
            work.report.entries.append(Entry(ERROR, "payload-text", f"{local} is not UTF-8", place, related=here))
        except SyntaxProblem as error:
            place = text_place(name, contents, error.at)
            work.report.entries.append(Entry(ERROR, "var-syntax", str(error), place, error.hint, related=here))
        except EvaluationProblem as error:
            place = text_place(name, contents, error.at)
            work.report.entries.append(Entry(ERROR, error.code, str(error), place, error.hint, related=(*error.related, *here)))
        except ReportedError:
            return contents
        else:
            self.uses[path] = (*self.uses.get(path, ()), *uses)
            return text.encode("utf-8", "surrogatepass")
        return contents

    def chosen(self, work: Compilation, patterns: tuple[str, ...], name: str, path: Path) -> bool:
        """True if one of the patterns fits the name of a file of a tree."""
        for index, pattern in enumerate(patterns):
            try:
                if glob(pattern).fits(name):
                    return True
            except PatternError as error:
                work.error("var-syntax", f"the pattern cannot be used: {error}", (*path, "interpolate", index))
                return False
        return False


_globs: dict[str, Pattern] = {}


def glob(pattern: str) -> Pattern:
    """A pattern of file names: `*` and `?` stand for characters but /, `**/` for any folders. Raises PatternError."""
    found = _globs.get(pattern)
    if found is None:
        words = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts = [words.get(each) or _literal(each) for each in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]", pattern, re.S)]
        found = _globs[pattern] = Pattern("".join(parts))
    return found


def _literal(char: str) -> str:
    return f"\\{char}" if char in "\\[](){}|+^$." else char


def text_place(name: str, contents: bytes, at: int) -> Place:
    """The place of a character of a text."""
    before = contents.decode("utf-8")[:at]
    line, start = 1, 0
    for found in _BREAK.finditer(before):
        line, start = line + 1, found.end()
    return Place((), line, at - start + 1, name)
