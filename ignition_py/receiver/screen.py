"""The fleet for a person: on a terminal a table that is drawn anew, one line a machine; in a pipe a line for each change.

Table    standard output is a terminal        Lines    it is not        Objects    --format json: an object a line
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from typing import Protocol

from ignition_py.notify.event import FAILED, PROVISIONED
from ignition_py.receiver.fleet import RUNNING, WAITING, Fleet, Machine
from ignition_py.system import streams

_COLOURS = {FAILED: "31", RUNNING: "33", WAITING: "2", PROVISIONED: "32"}  # SGR codes
_COLUMNS = ("NAME", "STATE", "FOR", "STAGE", "WHAT", "CONFIG", "HASH", "OS")
_WIDEST = (24, 11, 8, 13, 60, 28, 12, 30)  # characters
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


class View(Protocol):
    """Shows the fleet: each change, the time that passes, the end."""

    def change(self, machine: Machine) -> None: ...

    def tick(self) -> None: ...

    def end(self) -> None: ...


def clean(text: str) -> str:
    """Text that no terminal acts on: what is not printable, which all control and direction characters are not, becomes `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)


def row(machine: Machine, now: float) -> tuple[str, ...]:
    """The columns of a machine."""
    report = machine.report
    place = report.get("written") or {"file": report.get("source"), "line": report.get("line")}
    config = f"{place.get('file') or ''}:{place['line']}" if place.get("line") else ""
    what = report.get("message") or ("" if machine.expected else "not in the inventory")
    cells = (
        machine.name, machine.state, spoken(now - machine.since), report.get("stage") or "", what, config,
        (report.get("config_sha512") or "")[:12], report.get("os") or "",
    )  # fmt: skip
    return tuple(clean(str(cell)) for cell in cells)


def spoken(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 5 min`."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def summary(fleet: Fleet) -> str:
    return ", ".join(f"{count} {state}" for state, count in fleet.counts().items())


def table(fleet: Fleet, columns: int, lines: int, now: float, *, colours: bool = False) -> list[str]:
    """The table and its summary in at most `lines` lines of `columns` characters; failed machines are shown first."""
    machines = fleet.machines()
    shown = machines[: max(lines - 3, 0)]
    rows = [_COLUMNS, *(row(machine, now) for machine in shown)]
    widths = [min(max(len(cells[index]) for cells in rows), widest) for index, widest in enumerate(_WIDEST)]
    text = [_line(cells, widths)[:columns] for cells in rows]
    if colours:
        text[1:] = [
            f"\x1b[{_COLOURS[machine.state]}m{line}\x1b[0m" for machine, line in zip(shown, text[1:], strict=True)
        ]
    if len(shown) < len(machines):
        text.append(f"and {len(machines) - len(shown)} more"[:columns])
    return [*text, summary(fleet)[:columns]]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = (
        cell if len(cell) <= width else f"{cell[: width - 1]}…" for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(f"{cell:{width}}" for cell, width in zip(fitted, widths, strict=True)).rstrip()


class Table:
    """Draws at each change and each tick. The screen is cleared once, so that it scrolls nothing away."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._colours = not os.environ.get("NO_COLOR")
        streams.write_stdout(f"{_HOME}{_REST}")

    def change(self, machine: Machine) -> None:
        """The next tick shows it."""

    def tick(self) -> None:
        size = shutil.get_terminal_size()
        drawn = table(self._fleet, size.columns, size.lines, time.time(), colours=self._colours)
        streams.write_stdout(
            _HOME + "".join(f"{line}{_REST_OF_LINE}\n" for line in drawn[:-1]) + drawn[-1] + _REST_OF_LINE + _REST
        )

    def end(self) -> None:
        self.tick()
        streams.write_stdout("\n")


class Lines:
    """A line for each change, with its time; the summary at the end."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def change(self, machine: Machine) -> None:
        name, state, _, stage, what, config, digest, system = row(machine, machine.since)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(machine.since))
        more = [f"in stage {stage}" if stage else "", what, config, f"config {digest}" if digest else "", system]
        streams.write_stdout(f"{at} {name}: {state}" + "".join(f", {part}" for part in more if part) + "\n")

    def tick(self) -> None:
        """Nothing changes by time alone."""

    def end(self) -> None:
        streams.write_stdout(f"{summary(self._fleet)}\n")


class Objects:
    """A JSON object a line for each change, as in the machine's file; `{"summary": {…}}` at the end."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def change(self, machine: Machine) -> None:
        streams.write_stdout(json.dumps(machine.data()) + "\n")

    def tick(self) -> None:
        """Nothing changes by time alone."""

    def end(self) -> None:
        streams.write_stdout(json.dumps({"summary": self._fleet.counts()}) + "\n")
