"""Ansible's YAML inventory, the layout that everything else becomes.

all:
  vars: {gateway: 10.0.0.1}
  hosts: {n1: {address: 10.0.0.11/24}}
  children:
    workers: {hosts: {"n[2:5]": null}}
"""

from __future__ import annotations

import os

from butane_py.fleet.inventory.ansible import SECTIONS, GroupReader
from butane_py.fleet.inventory.document import Document, is_null, pairs, target
from butane_py.fleet.inventory.model import ALL, Inventory
from butane_py.yaml.source import MAPPING, Node
from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING

FOLDERS = ("group_vars", "host_vars")
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


@code(
    "inventory-folder",
    title="Variables of Ansible's lie beside the inventory, and are not read",
    why="group_vars and host_vars beside an inventory are Ansible's own; here hosts would have other values than there, or none.",
    fix="Let Ansible read them: ansible-inventory -i hosts.yaml --list > inventory.json, and name that file.",
    severity=WARNING,
)
def read(document: Document, root: Node, inventory: Inventory) -> None:
    """Adds the groups and hosts of the file; errors, and a warning of folders that only Ansible reads, go to the inventory's report."""
    for name in FOLDERS:
        if os.path.isdir(os.path.join(os.path.dirname(document.name), name)):
            message = f"{name} beside {document.name} is not read"
            entry = document.error("inventory-folder", message, None, f"ansible-inventory -i {document.name} --list > inventory.json")
            inventory.report.entries.append(entry.but(severity=WARNING))
    reader = GroupReader(document, inventory)
    reader.check_keys(root, "inventory-syntax")
    for key, value in pairs(root):
        reader.group(key, value)
