"""What plan says is what the stage does: random disks and configs, foreseen on the image and then done on a loop device."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ignition_py import cli
from ignition_py.context import Context
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.encode import to_data, to_json
from ignition_py.stages import disks
from tests.stages.disks.disks_lab import MIB, fingerprint, forget_boot, read_table, write_table
from tests.stages.disks.test_disks_peer import VERSION, config_of, random_case, spoil
from tests.stages.disks.test_disks_plan import SECTORS

pytestmark = [pytest.mark.root, pytest.mark.subprocess]


def contents(node: str) -> list[str]:
    """What blkid finds in each partition, by number."""
    table = read_table(node).primary
    numbers = sorted(table.entries) if table is not None else []
    argv = ["blkid", "-p", "-o", "value", "-s", "TYPE"]
    return [subprocess.run([*argv, f"{node}p{n}"], capture_output=True, text=True, check=False).stdout.strip() for n in numbers]


@pytest.mark.parametrize("seed", range(3))
def test_foreseen_and_done(
    loop: Callable[..., str], context: Callable[..., Context], tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    dice = random.Random(4000 + seed)
    results = set()
    for round_ in range(8):
        table, damage, (partitions, wipe, filesystem) = random_case(dice)
        if filesystem:
            filesystem["wipe_filesystem"] = dice.choice([True, None])
        case: Any = (partitions, wipe, {key: value for key, value in filesystem.items() if value is not None})
        image = tmp_path / f"{round_}.img"
        write_table(image, table, SECTORS)
        spoil(image, damage)
        if dice.random() < 0.6:  # something old where a partition is or may come
            subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", "-E", f"offset={dice.choice([1, 1, 2, 5]) * MIB}", image, "4M"], check=True)
        node = loop(image=image)
        config = config_of(node, case)
        (tmp_path / "config.ign").write_text(to_json(to_data(config, VERSION)))
        before = fingerprint(node)
        capsys.readouterr()
        status = cli.main(["ignition-py", "plan", str(tmp_path / "config.ign"), "--disk", f"{node}={image}", "--format", "json"])
        foreseen = json.loads(capsys.readouterr().out)
        assert fingerprint(node) == before
        forget_boot()
        note = (round_, damage, sorted(table.entries.items()), case, foreseen)
        try:
            disks.run(context(disks=config.storage.disks, filesystems=config.storage.filesystems))
        except IgnitionError as error:
            assert status == 1, (str(error), note)
            assert all(why.split(" ($.")[0] in str(error) for why in foreseen["conflicts"]), (str(error), note)
            assert fingerprint(node) == before, note
        else:
            same = fingerprint(node) == before
            assert status == (0 if same and not wipe else 2), note  # wiping a blank disk writes zeros over zeros
            done = read_table(node).primary
            rows = {row["number"]: row["after"] for row in foreseen["disks"][0]["partitions"] if row["after"] is not None}
            found = {} if done is None else {
                number: (entry.first, entry.last, entry.name, entry.type_guid) for number, entry in done.entries.items()
            }
            assert {number: (row["first"], row["last"], row["label"], row["type"]) for number, row in rows.items()} == found, note
            if filesystem and case[2].get("wipe_filesystem"):
                assert filesystem["format"] in contents(node)
        results.add(status)
    assert len(results) > 1
