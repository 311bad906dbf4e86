"""Platform `azure`: user data from the instance metadata service, base64; where it is empty, the custom data of the
provisioning CD-ROM.

Sources: https://learn.microsoft.com/en-us/azure/virtual-machines/user-data and …/custom-data
"""

from __future__ import annotations

from ignition_py.fetch.cloud import AZURE, AZURE_HEADERS
from ignition_py.providers import Machine, cdrom
from ignition_py.providers.encodings import base64
from ignition_py.providers.metadata import WHAT, need_network, user_data

URL = f"{AZURE}/metadata/instance/compute/userData?api-version=2021-01-01&format=text"
# The service says so too while it is not ready yet, so 404 does not mean that there is none.
NOT_READY = (404, 410)


def fetch(machine: Machine) -> bytes | None:
    """The user data, else the custom data. Raises FetchError, IgnitionError."""
    need_network(machine)
    encoded = user_data(machine, URL, headers=AZURE_HEADERS, retry=NOT_READY, required=True)
    if encoded:
        return base64(encoded, what=WHAT)
    machine.log.info("the metadata service has no user data; looking for custom data on the CD-ROM")
    return cdrom.custom_data(machine, ("udf",))
