"""Platform `vultr`: user data from the metadata service.

Source: https://www.vultr.com/metadata/
"""

from __future__ import annotations

from ignition_py.providers import Machine
from ignition_py.providers.metadata import user_data

URL = "http://169.254.169.254/user-data/user-data"


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""
    return user_data(machine, URL)
