"""The answers of a machine, looked up by what a row asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ignition_py.check import questions as ask
from ignition_py.check.questions import MARK, Item, Questions
from ignition_py.check.script import unpacked
from ignition_py.record import Record
from ignition_py.spec.tables import Config

_FIELDS = 7  # of stat's answer, before the kind


class Seen(Record):
    """What stat(1) says of a path: mode in octal digits, ids and names of the owners, kind in its words."""

    mode: str
    uid: str
    gid: str
    user: str
    group: str
    identity: str
    kind: str


class Facts:
    """Each answer is the value, or a mark of questions.py."""

    def __init__(self, config: Config, asked: Questions, answers: Mapping[str, str]) -> None:
        """Raises ValueError where an answer cannot be understood."""
        self._lines = {
            name: dict(zip(items, answers.get(name, "").split("\n"), strict=False)) for name, items in asked.items()
        }
        self.root = answers.get("uid", "0") == "0"
        self.blocks_known, blocks = _json(answers.get(ask.BLOCKS, ""), "blockdevices")
        self.mounts_known, mounts = _json(answers.get(ask.MOUNTS, ""), "filesystems")
        self.blocks = list(_flat(blocks))
        self.mounts = {str(mount["target"]): mount for mount in mounts}
        self.aliases = {device: unpacked(line) for (device,), line in self._lines.get(ask.ALIASES, {}).items()}
        self.words = answers.get(ask.CMDLINE, "").split()

    def line(self, question: str, *item: str) -> str:
        """The line about an item; ABSENT for an answer that is empty."""
        found: dict[Item, str] = self._lines.get(question, {})
        return found.get(item) or ask.ABSENT

    def node(self, path: str) -> Seen | str:
        """What is at a path, or a mark. Raises ValueError."""
        line = self.line(ask.NODES, path)
        if line.startswith(MARK):
            return line
        mode, uid, gid, user, group, _, identity, kind = line.split(" ", _FIELDS)
        return Seen(mode, uid, gid, user, group, identity, kind.replace("regular empty file", "regular file"))

    def target(self, path: str) -> str:
        """The text of a symlink, or a mark. Raises ValueError."""
        line = self.line(ask.TARGETS, path)
        return line if line.startswith(MARK) else unpacked(line)

    def keys(self, user: str) -> list[str]:
        """Digests of the keys that let a user in, and marks."""
        return self._lines.get(ask.KEYS, {}).get((user,), "").split()

    def block(self, device: str) -> dict[str, Any]:
        """lsblk's row for a device of the config, empty where there is none."""
        name = os.path.basename(self.aliases.get(device, ""))
        return next((block for block in self.blocks if name and name == block["kname"]), {})


def _json(text: str, key: str) -> tuple[bool, list[dict[str, Any]]]:
    """The list at a key, and whether the program that prints it has run. Raises ValueError."""
    if text.strip() == ask.FAILED:
        return False, []
    found = json.loads(text or "{}").get(key, [])
    return True, found


def _flat(blocks: list[dict[str, Any]], parent: str = "") -> Iterator[dict[str, Any]]:
    """lsblk's tree as a list; an array stands below each of its devices."""
    for block in blocks:
        yield {**block, "pkname": block.get("pkname") or parent}
        yield from _flat(block.get("children", []), str(block["kname"]))
