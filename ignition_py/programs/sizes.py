"""Sizes as people write and read them: `10G`, `10GiB` and `10240 MiB` are the same; `10GB` counts in thousands."""

from __future__ import annotations

import re

_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZE = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,9}))?\s*(?:([kmgtp]?)(ib|b)?)", re.IGNORECASE | re.ASCII)
_MOST = 1 << 63  # bytes


def size_of(text: str) -> int:
    """A size in bytes. K, M, G, T, P and KiB … PiB are powers of 1024, KB … PB of 1000. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or (not found[3] and (found[2] or (found[4] or "").lower() == "ib")):
        raise ValueError(f"{text!r} is not a size such as 512M, 10GiB or 10GB")
    power = _POWERS[found[3].lower()]
    scale: int = (1000 if power and (found[4] or "").lower() == "b" else 1024) ** power
    fraction = found[2] or ""
    size: int = int(found[1]) * scale + int(fraction or "0") * scale // 10 ** len(fraction)
    if not 0 < size < _MOST:
        raise ValueError(f"{text!r} is not a size that a disk can have")
    return size


def size_text(size: int) -> str:
    """Bytes in the largest unit that says it with one decimal at most, from MiB on: `9.5 GiB`, `1025 MiB`. What no unit says so
    is cut off: `3.9 GiB`."""
    units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    fitting = [(unit, name) for unit, name in units if size >= unit]
    exact = [(unit, name) for unit, name in fitting if unit >= 1 << 20 and size * 10 % unit == 0]
    for unit, name in (*exact, *fitting):
        tenths = size * 10 // unit
        return f"{tenths // 10} {name}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} {name}"
    return f"{size} B"
