"""Platform `digitalocean`: user data from the metadata service, which has some for every machine, if only an empty one.

Source: https://docs.digitalocean.com/reference/api/metadata/ (and the reference: a missing one is an error).
"""

from __future__ import annotations

from ignition_py.providers import Machine
from ignition_py.providers.metadata import user_data

URL = "http://169.254.169.254/metadata/v1/user-data"


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""
    return user_data(machine, URL, required=True)
