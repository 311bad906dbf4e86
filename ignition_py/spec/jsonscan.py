"""The slow reading of JSON text: where everything stands, and what exactly is wrong. Imported only to report.

`build_tree` gives the positions that the reference's validator prints; `scan_error` finds the first byte that no JSON
text could have there. Both walk the bytes once, without recursion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ignition_py.spec.jsonnode import MAX_DEPTH, JsonNode, JsonSyntaxError, decode_text

TOKEN = re.compile(rb'[ \t\r\n,:]*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|([\[{])|([\]}])|([^\s,:\]}"\[{]++))', re.DOTALL)
STRING, OPEN, CLOSE, PLAIN = 1, 2, 3, 4  # its groups
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INFINITE = float("inf")
_SPACE = re.compile(rb"[ \t\r\n]*")
_LITERALS = (b"true", b"false", b"null")


# The parts of paths that are looked for: part -> what is looked for below it.
Wanted = dict["str | int", "Wanted"]


def build_tree(data: bytes, wanted: Wanted | None = None, *, huge: bool = False) -> JsonNode | None:
    """The positions of values of a text that is known to be JSON: of all, or of those on the way to what is wanted.

    Objects and lists start behind their bracket. None where the text has a number that no float holds (there the
    reference gives up looking for places), unless `huge`.
    """
    root: JsonNode | None = None
    stack: list[_Open] = []
    key: str | None = None
    key_at = 0
    tokens = TOKEN.finditer(data)
    for token in tokens:
        kind = token.lastindex or 0
        start, end = token.span(kind)
        if kind == CLOSE:
            stack.pop().node.end = end
            if not stack:
                break
            continue
        inside = stack[-1] if stack else None
        if kind == PLAIN and not huge and _is_huge(data[start:end]):
            return None
        if inside is None:
            root = node = JsonNode(start + (kind == OPEN))
            below = wanted
        else:
            part: str | int
            if not inside.is_object:
                part, inside.count = inside.count, inside.count + 1
            elif key is None:
                key, key_at = _key(data[start:end]), start
                continue
            else:
                part, key = key, None
            below = inside.wanted
            if below is not None:
                below = below.get(part)
                if below is None:
                    if kind == OPEN and not _skip(tokens, data):
                        return None
                    continue
            node = inside.node.items[part] = JsonNode(start + (kind == OPEN))
            if inside.is_object:
                inside.node.keys[str(part)] = key_at
        node.end = end
        if kind == OPEN:
            stack.append(_Open(node, data[start : start + 1] == b"{", below))
    return root or JsonNode(0)


class _Open:
    """An object or list whose end has not come yet. `count` is how many items the list has had."""

    __slots__ = ("count", "is_object", "node", "wanted")

    def __init__(self, node: JsonNode, is_object: bool, wanted: Wanted | None) -> None:
        self.node = node
        self.is_object = is_object
        self.wanted = wanted
        self.count = 0


def _key(text: bytes) -> str:
    if b"\\" not in text and text.isascii():
        return text[1:-1].decode()
    key: str = json.loads(decode_text(text), strict=False)
    return key


def _skip(tokens: Iterator[re.Match[bytes]], data: bytes) -> bool:
    """Goes on behind the object or list that has just begun; False where a huge number is in it."""
    depth = 1
    for token in tokens:
        kind = token.lastindex
        if kind == STRING:
            continue
        if kind == OPEN:
            depth += 1
        elif kind == CLOSE:
            depth -= 1
            if not depth:
                break
        elif _is_huge(data[token.start(PLAIN) : token.end(PLAIN)]):
            return False
    return True


def _is_huge(text: bytes) -> bool:
    """A number that no float holds."""
    if len(text) < 5 or not text[-1:].isdigit():
        return False
    return float(text) in (_INFINITE, -_INFINITE)


def has_huge_number(data: bytes) -> bool:
    """Is there a number in it that no float holds?"""
    return any(token[PLAIN] is not None and _is_huge(token[PLAIN]) for token in TOKEN.finditer(data))


class _Scanner:
    """Looks for the first error; each method returns the state that comes next."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[int] = []

    def fail(self, wanted: str) -> JsonSyntaxError:
        """The error at the current byte; its offset is the one behind that byte, as in the reference."""
        if self.at >= len(self.data):
            return JsonSyntaxError(f"the text ends where {wanted} should be", len(self.data))
        rune = self.data[self.at : self.at + 4].decode("utf-8", "replace")[0]
        return JsonSyntaxError(f"{rune!r} where {wanted} should be", self.at + 1)

    def space(self) -> int:
        found = _SPACE.match(self.data, self.at)
        self.at = found.end() if found else self.at
        return self.data[self.at] if self.at < len(self.data) else -1

    def string(self, wanted: str) -> None:
        if self.space() != 0x22:
            raise self.fail(wanted)
        found = _STRING.match(self.data, self.at)
        self.at = found.end() if found else self.at
        if self.at < len(self.data) and self.data[self.at] == 0x22:
            self.at += 1
            return
        if self.at < len(self.data) and self.data[self.at] == 0x5C:
            self.at += 1
            if self.data[self.at : self.at + 1] == b"u":
                self.at += 1
                while self.data[self.at : self.at + 1] in b"0123456789abcdefABCDEF" and self.at < len(self.data):
                    self.at += 1
            raise self.fail("an escape sequence of JSON (such as \\n or \\u0041)")
        raise self.fail("a printable character or the end of the string")

    def scalar(self) -> None:
        first = self.space()
        if first == 0x22:
            return self.string("a string")
        for literal in _LITERALS:
            if first == literal[0]:
                for byte in literal:
                    if self.at >= len(self.data) or self.data[self.at] != byte:
                        raise self.fail(f"the word {literal.decode()}")
                    self.at += 1
                return None
        found = _NUMBER.match(self.data, self.at)
        if not found:
            if first == 0x2D:
                self.at += 1
                raise self.fail("a digit")
            raise self.fail("a value")
        self.at = found.end()
        if self._number_goes_on(found[0].lower()):
            self.at += 1
            if self.data[self.at : self.at + 1] in (b"+", b"-") and self.data[self.at - 1] in b"eE":
                self.at += 1
            raise self.fail("a digit")
        return None

    def _number_goes_on(self, number: bytes) -> bool:
        """Does what follows `number` begin a fraction or an exponent of it? A number has one of each at most."""
        following = self.data[self.at : self.at + 1].lower()
        return (following == b"." and b"." not in number and b"e" not in number) or (
            following == b"e" and b"e" not in number
        )

    def open(self) -> bool:
        """A value starts: True if it is a list or an object that has something in it."""
        first = self.space()
        if first not in (0x7B, 0x5B):
            self.scalar()
            return False
        if len(self.stack) >= MAX_DEPTH:
            raise self.fail(f"a value nested at most {MAX_DEPTH} deep")
        self.at += 1
        closing = 0x7D if first == 0x7B else 0x5D
        if self.space() == closing:
            self.at += 1
            return False
        self.stack.append(closing)
        if closing == 0x7D:
            self.key()
        return True

    def key(self) -> None:
        self.string("a key in double quotes")
        if self.space() != 0x3A:
            raise self.fail("a colon")
        self.at += 1

    def run(self) -> None:
        while True:
            if self.open():
                continue
            while self.stack:
                byte = self.space()
                if byte == self.stack[-1]:
                    self.stack.pop()
                    self.at += 1
                elif byte == 0x2C:
                    self.at += 1
                    if self.stack[-1] == 0x7D:
                        self.key()
                    break
                else:
                    raise self.fail("a comma or a closing bracket")
            else:
                break
        if self.space() >= 0:
            raise self.fail("the end of the text")


def check_syntax(data: bytes) -> None:
    """Raises JsonSyntaxError at the first byte that is wrong."""
    _Scanner(data).run()


def scan_error(data: bytes) -> JsonSyntaxError | None:
    """What is wrong with a text that could not be parsed; None where it is JSON all the same."""
    try:
        check_syntax(data)
    except JsonSyntaxError as error:
        return error
    return None
