"""Disks of a cloud-config: partitions by sfdisk in bootcmd (disk_setup knows percents only), fs_setup and mounts.

Source: sfdisk(8), cc_disk_setup and cc_mounts of cloud-init 22.4 and 26.2. fs_setup takes a filesystem of the same type for the one that
is wanted, whatever `overwrite` says, and makes none over another type; wiping is therefore a command before it.
"""

from __future__ import annotations

import re
from typing import Any

from butane_py.emit import shell
from butane_py.targets.plan import Plan
from ignition_py.spec import tables as spec

_UUID_OPTIONS = {"ext2": "-U", "ext3": "-U", "ext4": "-U", "btrfs": "-U", "swap": "-U"}
_MAKES_NOTHING = ("", "none", "virtiofs")


def disk_commands(plan: Plan) -> list[list[str]]:
    """The commands of bootcmd that partition disks and wipe filesystems, once for each instance."""
    storage = plan.config.storage
    commands = []
    for index, disk in enumerate(storage.disks):
        script = _wiping(disk) if disk.wipe_table else _adding(disk)
        commands.append(["cloud-init-per", "instance", f"butane-disk-{index}", "sh", "-ec", script])
    for index, filesystem in enumerate(storage.filesystems):
        if filesystem.wipe_filesystem:
            name = f"butane-wipe-{index}"
            commands.append(["cloud-init-per", "instance", name, "wipefs", "--all", filesystem.device])
    return commands


def _wiping(disk: spec.Disk) -> str:
    """A new table."""
    lines = "".join(f"{f'{part.number} : ' if part.number else ''}{_entry(part)}\n" for part in disk.partitions)
    command = f"sfdisk --wipe always --wipe-partitions always {shell.word(disk.device)}"
    return shell.fed(command, f"label: gpt\n{lines}".encode()) + "udevadm settle\n"


def _adding(disk: spec.Disk) -> str:
    """Partitions that are not there yet, in the table that is there."""
    device = shell.word(disk.device)
    script = f'[ -n "$(blkid -p -s PTTYPE -o value {device})" ] || echo "label: gpt" | sfdisk {device}\n'
    for part in disk.partitions:
        to = f"-N {part.number}" if part.number else "--append"
        line = shell.fed(f"sfdisk --no-reread {to} {device}", f"{_entry(part)}\n".encode())
        if part.label:
            line = f"if [ ! -e {shell.word(f'/dev/disk/by-partlabel/{part.label}')} ]; then\n{line}fi\n"
        script += line
    return script + f"partprobe {device} || true\nudevadm settle\n"


def _entry(part: spec.Partition) -> str:
    """A partition as sfdisk reads it; sizes are MiB."""
    fields = [
        f"start={part.start_mib}MiB" if part.start_mib else "",
        f"size={part.size_mib}MiB" if part.size_mib else "",
        f'name="{_quoted(part.label)}"' if part.label else "",
        f"type={part.type_guid}" if part.type_guid else "",
        f"uuid={part.guid}" if part.guid else "",
    ]
    return ", ".join(field for field in fields if field) or ","


def _quoted(label: str) -> str:
    """A label inside quotes; sfdisk reads \\xNN."""
    return re.sub(r'["\\]', lambda found: f"\\x{ord(found[0]):02x}", label)


def fs_setup(plan: Plan) -> list[dict[str, Any]]:
    """The filesystems to make, unless there is one of the type."""
    made = []
    for filesystem in plan.config.storage.filesystems:
        kind = filesystem.format or ""
        if kind in _MAKES_NOTHING:
            continue
        entry: dict[str, Any] = {"device": filesystem.device, "filesystem": kind}
        options = [*filesystem.options, *_identity(filesystem, kind)]
        if filesystem.label and kind != "vfat":  # cloud-init gives every mkfs -L, which that of FAT does not know
            entry["label"] = filesystem.label
        elif filesystem.label:
            options += ["-n", filesystem.label]
        entry["overwrite"] = bool(filesystem.wipe_filesystem)
        if options:
            entry["extra_opts"] = options
        made.append(entry)
    return made


def _identity(filesystem: spec.Filesystem, kind: str) -> list[str]:
    """The options of mkfs that set the UUID."""
    if not filesystem.uuid:
        return []
    if kind == "xfs":
        return ["-m", f"uuid={filesystem.uuid}"]
    if kind == "vfat":
        return ["-i", filesystem.uuid.replace("-", "")]
    return [_UUID_OPTIONS.get(kind, "-U"), filesystem.uuid]


def mounts(plan: Plan) -> list[list[str]]:
    """The entries of /etc/fstab: of filesystems that are to stay mounted, and of swap."""
    found = []
    for index, filesystem in enumerate(plan.config.storage.filesystems):
        if index not in plan.mounted:
            continue
        options = ",".join(filesystem.mount_options)
        if filesystem.format == "swap":
            found.append([filesystem.device, "none", "swap", options or "sw", "0", "0"])
        else:
            found.append(
                [filesystem.device, filesystem.path or "", filesystem.format or "auto", options or "defaults", "0", "2"]
            )
    return found
