"""Reads the failure screen (ignition_py/failure.py writes it) back from a machine's console.

Console lines -> Screen -> the entry of the config that is to blame; where the config has a source map, the line of its YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ignition_py.failure_screen import unwrapped

_HEAD = re.compile(r"^(?:.*: )?Ignition failed in stage ([a-z-]+)$")
_PLACES = ("  written as: ", "  asked for by: ")  # the author's own first
_PLACE = re.compile(r"(?:(\$[^ ,]*)(?:, )?)?(?:line (\d+) col (\d+))?(?: of (.*))?")


class Screen:
    """The lines of a failure screen, and what can be told from them."""

    __slots__ = ("column", "entry", "line", "lines", "message", "source", "stage")

    def __init__(self, stage: str, lines: Sequence[str]) -> None:
        self.stage = stage
        self.lines = list(lines)
        whole = unwrapped(lines)
        self.message = whole[1].strip() if len(whole) > 1 else ""
        self.entry = self.source = ""
        self.line = self.column = 0
        named = (line.removeprefix(name) for name in _PLACES for line in whole if line.startswith(name))
        found = _PLACE.fullmatch(next(named, ""))
        if found is not None:
            self.entry, self.source = found[1] or "", found[4] or ""
            self.line, self.column = int(found[2] or 0), int(found[3] or 0)

    def data(self) -> dict[str, Any]:
        return {
            "stage": self.stage, "message": self.message, "entry": self.entry or None, "source": self.source or None,
            "line": self.line or None, "column": self.column or None, "screen": self.lines,
        }  # fmt: skip


def of_result(found: dict[str, Any] | None) -> Screen | None:
    """The screen by the line for programs, where the console has none that is whole (marker.py); None for another event."""
    if found is None or found["event"] != "failed":
        return None
    stage = str(found.get("stage") or "unknown")
    screen = Screen(stage, [f"Ignition failed in stage {stage}", f"  {found.get('message') or ''}"])
    screen.entry, screen.source = str(found.get("entry") or ""), str(found.get("source") or "")
    line, column = found.get("line"), found.get("column")
    if isinstance(line, int) and isinstance(column, int):
        screen.line, screen.column = line, column
    return screen


def read(console: Iterable[str]) -> Screen | None:
    """The last failure screen on the console, which is whole; None where there is none."""
    found: Screen | None = None
    lines: list[str] = []
    stage = ""
    for text in [*console, ""]:
        head = _HEAD.match(text)
        if head is None and stage and text.startswith("  "):
            lines.append(text)
            continue
        if stage and (len(lines) > 1 or found is None):
            found = Screen(stage, lines)
        stage, lines = (head[1], [f"Ignition failed in stage {head[1]}"]) if head is not None else ("", [])
    return found
