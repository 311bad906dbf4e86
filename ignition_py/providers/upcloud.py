"""Platform `upcloud`: user data from the metadata service.

Source: https://developers.upcloud.com/1.3/8-servers/#metadata-service
"""

from __future__ import annotations

from ignition_py.providers import Machine
from ignition_py.providers.metadata import user_data

URL = "http://169.254.169.254/metadata/v1/user_data"


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""
    return user_data(machine, URL)
