"""Config drives: a small filesystem with a known label, attached by the platform, with the config in a file.

Found by the links that udev makes, mounted read-only for as long as reading takes. What is on the drive is not trusted:
no devices, no programs, no way out of it, and only ordinary files of a bounded size are read.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence

from ignition_py.providers import CONFIG_LIMIT, Machine
from ignition_py.report.diag import IgnitionError
from ignition_py.system.rootfs import Root
from ignition_py.system.run import run
from ignition_py.system.waiting import Waiting

BY_LABEL = "/dev/disk/by-label"
CONFIG_2 = ("config-2", "CONFIG-2")  # OpenStack's; vfat has its labels in capitals
CIDATA = ("cidata", "CIDATA")  # cloud-init's NoCloud
OPENSTACK = "/openstack/latest/user_data"
NOCLOUD = "/user-data"
POLL = 0.5  # seconds
LONG_WAIT = 300.0  # seconds, where there must be a drive; the reference waits for ever


def find(machine: Machine, labels: Sequence[str]) -> str | None:
    """The first of `labels` that a filesystem of this machine has."""
    for label in labels:
        if os.path.exists(machine.path(f"{BY_LABEL}/{label}")):
            return label
    return None


def wait_for(machine: Machine, labels: Sequence[str], seconds: float) -> str | None:
    """The first of `labels` to appear; None where none does in time."""
    end = time.monotonic() + seconds
    waiting: Waiting | None = None
    while (label := find(machine, labels)) is None:
        if time.monotonic() >= end:
            return None
        if waiting is None:
            who = f"a config drive labelled {' or '.join(labels)}"
            machine.log.info(f"waiting up to {seconds:g} s for {who}")
            waiting = Waiting(machine.log, who, seconds, tries=True)
        waiting.tell()
        time.sleep(min(POLL, seconds))
    return label


def required(machine: Machine, labels: Sequence[str]) -> str:
    """The label of the drive that this platform always attaches. Raises IgnitionError where it does not appear."""
    label = wait_for(machine, labels, LONG_WAIT)
    if label is None:
        raise IgnitionError(
            f"no config drive labelled {' or '.join(labels)} appeared within {LONG_WAIT:g} seconds",
            hint="Attach a config drive with that label, or name the config on the kernel command line (ignition.config.url=)",
        )
    return label


def user_data(machine: Machine, label: str, path: str) -> bytes:
    """The config in a file of the drive with that label, b"" where it has no such file. Raises IgnitionError."""
    (data,) = read(machine, machine.path(f"{BY_LABEL}/{label}"), (path,), name=f"the config drive {label}")
    if data is None:
        machine.log.info(f"the config drive {label} has no {path}; there is no config")
        return b""
    machine.found(f"{path} on the config drive {label}")
    return data


def read(
    machine: Machine, device: str, paths: Sequence[str], *, name: str, kind: str = "auto"
) -> tuple[bytes | None, ...]:
    """What the files at `paths` of the filesystem on `device` hold; None for those that are not there.

    `name` is what messages call the filesystem, `kind` its type. Raises IgnitionError, CommandError.
    """
    from tempfile import mkdtemp

    folder = mkdtemp(prefix="ignition-config-")
    try:
        run(
            machine.log,
            ("mount", "-o", "ro,nodev,nosuid,noexec", "-t", kind, device, folder),
            what=f"mounting {name}",
        )
        try:
            return tuple(_read_inside(folder, path, name) for path in paths)
        finally:
            run(machine.log, ("umount", folder), what=f"unmounting {name}")
    finally:
        os.rmdir(folder)


def _read_inside(folder: str, path: str, name: str) -> bytes | None:
    """Reads an ordinary file below `folder`, which symbolic links see as the root. Raises IgnitionError."""
    try:
        with Root(folder) as root:
            data = root.read(path, CONFIG_LIMIT)
            dangling = data is None and root.lstat(path) is not None
    except OSError as error:
        why = {
            errno.EINVAL: "is not an ordinary file",
            errno.EFBIG: f"has more than {CONFIG_LIMIT} bytes; name a config of that size by a URL",
        }.get(error.errno or 0)
        raise IgnitionError(
            f"{path} on {name} {why}" if why else f"reading {path} on {name}: {error.strerror}"
        ) from None
    if dangling:
        raise IgnitionError(f"{path} on {name} is a link to a file that is not on it")
    return data
