"""JSON texts that Python's parser does not read as Go's does: keys given twice (in any case), long numbers, deep nesting.

Go decodes each value of such a key into what the ones before have left, and the first wrong type counts even where a later value
replaces it. Imported only for them. Nothing here recurses deeper than the language is nested. Source: Go's encoding/json, measured.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from ignition_py.record import Record, field
from ignition_py.report.diag import Path
from ignition_py.spec.decode import Decoder, WrongType, fits
from ignition_py.spec.jsonnode import decode_text
from ignition_py.spec.jsonscan import CLOSE, OPEN, STRING, TOKEN, check_syntax
from ignition_py.spec.model import Field, Struct

S = TypeVar("S", bound=Struct)

_BEYOND = 1 << 63  # an integer that fits nowhere
_DIGITS = 24  # of a number that is read as it is written


class Value(Record):
    """A value: as Python's parser reads it, the byte that an error about it is placed at, and all pairs of an object or items of a list."""

    plain: Any
    offset: int
    pairs: list[tuple[str, Value]] = field(default_factory=list)


class _Slice(list[Any]):
    """A list of which only the first `visible` items count: the others come back where a later list is longer again."""

    visible = 0


def values(data: bytes) -> Value:
    """The value of the text. Raises JsonSyntaxError."""
    check_syntax(data)
    stack = [Value([], 0)]
    key: str | None = None
    for token in TOKEN.finditer(data):
        kind = token.lastindex or 0
        if kind == CLOSE:
            stack.pop()
            continue
        inside = stack[-1]
        in_object = type(inside.plain) is dict
        if kind == STRING and in_object and key is None:
            key = json.loads(decode_text(token[kind]))
            continue
        value = Value(_plain(kind, token[kind]), token.end())
        inside.pairs.append((key or "", value))
        if in_object:
            inside.plain[key] = value.plain
        else:
            inside.plain.append(value.plain)
        key = None
        if kind == OPEN:
            stack.append(value)
    return stack[0].pairs[0][1]


def _plain(kind: int, text: bytes) -> Any:
    """A value without what is inside; of long numbers only what matters: that they do not fit."""
    if kind == OPEN:
        return {} if text == b"{" else []
    if kind == STRING:
        return json.loads(decode_text(text))
    if text in (b"true", b"false"):
        return text == b"true"
    if text == b"null":
        return None
    if text.lstrip(b"-").isdigit():
        return int(text) if len(text) < _DIGITS else _BEYOND
    return 0.5


def whole(decoder: Decoder, cls: type[S], root: Value) -> S:
    """The text as a `cls`. Raises WrongType.

    Keys without meaning are looked for as the reference does: in the last value of each key, in as many items as the decoded list has.
    """
    if root.plain is not None and type(root.plain) is not dict:
        raise WrongType((), root.plain, None, False, root.offset)
    raw: dict[str, Any] = {}
    _into(decoder, cls, root, raw, ())
    visible = _visible(raw)
    decoded = decoder.struct(cls, visible, ())
    del decoder.unused[:], decoder.mismatched[:]
    decoder.repeats = True
    decoder.struct(cls, root.plain or {}, ())
    decoder.unused = [path for path in decoder.unused if _reached(visible, path[:-1])]
    decoder.mismatched = [path for path in decoder.mismatched if _reached(visible, path if type(path[-1]) is int else path[:-1])]
    return decoded


def _into(decoder: Decoder, cls: type[Struct], value: Value, raw: dict[str, Any], path: Path) -> None:
    """Decodes an object into what `raw` holds already, by the fields' own spellings. Raises WrongType."""
    for key, below in value.pairs:
        entry = decoder.field(cls, key)
        if entry is None:
            continue
        here = (*path, key)
        old = raw.get(entry.json)
        if below.plain is None:
            if entry.many or entry.optional or entry.nullable[0] <= decoder.version < entry.nullable[1]:
                raw.pop(entry.json, None)
        elif not entry.many:
            raw[entry.json] = _single(decoder, entry, below, old, here, in_list=False)
        elif type(below.plain) is list:
            raw[entry.json] = _list(decoder, entry, below, old or _Slice(), here)
        else:
            raise WrongType(here, below.plain, entry, False, below.offset)


def _list(decoder: Decoder, entry: Field, value: Value, old: _Slice, path: Path) -> _Slice:
    """Items are decoded into those that stand there already, even into those that a shorter list has hidden."""
    items = _Slice(
        _single(decoder, entry, item, old[i] if i < len(old) else None, (*path, i), in_list=True)
        for i, (_, item) in enumerate(value.pairs)
    )
    items.visible = len(items)
    if items:
        items += old[len(items) :]
    return items


def _single(decoder: Decoder, entry: Field, value: Value, old: Any, path: Path, *, in_list: bool) -> Any:
    if value.plain is None:
        return {} if old is None and entry.struct is not None else old
    if not fits(entry, value.plain):
        raise WrongType(path, value.plain, entry, in_list, value.offset)
    if entry.struct is None:
        return value.plain
    raw: dict[str, Any] = {} if old is None else old
    _into(decoder, entry.struct, value, raw, path)
    return raw


def _visible(raw: Any) -> Any:
    """`raw` without the hidden items of its lists."""
    if type(raw) is dict:
        return {key: _visible(value) for key, value in raw.items()}
    return [_visible(item) for item in raw[: raw.visible]] if type(raw) is _Slice else raw


def _reached(raw: Any, path: Path) -> bool:
    """True if `raw` has a value at `path`."""
    for part in path:
        if part not in (raw if type(raw) is dict else range(len(raw))):
            return False
        raw = raw[part]
    return True
