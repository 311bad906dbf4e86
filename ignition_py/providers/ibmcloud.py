"""Platform `ibmcloud`: user data from the drive labelled `cidata`; without one the machine has no config.

Source: https://cloud.ibm.com/docs/vpc?topic=vpc-user-data
"""

from __future__ import annotations

from ignition_py.providers import Machine, drive

WAIT = 30.0  # seconds


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises IgnitionError where the drive cannot be read; the reference goes on without a config."""
    label = drive.wait_for(machine, drive.CIDATA, WAIT)
    if label is None:
        machine.log.warning(f"no drive labelled cidata appeared within {WAIT:g} seconds; there is no config")
        return b""
    return drive.user_data(machine, label, drive.NOCLOUD)
