"""What a machine is asked about a config, as data: the names of the questions, and the items that each is asked about.

    questions(config, contents) -> script.py (sh, on the machine) or folder.py (a mounted root) -> findings.py

The answer to a question is one text: a line for each item, in the order of the items, or for a question without items what its command
prints. A line is the value, or one of the marks ABSENT, DENIED (unreadable for the one who asked) and FAILED. No item holds a secret.
"""

from __future__ import annotations

import re

from ignition_py.check.contents import Contents
from ignition_py.spec.tables import Config
from ignition_py.stages.files.units import UNITS as UNIT_FOLDER

BLOCKS, MOUNTS, CMDLINE, ALIASES, NODES, SUMS, TARGETS = "blocks", "mounts", "cmdline", "aliases", "nodes", "sums", "targets"
USERS, MEMBERS, KEYS, PASSWORDS, GROUPS, UNITS, FAILED_UNITS = "users", "members", "keys", "passwords", "groups", "units", "failed"
WITHOUT_ITEMS = (BLOCKS, MOUNTS, CMDLINE, FAILED_UNITS)
ABSENT, DENIED, FAILED = "!absent", "!denied", "!failed"
MARK = "!"  # what the marks begin with, and no value

Item = tuple[str, ...]
Questions = dict[str, tuple[Item, ...]]


def questions(config: Config, contents: Contents) -> Questions:
    """Name of each question -> its items; of SUMS algorithm, path and, where only the end of a file is known, its length in bytes."""
    storage, passwd, units = config.storage, config.passwd, config.systemd.units
    users = tuple((user.name,) for user in passwd.users)
    files = unit_files(config)
    paths = [node.path for node in (*storage.directories, *storage.files, *storage.links)]
    paths += [link.target or "" for link in storage.links if link.hard]
    sums: list[Item] = []
    for file in storage.files:
        digest = contents.of(file)
        if digest is not None:
            sums.append((digest.algorithm, file.path, *([str(digest.tail)] if digest.tail is not None else [])))
    return {
        CMDLINE: (),
        BLOCKS: (),
        MOUNTS: (),
        ALIASES: tuple((device,) for device in devices(config)),
        NODES: tuple((path,) for path in dict.fromkeys([*paths, *files])),
        SUMS: (*sums, *(("256", path) for path in files)),
        TARGETS: tuple((link.path,) for link in storage.links if not link.hard),
        USERS: users,
        MEMBERS: users,
        KEYS: users,
        PASSWORDS: tuple((user.name,) for user in passwd.users if user.password_hash is not None),
        GROUPS: tuple((group.name,) for group in passwd.groups),
        UNITS: tuple((unit.name,) for unit in units),
    }


def unit_files(config: Config) -> dict[str, str]:
    """Path -> text of the units and drop-ins that the config has, as the files stage writes them."""
    found = {}
    for unit in config.systemd.units:
        if unit.contents:
            found[f"{UNIT_FOLDER}/{unit.name}"] = unit.contents
        for dropin in unit.dropins:
            if dropin.contents is not None:
                found[f"{UNIT_FOLDER}/{unit.name}.d/{dropin.name}"] = dropin.contents
    return found


def mount_points(config: Config) -> set[str]:
    """Where the config's mount units mount something."""
    texts = [unit.contents or "" for unit in config.systemd.units if unit.name.endswith(".mount")]
    return {found[1].strip() for text in texts if (found := re.search(r"^Where=(.*)$", text, re.MULTILINE))}


def devices(config: Config) -> list[str]:
    """Devices that the config names, in the order of the answers to ALIASES."""
    storage = config.storage
    names = [disk.device for disk in storage.disks]
    names += [filesystem.device for filesystem in storage.filesystems]
    names += [volume.device or "" for volume in storage.luks]
    names += [f"/dev/md/{array.name}" for array in storage.raid]
    return names
