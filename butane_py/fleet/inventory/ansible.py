"""What both of Ansible's formats have in common: a tree of groups with `vars`, `hosts` and `children`.

Source: Ansible's documentation, "How to build your inventory", and the plugins `yaml` and `script`.
"""

from __future__ import annotations

from butane_py.fleet.inventory.document import Document, is_null, pairs, repeated, target
from butane_py.fleet.inventory.model import MOST_HOSTS, PRIORITY, Group, Host, Inventory, give, join
from butane_py.fleet.inventory.names import RangeError, expanded
from butane_py.linter.rule import near
from butane_py.yaml.source import MAPPING, SCALAR, SEQUENCE, Node

SECTIONS = ("vars", "hosts", "children")
UNSAFE, VAULT = "__ansible_unsafe", "__ansible_vault"


class GroupReader:
    """Reads groups of one file into an inventory."""

    def __init__(self, document: Document, inventory: Inventory) -> None:
        self._document = document
        self._inventory = inventory

    def group(self, key: Node, value: Node) -> Group | None:
        """Reads a group and the groups below it. None, with an error, where it is not a group."""
        value = target(value)
        if key.kind != SCALAR or not key.value:
            self._wrong("the name of a group is a text", key)
            return None
        group = self._inventory.group(key.value)
        if is_null(value):
            return group
        if value.kind != MAPPING:
            self._wrong(f"the group {key.value} is not a mapping of vars, hosts and children", value)
            return None
        for section, below in pairs(value):
            if section.value not in SECTIONS:
                message = f"unknown key `{section.value}` in the group {key.value}"
                close = near(section.value, SECTIONS)
                hint = f"did you mean {close}?" if close else "a group has vars, hosts and children"
                self._inventory.error(self._document, "inventory-syntax", message, section, hint)
            elif is_null(below):
                continue
            elif section.value == "vars":
                self._vars(group, below)
            elif section.value == "hosts":
                self._hosts(group, target(below))
            else:
                self._children(group, target(below))
        return group

    def _vars(self, group: Group, value: Node) -> None:
        for key, given in self.variables(target(value), group, f"vars of {group.name}"):
            if key.value == PRIORITY:
                self._priority(group, target(given))

    def _priority(self, group: Group, value: Node) -> None:
        text = value.value.strip()
        if value.kind != SCALAR or not text.removeprefix("-").isdecimal() or len(text) > 9:
            self._wrong(f"{PRIORITY} is not a number", value)
        else:
            group.priority = int(text)

    def _children(self, group: Group, value: Node) -> None:
        for key, below in self._named(value, "children", group):
            child = self.group(key, below) if below is not key else self._inventory.group(key.value)
            if child is not None and not self._inventory.add_child(group, child):
                self._wrong(f"the group {child.name} would be in itself: {group.name} is in it already", key)

    def _hosts(self, group: Group, value: Node) -> None:
        for key, below in self._named(value, "hosts", group):
            self.hosts(key, below if below is not key else None, group)

    def _named(self, value: Node, section: str, group: Group) -> list[tuple[Node, Node]]:
        """Names and what is below them; of a list, and of a single text, each name twice."""
        if value.kind == MAPPING:
            self.check_keys(value, "inventory-host-twice" if section == "hosts" else "inventory-syntax")
            found = list(pairs(value))
        elif value.kind == SEQUENCE:
            found = [(target(each), target(each)) for each in value.items]
        else:
            found = [(value, value)]
        for key, _ in found:
            if key.kind != SCALAR or not key.value:
                self._wrong(f"a name is a text in {section} of the group {group.name}", key)
        return [(key, below) for key, below in found if key.kind == SCALAR and key.value]

    def hosts(self, key: Node, value: Node | None, group: Group | None) -> None:
        """Reads the host, or the hosts of a range, that `key` names, with their variables (`value`)."""
        try:
            names = expanded(key.value, MOST_HOSTS)
        except RangeError as error:
            self._wrong(str(error), key)
            return
        for name in names:
            host = self._inventory.host(self._document, name, key)
            if host is None:
                continue
            if group is not None:
                join(host, group)
            if value is not None and not is_null(value):
                self.variables(target(value), host, f"the variables of {name}")

    def variables(self, value: Node, owner: Group | Host, of: str) -> list[tuple[Node, Node]]:
        """Reads a mapping of variables; the keys and values in it."""
        if value.kind != MAPPING:
            self._wrong(f"{of} are no mapping of names to values", value)
            return []
        self.check_keys(value, "inventory-syntax")
        found = list(pairs(value))
        for name, given in found:
            if name.kind != SCALAR:
                self._wrong("the name of a variable is a text", name)
                continue
            plain = self._unwrapped(name, target(given))
            if plain is not None:
                give(owner, name.value, plain, self._document)
        return found

    def _unwrapped(self, name: Node, value: Node) -> Node | None:
        """The value that Ansible has marked as not to be templated; None, with an error, for what Ansible Vault has encrypted."""
        inside = value.items[0] if value.kind == MAPPING and len(value.items) == 1 else None
        if value.tag == "!vault" or (inside is not None and inside[0].value == VAULT):
            self._inventory.error(
                self._document, "inventory-syntax", f"{name.value} is encrypted by Ansible Vault", value,
                "give it by --vars from a file that is decrypted elsewhere, or by --env",
            )  # fmt: skip
            return None
        if inside is not None and inside[0].value == UNSAFE:
            return target(inside[1])
        if value.tag == "!unsafe":
            untagged = Node(value.kind, value.line, value.column, value.value, "", plain=False)
            untagged.items, untagged.end = value.items, value.end
            return untagged
        return value

    def check_keys(self, value: Node, code: str) -> None:
        """Adds an error for each key that was there before."""
        for key, first in repeated(value):
            self._inventory.twice(self._document, code, key, first)

    def _wrong(self, message: str, node: Node) -> None:
        self._inventory.error(self._document, "inventory-syntax", message, node)
