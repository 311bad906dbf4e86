"""Platform `qemu`: the config comes from the firmware configuration device, or on s390x and ppc64le, which have none,
from a virtio disk with the serial `ignition`.

Sources: Linux Documentation/ABI/testing/sysfs-firmware-qemu_fw_cfg; QEMU docs/specs/fw_cfg. A key that is not there
means no config.
"""

from __future__ import annotations

import os
import time

from ignition_py.flatcar import FIRMWARE_KEY, wanted
from ignition_py.providers import CONFIG_LIMIT, Machine, read_whole
from ignition_py.report.diag import IgnitionError
from ignition_py.system.run import run

FW_CFG = "/sys/firmware/qemu_fw_cfg"
KEY = "opt/com.coreos/config"
VIRTIO_DRIVER = "/sys/bus/virtio/drivers/virtio_blk"
DISK = "/dev/disk/by-id/virtio-ignition"
DISK_WAIT, DISK_POLL = 300.0, 1.0  # seconds
_DISK_MACHINES = ("s390x", "ppc64le")
_SLOW = 10.0  # seconds after which reading says how far it is


def fetch(machine: Machine) -> bytes | None:
    """The config. Raises IgnitionError, CommandError."""
    return from_disk(machine) if os.uname().machine in _DISK_MACHINES else from_firmware(machine)


def from_firmware(machine: Machine) -> bytes:
    """The config under the firmware key, b"" where there is none."""
    _load_module(machine, "qemu_fw_cfg", FW_CFG)
    older = f"{FW_CFG}/by_name/{FIRMWARE_KEY}"
    folder = f"{FW_CFG}/by_name/{KEY}"
    if wanted(machine.environ) and not os.path.exists(machine.path(folder)) and os.path.exists(machine.path(older)):
        folder = older
    try:
        with open(machine.path(f"{folder}/size"), "rb") as file:
            size = int(file.read())
        machine.log.debug(f"the QEMU firmware configuration announces {size} bytes")
        if size > CONFIG_LIMIT:
            raise IgnitionError(
                f"the QEMU firmware configuration announces {size} bytes; more than {CONFIG_LIMIT} are not read",
                hint="Hand over a small config that names this one by its URL (`ignition.config.replace`)",
            )
        fd = os.open(machine.path(f"{folder}/raw"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        machine.log.info(f"the QEMU firmware configuration has no config (key {KEY})")
        return b""
    except (OSError, ValueError) as error:
        raise IgnitionError(f"reading the config from the QEMU firmware configuration: {error}") from None
    machine.found("the QEMU firmware configuration (opt/com.coreos/config)")
    try:
        return _read_exactly(machine, fd, size)
    except OSError as error:
        raise IgnitionError(f"reading the config from the QEMU firmware configuration: {error.strerror}") from None
    finally:
        os.close(fd)


def _read_exactly(machine: Machine, fd: int, size: int) -> bytes:
    """Reads in as few pieces as can be: the kernel starts from the beginning for each, so time grows quadratically."""
    pieces: list[bytes] = []
    done = 0
    spoken = time.monotonic()
    while done < size:
        piece = os.read(fd, size + 1 - done)  # one byte more shows contents that are longer than announced
        if not piece:
            raise IgnitionError(f"the QEMU firmware configuration ended after {done} of {size} bytes")
        pieces.append(piece)
        done += len(piece)
        if time.monotonic() - spoken > _SLOW:
            machine.log.warning(
                f"reading the config from QEMU: {done >> 10} of {size >> 10} KiB; large contents are faster from a URL"
            )
            spoken = time.monotonic()
    if done > size:
        raise IgnitionError(f"the QEMU firmware configuration is longer than the {size} bytes that it announces")
    return b"".join(pieces)


def from_disk(machine: Machine, wait: float = DISK_WAIT) -> bytes:
    """The config on the disk with the serial `ignition`, without the zeros behind it. Waits for the disk."""
    _load_module(machine, "virtio_blk", VIRTIO_DRIVER)
    path = machine.path(DISK)
    end = time.monotonic() + wait
    while True:
        try:
            data = read_whole(path).rstrip(b"\0")
            machine.found(f"the disk {DISK}")
            return data  # noqa: TRY300  # the handlers are for opening and reading
        except FileNotFoundError:
            if time.monotonic() >= end:
                raise IgnitionError(f"the disk {DISK} with the config did not appear within {wait:g} seconds") from None
            machine.log.debug(f"waiting for {DISK}")
            time.sleep(min(DISK_POLL, wait))
        except OSError as error:
            raise IgnitionError(f"reading the config from {DISK}: {error.strerror}") from None


def _load_module(machine: Machine, module: str, sign: str) -> None:
    """Loads a kernel module unless `sign` shows that its driver is there."""
    if os.path.exists(machine.path(sign)):
        return
    run(machine.log, ("modprobe", module), what=f"loading the kernel module {module}")
