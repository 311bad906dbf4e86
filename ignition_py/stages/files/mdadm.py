"""RAID arrays in the new root: a line for each in mdadm.conf(5), by which the system names them as the config does.

udev assembles arrays without it, but may then call one by another name (`/dev/md/data_0`, `/dev/md127`) where a name is taken
or a home host does not match. The file is where the image has it: `/etc/mdadm/mdadm.conf` (Debian) or `/etc/mdadm.conf`.
The reference writes none. An array that cannot be asked is left out with a warning: the machine boots without the line.
"""

from __future__ import annotations

import os
import stat

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Raid
from ignition_py.stages.files.extend import extend, own_length
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.touched import Touched
from ignition_py.system.rootfs import Root, shown
from ignition_py.system.run import CommandError, run

DEBIAN, PLAIN = "/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-")


def apply_mdadm_conf(ctx: Context, root: Root, journal: Journal, touched: Touched) -> None:
    """Adds a line for every array of the config. Raises StageError."""
    if not ctx.config.storage.raid:
        return
    path = _place(root)
    if any(file.path == path for file in ctx.config.storage.files):
        ctx.log.info(f"files: the config writes {path} itself")
        return
    lines = [text for raid in ctx.config.storage.raid if (text := _line(ctx, raid))]
    if not lines:
        return
    try:
        length = own_length(root, journal, path)
        journal.save()
        with ctx.log.step(f"files: naming {len(lines)} RAID arrays in {path}"):
            extend(ctx.log, root, path, length, "".join(lines), touched)
    except OSError as error:
        raise StageError(f"writing {path}: {error.strerror}") from None


def _place(root: Root) -> str:
    folder = root.lstat(os.path.dirname(DEBIAN), follow=True)
    return DEBIAN if folder is not None and stat.S_ISDIR(folder.st_mode) else PLAIN


def _line(ctx: Context, raid: Raid) -> str:
    """The line of an array; "" where it cannot be had."""
    node = raid.name if raid.name.startswith("/dev/") else f"/dev/md/{raid.name}"
    try:
        done = run(ctx.log, ["mdadm", "--detail", "--export", node], what=f"reading what the RAID array {shown(raid.name)} is")
    except CommandError as error:
        ctx.log.warning(f"{error.message}; it gets no line in mdadm.conf")
        return ""
    values = dict(line.partition("=")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines())
    uuid, metadata, name = (values.get(key, "") for key in ("MD_UUID", "MD_METADATA", "MD_NAME"))
    if not uuid or set(node.removeprefix("/dev/md/") + uuid + metadata + name) - _SAFE:  # words of the file are parted by white space
        ctx.log.warning(f"the RAID array {shown(raid.name)} gets no line in mdadm.conf: mdadm prints nothing that could stand in it")
        return ""
    words = [f"{key}={value}" for key, value in (("metadata", metadata), ("name", name), ("UUID", uuid)) if value]
    return " ".join(["ARRAY", node, *words]) + "\n"
