"""A failure that outlives its boot: `/run` does not, so the failure is left on a disk too, where there is one for it.

    cli.py: a stage has failed, and its screen has been shown -> keep() -> the next boot, or a rescue system with `ignition-py status`
    stages/files/report.py: provisioning has succeeded -> the copy in the new root is taken away

Which disk: the new root, where it is mounted. Before that the filesystem that the boot loader reads (stages/kargs/bootfs.py
finds it), mounted for a moment; before the disks stage, while nobody has touched the disks, also the root filesystem that
the kernel command line names. What is kept holds no secrets, as the failure screen holds none.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import boot_id, in_initramfs, kernel_command_line
from ignition_py.system.log import Log
from ignition_py.system.rootfs import Root

if TYPE_CHECKING:
    from ignition_py.failure import Failure
    from ignition_py.stages.kargs.bootfs import Place

NAME = ".ignition-failure.json"
IN_ROOT = f"/etc/{NAME}"
PLACES = (IN_ROOT, f"/boot/{NAME}", f"/{NAME}")  # below the root of a machine; the last is for a boot filesystem alone
_BEFORE_DISKS = ("fetch-offline", "fetch", "kargs")
_WITH_ROOT = ("mount", "files", "umount")
_MAX = 1 << 20  # bytes


def keep(log: Log, stage: str, root: str, failure: Failure) -> None:
    """Leaves the failure on a disk, and tells `failure` of the first boot that failed. Errors are logged only."""
    data = {**failure.data(), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "boot": boot_id()}
    try:
        if stage in _WITH_ROOT and root != "/" and os.path.ismount(root):
            _keep_below(root, IN_ROOT, data, failure)
            return
    except (OSError, RecursionError) as error:
        log.debug(f"the failure cannot be kept in the new root: {error}")
    try:
        if in_initramfs():
            _keep_on_disk(log, stage, data, failure)
    except (IgnitionError, OSError, RecursionError) as error:
        log.debug(f"the failure cannot be kept over the reboot: {error}")


def _keep_on_disk(log: Log, stage: str, data: dict[str, Any], failure: Failure) -> None:
    from ignition_py.stages.kargs.bootfs import Mounted, loader_partition, places, scan

    for place in places(scan(), kernel_command_line(), loader_partition()):
        if not _suits(place, stage):
            continue
        try:
            with Mounted(log, place) as path:
                _keep_below(path, IN_ROOT if place.is_root else f"/{NAME}", data, failure)
        except (IgnitionError, OSError) as error:
            log.debug(f"the failure cannot be kept on {place.describe()}: {error}")
            continue
        return


def _suits(place: Place, stage: str) -> bool:
    if place.rivals or not os.path.exists(place.node):
        return False
    return not place.is_root or stage in _BEFORE_DISKS


def _keep_below(root: str, path: str, data: dict[str, Any], failure: Failure) -> None:
    """Writes the file as a whole. One of another boot that is there is remembered: the first failure says most."""
    with Root(root) as opened:
        before = _parse(opened.read(path, _MAX))
        if before is not None and before["boot"] != data["boot"]:
            first = before["earlier"] or {name: before[name] for name in ("stage", "message", "at", "boot")}
            data["earlier"] = first
            failure.earlier = f"stage {first['stage']}, {first['at']}: {first['message']}"
        with opened.spot(path) as spot:
            fd, name = spot.create_temporary()
            with open(fd, "wb") as file:
                file.write(json.dumps({"earlier": None, **data}, indent=2).encode() + b"\n")
                file.flush()
                os.fsync(fd)
            spot.rename_from(name)


def _parse(text: bytes | None) -> dict[str, Any] | None:
    """A kept failure; None for anything else."""
    try:
        data = json.loads(text or b"")
        facts = data["earlier"] or data
        good = all(isinstance(part[name], str) for part in (data, facts) for name in ("stage", "message", "at", "boot"))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return data if good else None


def find(root: str) -> dict[str, Any] | None:
    """The newest failure that is kept on the machine whose root is at `root`. Raises IgnitionError where it cannot be read."""
    found = []
    try:
        with Root(root) as opened:
            for path in PLACES:
                data = _parse(opened.read(path, _MAX))
                if data is not None:
                    found.append(data)
    except OSError as error:
        raise IgnitionError(f"reading the kept failure below {root}: {error.strerror}") from None
    return max(found, key=lambda data: str(data["at"])) if found else None


def after(failure: dict[str, Any], result: dict[str, Any]) -> bool:
    """True if the failure is newer than the result of a provisioning. Times are RFC 3339."""
    from datetime import UTC, datetime

    try:
        failed, ended = (datetime.fromisoformat(str(text)) for text in (failure["at"], result["provisioningDate"]))
        return failed.astimezone(UTC) > ended.astimezone(UTC)
    except ValueError:
        return False
