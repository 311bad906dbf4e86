"""The mount stage: mounts the config's filesystems below the new root, outermost first, for the files stage to
write to.

A mount point's path must consist of directories: a symlink in it could lead out of the root. Missing directories
are made (0755) and noted in the state, so that the files stage can give those in a home to their user. If one mount
fails, those made before it are taken back, and so are the directories: a second run finds what the first one found.
"""

from __future__ import annotations

import errno
import os
import stat

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.disks.places import at
from ignition_py.system.host import mounts, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.context import Context
    from ignition_py.spec.tables import Filesystem
    from ignition_py.system.log import Log

NOT_MOUNTED = frozenset({"swap", "none", ""})  # formats that have a path for nothing
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EMPTY = frozenset({"lost+found"})  # names in a filesystem that nobody has used yet


class Undo:
    """What this run did, in order: directories made (as paths of the config) and targets mounted (as paths of ours)."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []

    def made(self) -> list[str]:
        return [path for kind, path in self.steps if kind == "made"]


def run(ctx: Context) -> None:
    """Raises StageError or CommandError; then nothing that this run mounted is left mounted."""
    undo = Undo()
    try:
        for filesystem in in_order(ctx.config.storage.filesystems):
            _mount_one(ctx, filesystem, undo)
    except IgnitionError:
        _take_back(ctx, undo)
        raise
    notated = ctx.state.notated_directories
    notated.extend(path for path in undo.made() if path not in notated)


def in_order(filesystems: Sequence[Filesystem]) -> list[Filesystem]:
    """Those that are mounted, outermost first."""
    mounted = [entry for entry in filesystems if entry.path and (entry.format or "") not in NOT_MOUNTED]
    return sorted(mounted, key=lambda entry: len(parts(entry.path or "")))


def parts(path: str) -> list[str]:
    """The components of an absolute path; `.` and empty ones drop out, `..` goes up."""
    clean = os.path.normpath("/" + path)
    return [part for part in clean.split("/") if part]


def target_of(root: str, path: str) -> str:
    """Where `path` of the config is for us."""
    return os.path.join(root, *parts(path))


def _mount_one(ctx: Context, filesystem: Filesystem, undo: Undo) -> None:
    path = filesystem.path or ""
    target = target_of(ctx.root, path)
    new = make_directories(ctx.root, path, undo)
    if mounted_from(filesystem.device, target):
        ctx.log.info(f"mount: {filesystem.device} is mounted at {target} already")
        return
    _relabel(ctx, new)
    options = ",".join(filesystem.mount_options)
    argv = ["mount", *(("-o", options) if options else ()), "-t", filesystem.format or "", filesystem.device, target]
    from ignition_py.system.run import run as run_program

    with ctx.log.step(f"mount: {filesystem.device} at {target}"):
        run_program(ctx.log, argv, what=f"mounting {filesystem.device} at {path}{at(filesystem)}")
    undo.steps.append(("mounted", target))
    if set(os.listdir(target)) <= _EMPTY:
        _relabel(ctx, target)


def make_directories(root: str, path: str, undo: Undo) -> str:
    """Makes what is missing of `path` below `root` and returns the first that was missing as a path of ours, "" if none.

    Raises StageError where a component is not a directory.
    """
    first = ""
    here = "/"
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts(path):
            here = os.path.join(here, part)
            try:
                below = os.open(part, _DIRECTORY, dir_fd=fd)
            except FileNotFoundError:
                os.mkdir(part, 0o755, dir_fd=fd)
                undo.steps.append(("made", here))
                first = first or target_of(root, here)
                below = os.open(part, _DIRECTORY, dir_fd=fd)
                os.chmod(f"/proc/self/fd/{below}", 0o755)  # noqa: S103  # the mode the spec names, whatever the umask
            os.close(fd)
            fd = below
    except OSError as error:
        raise StageError(f"making the mount point {path}: {_problem(error, here, fd)}") from None
    finally:
        os.close(fd)
    return first


def _problem(error: OSError, here: str, fd: int) -> str:
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        mode = os.stat(os.path.basename(here), dir_fd=fd, follow_symlinks=False).st_mode
        kind = "a symlink" if stat.S_ISLNK(mode) else "not a directory"
        return f"{here} is {kind}, and a mount point must consist of directories only"
    return f"{here}: {error.strerror}"


def mounted_from(device: str, target: str) -> bool:
    """Is `device` what is mounted topmost at `target`? (A run that was killed leaves its mounts.)"""
    sources = [mount.source for mount in mounts() if mount.target == os.path.realpath(target)]
    return bool(sources) and (sources[-1] == device or os.path.realpath(sources[-1]) == os.path.realpath(device))


def _take_back(ctx: Context, undo: Undo) -> None:
    """Unmounts and removes what this run mounted and made, last first.

    What does not go is logged: the first error stays the one that counts.
    """
    for kind, path in reversed(undo.steps):
        try:
            if kind == "mounted":
                unmount(ctx.log, path)
            else:
                os.rmdir(target_of(ctx.root, path))
        except (IgnitionError, OSError) as error:
            ctx.log.error(f"mount: taking back {path}: {error}")  # noqa: TRY400  # not the logging module


def unmount(log: Log, target: str) -> None:
    """Raises CommandError."""
    from ignition_py.system.run import run as run_program

    with log.step(f"umount: {target}"):
        run_program(log, ["umount", target], what=f"unmounting {target}")


def _relabel(ctx: Context, path: str) -> None:
    """Gives `path` and what is below it the labels of the new root's SELinux policy, where it has one and setfiles
    is there."""
    if not path:
        return
    from ignition_py.system.rootfs import Root
    from ignition_py.system.run import run as run_program

    with Root(ctx.root) as root:
        settings = root.read("/etc/selinux/config") or b""
    kinds = [
        line.partition(b"=")[2].strip().decode()
        for line in settings.splitlines()
        if line.strip().startswith(b"SELINUXTYPE=")
    ]
    if not kinds or not kinds[0]:
        return
    if not which("setfiles"):
        ctx.log.warning(f"mount: {path} is left without SELinux labels: the program setfiles is not on PATH")
        return
    contexts = target_of(ctx.root, f"/etc/selinux/{kinds[0]}/contexts/files/file_contexts")
    run_program(
        ctx.log,
        ["setfiles", "-vF0", "-r", ctx.root, contexts, "-f", "-"],
        what=f"labelling {path} for SELinux",
        stdin=os.fsencode(path) + b"\0",
    )
