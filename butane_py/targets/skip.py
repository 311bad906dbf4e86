"""Leaving entries out: `skip: [storage.raid, systemd.units.app.service, passwd.users.ops.password_hash]`.

An entry of skip is a section, an entry of a list by its key (name, path, device) or its number, or a field of one or of all
entries. It names what the config says as it is written, or as it is desugared, or a fact of the section `machine`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from butane_py.targets.plan import Facts
from ignition_py.report.diag import Path
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.tables import Config

if TYPE_CHECKING:
    from butane_py.yaml.source import Node, Source

S = TypeVar("S", bound=Struct)

_IDENTITIES = ("name", "path", "device")  # fields that entries of lists are known by
# What `machine.NAME` is among the facts, and the attribute that tells the entries of a list apart.
_FACTS = {
    "hostname": ("hostname", ""),
    "timezone": ("timezone", ""),
    "time_servers": ("time_servers", "value"),
    "sysctl": ("sysctl", "key"),
    "kernel_modules": ("modules", "name"),
    "ca_certificates": ("certificates", "name"),
    "proxy": ("proxy", ""),
    "registry_mirrors": ("mirrors", "registry"),
}


def without(config: Config, facts: Facts, entry: str, source: Source | None) -> tuple[Config, Facts] | None:
    """The config and the facts without what `entry` names; None where it names nothing."""
    if not entry:
        return None
    if entry.startswith("machine.") or entry == "machine":
        left = _without_facts(facts, entry.removeprefix("machine").lstrip("."))
        return None if left is None else (config, left)
    changed = _without(config, entry)
    path = _written(source.root, entry, ()) if source is not None else None
    if path is not None:  # what sugar made of the entry goes with it
        before = changed if changed is not None else config
        after = _without_origin(before, path)
        changed = after if after is not before else changed
    if changed is not None:
        users = {user.name for user in changed.passwd.users}
        return changed, facts.but(admins=tuple(admin for admin in facts.admins if admin.name in users))
    name = entry.removeprefix("passwd.users.").removesuffix(".admin")
    if entry.endswith(".admin") and any(admin.name == name for admin in facts.admins):
        return config, facts.but(admins=tuple(admin for admin in facts.admins if admin.name != name))
    return None


def _without_facts(facts: Facts, rest: str) -> Facts | None:
    """The facts of the section `machine` without those that `rest` names, a path below the section."""
    if not rest:
        return Facts(admins=facts.admins, quadlets=facts.quadlets)
    name, _, key = rest.partition(".")
    if name not in _FACTS:
        return None
    attribute, identity = _FACTS[name]
    value = getattr(facts, attribute)
    if not key:
        return facts.but(**{attribute: () if isinstance(value, tuple) else None}) if value else None
    if name == "proxy" and value is not None and key in ("http", "https", "no_proxy"):
        return facts.but(proxy=value.but(**{key: () if key == "no_proxy" else None})) if getattr(value, key) else None
    if not isinstance(value, tuple):
        return None
    left = tuple(each for index, each in enumerate(value) if getattr(each, identity) != key and str(index) != key)
    return facts.but(**{attribute: left}) if len(left) < len(value) else None


def _without(struct: S, rest: str) -> S | None:
    """A structure without what `rest` names below it; None where that is nothing."""
    for name, entry in type(struct).FIELDS.items():
        if name not in struct.__dict__ or not (rest == name or rest.startswith(f"{name}.")):
            continue
        if rest == name:
            return struct.but(**{name: None})
        value, below = struct.__dict__[name], rest[len(name) + 1 :]
        if entry.many:
            items = _without_item(entry, value, below)
            return None if items is None else struct.but(**{name: items or None})
        if isinstance(value, Struct):
            changed = _without(value, below)
            return None if changed is None else struct.but(**{name: changed})
    return None


def _without_item(entry: Field, items: tuple[object, ...], rest: str) -> tuple[object, ...] | None:
    """A list without the item that `rest` names by key or number, or with a field of one or of all items left out."""
    for index, item in enumerate(items):
        for key in (*_keys(item), str(index)):
            if key and rest == key:
                return items[:index] + items[index + 1 :]
            if key and rest.startswith(f"{key}.") and isinstance(item, Struct):
                changed = _without(item, rest[len(key) + 1 :])
                if changed is not None:
                    return (*items[:index], changed, *items[index + 1 :])
    if entry.struct is None:
        return None
    changed_items = [_without(item, rest) if isinstance(item, Struct) else None for item in items]
    if not any(changed_items):
        return None
    return tuple(changed or item for changed, item in zip(changed_items, items, strict=True))


def _keys(item: object) -> tuple[str, ...]:
    """What an item of a list is known by: an argument by itself, an entry by its name, its path or its device."""
    if not isinstance(item, Struct):
        return (str(item),)
    return tuple(str(item.__dict__[name]) for name in _IDENTITIES if item.__dict__.get(name))


def _written(node: Node | None, rest: str, path: Path) -> Path | None:
    """The path in the YAML text that `rest` names: keys, and entries of lists by key or number."""
    if not rest:
        return path
    if node is None:
        return None
    for key, child in _children(node):
        if rest == key or rest.startswith(f"{key}."):
            part: str | int = child[0]
            found = _written(child[1], rest[len(key) + 1 :], (*path, part))
            if found is not None:
                return found
    return None


def _children(node: Node) -> Iterable[tuple[str, tuple[str | int, Node]]]:
    """What a node has below it, by the names that skip may use."""
    from butane_py.yaml.source import MAPPING, SEQUENCE

    if node.kind == MAPPING:
        for key, value in node.items:
            yield key.value, (key.value, value)
    elif node.kind == SEQUENCE:
        for index, item in enumerate(node.items):
            yield str(index), (index, item)
            for name in _IDENTITIES:
                found = item.entry(name) if item.kind == MAPPING else None
                if found is not None:
                    yield found[1].value, (index, item)


def _without_origin(config: Config, path: Path) -> Config:
    """The config without the nodes and units that the YAML at `path` stands behind."""
    storage, systemd = config.storage, config.systemd
    kept = {
        name: tuple(node for node in getattr(storage, name) if not _from(node, path))
        for name in ("files", "directories", "links")
    }
    units = tuple(unit for unit in systemd.units if not _from(unit, path))
    same = all(len(kept[name]) == len(getattr(storage, name)) for name in kept)
    if same and len(units) == len(systemd.units):
        return config
    storage = storage.but(**{name: nodes or None for name, nodes in kept.items()})
    return config.but(storage=storage, systemd=systemd.but(units=units or None))


def _from(struct: Struct, path: Path) -> bool:
    """True if the structure was made from the YAML at `path` or below."""
    origin = getattr(struct._origin, "path", None)
    return origin is not None and origin[: len(path)] == path
