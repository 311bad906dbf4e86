"""Platform `azurestack`: the custom data of the provisioning CD-ROM, which is UDF or ISO 9660.

Source: https://learn.microsoft.com/en-us/azure-stack/user/ (and the reference for the kinds of filesystem).
"""

from __future__ import annotations

from ignition_py.providers import Machine, cdrom


def fetch(machine: Machine) -> bytes | None:
    """The custom data. Raises IgnitionError."""
    return cdrom.custom_data(machine, ("udf", "iso9660"))
