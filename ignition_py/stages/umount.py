"""The umount stage: unmounts, innermost first, what the mount stage mounted."""

from __future__ import annotations

import os

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.mount import in_order, parts, target_of, unmount
from ignition_py.system.host import mounts

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
    _only_directories(ctx.root, path)
    if any(mount.target == os.path.realpath(target) for mount in mounts()):
        unmount(ctx.log, target)
    else:
        ctx.log.info(f"umount: nothing is mounted at {target}")


def _only_directories(root: str, path: str) -> None:
    here = root
    for part in parts(path):
        here = os.path.join(here, part)
        if os.path.islink(here):
            raise StageError(f"unmounting {path}: {here} has become a symlink")
