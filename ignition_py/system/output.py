"""What a program printed, cut down to what somebody reads: head and tail of a long text, and the lines that tell why it failed.

Where programs put the cause, seen with e2fsprogs, xfsprogs, btrfs-progs, dosfstools, mdadm, cryptsetup, util-linux: before their
usage text (mkfs.xfs prints that at every failure), behind it (cryptsetup), on standard output with the usage text on standard error
(mkfs.vfat), anywhere in the report of what was done.
"""

from __future__ import annotations

from collections.abc import Sequence

_USAGE = "usage:"  # how a usage text begins, in lower case
_ERRORS = (
    "error", "fail", "fatal", "cannot", "can't", "could not", "couldn't", "unable", "invalid", "illegal", "unknown", "unrecognized",
    "not found", "no such", "denied", "refus", "abort", "too small", "too large", "too big", "too many", "must be", "is not", "bad ",
    "busy", "no space", "corrupt", "missing",
)  # fmt: skip
_LONGEST = 2000  # characters of a line
_EDGE = 2  # lines of head and of tail that are shown beside errors from the middle


def excerpt(text: str, most: int) -> list[str]:
    """The lines of a text that are not empty. Of more than `most` the first and the last."""
    return _head_and_tail(_lines(text), most)


def cause(outputs: Sequence[str], program: str, most: int) -> list[str]:
    """At most `most` lines of a failed program that tell why: of the first of `outputs` that has more than a usage text.

    Of many lines the first and the last are taken and, in place of others beside them, those that speak of an error.
    """
    name = program.rpartition("/")[2]
    texts = [_lines(output) for output in outputs]
    lines = next(filter(None, (_without_usage(text, name) for text in texts)), None)
    if lines is None:  # nothing but usage texts, or nothing at all
        lines = next(filter(None, texts), [])
    middle = [line for line in lines[_EDGE : len(lines) - _EDGE] if _speaks_of_error(line)]
    if len(lines) <= most or not middle:
        return _head_and_tail(lines, most)
    middle = middle[: most - 2 * _EDGE - 1]
    return [*lines[:_EDGE], _left_out(len(lines) - 2 * _EDGE - len(middle)), *middle, *lines[-_EDGE:]]


def _lines(text: str) -> list[str]:
    return [line.rstrip()[:_LONGEST] for line in text.splitlines() if line.strip()]


def _without_usage(lines: Sequence[str], name: str) -> list[str]:
    """The lines before the usage text; behind its beginning those that the program says in its own name, and a last line of error."""
    start = next((index for index, line in enumerate(lines) if line.lower().startswith(_USAGE)), len(lines))
    rest = lines[start + 1 :]
    own = [line for line in rest[:-1] if line.startswith(f"{name}: ")]
    own += [line for line in rest[-1:] if not line[0].isspace() and _speaks_of_error(line)]
    return [*lines[:start], *own]


def _speaks_of_error(line: str) -> bool:
    lower = line.lower()
    return any(word in lower for word in _ERRORS)


def _head_and_tail(lines: list[str], most: int) -> list[str]:
    lines = [line.strip() for line in lines]
    if len(lines) <= most:
        return lines
    first = most // 2
    last = most - first - 1
    return [*lines[:first], _left_out(len(lines) - first - last), *lines[-last:]]


def _left_out(count: int) -> str:
    return f"[{count} lines left out]"
