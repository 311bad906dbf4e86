"""Platform `proxmoxve`: user data or vendor data from the drive labelled `cidata`, without one the machine has no config.

Source: https://pve.proxmox.com/wiki/Cloud-Init_Support
"""

from __future__ import annotations

from ignition_py.providers import Machine, drive

WAIT = 30.0  # seconds
VENDOR_DATA = "/vendor-data"
_CLOUD_CONFIG = b"#cloud-config\n"  # Proxmox makes one for cloud-init by default


def fetch(machine: Machine) -> bytes | None:
    """The first of the two that is neither empty nor for cloud-init. Raises IgnitionError where the drive cannot be
    read; the reference goes on without a config."""
    label = drive.wait_for(machine, drive.CIDATA, WAIT)
    if label is None:
        machine.log.warning(f"no drive labelled cidata appeared within {WAIT:g} seconds; there is no config")
        return b""
    paths = (drive.NOCLOUD, VENDOR_DATA)
    found = drive.read(machine, machine.path(f"{drive.BY_LABEL}/{label}"), paths, name=f"the config drive {label}")
    for path, data in zip(paths, found, strict=True):
        if data and not data.startswith(_CLOUD_CONFIG):
            machine.found(f"{path} on the config drive {label}")
            return data
        what = "does not exist" if data is None else "is for cloud-init" if data else "is empty"
        machine.log.info(f"{path} of the config drive {label} {what}")
    return b""
