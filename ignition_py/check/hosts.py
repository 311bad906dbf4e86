"""The machines of an inventory, with their addresses and their configs. Inventories are those of `butane-py build` (docs/fleet.md)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ignition_py.check.asking import Target
from ignition_py.report.diag import ConfigError

if TYPE_CHECKING:
    from butane_py.fleet.inventory.model import Group, Host, Inventory

ADDRESS, USER, PORT = "ansible_host", "ansible_user", "ansible_port"


def targets(inventories: Sequence[str], limits: Sequence[str], config: str, folder: str) -> list[Target]:
    """A target for each host, in the order of the inventory. Its config is `config`, or that of the folder that `build` has written.

    Raises ConfigError for an inventory that cannot be read and for a host without a config.
    """
    try:
        from butane_py.fleet.inventory import read_inventories
        from butane_py.fleet.selection import LimitError, limited
    except ImportError as error:
        raise ConfigError(f"the compiler, which reads inventories, is not complete here: {error}") from None

    inventory = read_inventories(inventories)
    if inventory.report.fatal:
        raise ConfigError(f"the inventory {', '.join(inventories)} is not valid", inventory.report)
    try:
        hosts = limited(inventory, limits)[0] if limits else list(inventory.hosts.values())
    except LimitError as error:
        raise ConfigError(str(error)) from None
    files = _files(folder) if folder else {}
    return [Target(host.name, config or _config(folder, host.name, files), address(inventory, host)) for host in hosts]


def _files(folder: str) -> dict[str, str]:
    """Name of a host -> file, by the manifest of a build."""
    from butane_py.fleet.manifest import read

    return {name: str(entry["file"]) for name, entry in read(folder).hosts.items()}


def _config(folder: str, name: str, files: dict[str, str]) -> str:
    return os.path.join(folder, files.get(name, f"{name}.ign"))


def address(inventory: Inventory, host: Host) -> str:
    """What ssh is given: `ansible_host` (else the host's name), with `ansible_user` and `ansible_port` where they are given."""
    found = {name: _variable(inventory, host, name) for name in (ADDRESS, USER, PORT)}
    where = found[ADDRESS] or host.name
    user = f"{found[USER]}@" if found[USER] else ""
    if not found[PORT]:
        return user + where
    return f"ssh://{user}{f'[{where}]' if ':' in where else where}:{found[PORT]}"


def _variable(inventory: Inventory, host: Host, name: str) -> str:
    """The value of a connection variable: of the host, else of the innermost group, else of all."""
    owners: list[Group | Host] = [inventory.groups["all"], *inventory.groups_of(host), host]
    values = [owner.connection[name] for owner in owners if name in owner.connection]
    return values[-1] if values else ""
