"""Disks of NixOS: what the config partitions is for disko, filesystems on other partitions are options of NixOS.

Source: disko's documentation of its types (gpt, filesystem, swap, luks, mdraid, mdadm).
"""

from __future__ import annotations

import re
from typing import Any

from butane_py.targets.devices import MAPPER, PARTLABEL
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.record import Record
from ignition_py.spec.tables import Disk, Filesystem, Luks, Partition, Raid

_LEVELS = {"raid0": 0, "raid1": 1, "raid4": 4, "raid5": 5, "raid6": 6, "raid10": 10, "stripe": 0, "mirror": 1}
# Arguments of mkfs for a label and a UUID.
_LABEL = {"ext4": "-L", "xfs": "-L", "btrfs": "-L", "vfat": "-n"}
_UUID = {"ext4": ("-U", "{}"), "xfs": ("-m", "uuid={}"), "btrfs": ("-U", "{}"), "vfat": ("-i", "{}")}


class _Slot(Record):
    """A place for a content of disko: the mapping whose `content` it is, and the path of the entry in the config."""

    owner: dict[str, Any]
    path: tuple[str | int, ...]


class Disks:
    """`devices` is the value of disko.devices, `settings` are options of NixOS: fileSystems and swapDevices."""

    def __init__(self, plan: Plan, findings: Findings) -> None:
        self._plan = plan
        self._findings = findings
        self._storage = plan.config.storage
        self._slots: dict[str, _Slot] = {}  # by the name of the device that the config uses
        self._key_files: dict[str, Any] = dict(plan.native.get("key_files", {}))
        self.devices: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        for index, disk in enumerate(self._storage.disks):
            self._disk(disk, index)
        for index, raid in enumerate(self._storage.raid):
            self._array(raid, index)
        for index, luks in enumerate(self._storage.luks):
            self._volume(luks, index)
        for index, filesystem in enumerate(self._storage.filesystems):
            self._filesystem(filesystem, index)

    def _disk(self, disk: Disk, index: int) -> None:
        path = ("storage", "disks", index)
        partitions: dict[str, Any] = {}
        for number, partition in enumerate(disk.partitions):
            key = partition.label or f"partition-{partition.number}"
            partitions[key] = self._partition(partition, (*path, "partitions", number))
        rest = [name for name, partition in partitions.items() if partition["size"] == "100%"]
        if len(rest) > 1:
            message = f"one partition of a disk can take what is left, not {' and '.join(rest)}"
            self._error(
                "target-value", message, f"storage.disks.{disk.device}", *path, hint="give all but one a size_mib"
            )
        content = {"type": "gpt", "partitions": partitions}
        entry = {"type": "disk", "device": disk.device, "destroy": bool(disk.wipe_table), "content": content}
        self.devices.setdefault("disk", {})[self._disk_name(disk.device)] = entry

    def _disk_name(self, device: str) -> str:
        """The name of a disk among those of disko."""
        base = re.sub(r"[^A-Za-z0-9_.-]", "-", device.rpartition("/")[2]) or "disk"
        known = self.devices.get("disk", {})
        name, number = base, 2
        while name in known:
            name, number = f"{base}-{number}", number + 1
        return name

    def _partition(self, partition: Partition, path: tuple[str | int, ...]) -> dict[str, Any]:
        values = {
            "priority": partition.number or None,
            "label": partition.label or None,
            "size": f"{partition.size_mib}M" if partition.size_mib else "100%",
            "start": f"{partition.start_mib}M" if partition.start_mib else None,
            "type": partition.type_guid or None,
            "uuid": partition.guid or None,
        }
        out = {name: value for name, value in values.items() if value is not None}
        if partition.label:
            self._slots[PARTLABEL + partition.label] = _Slot(out, path)
        return out

    def _array(self, raid: Raid, index: int) -> None:
        path, skip = ("storage", "raid", index), f"storage.raid.{raid.name}"
        if raid.level not in _LEVELS:
            self._error(
                "target-no-raid",
                f"disko makes no arrays of level {raid.level}",
                skip,
                *path,
                hint=f"use {', '.join(_LEVELS)}",
            )
        if raid.spares or raid.options:
            name = "spares" if raid.spares else "options"
            self._error("target-value", f"disko takes no {name} of an array", skip, *path, name, hint="leave them out")
        for device in raid.devices:
            member = self._slots.pop(device, None)
            if member is None and device.startswith(PARTLABEL):
                message = f"{device} is not a partition that the config makes"
                self._error(
                    "target-no-disks", message, skip, *path, hint="make the members of the array in storage.disks"
                )
            elif member is None:
                entry = {
                    "type": "disk",
                    "device": device,
                    "destroy": False,
                    "content": {"type": "mdraid", "name": raid.name},
                }
                self.devices.setdefault("disk", {})[self._disk_name(device)] = entry
            else:
                member.owner["content"] = {"type": "mdraid", "name": raid.name}
        array = {"type": "mdadm", "level": _LEVELS.get(raid.level or "", 1), "metadata": "1.2"}
        self.devices.setdefault("mdadm", {})[raid.name] = array
        self._slots[f"/dev/md/{raid.name}"] = _Slot(array, path)

    def _volume(self, luks: Luks, index: int) -> None:
        path, skip = ("storage", "luks", index), f"storage.luks.{luks.name}"
        slot = self._slots.pop(luks.device or "", None)
        if slot is None:
            message = f"disko encrypts partitions that it makes, and {luks.device} is none"
            self._error("target-no-disks", message, skip, *path, "device", hint="make the partition in storage.disks")
            return
        key = self._key_files.get(luks.name)
        if not isinstance(key, str) or not key.startswith("/"):
            message = f"nothing opens the volume {luks.name}: without a key file disko asks a person"
            hint = f"write targets.nixos.key_files: {{{luks.name}: /path/of/the/key}}; the contents of key_file would land in the store"
            self._error("target-no-luks", message, skip, *path, hint=hint)
            key = ""
        for name in ("options", "open_options"):
            if getattr(luks, name):
                self._error(
                    "target-value", f"disko takes no {name} of Ignition", skip, *path, name, hint="leave them out"
                )
        if luks.wipe_volume:
            self._never_wiped(*path, "wipe_volume")
        settings = {"keyFile": key, **({"allowDiscards": True} if luks.discard else {})}
        content = {"type": "luks", "name": luks.name, "settings": settings}
        slot.owner["content"] = content
        for prefix in MAPPER:
            self._slots[prefix + luks.name] = _Slot(content, path)

    def _filesystem(self, filesystem: Filesystem, index: int) -> None:
        path = ("storage", "filesystems", index)
        if filesystem.wipe_filesystem:
            self._never_wiped(*path, "wipe_filesystem")
        slot = self._slots.get(filesystem.device)
        if slot is None:
            self._existing(filesystem, index)
        elif filesystem.format == "swap":
            arguments = self._mkfs_arguments(filesystem, *path)
            slot.owner["content"] = {"type": "swap", **({"extraArgs": arguments} if arguments else {})}
        else:
            slot.owner["content"] = self._content(filesystem, index)

    def _content(self, filesystem: Filesystem, index: int) -> dict[str, Any]:
        """A filesystem of disko; one without a mount unit is made and not mounted."""
        path = ("storage", "filesystems", index)
        content: dict[str, Any] = {"type": "filesystem", "format": filesystem.format or "ext4"}
        if index in self._plan.mounted and filesystem.path:
            content["mountpoint"] = filesystem.path
            content.update({"mountOptions": list(filesystem.mount_options)} if filesystem.mount_options else {})
        elif filesystem.path:
            message = f"nothing mounts {filesystem.path}"
            self._findings.warning(
                "target-lost", message, self._plan.place(*path, "path"), hint="add with_mount_unit: true"
            )
        arguments = self._mkfs_arguments(filesystem, *path)
        return {**content, **({"extraArgs": arguments} if arguments else {})}

    def _mkfs_arguments(self, filesystem: Filesystem, *path: str | int) -> list[str]:
        form, arguments = filesystem.format or "", list(filesystem.options)
        if filesystem.label:
            arguments += [_LABEL.get(form, "-L"), filesystem.label]
        if filesystem.uuid and form in _UUID:
            option, value = _UUID[form]
            arguments += [option, value.format(filesystem.uuid)]
        elif filesystem.uuid:
            message, skip = f"disko gives {form} no UUID", f"storage.filesystems.{filesystem.device}.uuid"
            self._error("target-value", message, skip, *path, "uuid", hint="use its label")
        return arguments

    def _existing(self, filesystem: Filesystem, index: int) -> None:
        """A filesystem on a partition that is there: NixOS formats a blank one when it mounts it."""
        path, skip = ("storage", "filesystems", index), f"storage.filesystems.{filesystem.device}"
        for name in ("options", "uuid"):
            if getattr(filesystem, name):
                hint = "make the partition in storage.disks"
                self._error(
                    "target-value",
                    f"NixOS takes no {name} of a filesystem outside of disko",
                    skip,
                    *path,
                    name,
                    hint=hint,
                )
        if index not in self._plan.mounted:
            message = f"NixOS makes a filesystem on {filesystem.device} when it mounts it"
            self._error("target-mountpoint", message, skip, *path, hint="add with_mount_unit: true")
            return
        if filesystem.format == "swap":
            self.settings.setdefault("swapDevices", []).append({"device": filesystem.device})
            return
        entry: dict[str, Any] = {"device": filesystem.device, "fsType": filesystem.format, "autoFormat": True}
        if filesystem.mount_options:
            entry["options"] = list(filesystem.mount_options)
        self.settings.setdefault("fileSystems", {})[filesystem.path or ""] = entry

    def _never_wiped(self, *path: str | int) -> None:
        message = "disko keeps a filesystem or volume that is there"
        self._findings.warning("target-lost-wipe", message, self._plan.place(*path), hint="set wipe_table on the disk")

    def _error(self, code: str, message: str, skip: str, *path: str | int, hint: str) -> None:
        self._findings.error(code, message, self._plan.place(*path), hint=hint, skip=skip)
