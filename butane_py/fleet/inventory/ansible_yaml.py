"""Ansible's YAML inventory, the layout that everything else becomes.

all:
  vars: {gateway: 10.0.0.1}
  hosts: {n1: {address: 10.0.0.11/24}}
  children:
    workers: {hosts: {"n[2:5]": null}}
"""

from __future__ import annotations

from butane_py.fleet.inventory.ansible import SECTIONS, GroupReader
from butane_py.fleet.inventory.document import is_null, pairs, target
from butane_py.fleet.inventory.model import ALL
from butane_py.yaml.source import MAPPING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.fleet.inventory.document import Document
    from butane_py.fleet.inventory.model import Inventory
    from butane_py.yaml.source import Node

TITLE = "Ansible's YAML inventory"


def recognises(root: Node) -> bool:
    """True for a mapping with `all`, or whose values have no keys but `vars`, `hosts` and `children`, and one of the last two somewhere."""
    if root.kind != MAPPING:
        return False
    if root.entry(ALL) is not None:
        return True
    groups = [target(value) for _, value in pairs(root) if not is_null(value)]
    if not all(group.kind == MAPPING and all(key.value in SECTIONS for key, _ in pairs(group)) for group in groups):
        return False
    return any(group.entry("hosts") or group.entry("children") for group in groups)


def read(document: Document, root: Node, inventory: Inventory) -> None:
    """Adds the groups and hosts of the file; errors go to the inventory's report."""
    reader = GroupReader(document, inventory)
    reader.check_keys(root, "inventory-syntax")
    for key, value in pairs(root):
        reader.group(key, value)
