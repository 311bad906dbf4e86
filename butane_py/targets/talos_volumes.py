"""Disks, volumes and filesystems as documents of Talos: UserVolumeConfig, RawVolumeConfig, SwapVolumeConfig and RAIDArrayConfig.

Talos makes partitions for volumes where a selector (an expression of CEL) finds room, labels them u-, r- or s-NAME, formats blank ones
and mounts user volumes at /var/mnt/NAME. It never wipes.
Source: Talos' reference of configuration documents, 1.13 and 1.14.
"""

from __future__ import annotations

import json
import re
from typing import Any

from butane_py.targets.devices import MAPPER, PARTLABEL
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from butane_py.targets.talos_containers import VOLUMES
from ignition_py.record import Record
from ignition_py.spec.tables import Filesystem, Luks

_NAME = re.compile(r"[A-Za-z0-9-]{1,34}")
_ARRAY = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FORMATS = {"1.13": ("ext4", "xfs"), "1.14": ("ext4", "xfs", "btrfs")}
_SMALLEST = "300MiB"  # of a volume that takes what is left: mkfs.xfs makes no smaller one
_SECURE = frozenset(("nosuid", "nodev", "noexec"))
_IMPLIED = frozenset(("defaults", "nofail", "rw", "auto"))  # Talos mounts so, and waits for no volume at boot
_ENCRYPTIONS = frozenset(("no_read_workqueue", "no_write_workqueue", "same_cpu_crypt"))


class _Room(Record):
    """Where a volume gets its partition: the disk, and its size in MiB, None for what is left. `whole`: the disk itself."""

    disk: str
    size: int | None = None
    whole: bool = False


def volumes(plan: Plan, findings: Findings) -> list[dict[str, Any]]:
    """The documents for all of `storage` but files."""
    return _Volumes(plan, findings).all()


class _Volumes:
    def __init__(self, plan: Plan, findings: Findings) -> None:
        self._plan = plan
        self._findings = findings
        self._storage = plan.config.storage
        self._rooms: dict[str, _Room] = {}  # by the name of the device that the config uses
        self._left: dict[str, tuple[str | int, ...]] = {}  # partitions that nothing has used yet, with their paths
        self._encryptions: dict[str, dict[str, Any]] = {}
        self._devices: set[str] = set()  # disks that a selector names
        self._documents: list[dict[str, Any]] = []

    def all(self) -> list[dict[str, Any]]:
        """The documents. Raw volumes come first, since arrays select them."""
        self._partitions()
        self._volumes()
        documents = self._documents
        self._documents = []
        for index, filesystem in enumerate(self._storage.filesystems):
            self._filesystem(filesystem, index)
        arrays = self._arrays()
        raw = [self._raw(device) for device in self._left]
        return [*documents, *raw, *self._documents, *arrays]

    def _partitions(self) -> None:
        for index, disk in enumerate(self._storage.disks):
            if disk.wipe_table:
                self._never_wiped("storage", "disks", index, "wipe_table")
            for number, partition in enumerate(disk.partitions):
                path = ("storage", "disks", index, "partitions", number)
                label = partition.label or ""
                if not _NAME.fullmatch(label):
                    message = "a volume of Talos has a name of at most 34 letters, digits and hyphens: the label of its partition"
                    self._error(
                        "target-value",
                        message,
                        f"storage.disks.{disk.device}",
                        *path,
                        hint="give the partition such a label",
                    )
                    continue
                self._rooms[PARTLABEL + label] = _Room(disk.device, partition.size_mib or None)
                self._left[PARTLABEL + label] = path

    def _volumes(self) -> None:
        for index, luks in enumerate(self._storage.luks):
            room = self._room(luks.device or "", f"storage.luks.{luks.name}", "storage", "luks", index, "device")
            encryption = self._encryption(luks, index)
            for prefix in MAPPER:
                if room is not None:
                    self._rooms[prefix + luks.name] = room
                    self._encryptions[prefix + luks.name] = encryption

    def _encryption(self, luks: Luks, index: int) -> dict[str, Any]:
        """The section `encryption` of a volume."""
        path, skip = ("storage", "luks", index), f"storage.luks.{luks.name}"
        hint = "use clevis: {tpm2: true}; kms and nodeID are for targets.talos.patches"
        if luks.clevis.tang or luks.clevis.custom.pin:
            self._error(
                "target-no-luks", "Talos opens no volume by Tang or a custom pin", skip, *path, "clevis", hint=hint
            )
        elif luks.key_file.source:
            self._error("target-no-luks", "Talos takes no key file of a config", skip, *path, "key_file", hint=hint)
        elif not luks.clevis.tpm2:
            self._error("target-no-luks", f"nothing opens the volume {luks.name} on Talos", skip, *path, hint=hint)
        for name in ("options", "open_options"):
            odd = [option for option in getattr(luks, name) if option.lstrip("-").replace("-", "_") not in _ENCRYPTIONS]
            if odd:
                self._error(
                    "target-value", f"Talos passes no {odd[0]} to cryptsetup", skip, *path, name, hint="leave it out"
                )
        if luks.wipe_volume:
            self._never_wiped(*path, "wipe_volume")
        for name in ("label", "uuid"):
            if getattr(luks, name):
                self._lost(f"Talos chooses the {name} of an encrypted volume itself", *path, name)
        options = [option.lstrip("-").replace("-", "_") for option in (*luks.options, *luks.open_options)]
        encryption: dict[str, Any] = {"provider": "luks2", "keys": [{"slot": 0, "tpm": {}}]}
        if luks.discard:
            encryption["allowDiscards"] = True
        return {**encryption, "options": options} if options else encryption

    def _room(self, device: str, skip: str, *path: str | int) -> _Room | None:
        """Where a device of the config is; None where an error was reported. Its partition counts as used."""
        self._left.pop(device, None)
        if device in self._rooms:
            return self._rooms[device]
        if any(device == disk.device for disk in self._storage.disks if disk.partitions):
            self._error(
                "target-no-disks",
                f"{device} is used as a whole and has partitions",
                skip,
                *path,
                hint="use one of its partitions",
            )
            return None
        if device.startswith((PARTLABEL, *MAPPER, "/dev/md")) or re.fullmatch(r"/dev/.*[a-z0-9]p?\d+", device):
            message = f"Talos makes the partition of each volume itself, and {device} is none that the config makes"
            hint = "make a partition with a label in storage.disks, and name it by /dev/disk/by-partlabel"
            self._error("target-no-disks", message, skip, *path, hint=hint)
            return None
        return _Room(device, whole=True)

    def _filesystem(self, filesystem: Filesystem, index: int) -> None:
        path, skip = ("storage", "filesystems", index), f"storage.filesystems.{filesystem.device}"
        room = self._room(filesystem.device, skip, *path, "device")
        if room is None:
            return
        if filesystem.wipe_filesystem:
            self._never_wiped(*path, "wipe_filesystem")
        encryption = self._encryptions.get(filesystem.device)
        more = {"encryption": encryption} if encryption else {}
        if filesystem.format == "swap":
            name = self._name(filesystem, "swap", skip, *path)
            if room.whole:
                self._error(
                    "target-no-disks",
                    "Talos swaps to partitions only",
                    skip,
                    *path,
                    "device",
                    hint="make a partition for it",
                )
            self._add("SwapVolumeConfig", name, provisioning=self._provisioning(room, *path, "device"), **more)
            return
        known = _FORMATS[self._plan.chosen.version]
        if filesystem.format not in known:
            message = f"Talos makes {', '.join(known)}, not {filesystem.format or 'a filesystem without a format'}"
            self._error("target-value", message, skip, *path, "format", hint="use xfs")
        name = self._mounted_name(filesystem, skip, *path)
        kind = {"volumeType": "disk"} if room.whole else {}
        mount = self._mount(filesystem, skip, *path)
        if mount:
            more = {**more, "mount": mount}
        provisioning = self._provisioning(room, *path, "device")
        self._add(
            "UserVolumeConfig", name, **kind, provisioning=provisioning, filesystem={"type": filesystem.format}, **more
        )

    def _name(self, filesystem: Filesystem, otherwise: str, skip: str, *path: str | int) -> str:
        """The name of a volume: the label of its partition or of its filesystem, or the name of its encrypted volume."""
        label = filesystem.device.rpartition("/")[2].removeprefix("dm-name-")
        name = label if filesystem.device in self._rooms else filesystem.label or otherwise
        if not _NAME.fullmatch(name):
            message = f"a volume of Talos has a name of at most 34 letters, digits and hyphens, not {name!r}"
            self._error("target-value", message, skip, *path, hint="give the partition such a label")
        return name

    def _mounted_name(self, filesystem: Filesystem, skip: str, *path: str | int) -> str:
        """The name of a user volume, which says where it is mounted."""
        below = (filesystem.path or "").rstrip("/").removeprefix(VOLUMES)
        if filesystem.path and (not filesystem.path.startswith(VOLUMES) or "/" in below):
            name = self._name(filesystem, below.rpartition("/")[2], skip, *path)
            message = f"Talos mounts volumes below /var/mnt, not at {filesystem.path}"
            self._error("target-mountpoint", message, skip, *path, "path", hint=f"write path: {VOLUMES}{name}")
            return name
        if filesystem.path and _NAME.fullmatch(below):
            return below
        return self._name(filesystem, "data", skip, *path)

    def _mount(self, filesystem: Filesystem, skip: str, *path: str | int) -> dict[str, Any]:
        options = set(filesystem.mount_options) - _IMPLIED
        mount = {"disableAccessTime": True} if "noatime" in options else {}
        options.discard("noatime")
        if options >= _SECURE:
            mount["secure"] = True
            options -= _SECURE
        if options:
            message = f"Talos mounts with noatime, or with nosuid, nodev and noexec together, not with {', '.join(sorted(options))}"
            self._error("target-value", message, skip, *path, "mount_options", hint="leave the others out")
        return mount

    def _arrays(self) -> list[dict[str, Any]]:
        """The documents of RAID arrays; their members become raw volumes, which stay among `_left`."""
        documents = []
        for index, raid in enumerate(self._storage.raid):
            path, skip = ("storage", "raid", index), f"storage.raid.{raid.name}"
            modern = self._plan.chosen.at_least("1.14")
            if not modern or raid.level not in ("raid1", "1", "mirror"):
                why = f"Talos makes raid1 only, not {raid.level}" if modern else "Talos 1.13 makes no RAID arrays"
                self._error("target-no-raid", why, skip, *path, hint="use raid1 with --target talos@1.14")
                continue
            if not _ARRAY.fullmatch(raid.name):
                message = "an array of Talos has a name of at most 32 letters, digits, _ and -"
                self._error("target-value", message, skip, *path, "name", hint="give it such a name")
            if raid.spares or raid.options:
                name = "spares" if raid.spares else "options"
                self._error(
                    "target-value", f"Talos takes no {name} of an array", skip, *path, name, hint="leave them out"
                )
            match = " || ".join(self._member(device) for device in raid.devices)
            selector = {"volumeSelector": {"match": match}}
            documents.append({**_document("RAIDArrayConfig", raid.name), "level": "raid1", "provisioning": selector})
        return documents

    def _member(self, device: str) -> str:
        """The expression that selects a member of an array."""
        if device in self._left:
            return f"volume.partition_label == {json.dumps('r-' + device.removeprefix(PARTLABEL))}"
        return _on_disk(device)

    def _raw(self, device: str) -> dict[str, Any]:
        path = self._left[device]
        document = _document("RawVolumeConfig", device.removeprefix(PARTLABEL))
        return {**document, "provisioning": self._provisioning(self._rooms[device], *path)}

    def _provisioning(self, room: _Room, *path: str | int) -> dict[str, Any]:
        """The section `provisioning` of a volume. Reports a disk that is named by a name of the kernel."""
        if not room.disk.startswith("/dev/disk/") and room.disk not in self._devices:
            message = f"{room.disk} can be another disk at the next boot"
            hint = "name it by /dev/disk/by-id or by-path"
            self._findings.warning("target-device", message, self._plan.place(*path), hint=hint)
        self._devices.add(room.disk)
        selector: dict[str, Any] = {"diskSelector": {"match": _on_disk(room.disk)}}
        if room.whole:
            return selector
        if room.size is None:
            return {**selector, "minSize": _SMALLEST, "grow": True}
        return {**selector, "minSize": f"{room.size}MiB", "maxSize": f"{room.size}MiB"}

    def _add(self, kind: str, name: str, **fields: Any) -> None:
        self._documents.append({**_document(kind, name), **fields})

    def _never_wiped(self, *path: str | int) -> None:
        hint = "wipe it before, with talosctl wipe disk"
        self._findings.warning(
            "target-lost-wipe", "Talos wipes no disk that has something on it", self._plan.place(*path), hint=hint
        )

    def _lost(self, message: str, *path: str | int) -> None:
        self._findings.warning("target-lost", message, self._plan.place(*path), hint="leave it out")

    def _error(self, code: str, message: str, skip: str, *path: str | int, hint: str) -> None:
        self._findings.error(code, message, self._plan.place(*path), hint=hint, skip=skip)


def _document(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "v1alpha1", "kind": kind, "name": name}


def _on_disk(device: str) -> str:
    """The expression that selects a disk by a name of its device."""
    quoted = json.dumps(device)
    return f"{quoted} in disk.symlinks" if device.startswith("/dev/disk/") else f"disk.dev_path == {quoted}"
