"""Merging a child config into its parent, by the tables. Both have been validated and upgraded to one version.

Structures merge field by field and the child's values win; lists with a key merge entry by entry; `appended` lists are
put one behind the other; lists of one `namespace` (files, directories, links) take a path away from each other.
Source: "Config merging" of the Ignition operator notes.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ignition_py.spec.model import Field, Struct

S = TypeVar("S", bound=Struct)


def merge(parent: S, child: S) -> S:
    """`parent` with `child` merged into it; neither is changed, origins follow the values."""
    if not child.__dict__:
        return parent
    result = parent.but()
    values = result.__dict__
    names = _namespaces(child)
    for name, entry in type(child).FIELDS.items():
        old, new = parent.__dict__.get(name), child.__dict__.get(name)
        if entry.many:
            merged = _lists(entry, old or (), new or (), names.get(entry.namespace))
            if merged:
                values[name] = merged
            else:
                values.pop(name, None)
        elif new is not None:
            values[name] = merge(old, new) if entry.struct is not None and old is not None else new
        elif old is not None and not entry.optional and entry.struct is None:
            values[name] = entry.default
    _origins(parent, child, values)
    return result


def _origins(parent: Struct, child: Struct, values: dict[str, Any]) -> None:
    """The result comes from the child, but for the fields that only the parent has."""
    if child._origin is None:
        return
    sources = dict(child._sources or {})
    for name, entry in type(child).FIELDS.items():
        if name in parent.__dict__ and name not in child.__dict__:
            source = (parent._sources or {}).get(name) or (parent._origin.field(entry) if parent._origin else None)
            if source is not None:
                sources[name] = source
    values["_origin"] = child._origin
    if sources:
        values["_sources"] = sources
    else:
        values.pop("_sources", None)


def _namespaces(child: Struct) -> dict[str, dict[str | None, str]]:
    """For each namespace, the list in which the child has a key."""
    names: dict[str, dict[str | None, str]] = {}
    for name, entry in type(child).FIELDS.items():
        if entry.namespace:
            keys = names.setdefault(entry.namespace, {})
            for item in child.__dict__.get(name, ()):
                keys[item.key() if entry.struct is not None else item] = name
    return names


def _lists(
    entry: Field, old: tuple[Any, ...], new: tuple[Any, ...], places: dict[str | None, str] | None
) -> tuple[Any, ...]:
    if entry.appended:
        return old + new
    if entry.struct is None:
        kept = old if places is None else tuple([item for item in old if places.get(item, entry.name) == entry.name])
        known = set(old)
        return kept + tuple([item for item in new if item not in known])
    by_key = {item.key(): item for item in new}
    result = []
    for item in old:
        key = item.key()
        if places is not None and places.get(key, entry.name) != entry.name:
            continue
        other = by_key.get(key)
        if other is None:
            result.append(item)
        elif entry.name != "http_headers" or other.value is not None:
            result.append(merge(item, other))
    keys = {item.key() for item in old}
    result.extend(item for item in new if item.key() not in keys)
    return tuple(result)
