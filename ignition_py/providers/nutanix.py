"""Platform `nutanix`: user data from the config drive that every machine with guest customization has.

Source: https://portal.nutanix.com/ (config drive as OpenStack makes it)
"""

from __future__ import annotations

from ignition_py.providers import Machine, drive


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises IgnitionError, also where no drive appears."""
    return drive.user_data(machine, drive.required(machine, drive.CONFIG_2), drive.OPENSTACK)
