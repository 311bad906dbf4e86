"""A filesystem labelled `ignition` with the config in ignition/config.ign, as on a USB stick, on any platform.

For images that ask for it with IGNITION_MICROOS=1 (openSUSE MicroOS, SLE Micro). It takes the platform's place, and comes after
the kernel command line and the image's own user.ign. Source: "Preparing the configuration device" (SLE Micro documentation).
"""

from __future__ import annotations

from ignition_py.providers import Machine, drive

LABELS = ("ignition", "IGNITION")  # vfat has its labels in capitals
PATH = "/ignition/config.ign"
WAIT = 10.0  # seconds; a USB stick takes a moment


def wanted(machine: Machine) -> bool:
    """True if the image wants it."""
    return machine.setting("MICROOS", "") not in ("", "0", "no", "false")


def fetch(machine: Machine) -> bytes | None:
    """The config, None where the image does not ask for it, or there is none. Raises IgnitionError."""
    if not wanted(machine):
        return None
    label = drive.wait_for(machine, LABELS, WAIT)
    if label is None:
        machine.log.info("there is no filesystem labelled ignition")
        return None
    name = f"the filesystem {label}"
    (data,) = drive.read(machine, machine.path(f"{drive.BY_LABEL}/{label}"), (PATH,), name=name)
    if data is None:
        machine.log.info(f"{name} has no {PATH}; it may be for something else")
        return None
    machine.found(f"{PATH} on {name}")
    return data
