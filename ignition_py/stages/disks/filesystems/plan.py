"""Filesystems: what is on the device, whether it is reused, and the command that makes it.

`plan_filesystem()` is pure; `make()` is the only writer. Source of the behaviour: "Filesystem-Reuse Semantics"
of Ignition's operator notes; the commands are the reference's.
"""

from __future__ import annotations

import os

from ignition_py import quickjson as json
from ignition_py.record import Record
from ignition_py.report.diag import Cause, StageError
from ignition_py.spec.tables import Filesystem
from ignition_py.stages.disks.places import AskedBy, conflict
from ignition_py.system import udev
from ignition_py.system.blkid import Signature
from ignition_py.system.log import Log
from ignition_py.system.run import run

NOT_A_DEVICE = frozenset({"virtiofs"})  # formats whose `device` is a tag
TOOLS = {"btrfs": "mkfs.btrfs", "ext4": "mkfs.ext4", "xfs": "mkfs.xfs", "swap": "mkswap", "vfat": "mkfs.fat"}
_FORCE = {"btrfs": ("--force",), "ext4": ("-F",), "xfs": ("-f",), "swap": ("-f",), "vfat": ()}
_UUID = {"btrfs": ("-U", ""), "ext4": ("-U", ""), "xfs": ("-m", "uuid="), "swap": ("-U", ""), "vfat": ("-i", "")}
_LABEL = {"btrfs": "-L", "ext4": "-L", "xfs": "-L", "swap": "-L", "vfat": "-n"}


def on_device(filesystem: Filesystem) -> bool:
    """True if the disks stage has to do something on a block device for this entry."""
    return filesystem.format not in NOT_A_DEVICE


def same_uuid(kind: str, uuid: str) -> str:
    """A UUID in the one spelling that is compared and given to mkfs: lower case, a FAT volume ID without its
    dash."""
    uuid = uuid.lower()
    if kind == "vfat" and uuid[4:5] == "-":
        return uuid[:4] + uuid[5:]
    return uuid


def mkfs_command(filesystem: Filesystem, node: str) -> list[str]:
    """The command that makes the filesystem on `node`; [] for `none`. Raises StageError for an unknown format."""
    kind = filesystem.format or ""
    if kind == "none":
        return []
    if kind not in TOOLS:
        raise StageError(f"making a filesystem on {filesystem.device}: the format {kind!r} is not supported")
    command = [TOOLS[kind], *filesystem.options, *_FORCE[kind]]
    if filesystem.uuid is not None:
        flag, prefix = _UUID[kind]
        command += [flag, prefix + same_uuid(kind, filesystem.uuid)]
    if filesystem.label is not None:
        command += [_LABEL[kind], filesystem.label]
    return [*command, node]


class Decision(Record):
    """What happens on one device: "reuse", "make" or "refuse", why in words, and the way out of a refusal."""

    action: str
    why: str
    hint: str = ""


def plan_filesystem(
    filesystem: Filesystem,
    found: Signature,
    *,
    unfinished: bool = False,
    half_made: str = "",
    made_here: bool = False,
) -> Decision:
    """Reuse, make or refuse; pure.

    `unfinished`: the progress record proves that this boot was interrupted while making this filesystem here.
    `half_made`: why the signature belongs to a filesystem whose making never ended ("" where nothing says so).
    `made_here`: the partition was made for this config, now or by a run that was cut off.
    """
    kind = filesystem.format or ""
    if filesystem.wipe_filesystem:
        return Decision("make", f"wipeFilesystem is set; there is {found.describe()} now")
    if unfinished:
        return Decision("make", f"an earlier run was interrupted here; there is {found.describe()} now")
    different = differences(filesystem, found)
    if half_made and not different:
        if made_here:
            return Decision("make", f"an earlier run was cut off here: {half_made}")
        return Decision(
            "refuse",
            f"{filesystem.device} holds a {kind} that was never completed: {half_made}",
            "Set `wipeFilesystem: true` to have it made anew",
        )
    if not different:
        return Decision("reuse", f"{found.describe()} is as wanted")
    if not found.type:
        return Decision("make", "there is no filesystem")
    return _refusal(filesystem, found, different)


def differences(filesystem: Filesystem, found: Signature) -> list[str]:
    """The settings of the config that are not as on the device: of "format", "label", "uuid"."""
    kind = "" if filesystem.format == "none" else filesystem.format or ""
    different = []
    if kind != found.type:
        different.append("format")
    if filesystem.label is not None and filesystem.label != found.label:
        different.append("label")
    if filesystem.uuid is not None and same_uuid(kind, filesystem.uuid) != same_uuid(found.type, found.uuid):
        different.append("uuid")
    return different


def disagreement(one: Filesystem, other: Filesystem) -> Cause | None:
    """Why two entries cannot both make the filesystem of one device that has two names; None where they agree."""
    settings = [
        name
        for name, a, b in (
            ("format", one.format, other.format),
            ("label", one.label, other.label),
            ("uuid", one.uuid, other.uuid),
            ("options", one.options, other.options),
            ("wipeFilesystem", one.wipe_filesystem is True, other.wipe_filesystem is True),
        )
        if a != b
    ]
    if not settings:
        return None
    words = " and ".join(f"`{name}`" for name in settings)
    return conflict(
        f"{one.device} and {other.device} are one device, but differ in {words}", other,
        f"Take one of the two entries out, or give both the same {words}",
    )  # fmt: skip


def _refusal(filesystem: Filesystem, found: Signature, different: list[str]) -> Decision:
    wanted = filesystem.format or ""
    if filesystem.label is not None:
        wanted += f' with label "{filesystem.label}"'
    if filesystem.uuid is not None:
        wanted += f" and UUID {filesystem.uuid}"
    now = {"format": found.type, "label": f'"{found.label}"', "uuid": found.uuid or '""'}
    if filesystem.format == "none" or found.type not in TOOLS:
        keep = "to keep it, take this filesystem out of the config"
    else:
        keep = "to keep it, write " + ", ".join(f"`{name}: {now[name]}`" for name in different)
    return Decision(
        "refuse",
        f"{filesystem.device} holds {found.describe()}, the config wants {wanted}",
        f"Set `wipeFilesystem: true` to destroy what is there; {keep}",
    )


def half_made(kind: str, node: str, offset: int = 0) -> str:
    """Signs on the device (`offset` bytes into `node`) that its mkfs never ended; "" where there are none.

    mkfs.ext4, mkfs.btrfs and mkswap write their signature last. mkfs.xfs sets sb_inprogress (byte 126 of the
    superblock, xfs_format.h) until it is done; mkfs.fat writes the boot sector before the tables, whose first entry
    is never zero in a complete one (Microsoft's FAT specification). Raises StageError.
    """
    if kind not in ("xfs", "vfat"):
        return ""
    try:
        with open(node, "rb") as device:
            device.seek(offset)
            sector = device.read(512)
            if kind == "xfs":
                return "its superblock says that it is still being made" if sector[126] else ""
            at = int.from_bytes(sector[14:16], "little") * int.from_bytes(sector[11:13], "little")
            device.seek(offset + at)
            table = device.read(3)
    except OSError as error:
        raise StageError(f"reading what is on {node}: {error.strerror}") from None
    return "its allocation table is empty" if table == bytes(3) else ""


def make(log: Log, filesystem: Filesystem, node: str) -> None:
    """Removes every signature from `node` and makes the filesystem. `node` is a path that stays. Raises
    CommandError."""
    device = filesystem.device
    run(log, ["wipefs", "-a", node], what=f"removing signatures from {device}")
    command = mkfs_command(filesystem, node)
    if command:
        with AskedBy(filesystem, _mkfs_hint(filesystem)):
            run(log, command, what=f"making {filesystem.format} on {device}")
        sync(node)
    udev.settle_devices(log, node)


def _mkfs_hint(filesystem: Filesystem) -> str:
    """What to do where mkfs fails."""
    tool = TOOLS[filesystem.format or ""]
    if filesystem.options:
        return f"Correct or remove what {tool} refuses of `options: {json.dumps(list(filesystem.options))}`; see {tool}(8)"
    return f"Correct what {tool} refuses of the entry (`label`, `uuid`, or the size of {filesystem.device}); see {tool}(8)"


def sync(node: str) -> None:
    """Has the kernel put everything written to `node` on the disk. Raises StageError."""
    try:
        fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise StageError(f"writing {node} to the disk: {error.strerror}") from None
