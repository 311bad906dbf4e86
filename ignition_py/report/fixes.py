"""Applies the fixes that reports carry to the text they are about. Nothing here reads or writes files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ignition_py.record import Record
from ignition_py.report.diag import Fix, Report
from ignition_py.report.lines import Lines

_ROUNDS = 20  # a fix can make another one possible; more in a row than this is a circle


class Fixed(Record):
    """A text after its fixes: `applied` in the order of the text, round by round; `report` is what is left to say about it."""

    data: bytes
    applied: tuple[Fix, ...]
    report: Report


def apply(data: bytes, fixes: Iterable[Fix], *, is_json: bool = False) -> tuple[bytes, list[Fix]]:
    """The text with the fixes in it, and those that were applied: of fixes that overlap only the first.

    All other bytes stay as they are. A text that is not in its encoding is returned unchanged.
    """
    lines = Lines(data, is_json=is_json)
    if lines.mark + lines.text.encode(lines.encoding, "surrogatepass") != data:
        return data, []
    spans = []
    for fix in fixes:
        place = fix.place
        if 0 < place.line <= len(lines) and place.line <= place.end_line <= len(lines):
            start = lines.offset(place.line, place.column)
            end = lines.offset(place.end_line, place.end_column)
            if start < end <= len(lines.text):
                spans.append((start, end, fix))
    spans.sort(key=lambda span: span[:2])
    pieces: list[str] = []
    applied: list[Fix] = []
    at = 0
    for start, end, fix in spans:
        if start < at or lines.text[start:end] == fix.replacement:
            continue
        pieces += [lines.text[at:start], fix.replacement]
        applied.append(fix)
        at = end
    text = "".join([*pieces, lines.text[at:]])
    return lines.mark + text.encode(lines.encoding, "surrogatepass"), applied


def fixed(data: bytes, name: str, check: Callable[[bytes], Report], *, is_json: bool = False) -> Fixed:
    """The text `name` with all fixes that `check` reports, applied again until there are none left."""
    report = check(data)
    seen = {data}
    applied: list[Fix] = []
    for _ in range(_ROUNDS):
        wanted = [entry.fix for entry in report if entry.fix is not None and entry.fix.place.source == name]
        changed, done = apply(data, wanted, is_json=is_json)
        if not done or changed in seen:
            break
        seen.add(changed)
        data = changed
        applied += done
        report = check(data)
    return Fixed(data, tuple(applied), report)


def unified_diff(name: str, before: bytes, after: bytes) -> str:
    """The change as a unified diff, as `patch` takes it; empty where there is none."""
    from difflib import unified_diff as diff

    old, new = Lines(before), Lines(after)
    lines = diff(_kept(old.text), _kept(new.text), f"a/{name}".replace("a//", "/"), f"b/{name}".replace("b//", "/"))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _kept(text: str) -> list[str]:
    """The lines of a text as `patch` counts them, with their ends."""
    return [line + "\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])
