"""What plain YAML text means: null, booleans, numbers, timestamps, or else a string.

The decoder asks for the values of fields that are no strings, the YAML writer whether a string could be taken for something else.
Source: the YAML 1.2 core schema with the additions of yaml.v3 (YAML 1.1 octals, binary numbers, underscores), which reads numbers
as Go's strconv does; measured.
"""

from __future__ import annotations

import re

STR, BOOL, INT, FLOAT, NULL = "!!str", "!!bool", "!!int", "!!float", "!!null"
TIMESTAMP, BINARY, MERGE = "!!timestamp", "!!binary", "!!merge"
RESOLVABLE = frozenset(("", STR, BOOL, INT, FLOAT, NULL, TIMESTAMP))
NULLS = frozenset(("", "~", "null", "Null", "NULL"))
BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INT_MAX = (1 << 63) - 1
INT_MIN = -(1 << 63)
UINT_MAX = (1 << 64) - 1

_WORDS: dict[str, tuple[str, object]] = {
    **dict.fromkeys(NULLS, (NULL, None)),
    **{word: (BOOL, value) for word, value in BOOLS.items()},
    **{word: (FLOAT, float("nan")) for word in (".nan", ".NaN", ".NAN")},
    **{
        sign + word: (FLOAT, float(f"{sign}inf"))
        for sign in ("", "+", "-")
        for word in (".inf", ".Inf", ".INF")
    },
}  # fmt: skip
_INT = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]*)|([1-9][0-9]*))", re.ASCII)
_PREFIXED = r"(-?)0([bo])([+-]?)([0-7]+)"
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DOTTED = r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?"
_TIMESTAMP = (  # compiled when it is needed
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(?:Z|[-+](\d\d):(\d\d))| (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?)?"
)
_BASES = (16, 2, 8, 8, 10)
_STARTS = frozenset("0123456789+-.")
_MOST_DIGITS = 80  # longer integers are out of every range; Python is slow with very long ones


def resolve(text: str, tag: str = "") -> tuple[str, object]:
    """The tag that plain `text` stands for, and its value. `tag` is the tag that is asked for, if any."""
    word = _WORDS.get(text)
    if word is not None:
        return word
    first = text[0]
    if first not in _STARTS:
        return STR, text
    if first == ".":
        value = _float(text) if re.fullmatch(_DOTTED, text) else None
        return (STR, text) if value is None else (FLOAT, value)
    if tag in ("", TIMESTAMP) and is_timestamp(text):
        return TIMESTAMP, text
    number = _number(text.replace("_", ""))
    if number is None:
        return STR, text
    return (INT if isinstance(number, int) else FLOAT), number


def _number(plain: str) -> int | float | None:
    found = _INT.fullmatch(plain)
    if found:
        digits, base = next((g, b) for g, b in zip(found.groups()[1:], _BASES, strict=True) if g is not None)
        value = int(digits or "0", base) if len(digits) <= _MOST_DIGITS else UINT_MAX + 1
        value = -value if found[1] == "-" else value
        if INT_MIN <= value <= (INT_MAX if found[1] else UINT_MAX):
            return value
    if _FLOAT.fullmatch(plain):
        return _float(plain)
    return _twice_signed(plain)


def _float(text: str) -> float | None:
    """None where the number is too large: it is a string then."""
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


def _twice_signed(plain: str) -> int | None:
    """`0o-7`: the reference reads what follows the prefix as a signed number."""
    found = re.fullmatch(_PREFIXED, plain) if plain[:1] in ("0", "-") else None
    if not found or (found[1] and found[3]) or (found[2] == "b" and set(found[4]) - {"0", "1"}):
        return None
    value = int(found[4], 2 if found[2] == "b" else 8) * (-1 if "-" in (found[1], found[3]) else 1)
    return value if INT_MIN <= value <= INT_MAX else None


def is_timestamp(text: str) -> bool:
    """Is it a date, or a date and a time, that exists?"""
    found = re.fullmatch(_TIMESTAMP, text, re.ASCII) if len(text) > 7 and text[4] == "-" else None
    if not found:
        return False
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= month <= 12 or not 1 <= day <= _days(year, month):
        return False
    hour, minute, second = (int(part or 0) for part in (found[4] or found[9], found[5] or found[10], found[6] or found[11]))
    return hour < 24 and minute < 60 and second < 60 and int(found[7] or 0) <= 24 and int(found[8] or 0) <= 60


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def truncated(number: float) -> int | None:
    """A float where an integer is wanted: its fraction is cut off. None where it is too large.

    What is below the range becomes the least number, and so does 2**63 itself, as on the reference's usual machines.
    """
    if not number <= float(INT_MAX):
        return None
    if number < float(INT_MIN) or number == float(INT_MAX):
        return INT_MIN
    return int(number)
