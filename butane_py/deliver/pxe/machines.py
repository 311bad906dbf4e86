"""The machines of a boot tree: from the folder of a build (its manifest.json and configs) and, for their addresses, an inventory.

    read(folder, variables, inventory) -> Found(machines, configs, report)

What is wrong with a machine is an entry at the line of the inventory, or of the manifest where no inventory is given.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from butane_py.deliver.ignition_file import problem_of
from butane_py.deliver.pxe.model import MAC, UUID, Boot, Config, Machine
from butane_py.deliver.pxe.words import MOST_BYTES, hostile, is_name
from butane_py.fleet import manifest, values
from butane_py.fleet.forms import FORMS
from butane_py.fleet.inventory.document import Document, parse, read_bytes, refused, yaml_entry
from butane_py.fleet.inventory.model import Inventory
from butane_py.fleet.precedence import host_values
from butane_py.fleet.values import LIST, LOOSE, TEXT, Layer, Value
from butane_py.yaml.source import MAPPING, Node, YamlError
from ignition_py.record import KW_ONLY, Record, field
from ignition_py.report.catalog import way_out
from ignition_py.report.diag import ERROR, WARNING, Entry, Place, Related, Report
from ignition_py.system.streams import reason

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NAME_DIGITS = 16  # of the SHA-512, in the name of a config's file


class Variables(Record):
    """The variables that hold what is special to a machine: `key` its MAC addresses (or UUID: `by`), kernel arguments, DHCP address."""

    key: str
    _: KW_ONLY
    by: str = MAC
    arguments: str = ""
    address: str = ""


class Found(Record):
    """The machines, the configs by the names of their files, and what is wrong. `documents` are the files that places name."""

    machines: list[Machine] = field(default_factory=list)
    configs: dict[str, Config] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    documents: list[Document] = field(default_factory=list)


def read(folder: str, variables: Variables, inventory: Inventory | None) -> Found:
    """All machines of a build's folder. Raises ConfigError where the manifest cannot be read."""
    path = os.path.join(folder, manifest.NAME)
    if not os.path.lexists(path):
        hint = f"build the folder first: butane-py build CONFIG --inventory FILE --output-dir {folder}"
        raise refused(Entry(ERROR, "pxe-config", "there is no manifest of a build", Place((), source=path), hint))
    document = parse(path, read_bytes(path, "pxe-config"), "pxe-config")
    hosts = _hosts(document)
    return _Reader(folder, variables, inventory, document).machines(hosts, manifest.read(folder).hosts)


def _hosts(document: Document) -> dict[str, tuple[Node, Node]]:
    """The nodes of the hosts of a manifest: name and entry. Raises ConfigError."""
    root = document.root
    found = root.entry("hosts") if root is not None and root.kind == MAPPING else None
    if found is None or found[1].kind != MAPPING:
        raise refused(document.error("pxe-config", "this is not the manifest of a build", root, "butane-py build --output-dir writes one"))
    return {key.value: (key, entry) for key, entry in found[1].items}


class _Reader:
    """Reads the machines of one folder."""

    def __init__(self, folder: str, variables: Variables, inventory: Inventory | None, document: Document) -> None:
        self._folder = folder
        self._variables = variables
        self._inventory = inventory
        self._document = document
        self._owners: dict[str, tuple[str, Place]] = {}
        self._found = Found(documents=[document, *(inventory.files if inventory is not None else ())])

    def machines(self, hosts: Mapping[str, tuple[Node, Node]], entries: Mapping[str, dict[str, Any]]) -> Found:
        """All machines; those with errors are left out."""
        for name, (key, node) in hosts.items():
            place = self._place(name, key)
            config = self._config(name, entries.get(name), place)
            given = self._values(name, node)
            keys = self._keys(name, given.get(self._variables.key), place)
            arguments = self._arguments(name, given.get(self._variables.arguments))
            address = self._address(given.get(self._variables.address))
            if not is_name(name):
                self._error("pxe-name", f"the name {name!r} has characters that boot loaders take for their own", place)
            elif config is not None and keys:
                file = f"{config[1][:_NAME_DIGITS]}.ign"
                self._found.configs[file] = config[0]
                self._found.machines.append(Machine(name, keys, file, config[1], arguments=arguments, address=address))
        for name, host in self._inventory.hosts.items() if self._inventory is not None else ():
            if name not in hosts:
                message = f"{name} has no config in {self._folder}, so it gets what unknown machines get"
                hint = "build it, or leave it out of the inventory"
                self._found.report.entries.append(Entry(WARNING, "pxe-config", message, host.place, hint))
        return self._found

    def _place(self, name: str, key: Node) -> Place:
        host = self._inventory.hosts.get(name) if self._inventory is not None else None
        return host.place if host is not None else self._document.at(key)

    def _values(self, name: str, node: Node) -> Mapping[str, Value]:
        """The variables of a host by the inventory, or as the manifest has them. Raises ConfigError."""
        if self._inventory is not None:
            host = self._inventory.hosts.get(name)
            return host_values(self._inventory, host, ()) if host is not None else {}
        found = node.entry("vars") if node.kind == MAPPING else None
        if found is None or found[1].kind != MAPPING:
            return {}
        layer, wanted = Layer(values.HOST, name), (self._variables.key, self._variables.arguments, self._variables.address)
        try:
            return {key.value: values.of_node(below, self._document, layer) for key, below in found[1].items if key.value in wanted}
        except YamlError as error:  # keys that are repeated
            raise refused(yaml_entry(error, self._document.name, "pxe-config")) from None

    def _keys(self, name: str, value: Value | None, place: Place) -> tuple[str, ...]:
        """The MAC addresses or the UUID in lower case, with errors for those that cannot be one, or that another host has."""
        what = "MAC address" if self._variables.by == MAC else "UUID"
        items = [item for item in _items(value) if item.text.strip() and not item.is_null]
        if not items:
            variable = self._variables.key
            self._error("pxe-key-missing", f"{name} has no {what}: no variable {variable}", value.place if value is not None else place)
        keys = []
        for item in items:
            text = item.text.strip()
            problem = _problem(self._variables.by, text) if item.kind == TEXT else f"is not a {what}"
            key = text.lower().replace("-", ":") if self._variables.by == MAC else text.lower()
            owner = self._owners.setdefault(key, (name, item.place))
            if problem:
                self._error("pxe-key", f"the {what} {text[:60]!r} of {name} {problem}", item.place)
            elif owner[0] != name:
                related = (Related(f"{owner[0]} has it here", owner[1]),)
                self._error("pxe-key-twice", f"the {what} {key} of {name} is that of {owner[0]} too", item.place, related)
            elif key not in keys:
                keys.append(key)
        return tuple(keys)

    def _arguments(self, name: str, value: Value | None) -> tuple[str, ...]:
        words = tuple(word for item in _items(value) if not item.is_null for word in item.text.split())
        character = hostile("".join(words))
        if character and value is not None:
            message = f"the kernel arguments of {name} have the character {character!r}, which boot loaders take for their own"
            self._error("pxe-arguments", message, value.place)
        return words

    def _address(self, value: Value | None) -> str:
        """The address for DHCP, without the length of its network."""
        if value is None or value.is_null:
            return ""
        address = value.text.partition("/")[0]
        if value.kind != TEXT or FORMS["ip"].problem(address):
            self._error("pxe-key", f"{value.text[:60]!r} is not an IP address", value.place, hint="write something like 10.1.1.1")
            return ""
        return f"[{address}]" if ":" in address else address

    def _config(self, name: str, entry: dict[str, Any] | None, place: Place) -> tuple[Config, str] | None:
        """The config of a host and its SHA-512; None, with an error, where it cannot be served."""
        if entry is None:
            self._error("pxe-config", f"the manifest names no file of {name}", place)
            return None
        path = os.path.join(self._folder, entry["file"])
        try:
            with open(path, "rb") as file:
                private = not os.fstat(file.fileno()).st_mode & 0o077
                data = file.read()
        except OSError as error:
            self._error("pxe-config", f"the config of {name}: {reason(error)}", place)
            return None
        digest = hashlib.sha512(data).hexdigest()
        problem = "has been changed since it was built" if digest != entry["sha512"] else problem_of(data)
        if problem:
            self._error("pxe-config", f"{path} {problem}", place)
            return None
        return Config(data, private), digest

    def _error(self, code: str, message: str, place: Place, related: tuple[Related, ...] = (), hint: str = "") -> None:
        self._found.report.entries.append(Entry(ERROR, code, message, place, hint or way_out(code), related=related))


def _items(value: Value | None) -> Iterator[Value]:
    """The value, or what is in it: a list, or a cell with `;` between its items."""
    if value is None:
        return
    if value.kind == LIST:
        yield from value.items
    elif value.kind == TEXT and value.style == LOOSE:
        yield from (value.but(text=part) for part in value.text.split(";"))
    else:
        yield value


def _problem(by: str, text: str) -> str:
    """Why a text cannot tell a machine, as the end of a sentence; "" where it can."""
    if by == UUID:
        return "" if _UUID.fullmatch(text) else "is not 8-4-4-4-12 hexadecimal digits"
    problem = FORMS["mac"].problem(text)
    if problem:
        return problem
    return "is the address of a group, not of a card" if int(text[:2], 16) & 1 else ""


def too_long(boot: Boot, machines: list[Machine]) -> Report:
    """Errors for the machines whose kernel command line is longer than kernels take."""
    report = Report()
    for machine in machines:
        size = len(" ".join(boot.command_line(machine)))
        if size > MOST_BYTES:
            message = f"the kernel command line of {machine.name} has {size:,} bytes; kernels take {MOST_BYTES:,}"
            report.entries.append(Entry(ERROR, "pxe-arguments", message, Place(()), way_out("pxe-arguments")))
    return report
