"""JSON texts that Python's parser does not read as Go's does: keys given twice, numbers of any length, nesting of any depth.

Imported only for them. Nothing here recurses deeper than the language is nested. Source: Go's encoding/json, measured.
"""

from __future__ import annotations

import json

from ignition_py.spec.jsonscan import CLOSE, OPEN, STRING, TOKEN, check_syntax
from ignition_py.spec.jsontext import GivenTwice, decode_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _List = list[Any]
else:
    _List = list

_BEYOND = 1 << 63  # an integer that fits nowhere
_DIGITS = 24  # of a number that is read as it is written


class Cut(_List):
    """A list that a shorter one was decoded into: `hidden` items come back where a later one is longer again."""

    hidden: tuple[Any, ...] = ()


def values(data: bytes) -> Any:
    """The value of the text, with a GivenTwice for each key that is. Raises JsonSyntaxError."""
    check_syntax(data)
    top: list[Any] = []
    stack: list[Any] = [top]
    ends: list[dict[str, int]] = [{}]  # for each open object, where the value of each key so far is placed
    key: str | None = None
    for token in TOKEN.finditer(data):
        kind = token.lastindex
        if kind == CLOSE:
            stack.pop()
            ends.pop()
            continue
        inside = stack[-1]
        text = token[kind or 0]
        if kind == STRING and type(inside) is dict and key is None:
            key = json.loads(decode_text(text))
            continue
        value: Any = ({} if text == b"{" else []) if kind == OPEN else json.loads(decode_text(text)) if kind == STRING else _plain(text)
        if type(inside) is dict:
            assert key is not None
            _put(inside, ends[-1], key, value, token.end())
            key = None
        else:
            inside.append(value)
        if kind == OPEN:
            stack.append(value)
            ends.append({})
    return top[0]


def _put(inside: dict[str, Any], ends: dict[str, int], key: str, value: Any, end: int) -> None:
    if key not in inside:
        inside[key], ends[key] = value, end
        return
    given = inside[key]
    if type(given) is not GivenTwice:
        given = inside[key] = GivenTwice([given], [ends[key]])
    given.values.append(value)
    given.offsets.append(end)


def _plain(text: bytes) -> Any:
    """A number, true, false or null; of long numbers only what matters: that they do not fit."""
    if text in (b"true", b"false"):
        return text == b"true"
    if text == b"null":
        return None
    if text.lstrip(b"-").isdigit():
        return int(text) if len(text) < _DIGITS else _BEYOND
    return 0.5


def both(old: Any, new: Any) -> GivenTwice:
    """What two keys that mean one field were given."""
    before = old if type(old) is GivenTwice else GivenTwice([old], [-1])
    after = new if type(new) is GivenTwice else GivenTwice([new], [-1])
    return GivenTwice([*before.values, *after.values], [*before.offsets, *after.offsets])


def joined(old: Any, new: Any, *, null_clears: bool) -> Any:
    """What is left of `old` after `new` was decoded into it."""
    if new is None:
        return None if null_clears else old
    if type(old) is dict and type(new) is dict:
        kept = {key: value for key, value in old.items() if key not in new}  # first: order counts among keys of other case
        return kept | {key: both(old[key], value) if key in old else value for key, value in new.items()}
    if isinstance(old, list) and type(new) is list:
        before = [*old, *getattr(old, "hidden", ())]
        cut = Cut([both(before[i], item) if i < len(before) else item for i, item in enumerate(new)])
        cut.hidden = tuple(before[len(new) :]) if new else ()
        return cut
    return new
