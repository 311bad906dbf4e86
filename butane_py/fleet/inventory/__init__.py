"""Inventories: the hosts that configs are built for, and their variables. Ansible's YAML layout is the native one.

    inventory = read_inventories(["hosts.yaml", "tf.json#hosts"])
    for host in inventory.hosts.values():
        ...

A format is a module here and a row in FORMATS; a file's format is told by its content, CSV by its suffix.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from butane_py.fleet.inventory import ansible_json, ansible_yaml, csv_table, hosts_list, terraform
from butane_py.fleet.inventory.document import STDIN, Document, read_bytes, refused, target
from butane_py.fleet.inventory.model import Inventory
from butane_py.yaml.source import MAPPING, SEQUENCE, Node
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ConfigError

Format: TypeAlias = "tuple[Callable[[Node], bool], Callable[[Document, Node, Inventory], None]]"

declare(
    "inventory-syntax",
    title="An inventory cannot be read",
    why="The file is not there, is neither YAML, JSON nor CSV, or is not laid out as any inventory that is known. Nothing is built.",
    fix="Correct the file, or make one that is known with ansible-inventory -i FILE --list > inventory.json.",
    wrong="all:\n  host:\n    n1: {address: 10.0.0.11/24}\n",
    right="all:\n  hosts:\n    n1: {address: 10.0.0.11/24}\n",
    inventory=True,
)
declare(
    "inventory-host-twice",
    title="An inventory has a host twice",
    why="Of two entries of one host only the last would count, and the first is lost without a word.",
    fix="Remove one of the two entries, or rename one of the hosts.",
    wrong="- {name: n1, address: 10.0.0.11/24}\n- {name: n1, address: 10.0.0.12/24}\n",
    right="- {name: n1, address: 10.0.0.11/24}\n- {name: n2, address: 10.0.0.12/24}\n",
    inventory=True,
)
declare(
    "inventory-name",
    title="A host's name cannot be used",
    why="The config of a host is written to a file of its name. A name that is empty, that has a slash or that differs from another "
    "only in upper and lower case leads to no file, to one somewhere else or to another host's.",
    fix="Rename the host.",
    wrong="all:\n  hosts:\n    Web: {address: 10.0.0.11/24}\n    web: {address: 10.0.0.12/24}\n",
    right="all:\n  hosts:\n    web1: {address: 10.0.0.11/24}\n    web2: {address: 10.0.0.12/24}\n",
    inventory=True,
)
declare(
    "host-unknown",
    title="There is no such host",
    why="--host names a host that the inventory does not have.",
    fix="Correct the name; without --host the configs of all hosts are built.",
)

FORMATS: tuple[Format, ...] = (
    (ansible_json.recognises, ansible_json.read),
    (ansible_yaml.recognises, ansible_yaml.read),
    (hosts_list.recognises, hosts_list.read),
)
TITLES = ", ".join(each.TITLE for each in (ansible_yaml, ansible_json, csv_table, hosts_list, terraform))


_SECTION = re.compile(rb"^\[[^\]\n\"{},]+\][ \t]*\r?$", re.M)  # of an INI file


def read_inventories(names: Sequence[str]) -> Inventory:
    """The hosts of all files; later files add to earlier ones and override them. `-` is standard input.

    What is wrong with single hosts is in the report of the inventory. Raises ConfigError for a file that cannot be read at all.
    """
    inventory = Inventory()
    for name in names:
        _read(name, inventory)
    inventory.finish()
    return inventory


def split_name(name: str) -> tuple[str, str]:
    """The file of `FILE#KEY`, and the key: "" where there is none. A file whose name has a # in it is that file."""
    if "#" not in name or os.path.exists(name):
        return name, ""
    path, _, key = name.rpartition("#")
    return path, key


def _read(name: str, inventory: Inventory) -> None:
    from butane_py.fleet.encrypted.reading import read_document  # which imports a module of this package

    path, chosen = split_name(name)
    data = read_bytes(path, "inventory-syntax")
    if path.lower().endswith(csv_table.SUFFIX):
        csv_table.read(path, data, inventory)
        return
    try:
        document = read_document("<stdin>" if path == STDIN else path, data, "inventory-syntax")
    except ConfigError as error:
        if _SECTION.search(data):
            raise refused(error.report.entries[0].but(hint=f"for an inventory of Ansible's in INI: {_listing(path)}")) from None
        raise
    inventory.files.append(document)
    root = target(document.root) if document.root is not None else None
    if root is None:
        raise refused(document.error("inventory-syntax", "the inventory is empty"))
    if terraform.recognises(root):
        _read_output(document, root, chosen, inventory)
        return
    if chosen:
        root = _chosen(document, root, chosen)
    for recognises, read in FORMATS:
        if recognises(root):
            read(document, root, inventory)
            return
    raise _unknown(document, root)


def _read_output(document: Document, root: Node, chosen: str, inventory: Inventory) -> None:
    """Reads an output of Terraform's. Raises ConfigError where the file has none of that name, or it holds no hosts."""
    found = terraform.output(root, chosen)
    if found is None:
        names = ", ".join(key.value for key, _ in root.items)
        message = f"there is no output {chosen}; there are {names}" if chosen else f"the file has several outputs: {names}"
        raise refused(document.error("inventory-syntax", message, root, f"choose one: {document.name}#OUTPUT"))
    value, sensitive = found
    if not hosts_list.recognises(value):
        message = "the output is neither a list of objects with `name` nor a map of names to objects"
        raise refused(document.error("inventory-syntax", message, value))
    hosts_list.read(document, value, inventory, secret=sensitive)


def _chosen(document: Document, root: Node, name: str) -> Node:
    """What stands at a key of the file. Raises ConfigError."""
    found = root.entry(name) if root.kind == MAPPING else None
    if found is None:
        raise refused(document.error("inventory-syntax", f"the file has no key {name} at its top", root))
    return target(found[1])


def _unknown(document: Document, root: Node) -> ConfigError:
    """The error of a text that is not an inventory, with the way out for what is known."""
    if root.kind == MAPPING and root.entry("plugin") is not None:
        message = "this configures an inventory plugin of Ansible"
        return refused(document.error("inventory-syntax", message, root, f"run {_listing(document.name)}"))
    if root.kind not in (MAPPING, SEQUENCE):
        return refused(document.error("inventory-syntax", "the text is neither a list nor a mapping", root))
    if _SECTION.search(document.text):
        return refused(document.error("inventory-syntax", "this looks like an inventory in INI", root, f"run {_listing(document.name)}"))
    lists = [key.value for key, value in root.items if target(value).kind == SEQUENCE] if root.kind == MAPPING else []
    hint = f"if the hosts are in it: {document.name}#{lists[0]}" if lists else f"known are {TITLES}"
    return refused(document.error("inventory-syntax", "the file is not laid out as an inventory", root, hint))


def _listing(name: str) -> str:
    return f"ansible-inventory -i {name} --list > inventory.json"
