"""Rules of filesystems."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.examples import filesystem as example
from ignition_py.spec.rules.paths import check_path
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Filesystem

FORMATS = {"ext4": 0, "btrfs": 0, "xfs": 0, "swap": 0, "vfat": 0, "none": 3, "virtiofs": 7}  # -> minor version
LABEL_BYTES = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
_NEVER = 1 << 20
_VIRTIOFS_TAG_BYTES = 36
_MEANT = {"ext2": "ext4", "ext3": "ext4", "fat": "vfat", "fat32": "vfat", "msdos": "vfat", "linux-swap": "swap"}


@rule(
    Filesystem,
    "format-missing",
    title="A filesystem has no format",
    why="Ignition has to know which program creates or mounts the filesystem as soon as more than the device is given.",
    fix="Add format: ext4, xfs, btrfs, vfat or swap; from spec 3.3.0 on, none mounts nothing.",
    wrong=example("path: /var/data"),
    right=example("format: ext4\npath: /var/data"),
)
@code(
    "format-unknown",
    title="The format of a filesystem is unknown",
    why="Ignition creates filesystems with the programs in the initramfs, which are those of a few formats: ext4, btrfs, xfs, vfat "
    "and swap; none and virtiofs came with later versions.",
    fix="Use one of the formats that the message lists, or a newer version of the config.",
    wrong=example("format: ext3"),
    right=example("format: ext4"),
)
def filesystem(filesystem: Filesystem, findings: Findings) -> None:
    if filesystem.path:
        check_path(findings, filesystem.path, "path")
    if filesystem.format == "virtiofs" and findings.version >= FORMATS["virtiofs"]:
        _virtiofs(filesystem, findings)
    else:
        check_path(findings, filesystem.device, "device")
    if not filesystem.format:
        more = (filesystem.path, filesystem.label, filesystem.uuid, filesystem.wipe_filesystem, filesystem.options)
        if any(more) or filesystem.mount_options:
            message = "a filesystem needs its format as soon as more than the device is given"
            findings.error("format-missing", message, "format", hint="add a format, such as format: xfs")
    elif findings.version < FORMATS.get(filesystem.format, _NEVER):
        _unknown_format(filesystem.format, findings)
    if filesystem.label:
        _label(filesystem, filesystem.label, findings)


def _unknown_format(name: str, findings: Findings) -> None:
    known = [each for each, since in FORMATS.items() if since <= findings.version]
    message = f"the format {name!r} is unknown; known: {', '.join(known)}"
    hint = ""
    if name in FORMATS:
        hint = f"{name} came with spec 3.{FORMATS[name]}.0; this config is of 3.{findings.version}.0"
    elif name.lower() in known or name.lower() in _MEANT:
        hint = f"write {_MEANT.get(name.lower(), name.lower())}"
    findings.error("format-unknown", message, "format", hint=hint)


@code(
    "virtiofs-tag-long",
    title="The tag of a virtiofs share is too long",
    why="A virtio device has room for a tag of 36 bytes.",
    fix="Shorten the tag, here and in the host's settings of the machine.",
)
@code(
    "virtiofs-uuid",
    title="A virtiofs share has a UUID",
    why="A share is a directory of the host, not a filesystem with a header that a UUID could be written to.",
    fix="Remove uuid.",
)
@code(
    "virtiofs-wipe",
    title="A virtiofs share is to be wiped",
    why="A share is a directory of the host, which Ignition never erases.",
    fix="Remove wipe_filesystem.",
)
@code(
    "virtiofs-options",
    title="A virtiofs share has options for mkfs",
    why="A share is mounted, never created, so options of a program that creates it have no use.",
    fix="Remove options; options for mounting belong to mount_options.",
)
def _virtiofs(filesystem: Filesystem, findings: Findings) -> None:
    if not filesystem.device:
        hint = "write the tag that the host gave the share"
        findings.error("device-missing", "virtiofs needs the tag of the share as its device", "device", hint=hint)
    elif (size := len(filesystem.device.encode())) > _VIRTIOFS_TAG_BYTES:
        message = f"the tag of a virtiofs share has at most {_VIRTIOFS_TAG_BYTES} bytes; this has {size}"
        findings.error("virtiofs-tag-long", message, "device", hint="shorten the tag, on the host too")
    if filesystem.uuid:
        findings.error("virtiofs-uuid", "a virtiofs share has no UUID", "uuid", hint="remove uuid")
    if filesystem.wipe_filesystem:
        message = "a virtiofs share cannot be wiped: it is a directory of the host"
        findings.error("virtiofs-wipe", message, "wipe_filesystem", hint="remove wipe_filesystem")
    if filesystem.options:
        message = "a virtiofs share is not created by mkfs, so it takes no options"
        findings.error("virtiofs-options", message, "options", hint="use mount_options")


@code(
    "label-without-format",
    title="A filesystem has a label but no format",
    why="The program that writes the label depends on the format.",
    fix="Add format.",
    wrong=example("label: data"),
    right=example("format: ext4\nlabel: data"),
)
@code(
    "virtiofs-label",
    title="A virtiofs share has a label",
    why="A share is a directory of the host, which has no label; it is found by its tag.",
    fix="Remove label.",
)
@code(
    "filesystem-label-long",
    title="The label of a filesystem is too long",
    why="The header of a filesystem has room for few bytes: ext4 16, btrfs 256, xfs 12, swap 15, vfat 11. mkfs would fail at boot.",
    fix="Shorten the label.",
    wrong=example("format: xfs\nlabel: thirteen-long"),
    right=example("format: xfs\nlabel: twelve-chars"),
)
def _label(filesystem: Filesystem, label: str, findings: Findings) -> None:
    if not filesystem.format:
        message = "a label needs the format of the filesystem"
        findings.error("label-without-format", message, "label", hint="add a format, such as format: xfs")
    elif filesystem.format == "virtiofs" and findings.version >= FORMATS["virtiofs"]:
        findings.error("virtiofs-label", "a virtiofs share has no label", "label", hint="remove label")
    elif (size := len(label.encode())) > LABEL_BYTES.get(filesystem.format, _NEVER):
        most = LABEL_BYTES[filesystem.format]
        message = f"a label of {filesystem.format} has at most {most} bytes; this has {size}"
        findings.error("filesystem-label-long", message, "label", hint="shorten the label")
