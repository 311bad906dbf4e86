"""Waiting for devices and for udev, without D-Bus.

A machine (or a test) without a running udevd is served too: then device nodes come from devtmpfs and there is
nothing to wait for but them.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping

from ignition_py.record import Record
from ignition_py.report.diag import Cause, Place, several
from ignition_py.system.device_timeout import FOREVER, device_timeouts
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run
from ignition_py.system.waiting import Waiting

CONTROL = "/run/udev/control"
DATABASE = "/run/udev/data"
DEVICE_TIMEOUT = 90.0  # seconds; systemd's default for .device units, where nothing else is set (device_timeout.py)
HINT = (
    "Name a device that exists, best by its link below /dev/disk/by-id; for one that is slow to appear set "
    "systemd.default_device_timeout_sec on the kernel command line"
)
SETTLE_TIMEOUT = 190.0  # seconds; udevd itself gives up on an event after 180


def running() -> bool:
    """True if there is a udevd."""
    return os.path.exists(CONTROL)


def ready(path: str) -> bool:
    """True if `path` is a block device that udev has handled."""
    try:
        info = os.stat(path)
    except OSError:
        return False
    if not stat.S_ISBLK(info.st_mode):
        return False
    return not running() or os.path.exists(f"{DATABASE}/b{_number(info)}")


def wait_for(log: Log, devices: Mapping[str, Place | None]) -> None:
    """Returns when every one of `devices` (each with the entry that asks for it) is ready. Raises StageError naming those that are
    not in time, and what exists instead."""
    missing = absent(log, devices)
    if missing:
        causes = [Cause(f"{device} {state}", devices[device], HINT) for device, state in missing.items()]
        raise several(causes, about="", each="devices are missing")


def absent(log: Log, devices: Iterable[str], *, patient: bool = True) -> dict[str, str]:
    """Waits for `devices`, unless not `patient`. For each that is not ready the rest of a sentence about it: "did not appear …"."""
    missing = dict.fromkeys(device for device in devices if not ready(device))
    if not missing or not patient:
        return {device: _state(device, "") for device in missing}
    limits = device_timeouts(log, list(missing), DEVICE_TIMEOUT)
    for device in missing:
        log.info(f"waiting for {device}, {'without a limit' if limits[device] == FOREVER else f'up to {limits[device]:g} s'}")
    start, pause = time.monotonic(), 0.005
    waiting = Waiting(log, ", ".join(missing), max(limits.values()), tries=True)
    while any(time.monotonic() <= start + limits[device] for device in missing):
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        missing = dict.fromkeys(device for device in missing if not ready(device))
        waiting.tell()
    return {device: _state(device, f" within {limits[device]:g} seconds") for device in missing}


def _state(device: str, within: str) -> str:
    """Why a device is not ready, and what exists instead."""
    if os.path.exists(device):
        if stat.S_ISBLK(os.stat(device).st_mode):
            return f"exists, but udev has not finished with it{within}"
        return "is not a block device"
    if os.path.islink(device):
        return f"is a link to {os.readlink(device)}, which is not there"
    return f"did not appear{within}; {neighbours(device)}"


class Entry(Record):
    """What udev knows about a block device: its links ("/dev/disk/by-label/boot") and properties ("ID_FS_TYPE")."""

    links: list[str]
    properties: dict[str, str]


def entry_of(number: str, database: str = "") -> Entry | None:
    """The entry of block device "major:minor" in udev's database, None for none. Format: systemd's device-private.c."""
    try:
        with open(f"{database or DATABASE}/b{number}", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    properties = (line[2:].partition("=") for line in lines if line.startswith("E:"))
    links = sorted(f"/dev/{line[2:].strip()}" for line in lines if line.startswith("S:"))
    return Entry(links, {key: value for key, _, value in properties})


def links(node: str) -> list[str]:
    """The links that udev has made for a device."""
    try:
        info = os.stat(node)
    except OSError:
        return []
    found = entry_of(_number(info))
    return found.links if found is not None else []


def _number(info: os.stat_result) -> str:
    return f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"


def neighbours(device: str) -> str:
    """What may have been meant: the links beside `device`, or the machine's block devices."""
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


def settle_devices(log: Log, *devices: str) -> None:
    """Returns when udev has handled everything about `devices` so far: an event of our own for each goes through its queue.

    A bare `udevadm settle` would not do: changes that udevd has yet to notice by inotify are not in the queue, and what is written
    while it handles an earlier event of the device is never noticed.
    Raises CommandError.
    """
    if not running():
        return
    command = ["udevadm", "trigger", "--settle", *map(os.path.realpath, devices)]
    what = f"waiting for udev to handle {', '.join(devices)}"
    try:
        run(log, command, what=what, timeout=SETTLE_TIMEOUT / 3)
    except CommandError as failure:
        # udevadm waits without end for an event that got lost, which has been seen among many events of partitions.
        log.warning(f"{failure}; asking udev once more")
        run(log, command, what=what, timeout=SETTLE_TIMEOUT)


def settle(log: Log) -> None:
    """Returns when udev's queue is empty. Raises CommandError."""
    if running():
        run(log, ["udevadm", "settle", f"--timeout={SETTLE_TIMEOUT:.0f}"], what="waiting for udev")
