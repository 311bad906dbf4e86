"""Inventories as plain JSON or YAML: a list of objects with `name` (or `host`), or a map of names to objects.

`groups` of an object is a list of the groups that the host is in.
"""

from __future__ import annotations

from butane_py.fleet.inventory.ansible import GroupReader
from butane_py.fleet.inventory.document import Document, is_null, pairs, target
from butane_py.fleet.inventory.model import Inventory, give, join
from butane_py.yaml.source import MAPPING, SCALAR, SEQUENCE, Node

TITLE = "a list of hosts, or a map of their names"
NAMES = ("name", "host")
GROUPS = "groups"


def recognises(root: Node) -> bool:
    """True for a list of mappings, and for a mapping of which every value is a mapping or null."""
    if root.kind == SEQUENCE:
        return all(target(each).kind == MAPPING for each in root.items)
    return root.kind == MAPPING and bool(root.items) and all(target(v).kind == MAPPING or is_null(v) for _, v in pairs(root))


def read(document: Document, root: Node, inventory: Inventory, *, secret: bool = False) -> None:
    """Adds the hosts of the file; errors go to the inventory's report. `secret` marks all values."""
    reader = GroupReader(document, inventory)
    seen: dict[str, Node] = {}
    if root.kind == MAPPING:
        reader.check_keys(root, "inventory-host-twice")
    for key, value in pairs(root) if root.kind == MAPPING else ((None, each) for each in root.items):
        below = target(value)
        name = key if key is not None else _name(below)
        if name is None or name.kind != SCALAR or not name.value:
            inventory.error(document, "inventory-name", "a host has no `name`", below, "give each item a key name")
            continue
        first = seen.setdefault(name.value, name)
        if first is not name and key is None:
            inventory.twice(document, "inventory-host-twice", name, first)
            continue
        _host(document, name, below, reader, inventory, secret=secret)


def _name(value: Node) -> Node | None:
    found = next(filter(None, (value.entry(name) for name in NAMES)), None)
    return target(found[1]) if found is not None else None


def _host(
    document: Document, name: Node, value: Node, reader: GroupReader, inventory: Inventory, *, secret: bool
) -> None:
    host = inventory.host(document, name.value, name)
    if host is None or is_null(value):
        return
    reader.check_keys(value, "inventory-syntax")
    for key, given in pairs(value):
        below = target(given)
        if key.kind != SCALAR:
            inventory.error(document, "inventory-syntax", "the name of a variable is a text", key)
        elif below is name:
            continue
        elif key.value == GROUPS and below.kind == SEQUENCE:
            for each in map(target, below.items):
                if each.kind == SCALAR and each.value:
                    join(host, inventory.group(each.value))
        else:
            give(host, key.value, below, document, secret=secret)
