"""What `ansible-inventory --list` prints, and any inventory script of Ansible's: groups, and the hosts' variables in `_meta.hostvars`.

With `--export` the variables of groups stay with the groups; without it they are merged into each host's.
Source: Ansible's documentation, "Developing dynamic inventory".
"""

from __future__ import annotations

from butane_py.fleet.inventory.ansible import GroupReader
from butane_py.fleet.inventory.document import Document, is_null, pairs, target
from butane_py.fleet.inventory.model import Inventory
from butane_py.yaml.source import MAPPING, SEQUENCE, Node

TITLE = "what ansible-inventory --list prints"
META, HOSTVARS = "_meta", "hostvars"


def recognises(root: Node) -> bool:
    """True for a mapping with `_meta`."""
    return root.kind == MAPPING and root.entry(META) is not None


def read(document: Document, root: Node, inventory: Inventory) -> None:
    """Adds the groups and hosts of the file; errors go to the inventory's report."""
    reader = GroupReader(document, inventory)
    reader.check_keys(root, "inventory-syntax")
    for key, value in pairs(root):
        if key.value == META:
            continue
        below = target(value)
        if below.kind == SEQUENCE:  # an old form of scripts: a group is the list of its hosts
            for each in below.items:
                reader.hosts(target(each), None, inventory.group(key.value))
        else:
            reader.group(key, value)
    meta = root.entry(META)
    hostvars = target(meta[1]).entry(HOSTVARS) if meta is not None and target(meta[1]).kind == MAPPING else None
    if hostvars is None or is_null(hostvars[1]):
        return
    found = target(hostvars[1])
    if found.kind != MAPPING:
        inventory.error(document, "inventory-syntax", "_meta.hostvars is not a mapping of hosts to variables", found)
        return
    reader.check_keys(found, "inventory-host-twice")
    for key, value in pairs(found):
        reader.hosts(key, value, None)
