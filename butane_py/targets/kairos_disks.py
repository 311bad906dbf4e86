"""Disks of Kairos: the layout of yip in the stage `fs`, guarded so that it runs while the first partition is not there."""

from __future__ import annotations

from typing import Any

from butane_py.emit import shell
from butane_py.targets.nodes import below
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.spec import tables as spec

_BY_LABEL = "/dev/disk/by-partlabel/"
FOLDERS = ("/etc", "/var", "/srv", "/usr/local", "/home", "/opt", "/mnt")
_FORMATS = frozenset(("ext4", "btrfs", "xfs", "vfat", "swap", "none"))


def disk_steps(plan: Plan) -> list[dict[str, Any]]:
    """A step for each disk. Without the guard, init_disk would wipe the disk on every boot."""
    return [_step(plan, disk) for disk in plan.config.storage.disks if disk.partitions]


def _step(plan: Plan, disk: spec.Disk) -> dict[str, Any]:
    first = disk.partitions[0].label or ""
    return {
        "name": f"butane disk {disk.device}",
        "if": f"[ ! -e {shell.word(_BY_LABEL + first)} ]".replace("{{", '{{"{{"}}'),
        "layout": {
            "device": {"path": disk.device, **({"init_disk": True} if disk.wipe_table else {})},
            "add_partitions": [_partition(plan, partition) for partition in disk.partitions],
        },
    }


def _partition(plan: Plan, partition: spec.Partition) -> dict[str, Any]:
    made = [each for each in plan.config.storage.filesystems if each.device == f"{_BY_LABEL}{partition.label}"]
    kind = made[0].format if made and made[0].format else "none"
    label = {"fsLabel": made[0].label or partition.label} if kind != "none" else {}
    return {"pLabel": partition.label, **label, "size": partition.size_mib or 0, "filesystem": kind}


def check_disks(plan: Plan, findings: Findings) -> None:
    """Reports partitions without labels, sizes that cannot be, and filesystems elsewhere than on partitions of the config."""
    storage = plan.config.storage
    labels = set()
    for index, disk in enumerate(storage.disks):
        for number, partition in enumerate(disk.partitions):
            place = plan.place("storage", "disks", index, "partitions", number)
            if not partition.label:
                message = "Kairos needs the label of each partition: it adds one without again on every boot"
                findings.error("target-value", message, place, hint="write label", skip=f"storage.disks.{disk.device}")
            labels.add(partition.label)
            if not partition.size_mib and number + 1 < len(disk.partitions):
                message = "on Kairos only the last partition takes what is left of the disk"
                findings.error(
                    "target-value", message, place, hint="write size_mib", skip=f"storage.disks.{disk.device}"
                )
    for index, filesystem in enumerate(storage.filesystems):
        place, skip = plan.place("storage", "filesystems", index), f"storage.filesystems.{filesystem.device}"
        if not filesystem.device.startswith(_BY_LABEL) or filesystem.device.removeprefix(_BY_LABEL) not in labels:
            message = "Kairos makes filesystems only on partitions that it adds"
            findings.error(
                "target-no-disks", message, place, hint=f"name a partition of the config by {_BY_LABEL}LABEL", skip=skip
            )
        elif (filesystem.format or "none") not in _FORMATS:
            findings.error("target-value", f"Kairos makes no {filesystem.format}", place, skip=skip)
        if filesystem.path and not any(below(filesystem.path, folder) for folder in FOLDERS):
            message = f"there is no folder {filesystem.path} to mount on: the root of Kairos is read-only"
            hint = (
                f"mount below {', '.join(FOLDERS)}, or have the folder made: targets.kairos.install.extra-dirs-rootfs"
            )
            if filesystem.path not in _more_folders(plan):
                findings.error("target-mountpoint", message, place, hint=hint, skip=skip)
        _check_below(plan, filesystem, findings)


def _more_folders(plan: Plan) -> list[str]:
    install = plan.native.get("install")
    more = install.get("extra-dirs-rootfs", []) if isinstance(install, dict) else []
    return [each for each in more if isinstance(each, str)]


def _check_below(plan: Plan, filesystem: spec.Filesystem, findings: Findings) -> None:
    """Nodes below a mount point are written before it is mounted, and hidden by it."""
    if not filesystem.path:
        return
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(getattr(plan.config.storage, kind)):
            if below(node.path, filesystem.path) and node.path != filesystem.path:
                message = f"Kairos writes {node.path} before {filesystem.path} is mounted, which hides it"
                hint = "write it in a later stage: targets.kairos.stages.fs.after"
                findings.error(
                    "target-mountpoint",
                    message,
                    plan.place("storage", kind, index),
                    hint=hint,
                    skip=f"storage.{kind}.{node.path}",
                )
