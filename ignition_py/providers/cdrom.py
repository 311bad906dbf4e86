"""The provisioning CD-ROM of Azure and Azure Stack: `ovf-env.xml` marks it, `CustomData.bin` is the config.

Only drives are looked at that say they are CD-ROM drives: other disks can hold anything, and belong to the user.
Source: linux/cdrom.h, and the reference for names and order.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from fcntl import ioctl

from ignition_py.providers import Machine, drive
from ignition_py.report.diag import IgnitionError
from ignition_py.system.run import run

MARK, CONFIG = "/ovf-env.xml", "/CustomData.bin"
WAIT, POLL = 300.0, 1.0  # seconds; the reference waits for ever
_CDROM_DRIVE_STATUS = 0x5326
_CDS_DISC_OK = 4
_NOTHING_FOUND = 2  # exit status of blkid


def custom_data(machine: Machine, kinds: Sequence[str]) -> bytes:
    """The custom data on a CD-ROM with one of these filesystems, b"" where it has none. Waits for the CD-ROM.

    Raises IgnitionError, CommandError.
    """
    end = time.monotonic() + WAIT
    reported: set[str] = set()
    while True:
        for kind in kinds:
            for device in _devices(machine, kind):
                data, problem = _read(machine, device, kind)
                if data is not None:
                    return data
                if problem not in reported:
                    machine.log.info(problem)
                    reported.add(problem)
        if time.monotonic() >= end:
            seen = f": {'; '.join(sorted(reported))}" if reported else ""
            raise IgnitionError(f"no provisioning CD-ROM ({' or '.join(kinds)}) appeared within {WAIT:g} seconds{seen}")
        time.sleep(POLL)


def _devices(machine: Machine, kind: str) -> list[str]:
    """All block devices with a filesystem of this kind."""
    done = run(
        machine.log,
        ("blkid", "--cache-file", "/dev/null", "--output", "device", "--match-token", f"TYPE={kind}"),
        what=f"looking for {kind} filesystems",
        ok=(0, _NOTHING_FOUND),
    )
    return done.stdout.decode("utf-8", "replace").splitlines()


def _read(machine: Machine, device: str, kind: str) -> tuple[bytes | None, str]:
    """The custom data, or what is wrong with this device."""
    if not disc_present(device):
        return None, f"{device} is no CD-ROM drive with a disc that can be read"
    try:
        mark, config = drive.read(machine, device, (MARK, CONFIG), name=f"the CD-ROM {device}", kind=kind)
    except IgnitionError as error:
        return None, str(error)
    if mark is None:
        return None, f"the CD-ROM {device} has no {MARK[1:]}, so it is not for provisioning"
    if config is None:
        machine.log.info(f"the CD-ROM {device} has no {CONFIG[1:]}; there is no config")
    else:
        machine.found(f"{CONFIG[1:]} on the CD-ROM {device}")
    return config or b"", ""


def disc_present(device: str) -> bool:
    """True if it is a CD-ROM drive with a disc in it that is ready."""
    try:
        fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return ioctl(fd, _CDROM_DRIVE_STATUS, 0) == _CDS_DISC_OK
    except OSError:
        return False
    finally:
        os.close(fd)
