"""A disk that has grown since its table was made: the first run plans with the new end, and a second run changes nothing."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Partition
from ignition_py.stages import disks
from ignition_py.stages.disks.identity import Identity
from ignition_py.stages.disks.partitions import gpt
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.stages.disks.partitions.plan import DiskPlan, plan_disk
from tests.stages.disks.disks_lab import (
    MIB,
    disk,
    fingerprint,
    forget_boot,
    image_state,
    read_table,
    sgdisk,
    write_table,
)
from tests.stages.disks.test_disks_plan import DISK_GUID, SECTORS, G, kinds, plan, random_case, shape, table_of

Loop = Callable[..., str]
Make = Callable[..., Context]
END = SECTORS - 34  # last usable sector before the disk grew
NEW_END = 2 * SECTORS - 34


@pytest.fixture
def grown(tmp_path: Path) -> Any:
    """Makes a disk of twice the size that its table was made for, with the partitions (number, first sector, size, name)."""

    def make(*parts: tuple[int, int, int, str]) -> DiskState:
        image = tmp_path / "image"
        write_table(image, table_of(*parts), SECTORS)
        with image.open("r+b") as file:
            file.truncate(2 * SECTORS * 512)
        return image_state(image)

    return make


def written(made: DiskPlan, state: DiskState) -> DiskState:
    """The disk once the plan has been carried out."""
    if made.writes:
        assert made.after is not None
        with open(state.node, "r+b") as file:
            for part in gpt.encode(made.after, state.sectors, state.reading.sector0):
                file.seek(part.lba * 512)
                file.write(part.data)
    return image_state(Path(state.node))


def warning(made: DiskPlan) -> str:
    return "; ".join(made.warnings)


@pytest.mark.parametrize("partition", [
    Partition(number=2, label="b"),
    Partition(number=2, label="b", start_mib=0, size_mib=0),
    Partition(number=2, label="b", guid=G(77), size_mib=0),
    Partition(number=2, label="b", guid=G(77), size_mib=60),
    Partition(label="b", guid=G(77)),
    Partition(label="b"),
])  # fmt: skip
def test_a_new_partition_may_use_the_new_room_and_stays(grown: Any, partition: Partition) -> None:
    config = disk("/dev/test", Partition(number=1, label="a"), partition)
    state = grown((1, 2048, END - 2048 + 1, "a"))
    first = plan(config, state)
    assert first.conflicts == []
    assert "has grown by 64 MiB since its partition table was made; the table is extended to the new end" in warning(first)
    assert first.after is not None and first.after.entries[2].first > END - 2048
    assert kinds(first) == [("ExtendTable", 0), ("Keep", 1), ("Create", 2)]
    again = plan(config, written(first, state))
    assert (again.conflicts, again.writes, again.warnings) == ([], False, ())


def test_resize_grows_in_the_first_run(grown: Any) -> None:
    config = disk("/dev/test", Partition(number=1, label="a", size_mib=0, resize=True))
    state = grown((1, 2048, END - 2048 + 1, "a"))
    first = plan(config, state)
    assert shape(first) == {1: (2048, NEW_END - 2048 + 1, "a")}
    again = plan(config, written(first, state))
    assert (again.conflicts, again.writes) == ([], False)


def test_what_filled_the_disk_is_reused_where_nothing_is_written(grown: Any) -> None:
    """The reference keeps it too. With a write the table gets its new end, and `size 0` means all of it: refused at once, in
    both runs."""
    full = (1, 2048, END - 2048 + 1, "a")
    rest = Partition(number=1, label="a", size_mib=0)
    state = grown(full)
    kept = plan(disk("/dev/test", rest), state)
    assert (kept.conflicts, kept.writes) == ([], False)
    assert "nothing has to be written, so the table keeps its old end" in warning(kept)
    assert kept.after is not None and kept.after.last_usable == END
    more = plan(disk("/dev/test", rest, Partition(number=2, should_exist=False, wipe_partition_entry=True)), grown(full, (2, 34, 10, "")))
    assert "its size is" in str(more.conflicts[0]) and "`resize: true`" in str(more.conflicts[0])


def test_a_table_that_ends_where_the_disk_does_has_not_grown(tmp_path: Path) -> None:
    image = tmp_path / "image"
    write_table(image, table_of((1, 2048, 2048, "a")), SECTORS)
    made = plan(disk("/dev/test", Partition(number=2)), image_state(image))
    assert made.warnings == ()


@pytest.mark.parametrize("seed", range(40))
def test_run_again_changes_nothing(tmp_path: Path, seed: int) -> None:
    """Random tables and configs on a disk that has grown by nothing, by a sector, by less than a MiB, by much. Passed over: the
    second of two partitions that both want all the rest gets the sectors before the first MiB, as by sgdisk, and from then on the
    disk has another alignment."""
    dice = random.Random(seed)
    for _ in range(10):
        table, wanted = random_case(dice)
        image = tmp_path / "image"
        write_table(image, table, SECTORS)
        with image.open("r+b") as file:
            file.truncate((SECTORS + dice.choice([0, 1, 2047, 2048, SECTORS])) * 512)
        state = image_state(image)
        config = disk("/dev/test", *wanted)
        identity = Identity(config, state.sectors)
        first = plan_disk(config, state, identity)
        if first.conflicts or (first.after is not None and any(entry.first < 2048 for entry in first.after.entries.values())):
            continue
        again = plan_disk(config, written(first, state), identity)
        note = (seed, sorted(table.entries.items()), wanted, state.sectors)
        assert (again.conflicts, again.writes) == ([], False), note


def _grow(node: str, mib: int) -> None:
    backing = subprocess.run(["losetup", "--noheadings", "--output", "BACK-FILE", node], check=True, capture_output=True, text=True)
    with open(backing.stdout.strip(), "r+b") as file:
        file.truncate(mib * MIB)
    subprocess.run(["losetup", "--set-capacity", node], check=True)


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("size", [512, 4096])
def test_a_loop_device_that_grows(loop: Loop, context: Make, size: int) -> None:
    """Both runs give the same disk, in the same boot and after a power cut; sgdisk finds nothing to complain of."""
    node = loop(64, size)
    disks.run(context(disks=(disk(node, Partition(number=1, label="os", guid=G(1), size_mib=0)),)))
    _grow(node, 160)
    forget_boot()
    ctx = context(disks=(disk(
        node, Partition(number=1, label="os", size_mib=80, resize=True), Partition(number=2, label="data", guid=DISK_GUID)),))
    disks.run(ctx)
    before = fingerprint(node)
    table = read_table(node, size)
    assert table.primary is not None and table.primary == table.backup
    assert table.primary.backup == 160 * MIB // size - 1
    assert [entry.size * size // MIB for entry in table.primary.entries.values()] == [80, 78]
    assert "No problems found" in sgdisk("--verify", node).stdout
    disks.run(ctx)
    forget_boot()
    disks.run(ctx)
    assert fingerprint(node) == before


@pytest.mark.root
@pytest.mark.subprocess
def test_the_old_end_is_no_reason_to_refuse_a_disk_that_is_only_looked_at(loop: Loop, context: Make) -> None:
    node = loop(64)
    first = context(disks=(disk(node, Partition(number=1, label="data", size_mib=0)),))
    disks.run(first)
    _grow(node, 128)
    forget_boot()
    before = fingerprint(node)
    disks.run(first)
    assert fingerprint(node) == before
    with pytest.raises(StageError, match="`resize: true` to resize it"):
        disks.run(context(disks=(disk(node, Partition(number=1, label="data", size_mib=0), Partition(number=2, size_mib=8)),)))
    assert fingerprint(node) == before
