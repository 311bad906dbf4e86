"""Which hosts are built: `--limit` with Ansible's patterns.

    workers:!n7      the hosts of the group workers, without n7
    web*,&prod       hosts and groups that begin with web, if they are in prod too
    ~n[0-9]+         a regular expression
    workers[0:2]     the first three of a group

Source: Ansible's documentation, "Patterns: targeting hosts and groups"; measured.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Collection, Iterable, Sequence

from butane_py.fleet.inventory.document import refused
from butane_py.fleet.inventory.model import Host, Inventory, unknown_host
from ignition_py.report.diag import ConfigError, Place, Report

_RANGE = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_WITH_PORT = re.compile(rf"{_LABEL}(?:\.{_LABEL})*:[0-9]+", re.I)
_PART = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,9})|([0-9]{1,9})[:-]([0-9]{0,9}))\]")
_GLOB = frozenset(".?*[")


class LimitError(ValueError):
    """A pattern that cannot be read, or that leaves no host."""


def chosen(
    inventory: Inventory, limits: Sequence[str], names: Collection[str], *, called: str, strict: bool = False
) -> tuple[list[Host], list[str]]:
    """The hosts that patterns choose, of them those with one of the names if there are any, and the patterns that match nothing.

    called: what gave a name, as its place is called, such as `--host {}`. Raises ConfigError for an inventory with errors (strict: or
    warnings), for one without hosts and for an unknown name, LimitError for patterns.
    """
    if inventory.report.fatal or (strict and len(inventory.report)):
        raise ConfigError("the inventory has errors", inventory.report)
    if not inventory.hosts:
        raise refused(inventory.files[-1].error("inventory-syntax", "the inventory has no hosts"))
    unknown = [name for name in names if name not in inventory.hosts]
    if unknown:
        known = list(inventory.hosts)
        entries = [unknown_host(name, known, Place((), source=called.format(name))) for name in unknown]
        raise ConfigError("unknown hosts", Report(entries))
    hosts, unmatched = limited(inventory, limits)
    return [host for host in hosts if not names or host.name in names], unmatched


def limited(inventory: Inventory, limits: Sequence[str]) -> tuple[list[Host], list[str]]:
    """The hosts that the patterns select, in the order of the inventory, and the patterns that match nothing. Raises LimitError."""
    patterns = [pattern for limit in limits for pattern in split(limit)]
    unmatched: list[str] = []
    selected: set[str] = set()
    # Exclusions and intersections alone are of all hosts.
    ordered = sorted(patterns, key=lambda pattern: "&!".find(pattern[0]))
    if not ordered or ordered[0][0] in "&!":
        selected = set(inventory.hosts)
    for pattern in ordered:
        sign = pattern[0] if pattern[0] in "&!" and pattern not in inventory.hosts else ""
        names = {host.name for host in _matches(inventory, pattern[len(sign) :])}
        if not names:
            unmatched.append(pattern)
        selected = selected - names if sign == "!" else selected & names if sign == "&" else selected | names
    if not selected:
        raise LimitError(f"--limit {','.join(limits)} leaves no host of the {len(inventory.hosts):,} in the inventory")
    return [host for name, host in inventory.hosts.items() if name in selected], unmatched


def split(limit: str) -> list[str]:
    """The patterns of a list that is separated by commas or, where it has none, by colons. Raises LimitError."""
    if "," in limit:
        parts = limit.split(",")
    elif _is_address(limit):
        parts = [limit]
    else:
        parts = _PART.findall(limit)
    patterns = [part.strip() for part in parts if part.strip()]
    bare = next((pattern for pattern in patterns if pattern in ("&", "!")), None)
    if bare is not None:
        raise LimitError(f"--limit {limit}: nothing follows {bare}")
    return patterns


def _is_address(text: str) -> bool:
    """True for an IPv6 address and for NAME:PORT, whose colons separate nothing."""
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return _WITH_PORT.fullmatch(text) is not None


def _matches(inventory: Inventory, pattern: str) -> list[Host]:
    """The hosts that one pattern names. Raises LimitError."""
    if pattern in inventory.hosts:
        return [inventory.hosts[pattern]]
    found = None if pattern.startswith("~") else _SUBSCRIPT.fullmatch(pattern)
    if found is None:
        return _named(inventory, pattern)
    hosts = _named(inventory, found[1])
    if not hosts:
        return []
    if found[2] is None and found[4] != "0":
        return hosts[int(found[3]) : int(found[4]) + 1 if found[4] else None]
    try:
        return [hosts[int(found[2] or found[3])]]
    except IndexError:
        raise LimitError(f"--limit {pattern}: {found[1]} has {len(hosts)} hosts") from None


def _named(inventory: Inventory, pattern: str) -> list[Host]:
    """The members of the groups that the pattern names, and the hosts that it names. Raises LimitError."""
    groups = _matching(inventory.groups, pattern)
    hosts = [host for name in groups for host in inventory.groups[name].members()]
    if not groups or pattern.startswith("~") or _GLOB & set(pattern):
        hosts += [inventory.hosts[name] for name in _matching(inventory.hosts, pattern)]
    return hosts


def _matching(names: Iterable[str], pattern: str) -> list[str]:
    try:
        expression = re.compile(pattern[1:] if pattern.startswith("~") else fnmatch.translate(pattern))
    except (re.error, RecursionError) as error:
        raise LimitError(f"--limit {pattern} is not a pattern: {error}") from None
    return [name for name in names if expression.match(name)]
