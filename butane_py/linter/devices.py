"""Devices: names that no entry makes, names that change, arrays and partitions that cannot be made as they are written.

Sources: sfdisk and sgdisk for the order of partitions, mdadm(8), the partition tables of the images.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint, near
from ignition_py.report.diag import INFO, WARNING, Path
from ignition_py.report.examples import array

_IMAGE_LABELS = (
    *("BIOS-BOOT", "PowerPC-PReP-boot", "EFI-SYSTEM", "boot", "root", "reserved"),
    *("USR-A", "USR-B", "ROOT-C", "OEM", "OEM-CONFIG", "ROOT"),
)
_UNSTABLE = r"/dev/(?:(?:sd|vd|xvd|hd)[a-z]+\d*|nvme\d+n\d+(?:p\d+)?|mmcblk\d+(?:p\d+)?|md\d+(?:p\d+)?|dm-\d+)"
_PLACES = {
    "/dev/disk/by-partlabel/": ("partition", "storage.disks"),
    "/dev/md/": ("array", "storage.raid"),
    "/dev/mapper/": ("LUKS volume", "storage.luks"),
    "/dev/disk/by-id/dm-name-": ("LUKS volume", "storage.luks"),
}
_PARTITIONS = "storage:\n  disks:\n    - device: /dev/disk/by-id/a\n      wipe_table: true\n      partitions:\n"
_DATA = "storage:\n  disks:\n    - device: /dev/disk/by-id/a\n      wipe_table: true\n      partitions:\n        - {label: data}\n  filesystems:\n"
_FORMAT = "      format: ext4\n"


def _made(facts: Facts) -> dict[str, set[str]]:
    """Names that entries of the config make, by the folder that they are in."""
    storage = facts.compiled.storage
    labels = {
        part.label
        for disk in storage.disks
        for part in disk.partitions
        if part.label and part.should_exist is not False
    }
    volumes = {volume.name for volume in storage.luks}
    return {
        "/dev/disk/by-partlabel/": labels,
        "/dev/md/": {array.name for array in storage.raid},
        "/dev/mapper/": volumes,
        "/dev/disk/by-id/dm-name-": volumes,
    }


def _devices(facts: Facts) -> Iterator[tuple[Path, str]]:
    """Every device that storage uses, with its output path."""
    storage = facts.compiled.storage
    for i, disk in enumerate(storage.disks):
        yield ("storage", "disks", i, "device"), disk.device
    for i, filesystem in enumerate(storage.filesystems):
        yield ("storage", "filesystems", i, "device"), filesystem.device
    for i, volume in enumerate(storage.luks):
        yield ("storage", "luks", i, "device"), volume.device or ""
    for i, raid in enumerate(storage.raid):
        for d, device in enumerate(raid.devices):
            yield ("storage", "raid", i, "devices", d), device


@lint(
    "lint-device-unknown",
    title="No entry makes a device of this name",
    why="The boot waits for a device that never comes, and fails.",
    fix="Write the name of a partition (label), an array or a LUKS volume (name) of the config.",
    wrong=_DATA + "    - device: /dev/disk/by-partlabel/dta\n" + _FORMAT,
    right=_DATA + "    - device: /dev/disk/by-partlabel/data\n" + _FORMAT,
)
def device_unknown(facts: Facts, find: Find) -> None:
    """Names below by-partlabel, md and mapper that no entry makes: a warning where a similar one is made, else information."""
    made = _made(facts)
    for path, device in _devices(facts):
        folder = next((folder for folder in _PLACES if device.startswith(folder)), "")
        name = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), device[len(folder) :])
        if not folder or not name or "/" in name or name in made[folder]:
            continue
        if folder.endswith("partlabel/") and name in _IMAGE_LABELS:
            continue
        what, section = _PLACES[folder]
        close = _similar(name, made[folder])
        if close:
            hint = f"write {folder}{close}"
            find.at(
                path,
                f"no {what} of this config is called {name}; did you mean {close}?",
                hint=hint,
                fix=facts.value_fix(path, folder + close),
            )
        elif not facts.merges:
            find.at(
                path,
                f"no {what} of this config is called {name}",
                hint=f"add it to {section}, or see to it that the disk has it already",
                severity=INFO,
            )


def _similar(name: str, made: set[str]) -> str:
    """A made name that may be meant; names that differ by a number are names of others."""
    close = near(name, made, 0.7)
    return "" if re.sub(r"\d+", "0", close) == re.sub(r"\d+", "0", name) else close


@lint(
    "lint-device-unstable",
    title="A device is called by a name that can change",
    why="Names such as /dev/sdb are given in the order in which the kernel finds disks, which differs from boot to boot.",
    fix="Name the disk by /dev/disk/by-id or by-path, its partition by by-partlabel, its filesystem by by-label or by-uuid.",
    wrong="storage:\n  filesystems:\n    - device: /dev/sdb1\n      path: /var/data\n      with_mount_unit: true\n"
    + _FORMAT,
    right="storage:\n  filesystems:\n    - device: /dev/disk/by-partlabel/EFI-SYSTEM\n      path: /var/data\n      with_mount_unit: true\n"
    + _FORMAT,
)
def device_unstable(facts: Facts, find: Find) -> None:
    """Such names in mount and swap units (each boot needs them), and, as information, of disks whose table is wiped."""
    for text in facts.texts:
        for section in ("Mount", "Swap"):
            for setting in text.read.all(section, "What"):
                if re.fullmatch(_UNSTABLE, setting.value):
                    hint = "name it by /dev/disk/by-partlabel, by-label, by-uuid or by-id"
                    find.in_text(
                        text.at,
                        setting.line,
                        f"{text.unit} mounts {setting.value}, a name that can change from boot to boot",
                        hint=hint,
                    )
    for i, disk in enumerate(facts.compiled.storage.disks):
        if disk.wipe_table and re.fullmatch(_UNSTABLE, disk.device):
            message = f"the table of {disk.device} is wiped, and that name can be another disk on another boot"
            find.at(
                ("storage", "disks", i, "device"),
                message,
                hint="name the disk by /dev/disk/by-id or by-path",
                severity=INFO,
            )


_LEAST = {"raid6": 4, "6": 4}


@lint(
    "lint-raid-one-device",
    title="An array has too few devices",
    why="mdadm refuses to make an array of one device, and levels need a number of devices each.",
    fix="Give it more devices; spares count beside them.",
    wrong=array("level: raid1\ndevices: [/dev/disk/by-id/a]"),
    right=array("level: raid1\ndevices: [/dev/disk/by-id/a, /dev/disk/by-id/b]"),
)
def raid_one_device(facts: Facts, find: Find) -> None:
    """Arrays with fewer active devices than their level takes."""
    for i, raid in enumerate(facts.compiled.storage.raid):
        active = len(raid.devices) - (raid.spares or 0)
        least = _LEAST.get(raid.level or "", 2)
        if raid.devices and active < least and not any("--force" in option for option in raid.options):
            message = f"the array {raid.name} has {active} device{'s' * (active != 1)} beside its spares; {raid.level} takes at least {least}"
            find.at(("storage", "raid", i, "devices"), message, hint="add devices")


@lint(
    "lint-partition-order",
    title="A partition without a size comes before another",
    why="It takes all the space that is left, so the next one cannot be made.",
    fix="Give it a size_mib, or write it last.",
    wrong=_PARTITIONS + "        - {label: data}\n        - {label: logs, size_mib: 100}\n",
    right=_PARTITIONS + "        - {label: logs, size_mib: 100}\n        - {label: data}\n",
)
def partition_order(facts: Facts, find: Find) -> None:
    """New partitions without size before others without a start."""
    for i, disk in enumerate(facts.compiled.storage.disks):
        new = [(p, part) for p, part in enumerate(disk.partitions) if part.should_exist is not False]
        for position, (p, part) in enumerate(new):
            if part.size_mib or part.start_mib or (part.number and not disk.wipe_table):
                continue
            later = [
                other
                for _, other in new[position + 1 :]
                if not other.start_mib and (disk.wipe_table or not other.number)
            ]
            if later and not any(option.start_mib for _, option in new):
                name = part.label or f"number {part.number}"
                other = later[0].label or f"number {later[0].number}"
                find.at(("storage", "disks", i, "partitions", p), f"the partition {name} has no size and takes all that is left: {other} cannot be made",
                        hint="give it a size_mib, or write it last", severity=WARNING)  # fmt: skip
