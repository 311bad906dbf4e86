"""Platform `cloudstack`: user data from a config drive or from the virtual router, which is the DHCP server.

Source: https://docs.cloudstack.apache.org/en/latest/adminguide/virtual_machines/user-data.html
"""

from __future__ import annotations

import os
import time

from ignition_py.providers import Machine, drive, either
from ignition_py.providers.metadata import WHAT, Attempt, user_data
from ignition_py.report.diag import FetchError

PATH = "/cloudstack/userdata/user_data.txt"
LEASES = "/run/systemd/netif/leases"  # systemd-networkd's, one file for each interface, named by its index
LEASE_WAIT, LEASE_POLL = 300.0, 0.5  # seconds; the reference waits for ever
_ROUTER = "the DHCP server"


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises IgnitionError."""

    def ask(_: str, attempt: Attempt) -> bytes:
        return user_data(machine, f"http://{_wait(machine, attempt)}/latest/user-data", attempt=attempt)

    return either.fetch(machine, drive.CONFIG_2, PATH, lambda: (_ROUTER,), ask)


def _wait(machine: Machine, attempt: Attempt) -> str:
    end = time.monotonic() + LEASE_WAIT
    while (address := dhcp_server(machine)) is None:
        if attempt.stopped() or time.monotonic() >= end:
            raise FetchError(
                f"{WHAT}: no DHCP lease with a server address appeared in {LEASES} within {LEASE_WAIT:g} seconds"
            )
        time.sleep(LEASE_POLL)
    return address


def dhcp_server(machine: Machine) -> str | None:
    """The address of the DHCP server that gave the first interface with a lease its own."""
    folder = machine.path(LEASES)
    try:
        names = [name for name in os.listdir(folder) if name.isdecimal()]
    except OSError:
        return None
    for name in sorted(names, key=int):
        try:
            with open(f"{folder}/{name}", encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, value = line.partition("=")
            if key == "SERVER_ADDRESS" and _is_address(value):
                return value
    return None


def _is_address(text: str) -> bool:
    from socket import AF_INET, inet_pton

    try:
        inet_pton(AF_INET, text)
    except OSError:
        return False
    return True
