"""From a path in the output back to the path in the YAML text that made it."""

from __future__ import annotations

from butane_py.yaml.source import At
from ignition_py.spec.model import Struct
from ignition_py.spec.tables import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.report.diag import Path
    from ignition_py.spec.model import Origin


def traced(root: Struct, path: Path, version: int, *, empty_too: bool) -> Path | None:
    """The YAML path behind `path` (field names and indexes) of the output; None where the output has nothing there.

    `version` is the minor version of the output's spec: values that it requires are there even where they are
    empty. `empty_too` tells whether empty values count as there.
    """
    value: object = root
    origin: Origin | None = root._origin
    entry_optional = False
    for part in path:
        if isinstance(value, Struct):
            entry = type(value).FIELDS.get(str(part))
            if entry is None:
                return None
            optional = entry.optional and not entry.required_at(version)
            if entry.name not in value.__dict__ and (optional or entry.many or entry.struct is not None):
                return None
            own = (value._sources or {}).get(entry.name)
            base = value._origin or origin
            origin = own or (base.field(entry) if base is not None else None)
            entry_optional = optional
            value = getattr(value, entry.name)
        elif isinstance(value, tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
            origin = origin.item(part) if origin is not None else None
        else:
            return None
        if isinstance(value, Struct) and value._origin is not None:
            origin = value._origin
    if not empty_too and _blank(value, optional=entry_optional, version=version):
        return None
    if empty_too and isinstance(value, Struct) and _void(value, version):
        return None
    return origin.path if isinstance(origin, At) else None


def _blank(value: object, *, optional: bool, version: int) -> bool:
    """Has the value nothing in it that a merge would keep?"""
    if isinstance(value, Struct):
        return all(
            _blank(below, optional=entry.optional and not entry.required_at(version), version=version)
            for entry, below in value.items()
        )
    if isinstance(value, tuple):
        return all(_blank(item, optional=False, version=version) for item in value)
    return not value and not optional


def _void(it: Struct, version: int) -> bool:
    """Does the reference keep no track of the structure? It does not where every value is zero; of nodes it always does."""
    if isinstance(it, Node):
        return False
    for entry, value in it.items():
        if entry.struct is not None and not entry.many:
            if entry.nullable[0] <= version < entry.nullable[1] or not _void(value, version):
                return False
        elif entry.many or entry.optional or value:
            return False
    return True
