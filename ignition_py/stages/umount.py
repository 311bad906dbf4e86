"""The umount stage: unmounts, innermost first, what the mount stage mounted."""

from __future__ import annotations

import os

from ignition_py.diag import StageError
from ignition_py.stages.mount import in_order, mounts, parts, target_of, unmount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.context import Context


def run(ctx: Context) -> None:
    """What is not mounted (any more) is passed over. Raises StageError or CommandError."""
    for filesystem in reversed(in_order(ctx.config.storage.filesystems)):
        target = target_of(ctx.root, filesystem.path or "")
        _only_directories(ctx.root, filesystem.path or "")
        if any(point == os.path.realpath(target) for _, point in mounts()):
            unmount(ctx.log, target)
        else:
            ctx.log.info(f"umount: nothing is mounted at {target}")


def _only_directories(root: str, path: str) -> None:
    here = root
    for part in parts(path):
        here = os.path.join(here, part)
        if os.path.islink(here):
            raise StageError(f"unmounting {path}: {here} has become a symlink")
