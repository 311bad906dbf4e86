"""What the image of Fedora CoreOS has already: its partitions, and the directories that nothing else can be mounted at."""

from __future__ import annotations

import re

from butane_py.features import boot_device
from butane_py.features.feature import Feature
from butane_py.features.mount_units import Filesystem
from butane_py.registry import ButaneFindings, rule
from butane_py.variants import FCOS
from ignition_py.report.diag import WARNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.compilation import Compilation
    from ignition_py.report.diag import Path
    from ignition_py.spec import tables as spec

# The image's own partitions: label -> number.
RESERVED = {"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}
ROOT_LEAST_MIB = 8192
BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"
_ROOT_SIZE_SINCE = 3
_MOUNTABLE = r"/(?:etc|var)(?:/|\Z)"


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
                message = (
                    "a partition is not found again by its label alone: give its number, or wipe_table for the disk"
                )
                find.warning("partition-reuse-label", message, "storage", "disks", i, "partitions", p, "number")
    for i, filesystem in enumerate(it.storage.filesystems):
        mounted = isinstance(filesystem, Filesystem) and filesystem.with_mount_unit
        if mounted and filesystem.path is not None and not re.match(_MOUNTABLE, filesystem.path):
            message = "only what is below /etc or /var can be mounted by a unit of its own"
            find.error("mount-point-forbidden", message, "storage", "filesystems", i, "path")


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
