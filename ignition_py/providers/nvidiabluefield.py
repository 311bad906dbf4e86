"""Platform `nvidiabluefield`: the config comes through the boot FIFO of the data processing unit.

Source: Linux Documentation/ABI/testing/sysfs-platform-mellanox-bootctl.
"""

from __future__ import annotations

from ignition_py.providers import Machine, read_whole
from ignition_py.report.diag import IgnitionError
from ignition_py.system.run import run

FIFO = "/sys/bus/platform/devices/MLNXBF04:00/bootfifo"


def fetch(machine: Machine) -> bytes | None:
    """The config without the zeros around it, b"" where the FIFO is empty or missing. Raises IgnitionError."""
    run(machine.log, ("modprobe", "mlxbf_bootctl"), what="loading the kernel module mlxbf_bootctl")
    try:
        data = read_whole(machine.path(FIFO)).strip(b"\0")
    except FileNotFoundError:
        machine.log.info(f"there is no {FIFO}, so no config")
        return b""
    except OSError as error:
        raise IgnitionError(f"reading the config from {FIFO}: {error.strerror}") from None
    if data:
        machine.found(FIFO)
    else:
        machine.log.info(f"{FIFO} is empty, so there is no config")
    return data
