"""What the machine has become, held against the config: one row for each entry.

Pure: (config, answers of questions.py) -> rows. A row compares only what the config says; anything is right where it leaves things open.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ignition_py.check import questions as ask
from ignition_py.fetch.gunzip import gunzip
from ignition_py.spec.dataurl import decode
from ignition_py.spec.tables import Config, Disk, Node, Partition, PasswdUser, Resource, Unit

NONE = "(none)"
_MIB = 1 << 20
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class Row:
    """One entry of the config: its kind and name, what it says, what is there."""

    __slots__ = ("found", "kind", "name", "ok", "wanted")

    def __init__(self, kind: str, name: str, wanted: str, found: str, ok: bool | None = None) -> None:
        self.kind = kind
        self.name = name
        self.wanted = wanted
        self.found = found or NONE
        self.ok = wanted == self.found if ok is None else ok

    def data(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("kind", "name", "wanted", "found", "ok")}


def rows(config: Config, answers: Mapping[str, str]) -> list[Row]:
    """All rows, in the order of the stages. Raises ValueError where an answer cannot be understood."""
    facts = _Facts(config, answers)
    return [
        *_kernel_arguments(config, facts),
        *_partitions(config, facts),
        *_devices(config, facts),
        *_mounts(config, facts),
        *_accounts(config, facts),
        *_nodes(config, facts),
        *_units(config, facts),
        Row("system", "units that failed", NONE, " ".join(facts.lines(ask.FAILED))),
    ]


class _Facts:
    """The answers, looked up by what a row asks for."""

    def __init__(self, config: Config, answers: Mapping[str, str]) -> None:
        self._answers = answers
        self.blocks = list(_flat(json.loads(answers[ask.BLOCKS] or "{}").get("blockdevices", [])))
        mounts = json.loads(answers[ask.MOUNTS] or "{}").get("filesystems", [])
        self.mounts = {str(mount["target"]): mount for mount in mounts}
        self.aliases = dict(zip(ask.devices(config), answers[ask.ALIASES].splitlines(), strict=False))
        self.nodes = dict(_split_node(item) for item in answers[ask.NODES].split("\0") if "/" in item)
        self.sums = {path: digest for digest, _, path in (item.partition("  ") for item in answers[ask.SUMS].split("\0"))}

    def lines(self, question: str) -> list[str]:
        return self._answers[question].splitlines()

    def words(self, question: str) -> list[str]:
        return self._answers[question].split()

    def block(self, device: str) -> dict[str, Any]:
        """lsblk's row for a device of the config, empty where there is none."""
        name = os.path.basename(self.aliases.get(device, ""))
        return next((block for block in self.blocks if name and name == block["kname"]), {})


def _flat(blocks: list[dict[str, Any]], parent: str = "") -> Iterator[dict[str, Any]]:
    """lsblk's tree as a list; an array stands below each of its devices."""
    for block in blocks:
        yield {**block, "pkname": block.get("pkname") or parent}
        yield from _flat(block.get("children", []), str(block["kname"]))


def _split_node(item: str) -> tuple[str, dict[str, str]]:
    """What stat says about a path: its fields, and behind the first slash the path."""
    head, _, path = item.partition("/")
    mode, user, group, uid, gid, size, kind = head.split(" ", 6)
    return path.lstrip("/"), {"mode": mode, "user": user, "group": group, "uid": uid, "gid": gid, "size": size, "kind": kind}


def _kernel_arguments(config: Config, facts: _Facts) -> Iterator[Row]:
    words = facts.words(ask.CMDLINE)
    for argument in config.kernel_arguments.should_exist:
        have = all(word in words for word in argument.split())
        yield Row("kernel argument", argument, "present", "present" if have else "absent")
    for argument in config.kernel_arguments.should_not_exist:
        have = all(word in words for word in argument.split())
        yield Row("kernel argument", argument, "absent", "present" if have else "absent")


def _partitions(config: Config, facts: _Facts) -> Iterator[Row]:
    for disk in config.storage.disks:
        block = facts.block(disk.device)
        if not block:
            yield Row("disk", disk.device, "present", NONE)
            continue
        present = [part for part in facts.blocks if part["pkname"] == block["kname"] and part["type"] == "part"]
        for partition in disk.partitions:
            yield _partition(disk, partition, present)


def _partition(disk: Disk, partition: Partition, present: list[dict[str, Any]]) -> Row:
    number = partition.number or 0
    name = f"{disk.device} {number or partition.label or ''}".rstrip()
    found = next((part for part in present if _matches(partition, part)), None)
    if partition.should_exist is False:
        return Row("partition", name, NONE, NONE if found is None else _described(partition, found))
    wanted = [partition.label] if partition.label else []
    wanted += [f"{partition.size_mib} MiB"] if partition.size_mib else []
    wanted += [f"type {partition.type_guid.lower()}"] if partition.type_guid else []
    wanted += [f"GUID {partition.guid.lower()}"] if partition.guid else []
    have = _described(partition, found) if found is not None else NONE
    fits = found is not None and all(text in have.split(", ") for text in wanted)
    return Row("partition", name, ", ".join(wanted) or "present", have, fits)


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


def _devices(config: Config, facts: _Facts) -> Iterator[Row]:
    """RAID arrays, LUKS volumes, filesystems."""
    for array in config.storage.raid:
        block = facts.block(f"/dev/md/{array.name}")
        yield Row("raid", array.name, array.level or "raid", str(block.get("type", "")) if array.level or not block else "raid")
    for volume in config.storage.luks:
        yield Row("luks", volume.name, "crypto_LUKS", str(facts.block(volume.device or "").get("fstype") or ""))
    for filesystem in config.storage.filesystems:
        if filesystem.format in (None, "", "none", "virtiofs"):
            continue
        block = facts.block(filesystem.device)
        wanted = f"{filesystem.format} {filesystem.label or ''}".rstrip()
        found = f"{block.get('fstype') or ''} {(block.get('label') or '') if filesystem.label else ''}".strip()
        yield Row("filesystem", filesystem.device, wanted, found)


def _mounts(config: Config, facts: _Facts) -> Iterator[Row]:
    """What is to be mounted in the running system: that has a unit, or is there all the same."""
    units = ask.mount_points(config)
    for filesystem in config.storage.filesystems:
        path = filesystem.path or ""
        mounted = facts.mounts.get(path)
        if path and (mounted is not None or path in units):
            source = str(mounted["source"]) if mounted is not None else ""
            device = facts.aliases.get(filesystem.device, filesystem.device)
            same = source.partition("[")[0] in (device, facts.block(filesystem.device).get("path"))
            wanted = f"{filesystem.format} {filesystem.device}"
            yield Row("mount", path, wanted, f"{mounted['fstype']} {source}" if mounted is not None else NONE, same)


def _accounts(config: Config, facts: _Facts) -> Iterator[Row]:
    for group, line in zip(config.passwd.groups, facts.lines(ask.GROUPS), strict=False):
        state = "present" if line else "absent"
        if group.should_exist is False or group.gid is None:
            yield Row("group", group.name, "absent" if group.should_exist is False else "present", state)
        else:
            yield Row("group", group.name, f"id {group.gid}", f"id {line.split(':')[2]}" if line else state)
    every = zip(config.passwd.users, facts.lines(ask.USERS), facts.lines(ask.MEMBERS), facts.lines(ask.KEYS), strict=False)
    for user, line, groups, keys in every:
        yield _user(user, line, groups.split(), keys)


def _user(user: PasswdUser, line: str, groups: list[str], keys: str) -> Row:
    """`line` of getent's, empty where there is no such user; `keys`: how many SSH keys let somebody in."""
    if user.should_exist is False:
        return Row("user", user.name, "absent", "present" if line else "absent")
    fields = (line or ":" * 6).split(":")
    asked = [
        ("id", user.uid, fields[2]), ("home", user.home_dir, fields[5]), ("shell", user.shell, fields[6]),
        ("groups", " ".join(user.groups) or None, " ".join(name for name in user.groups if name in groups)),
        ("SSH keys", len(user.ssh_authorized_keys) or None, keys),
    ]  # fmt: skip
    wanted = [f"{what} {value}" for what, value, _ in asked if value is not None]
    found = [f"{what} {value}" for what, asked_for, value in asked if asked_for is not None]
    return Row("user", user.name, ", ".join(wanted) or "present", (", ".join(found) or "present") if line else "absent")


def _nodes(config: Config, facts: _Facts) -> Iterator[Row]:
    storage = config.storage
    for directory in storage.directories:
        yield _node("directory", directory, directory.mode, facts)
    for file in storage.files:
        row = _node("file", file, file.mode, facts)
        digest = None if file.append else _digest(file.contents)
        if digest is not None and row.found != NONE:
            right = facts.sums.get(file.path) == digest
            row = Row("file", file.path, f"{row.wanted}, contents", f"{row.found}, {'contents' if right else 'other contents'}")
        yield row
    for link in storage.links:
        present = facts.nodes.get(link.path.lstrip("/"))
        kind = present["kind"].replace("regular empty file", "regular file") if present is not None else NONE
        yield Row("link", link.path, "regular file" if link.hard else "symbolic link", kind)


def _node(kind: str, node: Node, mode: int | None, facts: _Facts) -> Row:
    """Mode and owners, as far as the config names them."""
    present = facts.nodes.get(node.path.lstrip("/"))
    wanted: list[str] = []
    found: list[str] = []
    if mode is not None:
        wanted.append(f"{mode:o}")
        found.append(present["mode"] if present is not None else "")
    for owner, name, number in ((node.user, "user", "uid"), (node.group, "group", "gid")):
        identity = owner.name if owner.name is not None else owner.id
        if identity is not None and present is not None:
            found.append(f"{name} {present[name if owner.name is not None else number]}")
        wanted += [f"{name} {identity}"] if identity is not None else []
    if present is None:
        return Row(kind, node.path, " ".join(wanted) or "present", NONE)
    right = (present["kind"] == "directory") == (kind == "directory") and present["kind"] != "symbolic link"
    return Row(kind, node.path, " ".join(wanted) or "present", (" ".join(found) or "present") if right else present["kind"])


def _digest(resource: Resource) -> str | None:
    """SHA-256 of the contents where the config tells it; None where they come from elsewhere."""
    algorithm, _, wanted = (resource.verification.hash or "").partition("-")
    if algorithm == "sha256" and not resource.compression:
        return wanted.lower()
    if resource.source is None:
        return None
    if resource.source == "":
        return _EMPTY_SHA256
    if not resource.source.startswith("data:"):
        return None

    data = decode(resource.source)
    digest = hashlib.sha256()
    for piece in gunzip([data], what="contents") if resource.compression == "gzip" else [data]:
        digest.update(piece)
    return digest.hexdigest()


def _units(config: Config, facts: _Facts) -> Iterator[Row]:
    for unit, line in zip(config.systemd.units, facts.lines(ask.UNITS), strict=False):
        shown = dict(word.split("=", 1) for word in line.split() if "=" in word)
        yield _unit(unit, shown)


def _unit(unit: Unit, shown: dict[str, str]) -> Row:
    state, active = shown.get("UnitFileState", ""), shown.get("ActiveState", "")
    found = f"{state or shown.get('LoadState', '')}, {active}" if shown else NONE
    wanted = "masked" if unit.mask else "enabled" if unit.enabled else "disabled" if unit.enabled is False else "present"
    if wanted == "present":
        fits = shown.get("LoadState") not in (None, "not-found", "bad-setting", "error")
    else:
        fits = state == wanted or (wanted == "enabled" and state in ("enabled-runtime", "static", "alias", "indirect", "generated"))
    return Row("unit", unit.name, wanted, found, fits and active != "failed")
