"""Names of hosts: which can be one, which are the same, and the ranges of Ansible's (`node[01:20]`).

Source of the ranges: Ansible's documentation, "Adding ranges of hosts".
"""

from __future__ import annotations

import re

_MOST = 200  # bytes; NAME.ign.map has to fit into 255
_RANGE = re.compile(r"\[([^\[\]:]*):([^\[\]:]*)(?::([^\[\]:]*))?\]")
_LETTERS = re.compile("[a-z]{2}|[A-Z]{2}")
_PORT = re.compile(r"\[([^\[\]]+)\]:[0-9]+|([^:]+):[0-9]+")


class RangeError(ValueError):
    """A range of hosts that stands for none, or for too many."""


def name_problem(name: str) -> str:
    """Why a name cannot be that of a host, and of the files that are written for it; "" where it can."""
    if not name:
        return "a host has an empty name"
    if len(name.encode("utf-8", "surrogatepass")) > _MOST:
        return f"the host name {name[:20]}… is longer than {_MOST} bytes"
    if "/" in name or "\\" in name or name[0] in ".-":
        return f"{name!r} cannot be a host's name: it has a slash, or begins with a dot or a dash"
    if not name.isprintable() or name != name.strip():
        return f"{name!r} cannot be a host's name: it has characters that cannot be printed, or blanks around it"
    return ""


def same_name(name: str) -> str:
    """What names have in common that a file system may take for one."""
    if name.isascii():
        return name.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", name).casefold())


def _without_port(name: str) -> str:
    """`host` of `host:22` and of `[fe80::1]:22`."""
    found = _PORT.fullmatch(name)
    return found[1] or found[2] if found else name


def expanded(pattern: str, most: int) -> list[str]:
    """The names that a pattern stands for: each range `[from:to:step]` in it with all its values. Raises RangeError."""
    if pattern.startswith("[") and pattern != (name := _without_port(pattern)):
        return [name]
    names = [pattern]
    while found := _RANGE.search(names[0]):
        values = _values(found[1], found[2], found[3], most=most)
        if len(names) * len(values) > most:
            raise RangeError(f"{pattern} stands for more than {most:,} hosts")
        names = [_RANGE.sub(value, name, count=1) for name in names for value in values]
    return [_without_port(name) for name in names]


def _values(first: str, last: str, step: str | None, *, most: int) -> list[str]:
    shown = f"[{first}:{last}{f':{step}' if step is not None else ''}]"
    stride = int(step) if step and step.isascii() and step.isdigit() and len(step) < 10 else 1 if step is None else 0
    if not stride:
        raise RangeError(f"the step of {shown} is not a number above 0")
    if _LETTERS.fullmatch(first + last):
        values = [chr(code) for code in range(ord(first), ord(last) + 1, stride)]
    else:
        first = first or "0"
        if not (first + last).isascii() or not first.isdigit() or not last.isdigit() or len(first + last) > 40:
            raise RangeError(f"{shown} is not a range of numbers or letters, such as [01:20] or [a:f]")
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if width and width != len(last):
            raise RangeError(f"both ends of {shown} need the same number of digits")
        if (int(last) - int(first)) // stride > most:
            raise RangeError(f"{shown} stands for more than {most:,} hosts")
        values = [str(number).zfill(width) for number in range(int(first), int(last) + 1, stride)]
    if not values:
        raise RangeError(f"{shown} stands for no host: it ends before it begins")
    return values
