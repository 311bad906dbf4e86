"""Which value of a variable counts: the one whose layer stands latest in values.LAYERS. There is no other rule.

    Default in the file < inventory `all` < groups (outer before inner, then by ansible_group_priority, then by name) < host
    < --vars FILE in order < --env PREFIX < --var NAME=VALUE; `with:` of an include wins inside of it.

Defaults and `with:` are the business of the files that have them (fleet/scope.py); what comes before and between is put in order here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from butane_py.fleet.inventory.model import Given, Host, Inventory, Known, Variables
from butane_py.fleet.values import HostFacts, Value


class HostValues(Mapping[str, "Value"]):
    """The values for one host, each with what it overrides. A value is read when it is asked for."""

    def __init__(self, layers: Sequence[Variables]) -> None:
        self._layers = layers
        self._names = dict.fromkeys(name for layer in layers for name in layer)

    def __getitem__(self, name: str) -> Value:
        """The value that counts. Raises KeyError, and ConfigError for one that cannot be read."""
        found: Value | None = None
        for given in self.given(name):
            value = given.value()
            found = value if found is None else value.but(overrides=found)
        if found is None:
            raise KeyError(name)
        return found

    def given(self, name: str) -> list[Given | Known]:
        """All that is given for a variable, in rising precedence."""
        return [given for layer in self._layers for given in layer.get(name, ())]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def host_facts(inventory: Inventory, host: Host) -> HostFacts:
    """What a config can say of the host that it is built for."""
    return HostFacts(host.name, tuple([group.name for group in inventory.groups_of(host)]), host.place)


def host_values(inventory: Inventory | None, host: Host | None, outside: Sequence[Variables]) -> HostValues:
    """The values of a host; without an inventory only those of the command line (`outside`, in rising precedence)."""
    if inventory is None or host is None:
        return HostValues(outside)
    groups = [group.vars for group in inventory.groups_of(host)]
    return HostValues([inventory.groups["all"].vars, *groups, host.vars, *outside])
