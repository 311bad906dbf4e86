"""A source text by line and column, for renderers and fixes: the lines that a report shows, and offsets of its places."""

from __future__ import annotations

import codecs
import re

# Line breaks of YAML 1.1 (what libyaml counts), and of JSON.
_YAML_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_JSON_BREAK = re.compile("\n")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Lines:
    """The text of `data` and where its lines begin. `mark` is its byte order mark, `encoding` that of the rest.

    Columns count characters in YAML and bytes in JSON (`is_json`), as the references do.
    """

    def __init__(self, data: bytes, *, is_json: bool = False) -> None:
        self.is_json = is_json
        self.mark, self.encoding = next((each for each in _MARKS if data.startswith(each[0])), (b"", "utf-8"))
        self.text = data[len(self.mark) :].decode(self.encoding, "replace")
        self._ascii = self.text.isascii()
        breaks = (_JSON_BREAK if is_json else _YAML_BREAK).finditer(self.text)
        self._starts = [0, *(found.end() for found in breaks)]

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int) -> str:
        """The text of a line (from 1) without its line break."""
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : end].rstrip("\r\n\x85\u2028\u2029")

    def character(self, number: int, column: int) -> int:
        """How many characters of a line stand before `column`."""
        if not self.is_json or self._ascii:
            return column - 1
        start = self._starts[number - 1]
        before = self.text[start : start + column - 1].encode(
            "utf-8", "replace"
        )  # as many characters take as many bytes, or more
        return len(before[: column - 1].decode("utf-8", "ignore"))

    def offset(self, line: int, column: int) -> int:
        """The index in `text` of a place."""
        return self._starts[line - 1] + self.character(line, column)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (in characters) of an index in `text`."""
        from bisect import bisect_right

        number = bisect_right(self._starts, offset)
        return number, offset - self._starts[number - 1] + 1
