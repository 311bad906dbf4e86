"""From a path in a config to the place in a source that caused it: the one way to find an origin.

Objects keep the origin of what made them (`_origin`) and, after merging or desugaring, of single fields (`_sources`).
The walk follows the path as far as it goes and takes the origin of the deepest thing that has one.
"""

from __future__ import annotations

from ignition_py.report.diag import Place
from ignition_py.spec.model import Origin, Struct, extended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.report.diag import Path


def place_of(root: Struct, path: Path) -> Place:
    """The place of what `path` (field names and indexes) names below `root`. What no source has keeps its path."""
    value: object = root
    origin: Origin | None = root._origin
    place: Place | None = None
    for part in path:
        name: str | int = part
        found: Origin | None = None
        if isinstance(value, Struct):
            entry = type(value).FIELDS.get(str(part))
            source = (value._sources or {}).get(str(part)) or value._origin or origin
            if entry is not None and source is not None:
                found = source.field(entry)
                name = source.spelled(entry)
            value = getattr(value, str(part), None)
        elif isinstance(value, tuple) and isinstance(part, int):
            value = value[part] if part < len(value) else None
            found = origin.item(part) if origin is not None else None
        if isinstance(value, Struct) and value._origin is not None:
            found = value._origin
        if found is not None and place is None:
            origin = found
        elif place is None:
            place = extended(origin.place() if origin else Place(()), name)
        else:
            place = extended(place, name)
    return place if place is not None else origin.place() if origin else Place(path)
