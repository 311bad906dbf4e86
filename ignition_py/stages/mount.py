"""The mount stage: mounts the config's filesystems below the new root, outermost first, for the files stage to
write to.

A mount point's path must consist of directories: a symlink in it could lead out of the root. Missing directories
are made (0755) and noted in the state, so that the files stage can give those in a home to their user. If one mount
fails, those made before it are taken back, and so are the directories: a second run finds what the first one found.

What the initramfs had mounted itself is noted in the state before the first mount, so that umount leaves it mounted.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence

from ignition_py.context import Context
from ignition_py.record import Record, field
from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.spec.tables import Filesystem
from ignition_py.stages.disks.places import AskedBy
from ignition_py.system.host import mounts
from ignition_py.system.log import Log
from ignition_py.system.rootfs import Root, clean, shown
from ignition_py.system.run import run as run_program

NOT_MOUNTED = frozenset({"swap", "none", ""})  # formats whose path has no meaning
_EMPTY = frozenset({"lost+found"})  # names in a filesystem that nobody has used yet


_HINT = "Correct what mount refuses: `format` has to be what the device holds, `mountOptions` ones that mount(8) knows"


class Done(Record):
    """What this run did, in order: a step of a directory (a path inside the root), or of a mount (device and target)."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def directory(self, path: str) -> None:
        self.steps.append(("", path))

    def mount(self, device: str, target: str) -> None:
        self.steps.append((device, target))

    def directories(self) -> list[str]:
        return [path for device, path in self.steps if not device]


def run(ctx: Context) -> None:
    """Raises StageError or CommandError; then nothing that this run mounted is left mounted."""
    done = Done()
    wanted = in_order(ctx.config.storage.filesystems)
    _note_mounted(ctx, wanted)
    try:
        for filesystem in wanted:
            with AskedBy(filesystem, _HINT):
                _mount_one(ctx, filesystem, done)
    except BaseException:
        _take_back(ctx, done)
        raise
    notated = ctx.state.notated_directories
    notated.extend(path for path in done.directories() if path not in notated)


def _note_mounted(ctx: Context, filesystems: Sequence[Filesystem]) -> None:
    """Notes what is mounted already, unless an earlier run of this boot has: its mounts are there now. Raises IgnitionError."""
    if ctx.state.mounted_before is not None or not filesystems:
        return
    counts = {clean(entry.path or ""): mounted_at(target_of(ctx.root, entry.path or "")) for entry in filesystems}
    ctx.state.mounted_before = {path: count for path, count in counts.items() if count}
    ctx.save_state()


def in_order(filesystems: Sequence[Filesystem]) -> list[Filesystem]:
    """Those that are mounted, outermost first."""
    mounted = [entry for entry in filesystems if entry.path and (entry.format or "") not in NOT_MOUNTED]
    return sorted(mounted, key=lambda entry: clean(entry.path or "").rstrip("/").count("/"))


def target_of(root: str, path: str) -> str:
    """Where `path` of the config is, as seen from the stage."""
    return os.path.join(root, clean(path)[1:]) if clean(path) != "/" else root


def open_mount_point(root: Root, path: str, what: str, on_made: Callable[[str], None] | None = None) -> None:
    """Looks at each component of a mount point; with `on_made`, makes the missing ones.

    Raises StageError for one that is not a directory, FileNotFoundError for a missing one.
    """
    try:
        os.close(root.directory(path, on_made))
    except FileNotFoundError:
        raise
    except OSError as error:
        kind = {errno.ELOOP: "is a symlink", errno.ENOTDIR: "is not a directory"}.get(error.errno or 0)
        if kind is None:
            raise StageError(f"{what}: {error.filename}: {error.strerror}") from None
        raise StageError(
            f"{what}: {error.filename} {kind}, and a mount point must consist of directories only",
            hint="Write the `path` without links, as `realpath` prints it on the machine, or choose another `path`",
        ) from None


def _mount_one(ctx: Context, filesystem: Filesystem, done: Done) -> None:
    from ignition_py.system.selinux import relabel  # for configs with filesystems only

    path, device = clean(filesystem.path or ""), filesystem.device
    target = target_of(ctx.root, path)
    what = f"mounting {device} at {path}"
    before = len(done.directories())
    try:
        with Root(ctx.root) as root:  # for each: one may be mounted at the root itself
            open_mount_point(root, path, f"making the mount point {path}", done.directory)
            if mounted_from(device, target):
                ctx.log.info(f"mount: {device} is mounted at {target} already")
                return
            relabel(ctx.log, root, done.directories()[before : before + 1], stage="mount", required=False)
        options = ",".join(filesystem.mount_options)
        argv = ["mount", *(("-o", options) if options else ()), "-t", filesystem.format or "", device, target]
        done.mount(device, target)  # first: a mount that is interrupted may have happened
        with ctx.log.step(f"mount: {device} at {target}"):
            run_program(ctx.log, argv, what=what)
        if set(os.listdir(target)) <= _EMPTY:
            with Root(ctx.root) as root:
                relabel(ctx.log, root, [path], stage="mount", required=False)
    except OSError as error:
        raise StageError(f"{what}: {error.strerror}: {shown(str(error.filename))}") from None


def mounted_at(target: str) -> int:
    """How many filesystems are mounted there, over one another."""
    real = os.path.realpath(target)
    return sum(mount.target == real for mount in mounts())


def mounted_from(device: str, target: str) -> bool:
    """True if `device` is what is mounted topmost at `target`: by the initramfs itself, or by a run that was killed."""
    real = os.path.realpath(target)
    sources = [mount.source for mount in mounts() if mount.target == real]
    return bool(sources) and (sources[-1] == device or os.path.realpath(sources[-1]) == os.path.realpath(device))


def _take_back(ctx: Context, done: Done) -> None:
    """Unmounts and removes what this run mounted and made, last first.

    What does not go is logged: the first error stays the one that counts.
    """
    for device, path in reversed(done.steps):
        try:
            if not device:
                with Root(ctx.root) as root, root.spot(path) as spot:
                    os.rmdir(spot.name, dir_fd=spot.dir)
            elif mounted_from(device, path):
                unmount(ctx.log, path)
        except (IgnitionError, OSError) as error:
            ctx.log.error(f"mount: taking back {path}: {error}")  # noqa: TRY400  # not the logging module


def unmount(log: Log, target: str) -> None:
    """Raises CommandError."""
    with log.step(f"umount: {target}"):
        run_program(log, ["umount", target], what=f"unmounting {target}")
