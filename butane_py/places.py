"""From a path in the output back to the place in a YAML text that made it."""

from __future__ import annotations

from butane_py.yaml.source import At
from ignition_py.report.diag import Path
from ignition_py.spec.model import Struct
from ignition_py.spec.origins import steps
from ignition_py.spec.tables import Node


def traced(root: Struct, path: Path, version: int, *, empty_too: bool) -> At | None:
    """What stands in a YAML text behind `path` (field names and indexes) of the output; None where the output has nothing there.

    `version` is the minor version of the output's spec: values that it requires are there even where they are
    empty. `empty_too` tells whether empty values count as there.
    """
    value: object = root
    origin = root._origin
    optional = False
    for step in steps(root, path):
        entry = step.entry
        if entry is not None:
            optional = entry.optional and not entry.required_at(version)
            always = not (optional or entry.many or entry.struct is not None)
            if not step.given and not always:
                return None
        elif not step.given:
            return None
        value, origin = step.value, step.origin
    if not empty_too and _blank(value, optional=optional, version=version):
        return None
    if empty_too and isinstance(value, Struct) and _void(value, version):
        return None
    return origin if isinstance(origin, At) else None


def _blank(value: object, *, optional: bool, version: int) -> bool:
    """True if a merge would keep nothing of this value."""
    if isinstance(value, Struct):
        return all(
            _blank(below, optional=entry.optional and not entry.required_at(version), version=version)
            for entry, below in value.items()
        )
    if isinstance(value, tuple):
        return all(_blank(item, optional=False, version=version) for item in value)
    return not value and not optional


def _void(struct: Struct, version: int) -> bool:
    """True if the reference forgets where the structure came from: all its values are zero, and it is no node."""
    if isinstance(struct, Node):
        return False
    for entry, value in struct.items():
        if entry.struct is not None and not entry.many:
            if entry.nullable[0] <= version < entry.nullable[1] or not _void(value, version):
                return False
        elif entry.many or entry.optional or value:
            return False
    return True
