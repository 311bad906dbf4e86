"""Where in the config an entry stands, as text: disks' conflicts are collected, so each carries its own place."""

from __future__ import annotations

from ignition_py.report.diag import path_text
from ignition_py.spec.model import Struct


def at(entry: Struct) -> str:
    """` ($.storage.disks.0 line 7)`, "" for an entry that comes from no text."""
    place = entry.place()
    if place is None or not place.path:
        return ""
    line = f" line {place.line}" if place.line else ""
    source = f" of {place.source}" if place.source else ""
    return f" ({path_text(place.path)}{line}{source})"
