"""Platform `scaleway`: user data from the metadata service, which answers root only: who asks from a port below 1024.

It is asked at its IPv4 and its IPv6 address at once. Source:
https://www.scaleway.com/en/developers/api/instances/#path-user-data-get-user-data
"""

from __future__ import annotations

from ignition_py.providers import Machine
from ignition_py.providers.metadata import Attempt, first_response, user_data

BASES = ("http://169.254.42.42", "http://[fd00:42::42]")


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""

    def ask(base: str, attempt: Attempt) -> bytes:
        return user_data(machine, f"{base}/user_data/cloud-init", low_port=True, attempt=attempt)

    return first_response(machine, BASES, ask)
