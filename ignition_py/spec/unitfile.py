"""systemd unit text, read the way the reference reads it: what it refuses, and which sections have settings.

The reference's reader is more lenient than systemd in some places (text before the first section) and stricter in others
(lines of more than 2,048 bytes); both are kept, because a config that it takes must be taken here.
Source: systemd.syntax(7); behaviour of go-systemd's reader, measured.
"""

from __future__ import annotations

LINE_MAX = 2048
_BUFFER = 4096  # the reference looks for long lines only within what its buffer holds
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


class UnitError(ValueError):
    """The text is not a systemd unit. `line` is the line in it, from 1, and `text` what stands there."""

    def __init__(self, message: str, line: int = 0, text: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.text = text


class _Reader:
    """The text, and how far the reference's buffered reader would have read when it looks for long lines.

    `at` is what comes next; `filled` is kept only where a line is long enough to matter.
    """

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "surrogatepass")
        self.at = 0
        self.filled = 0
        self.long = any(len(line) >= LINE_MAX for line in self.data.replace(b"\r", b"\n").split(b"\n"))

    def step(self) -> None:
        """The reference looks before each of its steps. Raises UnitError."""
        if self.long and self.filled - self.at >= LINE_MAX:
            ahead = self.data[self.at : self.at + LINE_MAX]
            if b"\n" not in ahead and b"\r" not in ahead:
                raise self.error(f"a line is longer than {LINE_MAX} bytes, which systemd cannot read", self.at)

    def error(self, message: str, at: int) -> UnitError:
        """The error for the line that the byte `at` stands in."""
        start, end = self.data.rfind(b"\n", 0, at) + 1, self.data.find(b"\n", at)
        line = self.data[start : end if end >= 0 else len(self.data)].decode("utf-8", "replace")
        return UnitError(message, self.data.count(b"\n", 0, start) + 1, line)

    def rune(self) -> bytes:
        """The next character, nothing at the end of the text."""
        first = self.data[self.at : self.at + 1]
        width = 1 if first < b"\xc0" else 2 if first < b"\xe0" else 3 if first < b"\xf0" else 4
        if self.long and self.at + width > self.filled:
            self.filled = min(len(self.data), self.at + _BUFFER)
        self.at += width if first else 0
        return self.data[self.at - width : self.at] if first else b""

    def skip_to(self, end: int) -> None:
        """Reads up to `end` in pieces that fit into the buffer."""
        if self.long:
            while self.filled < end:
                if self.filled - self.at >= _BUFFER:
                    self.at = self.filled
                self.filled = min(len(self.data), self.at + _BUFFER)
        self.at = end

    def skip_by_rune(self, end: int) -> None:
        """Reads up to `end` character by character: the buffer is filled again when it is empty."""
        if self.long:
            while self.filled < end:
                self.filled = min(len(self.data), self.filled + _BUFFER)
        self.at = end

    def line(self) -> bytes:
        """The rest of the line, without what ends it."""
        start = self.at
        found = self.data.find(b"\n", start)
        self.skip_to(len(self.data) if found < 0 else found + 1)
        return self.data[start : self.at].removesuffix(b"\r").removesuffix(b"\n")


def _ignore_line(reader: _Reader) -> None:
    reader.step()
    while reader.line().removesuffix(b" ").endswith(b"\\"):
        pass


def _section_name(reader: _Reader) -> str:
    reader.step()
    start = reader.at
    found = reader.data.find(b"]", start)
    if found < 0:
        raise reader.error("a section's name is not closed by ]", start)
    reader.skip_to(found + 1)
    reader.step()
    if reader.line().decode("utf-8", "replace").strip(_SPACE):
        raise reader.error("text follows a section's name on the same line", found)
    return reader.data[start:found].decode("utf-8", "replace")


def _option(reader: _Reader) -> None:
    reader.step()
    equals = reader.data.find(b"=", reader.at)
    name = reader.data[reader.at : equals if equals >= 0 else len(reader.data)]
    if b"\n" in name or b"\r" in name:
        raise reader.error("a line inside a section is neither NAME=VALUE nor a comment", reader.at)
    if equals < 0:
        raise reader.error("the text ends in the middle of a setting's name", reader.at)
    reader.skip_by_rune(equals + 1)
    while True:
        reader.step()
        line = reader.line()
        if not line.endswith(b"\\") or not line.decode("utf-8", "replace").strip(_SPACE):
            return


def sections_with_settings(text: str) -> set[str]:
    """The names of the sections that have at least one setting. Raises UnitError."""
    reader = _Reader(text)
    section: str | None = None
    found: set[str] = set()
    while True:
        reader.step()
        char = reader.rune()
        if not char:
            return found
        if char == b"[":
            section = _section_name(reader)
        elif char in (b"#", b";"):
            _ignore_line(reader)
        elif section is not None and char.decode("utf-8", "replace") not in _SPACE:
            reader.at -= len(char)
            _option(reader)
            found.add(section)
