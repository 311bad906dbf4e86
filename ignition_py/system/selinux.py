"""SELinux labels of what a stage made, by the policy of the new root.

No policy is loaded in an initramfs, so that files come into being without labels; setfiles(8) gives them at the end.
An image without `/etc/selinux/config`, with `SELINUX=disabled` there, or without the policy that it names, is one without
SELinux: nothing is done. Source: selinux_config(5).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from ignition_py.report.diag import StageError
from ignition_py.system.log import Log
from ignition_py.system.programs import find_tool
from ignition_py.system.rootfs import Root, encode, shown
from ignition_py.system.run import CommandError, run

CONFIG = "/etc/selinux/config"
_PROC = "/proc"


def policy(root: Root) -> str | None:
    """The path of the policy's file contexts; None for an image without SELinux.

    Raises OSError, StageError for a SELINUXTYPE that is not the name of a policy.
    """
    data = root.read(CONFIG)
    if data is None:
        return None
    values: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            values.setdefault(name.strip(), value.strip())
    if values.get("SELINUX", "").lower() == "disabled":
        return None
    kind = values.get("SELINUXTYPE", "targeted")
    if not kind or "/" in kind or "\0" in kind or kind in (".", ".."):
        raise StageError(
            f"{CONFIG} of the new root has no usable SELINUXTYPE",
            hint="Name an installed policy there, such as targeted, or set SELINUX=disabled",
        )
    contexts = f"/etc/selinux/{kind}/contexts/files/file_contexts"
    return contexts if root.is_file(contexts) else None


def relabel(log: Log, root: Root, paths: Iterable[str], *, stage: str, required: bool) -> None:
    """Labels `paths` (as seen from inside the root) and what is below them; those that do not exist are passed over.

    Without setfiles it is an error where labels are `required`, else a warning. Raises StageError, CommandError.
    """
    try:
        contexts = policy(root)
        existing = [path for path in paths if root.lstat(path) is not None] if contexts is not None else []
    except OSError as error:
        raise StageError(f"reading the SELinux policy of the new root: {error.strerror}") from None
    if contexts is None:
        log.debug(f"{stage}: the new root has no SELinux policy: nothing to label")
        return
    if not existing:
        return
    start = _setfiles(root)
    if start is None:
        missing = "there is no setfiles, neither in the initramfs nor in the new root"
        if required:
            raise StageError(
                f"labelling {len(existing)} paths for SELinux: {missing}",
                hint="Put setfiles (policycoreutils) into the image, or switch SELinux off in /etc/selinux/config",
            )
        log.warning(f"{stage}: {', '.join(map(shown, existing))} left without SELinux labels: {missing}")
        return
    argv, chroot = start
    prefix = "" if chroot is not None else root.path.rstrip("/")
    argv += [f"{prefix}{root.locate(contexts)}", "-f", "-"]
    names = b"".join(encode(prefix + path) + b"\0" for path in existing)
    with log.step(f"{stage}: labelling {len(existing)} paths for SELinux"), _Proc(log, root, wanted=chroot is not None):
        run(log, argv, what=f"labelling files for SELinux ({shown(contexts)})", stdin=names, chroot=chroot)


class _Proc:
    """`with _Proc(…)`: proc(5) is mounted in the new root, without which its own setfiles cannot set a label."""

    def __init__(self, log: Log, root: Root, *, wanted: bool) -> None:
        found = root.lstat(_PROC) if wanted else None
        self._log = log
        self._path = root.path.rstrip("/") + _PROC
        self._needed = found is not None and stat.S_ISDIR(found.st_mode) and not os.path.ismount(self._path)

    def __enter__(self) -> None:
        if self._needed:
            run(self._log, ["mount", "-t", "proc", "proc", self._path], what=f"mounting proc at {self._path} for setfiles")

    def __exit__(self, *_: object) -> None:
        if self._needed:
            try:
                run(self._log, ["umount", self._path], what=f"unmounting {self._path}")
            except CommandError as error:  # the way into the new root moves what is mounted below it, or goes without
                self._log.warning(str(error))


def _setfiles(root: Root) -> tuple[list[str], str | None] | None:
    """-F: also users, roles and ranges; -0: names end in NUL; -r: what to take off the paths before looking them up."""
    prefix, chroot = find_tool(root, "setfiles")
    if prefix is None:
        return None
    if chroot is not None:
        return [prefix[0], "-vF0"], chroot
    return ["setfiles", "-vF0", *(["-r", root.path] if root.path != "/" else [])], None
