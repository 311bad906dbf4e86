"""JSON by the C code of the standard library, without the import of `re` and `enum` that `json` begins with.

That import costs 17 million instructions in each stage, with the journal on too: 40 are all that a stage with nothing to do
takes. Used in place of `json` by what every stage imports (`state.py`, `system/recorder.py`, `spec/jsontext.py` and others):
`from ignition_py import quickjson as json`. Whatever the C code refuses or cannot do is done over by `json` itself, so results
and errors are `json`'s own. Where an interpreter has no `_json`, or one with other signatures, everything is `json`'s.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing imports re
    from collections.abc import Callable
    from typing import Any

try:
    import _json
except ImportError:  # an interpreter without the C code
    _json = None  # type: ignore[assignment]

_SPACE = " \t\n\r"  # RFC 8259, section 2
_BLANK = b"\xef\xbb\xbf\xfe\xff\x00"  # begins a text that is not plain UTF-8, or stands in it


class _Settings:
    """What the C scanner reads off the decoder that it is given."""

    __slots__ = ("object_hook", "object_pairs_hook", "parse_constant", "parse_float", "parse_int", "strict")

    def __init__(self, pairs: Callable[..., Any] | None, constant: Callable[[str], Any] | None) -> None:
        self.strict = True
        self.object_hook = None
        self.object_pairs_hook = pairs
        self.parse_float = float
        self.parse_int = int
        self.parse_constant = constant or _CONSTANTS.__getitem__


_CONSTANTS = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}


def loads(
    text: str | bytes,
    *,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:
    """What `json.loads` gives. Raises ValueError (`json.JSONDecodeError`), and what the hooks raise."""
    if isinstance(text, bytes):
        head = text[:4]
        plain = None if any(byte in _BLANK for byte in head) else text.decode("utf-8", "surrogatepass")
    else:
        plain = text
    if plain is not None and _json is not None:
        try:
            settings: Any = _Settings(object_pairs_hook, parse_constant)
            scan = _json.make_scanner(settings)
            value, end = scan(plain, len(plain) - len(plain.lstrip(_SPACE)))
        except (StopIteration, TypeError, SystemError):  # the last: the C code does not import the error that it wants to raise
            end = -1
        if end == len(plain) or (end >= 0 and not plain[end:].strip(_SPACE)):
            return value
    import json

    return json.loads(text, object_pairs_hook=object_pairs_hook, parse_constant=parse_constant)


def dumps(
    data: Any, *, ensure_ascii: bool = True, separators: tuple[str, str] | None = None, indent: int | None = None
) -> str:
    """What `json.dumps` gives. Raises TypeError, ValueError, RecursionError."""
    between, after = separators or ((", ", ": ") if indent is None else (",", ": "))
    if indent is None and _json is not None and isinstance(data, dict | list | tuple):
        string = _json.encode_basestring_ascii if ensure_ascii else _json.encode_basestring
        try:
            encode = _json.make_encoder({}, _refuse, string, None, after, between, False, False, True)
        except TypeError:  # another signature
            pass
        else:
            return "".join(encode(data, 0))
    if indent and type(data) in (dict, list):
        return _indented(data, ensure_ascii, (between, after), "\n", " " * indent)
    import json

    return json.dumps(data, ensure_ascii=ensure_ascii, separators=separators, indent=indent)


def _indented(value: Any, ensure_ascii: bool, separators: tuple[str, str], line: str, step: str) -> str:
    """A value with each item on a line of its own; what has none is on one line, by the C code again."""
    if not value or type(value) not in (dict, list):
        return dumps([value], ensure_ascii=ensure_ascii)[1:-1]
    below = line + step
    items = []
    for key in value:
        item = value[key] if type(value) is dict else key
        if type(value) is dict and type(key) is not str:
            raise TypeError(f"keys must be str, not {type(key).__name__}")
        name = dumps([key], ensure_ascii=ensure_ascii)[1:-1] + separators[1] if type(value) is dict else ""
        items.append(name + _indented(item, ensure_ascii, separators, below, step))
    begin, end = "{}" if type(value) is dict else "[]"
    return f"{begin}{below}{(separators[0] + below).join(items)}{line}{end}"


def _refuse(value: object) -> Any:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
