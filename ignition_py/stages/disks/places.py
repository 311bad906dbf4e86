"""Where in the config an entry stands, as text: disks' conflicts are collected, so each carries its own place."""

from __future__ import annotations

from ignition_py.report.diag import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.spec.model import Struct


COMPILED = " (compiled)"  # ends the name of a text that a compiler has made, whose lines nobody has seen


_butane: dict[str, bytes] = {}


def remember(name: str, text: bytes) -> None:
    """Has `at` lead from the config `name` to the Butane config that it was compiled from."""
    _butane[name] = text


def at(entry: Struct) -> str:
    """` ($.storage.disks.0 line 7)`, "" for an entry that comes from no text."""
    origin = entry._origin
    place = origin.place() if origin is not None else None
    if place is None or not place.path:
        return ""
    if place.source in _butane:
        from ignition_py.report.diag import Place
        from ignition_py.yaml_places import written

        name = place.source.removesuffix(COMPILED)
        place = written(Place(place.path, source=name), _butane[place.source]) or place
    source = f" of {place.source}" if place.source else ""
    known = place.line and not place.source.endswith(COMPILED)
    return f" ({path_text(place.path)}{f' line {place.line}' if known else ''}{source})"
