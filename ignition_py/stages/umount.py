"""The umount stage: unmounts, innermost first, what the mount stage mounted."""

from __future__ import annotations

import os

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.mount import in_order, open_mount_point, target_of, unmount
from ignition_py.system.host import mounts
from ignition_py.system.rootfs import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.context import Context


def run(ctx: Context) -> None:
    """What is not mounted (any more) is passed over. One that fails does not keep the others mounted: the first failure is
    raised when all have been tried. Raises StageError or CommandError."""
    first: IgnitionError | None = None
    for filesystem in reversed(in_order(ctx.config.storage.filesystems)):
        try:
            _unmount_one(ctx, filesystem.path or "")
        except IgnitionError as error:
            if first is None:
                first = error
            else:
                ctx.log.error(f"umount: {error}")  # noqa: TRY400  # not the logging module
    if first is not None:
        raise first


def _unmount_one(ctx: Context, path: str) -> None:
    target = target_of(ctx.root, path)
    try:
        with Root(ctx.root) as root:
            open_mount_point(root, path, f"unmounting {path}")
    except FileNotFoundError:
        ctx.log.info(f"umount: there is no {target}")
        return
    except OSError as error:
        raise StageError(f"unmounting {path}: {error.strerror}: {error.filename}") from None
    real = os.path.realpath(target)
    if any(mount.target == real for mount in mounts()):
        unmount(ctx.log, target)
    else:
        ctx.log.info(f"umount: nothing is mounted at {target}")
