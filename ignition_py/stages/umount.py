"""The umount stage: unmounts, innermost first, what the mount stage mounted. What was mounted before that stage stays mounted."""

from __future__ import annotations

from ignition_py.context import Context
from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.mount import in_order, mounted_at, open_mount_point, target_of, unmount
from ignition_py.system.rootfs import Root, clean


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
    count, before = mounted_at(target), (ctx.state.mounted_before or {}).get(clean(path), 0)
    if count > before:
        unmount(ctx.log, target)
    elif before:
        ctx.log.info(f"umount: {target} stays mounted, as it was before the mount stage")
    else:
        ctx.log.info(f"umount: nothing is mounted at {target}")
