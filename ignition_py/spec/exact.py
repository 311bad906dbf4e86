"""Decoding of JSON text value by value, as Go's decoder does it: for the rare texts where that is not the same as decoding
the finished value. Those are texts with a key given twice (the second value is decoded into what the first one left, and
the first wrong type counts even where a later value hides it) and texts nested deeper than Python's parser goes.

Nothing here recurses deeper than the language is nested. Source: Go's encoding/json, measured.
"""

from __future__ import annotations

import json

from ignition_py.spec.decode import Decoder, WrongType
from ignition_py.spec.jsonscan import TOKEN, check_syntax
from ignition_py.spec.jsontext import JsonOrigin, decode_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ignition_py.report.diag import Path
    from ignition_py.spec.jsontext import JsonDocument, JsonNode
    from ignition_py.spec.model import Field, Struct
    from ignition_py.spec.tables import Config

    _List = list[Any]
else:
    _List = list

_INT = 1 << 63
OBJECT, LIST, SCALAR = "object", "list", "scalar"


class Value:
    """A value and where it is. `pairs` are the keys of an object and its values in order, duplicates too."""

    __slots__ = ("kind", "offset", "pairs", "scalar")

    def __init__(self, kind: str, offset: int, scalar: Any = None) -> None:
        self.kind = kind
        self.offset = offset  # the byte that the reference names when the type is wrong
        self.scalar = scalar
        self.pairs: list[tuple[str, Value]] = []

    @property
    def is_null(self) -> bool:
        return self.kind == SCALAR and self.scalar is None

    def python(self) -> Any:
        """An example of the value's type, for messages."""
        return {} if self.kind == OBJECT else [] if self.kind == LIST else self.scalar


def values(data: bytes) -> Value:
    """The text as values. Raises JsonSyntaxError."""
    check_syntax(data)
    top = Value(LIST, 0)
    stack = [top]
    key: str | None = None
    for token in TOKEN.finditer(data):
        text, opened, closed, plain = token.groups()
        if closed is not None:
            stack.pop()
            continue
        inside = stack[-1]
        if text is not None and inside.kind == OBJECT and key is None:
            key = json.loads(decode_text(text))
            continue
        if opened is not None:
            value = Value(OBJECT if opened == b"{" else LIST, token.end())
        else:
            value = Value(SCALAR, token.end(), json.loads(decode_text(text)) if text is not None else _plain(plain))
        inside.pairs.append((key or "", value))
        key = None
        if opened is not None:
            stack.append(value)
    return top.pairs[0][1]


def _plain(text: bytes) -> Any:
    """A number, true, false or null. Numbers too long to be an integer of 64 bits are that, whatever they are."""
    if text in (b"true", b"false"):
        return text == b"true"
    if text == b"null":
        return None
    if text.lstrip(b"-").isdigit():
        return int(text) if len(text) < 24 else _INT
    return 0.5


def _folded(value: Value, name: str) -> list[Value]:
    return [below for key, below in value.pairs if key.casefold() == name and len(key) == len(name)]


class _Slice(_List):
    """A list that keeps what a shorter one hides: only the first `visible` items count."""

    visible = 0


class Stub:
    """What the reference reads first: the version, and nothing else. `error` is what it stumbles over, and where."""

    def __init__(self, root: Value) -> None:
        self.version = ""
        self.error: tuple[str, int] | None = None
        if root.is_null:
            return
        if not self._check(root, root.kind == OBJECT, "a config is an object"):
            return
        for ignition in _folded(root, "ignition"):
            if ignition.is_null:
                continue
            if not self._check(ignition, ignition.kind == OBJECT, "ignition has to be an object"):
                continue
            for version in _folded(ignition, "version"):
                if not version.is_null and self._check(
                    version, type(version.scalar) is str, "version has to be a string"
                ):
                    self.version = version.scalar

    def _check(self, value: Value, right: bool, wanted: str) -> bool:
        if not right and self.error is None:
            self.error = (wanted, value.offset)
        return right


class ExactDecoder(Decoder):
    """A Decoder whose `config()` reads the values of the text one after the other."""

    def __init__(self, document: JsonDocument, version: int) -> None:
        super().__init__(document, version)
        self.error: WrongType | None = None

    def config(self, cls: type[Config], root: Value) -> Config:
        """The text as a `cls`. Raises WrongType with its `offset` set."""
        raw: dict[str, Any] = {}
        if not root.is_null:
            self._into(cls, root, raw, ())
        if self.error is not None:
            raise self.error
        config: Config = self._frozen(cls, raw, ())
        self.document.tree()
        self._unused(config, ())
        return config

    def _into(self, cls: type[Struct], value: Value, raw: dict[str, Any], path: Path) -> None:
        known = self.fields(cls)
        for key, below in value.pairs:
            entry = known.get(key) or self._fold(cls, key)
            if entry is None:
                continue
            here = (*path, entry.json)
            if below.is_null:
                if entry.many or entry.optional or entry.nullable[0] <= self.version < entry.nullable[1]:
                    raw.pop(entry.name, None)
            elif not entry.many:
                raw[entry.name] = self._single(entry, below, raw.get(entry.name), here, in_list=False)
            elif below.kind != LIST:
                self._fail(here, below, entry, in_list=False)
            else:
                raw[entry.name] = self._list(entry, below, raw.get(entry.name) or _Slice(), here)

    def _list(self, entry: Field, value: Value, old: _Slice, path: Path) -> _Slice:
        """Items are decoded into those that stand there already, even into those that a shorter list has hidden."""
        made = _Slice(
            self._single(entry, item, old[i] if i < len(old) else None, (*path, i), in_list=True)
            for i, (_, item) in enumerate(value.pairs)
        )
        made.visible = len(made)
        if made:
            made += old[len(made) :]
        return made

    def _single(self, entry: Field, value: Value, old: Any, path: Path, *, in_list: bool) -> Any:
        if entry.struct is not None:
            raw: dict[str, Any] = {} if old is None else old
            if value.kind == OBJECT:
                self._into(entry.struct, value, raw, path)
            elif not value.is_null:
                self._fail(path, value, entry, in_list=in_list)
            return raw
        zero = {"str": "", "int": 0, "bool": False}[entry.kind]
        if value.is_null:
            return zero if old is None else old
        found = value.scalar
        if value.kind != SCALAR or type(found) is not type(zero) or (type(found) is int and not -_INT <= found < _INT):
            self._fail(path, value, entry, in_list=in_list)
            return zero
        return _whole(found) if type(found) is str else found

    def _fail(self, path: Path, value: Value, entry: Field, *, in_list: bool) -> None:
        if self.error is None:
            self.error = WrongType(path, value.python(), entry, in_list)
            self.error.offset = value.offset

    def _frozen(self, cls: type[Any], raw: dict[str, Any], path: Path) -> Any:
        values: dict[str, Any] = {"_origin": JsonOrigin(self.document, path)}
        for name, value in raw.items():
            entry = cls.FIELDS[name]
            here = (*path, entry.json)
            if entry.many:
                items = value[: value.visible]
                if entry.struct is not None:
                    items = [self._frozen(entry.struct, item, (*here, i)) for i, item in enumerate(items)]
                if items:
                    values[name] = tuple(items)
            else:
                values[name] = self._frozen(entry.struct, value, here) if entry.struct else value
        made = object.__new__(cls)
        made.__dict__.update(values)
        return made

    def _unused(self, struct: Struct, path: Path) -> None:
        """Keys that mean nothing, found as the reference finds them: in the last value of each key."""
        node = self.document.find(path)
        if node is None:
            return
        if not _is_object(self.document, node):
            self.mismatched.append(path)
            return
        known = self.fields(type(struct))
        self.unused += [(*path, key) for key in node.keys if key not in known]
        for entry in known.values():
            if entry.struct is None:
                continue
            value = struct.__dict__.get(entry.name)
            if entry.many:
                for i, item in enumerate(value or ()):
                    self._unused(item, (*path, entry.json, i))
            elif value is not None or not entry.nullable[0] <= self.version < entry.nullable[1]:
                self._unused(value if value is not None else entry.struct(), (*path, entry.json))


def _is_object(document: JsonDocument, node: JsonNode) -> bool:
    """Objects start behind their brace, and nothing else follows a brace that opens."""
    return document.data[node.start - 1 : node.start] == b"{"


def _whole(text: str) -> str:
    """Half a surrogate pair is no character; Go puts U+FFFD in its place."""
    if text.isascii():
        return text
    return "".join("\ufffd" if 0xD800 <= ord(char) < 0xE000 else char for char in text)
