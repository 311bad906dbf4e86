"""Typed config objects to JSON: the last step of the compiler and of the executor's config cache.

Keys come in table order, absent and empty things are left out, strings are escaped as the reference's encoder does.
"""

from __future__ import annotations

from typing import Any

from ignition_py import quickjson as json
from ignition_py.spec.model import Struct

_ESCAPES = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def to_data(struct: Struct, version: int) -> dict[str, Any]:
    """`struct` as plain data. Fields required at `version` are written even where they are empty."""
    values = struct.__dict__
    data: dict[str, Any] = {}
    for name, entry in struct.FIELDS.items():
        value = values.get(name)
        if value is None:
            if entry.required_since <= version < entry.required_until:
                data[entry.json] = {} if entry.struct else entry.default if not entry.optional else ""
        elif entry.struct is None:
            if entry.many:
                if value:
                    data[entry.json] = list(value)
            elif entry.optional or value or entry.required_since <= version < entry.required_until:
                data[entry.json] = value
        elif entry.many:
            if value:
                data[entry.json] = [to_data(item, version) for item in value]
        else:
            below = to_data(value, version)
            if (
                below
                or entry.nullable[0] <= version < entry.nullable[1]
                or entry.required_since <= version < entry.required_until
            ):
                data[entry.json] = below
    return data


def to_json(data: dict[str, Any], *, indent: int | None = None) -> str:
    """`data` as the reference writes it: no spaces, or `indent` spaces a level."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":") if indent is None else (",", ": "), indent=indent)
    for char, escape in _ESCAPES.items():
        if char in text:
            text = text.replace(char, escape)
    if "\\b" in text or "\\f" in text:
        import re

        short = {"b": "\\u0008", "f": "\\u000c"}
        text = re.sub(r"\\(.)", lambda m: short.get(m[1], m[0]), text)
    return text
