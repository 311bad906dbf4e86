"""Platform `gcp`: the instance attribute `user-data` from the metadata server, at its IPv4 and its IPv6 address at once.

Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

from __future__ import annotations

from ignition_py.fetch.cloud import GOOGLE, GOOGLE_HEADERS
from ignition_py.providers import Machine
from ignition_py.providers.metadata import Attempt, first_response, user_data

PATH = "/computeMetadata/v1/instance/attributes/user-data"


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""

    def ask(base: str, attempt: Attempt) -> bytes:
        return user_data(machine, base + PATH, headers=GOOGLE_HEADERS, attempt=attempt)

    return first_response(machine, GOOGLE, ask)
