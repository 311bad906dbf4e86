"""Rows of kernel arguments, partitions, arrays, LUKS volumes, filesystems, mounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ignition_py.check import questions as ask
from ignition_py.check.findings.facts import Facts
from ignition_py.check.findings.row import NONE, Row, unseen
from ignition_py.report.diag import Path
from ignition_py.spec.tables import Config, Disk, Filesystem, Partition

_MIB = 1 << 20
_NO_LSBLK = "not looked at: lsblk gave no answer"
_NO_SIGNATURE = "not looked at: only root may read the device"


def karg_rows(config: Config, facts: Facts) -> Iterator[Row]:
    """Of the kernel that runs."""
    arguments = config.kernel_arguments
    for field, wanted in (("should_exist", "present"), ("should_not_exist", "absent")):
        for index, argument in enumerate(getattr(arguments, field)):
            path: Path = ("kernel_arguments", field, index)
            if not facts.words or facts.words == [ask.FAILED]:
                yield unseen("kernel argument", argument, wanted, path=path, why="not looked at: /proc/cmdline is empty")
                continue
            have = all(word in facts.words for word in argument.split())
            yield Row("kernel argument", argument, wanted, "present" if have else "absent", path=path)


def partition_rows(config: Config, facts: Facts) -> Iterator[Row]:
    for index, disk in enumerate(config.storage.disks):
        path: Path = ("storage", "disks", index)
        block = facts.block(disk.device)
        if not facts.blocks_known:
            yield unseen("disk", disk.device, "present", path=path, why=_NO_LSBLK)
        elif not block:
            yield Row("disk", disk.device, "present", NONE, path=path)
        else:
            present = [part for part in facts.blocks if part["pkname"] == block["kname"] and part["type"] == "part"]
            for number, partition in enumerate(disk.partitions):
                yield _partition(disk, partition, present, (*path, "partitions", number))


def _partition(disk: Disk, partition: Partition, present: list[dict[str, Any]], path: Path) -> Row:
    number = partition.number or 0
    name = f"{disk.device} {number or partition.label or ''}".rstrip()
    found = next((part for part in present if _matches(partition, part)), None)
    if partition.should_exist is False:
        return Row("partition", name, NONE, NONE if found is None else _described(partition, found), path=path)
    wanted = [partition.label] if partition.label else []
    wanted += [f"{partition.size_mib} MiB"] if partition.size_mib else []
    wanted += [f"type {partition.type_guid.lower()}"] if partition.type_guid else []
    wanted += [f"GUID {partition.guid.lower()}"] if partition.guid else []
    have = _described(partition, found) if found is not None else NONE
    fits = found is not None and all(text in have.split(", ") for text in wanted)
    return Row("partition", name, ", ".join(wanted) or "present", have, fits, path=path)


def _matches(partition: Partition, part: dict[str, Any]) -> bool:
    if partition.number:
        digits = str(part["kname"])[len(str(part["pkname"])) :].lstrip("p")
        return digits == str(partition.number)
    return bool(partition.label) and part.get("partlabel") == partition.label


def _described(partition: Partition, part: dict[str, Any]) -> str:
    words = [part["partlabel"]] if part.get("partlabel") else []
    words.append(f"{int(part['size']) // _MIB} MiB")
    words += [f"type {part['parttype']}"] if partition.type_guid else []
    words += [f"GUID {part['partuuid']}"] if partition.guid else []
    return ", ".join(words)


def device_rows(config: Config, facts: Facts) -> Iterator[Row]:
    """RAID arrays, LUKS volumes, filesystems."""
    storage = config.storage
    for index, array in enumerate(storage.raid):
        path: Path = ("storage", "raid", index)
        wanted = _level(array.level or "") or "raid"
        found = str(facts.block(f"/dev/md/{array.name}").get("type", ""))
        yield _device(Row("raid", array.name, wanted, found if array.level or not found else "raid", path=path), facts)
    for index, volume in enumerate(storage.luks):
        path = ("storage", "luks", index)
        yield _signature("luks", volume.name, volume.device or "", ("crypto_LUKS", volume.label, volume.uuid), facts, path)
    for index, filesystem in enumerate(storage.filesystems):
        path = ("storage", "filesystems", index)
        if _is_made(filesystem):
            asked = (filesystem.format or "", filesystem.label, filesystem.uuid)
            yield _signature("filesystem", filesystem.device, filesystem.device, asked, facts, path)


def _is_made(filesystem: Filesystem) -> bool:
    return filesystem.format not in (None, "", "none", "virtiofs")


def _level(level: str) -> str:
    """A level in lsblk's words: mdadm takes short names too (mdadm(8), --level)."""
    return {"stripe": "raid0", "mirror": "raid1"}.get(level, f"raid{level}" if level.isdecimal() else level)


def _device(row: Row, facts: Facts) -> Row:
    return row if facts.blocks_known else unseen(row.kind, row.name, row.wanted, path=row.path, why=_NO_LSBLK)


def _signature(kind: str, name: str, device: str, asked: tuple[str, str | None, str | None], facts: Facts, path: Path) -> Row:
    """The row of what stands on a device: format, and label and UUID as far as the config gives them."""
    format_, label, uuid = asked
    block = facts.block(device)
    found = [str(block.get("fstype") or "")]
    found += [str(block.get("label") or "")] if label else []
    found += [f"UUID {str(block.get('uuid') or '').lower()}"] if uuid and block else []
    wanted = [format_, *([label] if label else []), *([f"UUID {uuid.lower()}"] if uuid else [])]
    row = Row(kind, name, " ".join(wanted), " ".join(found).strip(), path=path)
    if block and not block.get("fstype") and not facts.root:
        return unseen(kind, name, row.wanted, path=path, why=_NO_SIGNATURE)
    return _device(row, facts)


def mount_rows(config: Config, facts: Facts) -> Iterator[Row]:
    """What is to be mounted in the running system: that has a unit, or is there all the same."""
    units = ask.mount_points(config)
    for index, filesystem in enumerate(config.storage.filesystems):
        where = filesystem.path or ""
        mounted = facts.mounts.get(where)
        if not where or (mounted is None and where not in units):
            continue
        wanted, path = f"{filesystem.format} {filesystem.device}", ("storage", "filesystems", index)
        if not facts.mounts_known:
            yield unseen("mount", where, wanted, path=path, why="not looked at: findmnt gave no answer")
            continue
        source = str(mounted["source"]) if mounted is not None else ""
        device = facts.aliases.get(filesystem.device, filesystem.device)
        same = bool(source) and source.partition("[")[0] in (device, facts.block(filesystem.device).get("path"))
        yield Row("mount", where, wanted, f"{mounted['fstype']} {source}" if mounted is not None else NONE, same, path=path)
