"""What the image of Fedora CoreOS has already: its partitions, and the directories that nothing else can be mounted at."""

from __future__ import annotations

import re

from butane_py.compilation import Compilation
from butane_py.features import boot_device
from butane_py.features.feature import Feature
from butane_py.features.mount_units import Filesystem
from butane_py.registry import ButaneFindings, rule
from butane_py.variants import FCOS
from ignition_py.report import examples
from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING, Path
from ignition_py.spec import tables as spec

# The image's own partitions: label -> number.
RESERVED = {"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}
ROOT_LEAST_MIB = 8192
BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"
_ROOT_SIZE_SINCE = 3
_MOUNTABLE = r"/(?:etc|var)(?:/|\Z)"


@code(
    "partition-reuse-label",
    title="A partition can be found by its label only",
    why=(
        "On a disk that keeps its table, Ignition finds a partition without a number by its label only if the label is "
        "there already; otherwise each run adds another one."
    ),
    fix="Add number to the partition, or wipe_table: true to the disk (which erases its partitions).",
    wrong=examples.disk("partitions:\n  - label: data\n"),
    right=examples.disk("partitions:\n  - label: data\n    number: 1\n"),
    severity=WARNING,
)
@code(
    "mount-point-forbidden",
    title="Nothing can be mounted there",
    why=(
        "On Fedora CoreOS the root directory cannot be changed and /usr is read-only, so units of a config can mount "
        "below /etc and /var only."
    ),
    fix="Mount below /var. Links lead there from /home, /opt, /srv, /mnt, /root and /usr/local already.",
    wrong=examples.filesystem("path: /opt\nformat: ext4\nwith_mount_unit: true"),
    right=examples.filesystem("path: /var/opt\nformat: ext4\nwith_mount_unit: true"),
)
@rule(boot_device.Config)
def fedora_coreos(it: boot_device.Config, find: ButaneFindings) -> None:
    """Partitions that would be reused by label, and mount points that the system has no place for."""
    if find.row.name != "fcos" or not find.row.has(FCOS, since=6):
        return
    for i, disk in enumerate(it.storage.disks):
        if disk.device == BOOT_DISK or disk.wipe_table or disk.device in it.boot_device.mirror.devices:
            continue
        for p, part in enumerate(disk.partitions):
            if part.number == 0 and part.label is not None:
                message = f"the partition {part.label!r} is found again by its label only, and added anew where that is missing"
                hint = f"give the partition a number, or set wipe_table: true for {disk.device} (which erases its partitions)"
                path = ("storage", "disks", i, "partitions", p, "number")
                find.warning("partition-reuse-label", message, *path, hint=hint)
    for i, filesystem in enumerate(it.storage.filesystems):
        mounted = isinstance(filesystem, Filesystem) and filesystem.with_mount_unit
        if mounted and filesystem.path is not None and not re.match(_MOUNTABLE, filesystem.path):
            message = "only what is below /etc or /var can be mounted by a unit of its own"
            below = f"/var{filesystem.path}" if filesystem.path.startswith("/") and filesystem.path != "/" else "/var/data"
            hint = f"mount it below /var, such as {below}"
            find.error("mount-point-forbidden", message, "storage", "filesystems", i, "path", hint=hint)


@code(
    "partition-reserved",
    title="A partition has the label of one of the image's own",
    why=(
        "The image has a partition of this label under another number. A second one makes it a matter of chance which is "
        "found, and the machine may not boot."
    ),
    fix="Use another label, or the number that the message names.",
    wrong=examples.disk("partitions:\n  - label: boot\n    number: 5\n"),
    right=examples.disk("partitions:\n  - label: data\n    number: 5\n"),
    severity=WARNING,
)
def desugar(work: Compilation, config: spec.Config) -> spec.Config:
    """Nothing is added; warns of partitions that collide with those of the image, once the boot device's are there."""
    for i, disk in enumerate(config.storage.disks):
        for p, part in enumerate(disk.partitions):
            path: Path = ("storage", "disks", i, "partitions", p)
            if part.label == "root" and work.row.has(FCOS, since=_ROOT_SIZE_SINCE):
                _root_size(work, config, disk, part, path)
            if not disk.wipe_table and part.label is not None and RESERVED.get(part.label, part.number) != part.number:
                message = f"{part.label} is partition {RESERVED[part.label]} of the image; this makes a second one"
                _warn_label(work, config, "partition-reserved", message, (*path, "label"))
    return config


def _warn_label(work: Compilation, config: spec.Config, code: str, message: str, path: Path) -> None:
    if work.wraps:
        # The reference loses the way back here: the path is that of the output, looked up in the YAML.
        work.warning(code, message, path)
    else:
        work.at_output(config, WARNING, code, message, path)


@code(
    "root-small",
    title="The root partition is small",
    why=(
        "The root filesystem holds two versions of the system while it is updated. With less than 8 GiB updates fail "
        "sooner or later."
    ),
    fix="Set size_mib of root to 8192 or more.",
    wrong=examples.disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 4096\n"),
    right=examples.disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 8192\n"),
    severity=WARNING,
)
@code(
    "root-constrained",
    title="The root partition cannot grow",
    why=(
        "Without a size, root takes what is free on the disk, and another partition without a start takes space right "
        "behind it."
    ),
    fix="Give root a size_mib (8192 or more), or the other partition a start_mib.",
    wrong=examples.disk("partitions:\n  - label: root\n    number: 4\n  - label: data\n    number: 5\n    size_mib: 100\n"),
    right=examples.disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 10000\n  - label: data\n    number: 5\n"),
    severity=WARNING,
)
def _root_size(work: Compilation, config: spec.Config, disk: spec.Disk, part: spec.Partition, path: Path) -> None:
    if not part.size_mib:
        if any(other is not part and not other.start_mib for other in disk.partitions):
            message = "root cannot grow: it fills what is free now, and a partition without a start follows"
            _warn_label(work, config, "root-constrained", message, (*path, "label"))
    elif part.size_mib < ROOT_LEAST_MIB:
        work.warning(
            "root-small", f"root needs {ROOT_LEAST_MIB} MiB (8 GiB); this is {part.size_mib}", (*path, "size_mib")
        )


FEATURE = Feature(section=FCOS, desugar=desugar)
