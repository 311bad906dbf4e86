"""From a path in a config to the source that caused what is there: the one walk over origins.

Objects keep the origin of what made them (`_origin`) and, after merging or desugaring, of single fields (`_sources`).
`steps` follows a path; `place_of` makes the place of a report of it, butane_py/places.py the path in the YAML text.
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.record import Record
from ignition_py.report.diag import Path, Place
from ignition_py.spec.model import Field, Origin, Struct, extended


class Step(Record):
    """One part of a path: the field (None for an index), its value, whether the config gives it, and where it came from."""

    part: str | int
    entry: Field | None
    value: object
    given: bool
    origin: Origin | None


def steps(root: Struct, path: Path) -> Iterator[Step]:
    """The parts of `path` (field names and indexes) below `root`. A value that is not there is None, its origin where it would be."""
    value: object = root
    origin: Origin | None = root._origin
    for part in path:
        entry, given = None, False
        if isinstance(value, Struct):
            entry = type(value).FIELDS.get(str(part))
            around = value._origin or origin
            origin = (value._sources or {}).get(str(part)) or (around.field(entry) if around and entry else None)
            given = str(part) in value.__dict__
            value = getattr(value, str(part), None)
        elif isinstance(value, tuple) and isinstance(part, int):
            given = part < len(value)
            value = value[part] if given else None
            origin = origin.item(part) if origin is not None else None
        else:
            value = origin = None
        if isinstance(value, Struct) and value._origin is not None:
            origin = value._origin
        yield Step(part, entry, value, given, origin)


def place_of(root: Struct, path: Path) -> Place:
    """The place of what `path` names below `root`: that of the deepest part that a source has, with the rest of the path."""
    known = root._origin
    place: Place | None = None
    for step in steps(root, path):
        if place is None and step.origin is not None:
            known = step.origin
            continue
        name = known.spelled(step.entry) if known is not None and step.entry is not None else step.part
        place = extended(place or (known.place() if known else Place(())), name)
    return place or (known.place() if known else Place(path))
