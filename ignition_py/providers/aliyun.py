"""Platform `aliyun`: user data from the metadata service, which has an address of its own.

Source: https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
"""

from __future__ import annotations

from ignition_py.providers import Machine
from ignition_py.providers.metadata import user_data

URL = "http://100.100.100.200/latest/user-data"


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""
    return user_data(machine, URL)
