"""For people: one machine as a table, many as a line each and their differences grouped."""

from __future__ import annotations

from collections.abc import Sequence

from ignition_py.check.findings.row import DIFFERENT, IGNORED, OTHERS, STATE_NAMES, UNSEEN
from ignition_py.check.result import DIFFERS, NOT_ASKED, UNKNOWN, Checked, grouped
from ignition_py.check.table import place_text, table
from ignition_py.system.rootfs import shown

_NAMED = 8  # hosts that a group names
_COLOURS = {DIFFERS: "31;1", NOT_ASKED: "33;1", UNKNOWN: "33"}


def one(result: Checked, *, colour: bool) -> str:
    """The table of one machine and a verdict; why there is none."""
    if result.why:
        return f"{shown(result.target.name)} could not be asked: {shown(result.why)}\n"
    lines = table(result.rows, colour=colour) if result.rows else []
    return "\n".join([*lines, "", _painted(verdict(result), result.state, colour), ""])


def verdict(result: Checked) -> str:
    """`2 of 41 items differ, 3 not looked at`."""
    total = len(result.rows)
    counts = [(DIFFERENT, "differ"), (UNSEEN, STATE_NAMES[UNSEEN]), (OTHERS, STATE_NAMES[OTHERS]), (IGNORED, STATE_NAMES[IGNORED])]
    words = [f"{count} {word}" for state, word in counts if (count := result.counted(state))]
    head = "as the config says" if result.ok else ""
    return ", ".join([*([head] if head else []), *words]) + f" ({total} {'item' if total == 1 else 'items'})"


def many(results: Sequence[Checked], *, colour: bool) -> str:
    """A line for each machine, then the rows that are not as the config says, each once with the machines that have it."""
    width = max((len(shown(result.target.name)) for result in results), default=0)
    lines = []
    for result in results:
        text = f"could not be asked: {shown(result.why)}" if result.why else verdict(result)
        lines.append(f"{shown(result.target.name):<{width}}  {_painted(text, result.state, colour)}")
    groups = grouped(results)
    lines += [""] if groups else []
    for group in groups:
        row, hosts = group.row, group.hosts
        found = row.found if row.state == UNSEEN else f"{row.found} found"
        count = f"in {len(hosts)} hosts" if len(hosts) > 1 else "in 1 host"
        names = ", ".join(map(shown, hosts[:_NAMED])) + (f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else "")
        lines.append(f"{shown(f'{row.kind} {row.name}')}: {shown(row.wanted)} wanted, {shown(found)}, {count}: {names}")
        lines += [f"    {place}"] if (place := place_text(row.place)) else []
    return "\n".join([*lines, ""])


def _painted(text: str, state: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS.get(state, '32')}m{text}\x1b[0m" if colour else text
