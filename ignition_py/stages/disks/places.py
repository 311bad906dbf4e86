"""Where in the config an entry stands, as text: disks' conflicts are collected, so each carries its own place."""

from __future__ import annotations

from ignition_py.diag import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.spec.model import Struct


COMPILED = " (compiled)"  # ends the name of a text that a compiler has made, whose lines nobody has seen


def at(entry: Struct) -> str:
    """` ($.storage.disks.0 line 7)`, "" for an entry that comes from no text."""
    origin = entry._origin
    place = origin.place() if origin is not None else None
    if place is None or not place.path:
        return ""
    source = f" of {place.source}" if place.source else ""
    known = place.line and not place.source.endswith(COMPILED)
    return f" ({path_text(place.path)}{f' line {place.line}' if known else ''}{source})"
