"""Platforms `openstack` and `brightbox`: user data from a config drive or from the metadata service, over IPv4 and, on
every network interface that has an IPv6 address, over IPv6.

Source: https://docs.openstack.org/nova/latest/user/metadata.html
"""

from __future__ import annotations

from ignition_py.fetch.cloud import LINK_LOCAL
from ignition_py.providers import Machine, drive, either
from ignition_py.providers.metadata import Attempt, user_data

_INTERFACES = "/proc/thread-self/net/if_inet6"  # of this thread's network namespace, not of the process's
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises IgnitionError."""

    def ask(base: str, attempt: Attempt) -> bytes:
        return user_data(machine, base + drive.OPENSTACK, attempt=attempt)

    def bases() -> list[str]:
        return [LINK_LOCAL, *(f"http://[fe80::a9fe:a9fe%25{name}]" for name in interfaces(machine))]

    return either.fetch(machine, drive.CONFIG_2, drive.OPENSTACK, bases, ask)


def interfaces(machine: Machine) -> list[str]:
    """Network interfaces that are up with an IPv6 address."""
    try:
        with open(machine.path(_INTERFACES), encoding="utf-8", errors="replace") as file:
            names = {line.split()[5] for line in file if len(line.split()) == 6}
    except OSError:  # a kernel without IPv6
        return []
    return sorted(name for name in names if name != "lo" and not set(name) - _PLAIN)
