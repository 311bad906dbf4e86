"""Waiting for devices and for udev, without D-Bus.

A machine (or a test) without a running udevd is served too: then device nodes come from devtmpfs and there is
nothing to wait for but them.
"""

from __future__ import annotations

import os
import stat
import time

from ignition_py.diag import StageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.system.log import Log

CONTROL = "/run/udev/control"
DATABASE = "/run/udev/data"
DEVICE_TIMEOUT = 90.0  # seconds; systemd's default for .device units
SETTLE_TIMEOUT = 120.0  # seconds; udevadm settle's own default


def running() -> bool:
    return os.path.exists(CONTROL)


def ready(path: str) -> bool:
    """Is `path` a block device that udev is done with?"""
    try:
        info = os.stat(path)
    except OSError:
        return False
    if not stat.S_ISBLK(info.st_mode):
        return False
    return not running() or os.path.exists(f"{DATABASE}/b{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}")


def wait_for(log: Log, devices: Sequence[str], timeout: float = DEVICE_TIMEOUT) -> None:
    """Returns when every one of `devices` is there. Raises StageError naming all that are not after `timeout`
    seconds, and what is there instead."""
    missing = [device for device in devices if not ready(device)]
    if not missing:
        return
    deadline = time.monotonic() + timeout
    log.info(f"waiting up to {timeout:g} s for {', '.join(missing)}")
    pause = 0.005
    while missing:
        if time.monotonic() > deadline:
            raise StageError(_never_came(missing, timeout), hint="Check the device paths of the config")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        missing = [device for device in missing if not ready(device)]


def _never_came(missing: Sequence[str], timeout: float) -> str:
    return "; ".join(f"{device} {_state(device, timeout)}" for device in missing)


def _state(device: str, timeout: float) -> str:
    if os.path.exists(device):
        if stat.S_ISBLK(os.stat(device).st_mode):
            return f"exists, but udev has not finished with it within {timeout:g} seconds"
        return "is not a block device"
    if os.path.islink(device):
        return f"is a link to {os.readlink(device)}, which is not there"
    return f"did not appear within {timeout:g} seconds; {neighbours(device)}"


def neighbours(device: str) -> str:
    """What a reader may have meant: the links beside `device`, or the machine's block devices."""
    folder = os.path.dirname(device)
    if folder != "/dev" and os.path.isdir(folder):
        names = sorted(os.listdir(folder))[:32]
        return f"{folder} has {', '.join(names)}" if names else f"{folder} is empty"
    return f"block devices are {', '.join(_block_devices()) or 'none'}"


def _block_devices() -> list[str]:
    """Block devices with a medium, as `vda (10 GiB)`."""
    found = []
    for name in sorted(os.listdir("/sys/class/block") if os.path.isdir("/sys/class/block") else []):
        try:
            with open(f"/sys/class/block/{name}/size", encoding="ascii") as file:
                mib = int(file.read()) // 2048
        except (OSError, ValueError):
            continue
        if mib:
            found.append(f"{name} ({mib // 1024} GiB)" if mib >= 10240 else f"{name} ({mib} MiB)")
    return found[:32]


def settle_device(log: Log, device: str) -> None:
    """Returns when udev has handled everything about `device` so far: an event of our own goes through its queue.

    A bare `udevadm settle` would not do: changes that udevd has yet to notice by inotify are not in the queue.
    Raises CommandError.
    """
    if running():
        from ignition_py.system.run import run

        run(
            log,
            ["udevadm", "trigger", "--settle", os.path.realpath(device)],
            what=f"waiting for udev to handle {device}",
            timeout=SETTLE_TIMEOUT,
        )


def settle(log: Log) -> None:
    """Returns when udev's queue is empty. Raises CommandError."""
    if running():
        from ignition_py.system.run import run

        run(log, ["udevadm", "settle"], what="waiting for udev", timeout=SETTLE_TIMEOUT + 10)
