"""The same random disks and configs for this executor and for Debian's Ignition 2.14, on copies of one image; the same verdict
and the same table. It partitions by sgdisk and talks to systemd and udev, so it needs a machine of its own (tests/vm/test_disks.py).

IGNITION_PEER is the path of the other executor, PEER_CASES how many cases are played.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import ERROR, IgnitionError
from ignition_py.spec import tables
from ignition_py.spec.encode import to_data, to_json
from ignition_py.spec.rules.all import validate
from ignition_py.spec.tables import Config, Disk, Filesystem, Ignition, Partition, Storage
from ignition_py.stages import disks
from ignition_py.stages.disks.partitions import gpt
from tests.stages.disks.disks_lab import read_table, write_table
from tests.stages.disks.test_disks_plan import SECTORS, _comparable
from tests.stages.disks.test_disks_plan import random_case as random_partitions

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.peer]

PEER = os.environ.get("IGNITION_PEER", "/usr/lib/dracut/modules.d/30ignition/ignition")
CASES = int(os.environ.get("PEER_CASES", "10"))
VERSION = tables.VERSIONS["3.3.0"]
OLD_RULE = "other partition(s) has start or size 0"  # of 2.14 alone, see docs/differences.md


def config_of(node: str, case: tuple[tuple[Partition, ...], bool, dict[str, Any]]) -> Config:
    partitions, wipe, filesystem = case
    storage: dict[str, Any] = {"disks": (Disk(device=node, partitions=partitions, wipe_table=wipe or None),)}
    if filesystem:
        number = filesystem["number"]
        rest = {key: value for key, value in filesystem.items() if key != "number"}
        storage["filesystems"] = (Filesystem(device=f"{node}p{number}", **rest),)
    return Config(ignition=Ignition(version="3.3.0"), storage=Storage(**storage))


def random_case(dice: random.Random) -> tuple[gpt.Table, str, tuple[tuple[Partition, ...], bool, dict[str, Any]]]:
    """A table, what else is wrong with the disk, and a config that the validators take."""
    while True:
        table, wanted = random_partitions(dice)
        damage = dice.choice(["", "", "", "blank", "header"])
        wipe = bool(damage == "header") or dice.random() < 0.2
        filesystem: dict[str, Any] = {}
        numbers = [p.number for p in wanted if p.number and p.should_exist is not False]
        if numbers and dice.random() < 0.5:
            filesystem = {"number": dice.choice(numbers), "format": dice.choice(["ext4", "swap"]), "label": "fs", "wipe_filesystem": True}
        case = (tuple(wanted), wipe, filesystem)
        if not any(finding.severity == ERROR for finding in validate(config_of("/dev/x", case), VERSION)):
            return table, damage, case


def spoil(image: Path, damage: str) -> None:
    with image.open("r+b") as file:
        if damage == "header":
            file.seek(512 + 60)
            file.write(b"\xff" * 8)
        elif damage == "blank":
            file.write(bytes(40 * 512))
            file.seek((SECTORS - 40) * 512)
            file.write(bytes(40 * 512))


def theirs(folder: Path, config: Config) -> tuple[bool, str]:
    (folder / "config.ign").write_text(to_json(to_data(config, VERSION)))
    env = {**os.environ, "IGNITION_CONFIG_FILE": str(folder / "config.ign"), "IGNITION_SYSTEM_CONFIG_DIR": str(folder / "none")}
    said = ""
    for stage in ("fetch", "disks"):
        argv = [PEER, "-platform", "file", "-stage", stage, "-root", str(folder), "-log-to-stdout"]
        argv += ["-config-cache", str(folder / "cache"), "-neednet", str(folder / "neednet"), "-state-file", str(folder / "state")]
        done = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True, check=False)
        said += done.stdout + done.stderr
        if done.returncode:
            return False, said
    return True, said


def ours(context: Callable[..., Context], config: Config) -> tuple[bool, str]:
    try:
        disks.run(context(disks=config.storage.disks, filesystems=config.storage.filesystems))
    except IgnitionError as error:
        return False, str(error)
    return True, ""


def comparable(node: str, given: set[str]) -> object:
    reading = read_table(node)
    if reading.primary is None and reading.backup is None:
        return "no table"
    return _comparable(reading, given)


def label(node: str, number: int) -> str:
    return subprocess.run(["blkid", "-p", "-o", "value", "-s", "TYPE", f"{node}p{number}"], capture_output=True, text=True, check=False).stdout


def test_same_verdict_and_table_as_debians(loop: Callable[..., str], context: Callable[..., Context], tmp_path: Path) -> None:
    if not os.access(PEER, os.X_OK) or not os.path.exists("/run/systemd/private"):
        pytest.skip("the other executor, and systemd, are in the VM")
    dice = random.Random(int(os.environ.get("PEER_SEED", "2014")))
    accepted = refused = 0
    found: list[object] = []
    for round_ in range(CASES):
        table, damage, case = random_case(dice)
        images = [tmp_path / f"{round_}-{who}" for who in ("ours", "theirs")]
        write_table(images[0], table, SECTORS)
        spoil(images[0], damage)
        shutil.copyfile(images[0], images[1])
        nodes = [loop(image=image) for image in images]
        subprocess.run(["udevadm", "settle"], check=False)
        verdicts = [ours(context, config_of(nodes[0], case)), theirs(tmp_path, config_of(nodes[1], case))]
        note = (round_, damage, sorted(table.entries.items()), case, verdicts[0][1], verdicts[1][1][-1500:])
        if OLD_RULE in verdicts[1][1]:
            continue
        if verdicts[0][0] is not verdicts[1][0]:
            found.append(note)
            continue
        if not verdicts[0][0]:
            refused += 1
            continue
        accepted += 1
        given = {entry.guid for entry in table.entries.values()} | {(p.guid or "").upper() for p in case[0]}
        tables_ = [comparable(node, given) for node in nodes]
        made = [label(node, case[2]["number"]) for node in nodes] if case[2] else ["", ""]
        if tables_[0] != tables_[1] or made[0] != made[1]:
            found.append((note, tables_, made))
    assert not found, found
    assert accepted
    assert refused
    print(f"{accepted} accepted and {refused} refused by both")
