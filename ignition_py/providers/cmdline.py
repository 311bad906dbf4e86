"""The kernel command line as the place of a config, asked before the platform on every platform.

ignition.config.url=URL                                     fetched
ignition.config.device=LABEL ignition.config.path=PATH      a file on the filesystem with that label
ignition.config.hash=sha512-DIGEST                          what the config has to be, wherever it is from (fetch/pin.py)
"""

from __future__ import annotations

import os
import time

from ignition_py.fetch.urls import public
from ignition_py.flatcar import CONFIG_URLS, wanted
from ignition_py.providers import Machine
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import kernel_command_line

BY_LABEL = "/dev/disk/by-label"
DEVICE_WAIT, DEVICE_POLL = 30.0, 0.5  # seconds
URL, _DEVICE, _PATH = "ignition.config.url", "ignition.config.device", "ignition.config.path"
_HASH = "ignition.config.hash"


def fetch(machine: Machine) -> bytes | None:
    """The config that the command line names, None where it names none. Raises IgnitionError."""
    named = arguments(machine)
    url, device, path = named[URL], named[_DEVICE], named[_PATH]
    if url:
        if device or path:
            machine.log.warning(f"{URL} is given, so {_DEVICE} and {_PATH} count for nothing")
        data = machine.fetcher.get(url, what=f"the config of {URL}")
        machine.found(public(url))
        return data
    if device and path:
        return _from_device(machine, device, path)
    if device or path:
        raise IgnitionError(
            f"the kernel command line has {_DEVICE if device else _PATH} alone",
            hint=f"Give {_DEVICE} and {_PATH} together",
        )
    return None


def arguments(machine: Machine) -> dict[str, str]:
    """The values of our kernel arguments, "" where one is not given; the last one wins."""
    found = {URL: "", _DEVICE: "", _PATH: ""}
    older = CONFIG_URLS if wanted(machine.environ) else ()
    for word in _words(machine):
        name, _, value = word.partition("=")
        name = URL if name in older else name
        if name in found and value:
            found[name] = value
    return found


def pinned(machine: Machine) -> str | None:
    """The value of `ignition.config.hash`, the last one where there are several; None where it is not given. Raises IgnitionError."""
    found = None
    for word in _words(machine):
        name, equals, value = word.partition("=")
        if name == _HASH:
            found = value if equals else ""
    return found


def _words(machine: Machine) -> list[str]:
    return kernel_command_line(machine.setting("KERNEL_CMDLINE_PATH", machine.path("/proc/cmdline"))).split()


def _from_device(machine: Machine, label: str, path: str) -> bytes:
    """Mounts the filesystem read-only for as long as it takes to read one file."""
    if "/" in label or label in (".", ".."):
        raise IgnitionError(f"{_DEVICE}={label} is not a filesystem label")
    device = machine.path(f"{BY_LABEL}/{label}")
    _wait_for(machine, device, label)
    from ignition_py.providers import drive

    name = f"the filesystem {label}"
    (data,) = drive.read(machine, device, (path,), name=name)
    if data is None:
        raise IgnitionError(f"reading {path} on {name}: No such file or directory")
    machine.found(f"{path} on {name}")
    return data


def _wait_for(machine: Machine, device: str, label: str) -> None:
    end = time.monotonic() + DEVICE_WAIT
    from ignition_py.system.waiting import Waiting  # few machines wait for one

    waiting = Waiting(machine.log, f"a filesystem with the label {label} ({_DEVICE})", DEVICE_WAIT, tries=True)
    while not os.path.exists(device):
        if time.monotonic() >= end:
            raise IgnitionError(
                f"no filesystem with the label {label} appeared within {DEVICE_WAIT:g} seconds ({_DEVICE})",
                hint="Attach a disk with that filesystem, or correct the label",
            )
        waiting.tell()
        time.sleep(DEVICE_POLL)
