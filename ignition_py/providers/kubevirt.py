"""Platform `kubevirt`: user data from the drive of whichever kind the virtual machine was given: NoCloud or config drive.

Source: https://kubevirt.io/user-guide/user_workloads/startup_scripts/
"""

from __future__ import annotations

from ignition_py.providers import Machine, drive


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises IgnitionError, also where no drive appears."""
    label = drive.required(machine, (*drive.CIDATA, *drive.CONFIG_2))
    return drive.user_data(machine, label, drive.NOCLOUD if label in drive.CIDATA else drive.OPENSTACK)
