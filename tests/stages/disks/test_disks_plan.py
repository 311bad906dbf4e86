"""Planning a disk: worked cases, and a whole-plan comparison with sgdisk driven by the reference's rules on random disks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from ignition_py.spec.tables import Disk, Partition
from ignition_py.stages.disks.identity import Identity
from ignition_py.stages.disks.partitions import decide, gpt, operations
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.stages.disks.partitions.plan import DiskPlan, plan_disk
from ignition_py.system.blkid import Signature
from tests.stages.disks.disks_lab import disk, image_state, sgdisk, write_table

SECTORS = 131072  # 64 MiB
G = "{:08X}-2222-4333-8444-555555555555".format
DISK_GUID = "99999999-2222-4333-8444-555555555555"
TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"


def table_of(*parts: tuple[int, int, int, str], sectors: int = SECTORS) -> gpt.Table:
    """A table of (number, first sector, size, name)."""
    table = gpt.fresh(512, sectors, DISK_GUID)
    return table.but(entries={n: gpt.Entry(a, a + size - 1, G(n), gpt.LINUX_DATA, gpt.encode_name(name)) for n, a, size, name in parts})


@pytest.fixture
def state(tmp_path: Path) -> Any:
    def make(*parts: tuple[int, int, int, str], table: gpt.Table | None = None, sectors: int = SECTORS) -> DiskState:
        image = tmp_path / "image"
        write_table(image, table or table_of(*parts, sectors=sectors), sectors)
        return image_state(image)

    return make


@pytest.fixture
def blank(tmp_path: Path) -> DiskState:
    image = tmp_path / "blank"
    with image.open("wb") as file:
        file.truncate(SECTORS * 512)
    return image_state(image)


def plan(config: Disk, on: DiskState, **more: Any) -> DiskPlan:
    return plan_disk(config, on, Identity(config, on.sectors), **more)


def shape(made: DiskPlan) -> dict[int, tuple[int, int, str]]:
    """number -> first, size, name of the resulting table."""
    assert made.after is not None
    return {n: (e.first, e.size, e.name) for n, e in sorted(made.after.entries.items())}


def kinds(made: DiskPlan) -> list[tuple[str, int]]:
    return [(type(step).__name__, step.number) for step in made.operations]


def test_blank_disk_gets_a_table_and_partitions(blank: DiskState) -> None:
    made = plan(disk("/dev/test", Partition(label="rest"), Partition(number=2, size_mib=4, start_mib=8, type_guid=TYPE.lower())), blank)
    assert made.conflicts == []
    assert shape(made) == {1: (24576, 131072 - 34 - 24576 + 1, "rest"), 2: (16384, 8192, "")}
    assert kinds(made) == [("NewTable", 0), ("Create", 2), ("Create", 1)]
    assert made.after is not None and made.after.entries[2].type_guid == TYPE
    assert made.after.entries[1].type_guid == gpt.LINUX_DATA
    assert made.ours == {1, 2}


def test_blank_disk_without_a_partition_to_make_stays_blank(blank: DiskState) -> None:
    made = plan(disk("/dev/test", Partition(number=1, should_exist=False)), blank)
    assert (made.conflicts, made.writes, made.after) == ([], False, None)


def test_nothing_asked_nothing_done(state: Any) -> None:
    made = plan(disk("/dev/test"), state((1, 2048, 2048, "a")))
    assert (made.conflicts, made.writes) == ([], False)


def test_verify_only(state: Any) -> None:
    made = plan(disk("/dev/test", Partition(number=1), Partition(number=2, label="b", start_mib=3, size_mib=1)),
                state((1, 2048, 2048, "a"), (2, 6144, 2048, "b")))
    assert (made.conflicts, kinds(made), made.writes) == ([], [("Keep", 1), ("Keep", 2)], False)


def test_zero_means_largest_block_also_for_what_exists(state: Any) -> None:
    """Size 0 of an existing partition is compared with what it would get if it were made again."""
    full = state((9, 2048, SECTORS - 34 - 2048 + 1, "ROOT"))
    assert plan(disk("/dev/test", Partition(number=9, start_mib=0, size_mib=0)), full).conflicts == []
    short = state((9, 2048, 20480, "ROOT"), (10, 22528, 2048, ""))
    made = plan(disk("/dev/test", Partition(number=9, size_mib=0)), short)
    assert "largest free block" in str(made.conflicts[0])
    behind = state((10, 2048, 61440, ""), (9, 63488, 2048, "ROOT"))
    assert plan(disk("/dev/test", Partition(number=9, start_mib=0)), behind).conflicts == []
    gap = state((10, 100352, 2048, ""), (9, 102400, 2048, "ROOT"))
    assert "starts at sector 102400 instead of 2048" in str(plan(disk("/dev/test", Partition(number=9, start_mib=0)), gap).conflicts[0])


def test_left_out_means_as_it_is_unless_it_may_be_wiped(state: Any) -> None:
    there = state((1, 4096, 2048, "a"))
    assert not plan(disk("/dev/test", Partition(number=1, label="a")), there).writes
    again = plan(disk("/dev/test", Partition(number=1, label="a", wipe_partition_entry=True)), there)
    assert kinds(again) == [("Recreate", 1)]
    assert shape(again) == {1: (2048, SECTORS - 34 - 2048 + 1, "a")}
    assert again.remade == {1}


def test_refusals_name_every_difference_and_the_way_out(state: Any) -> None:
    there = state((1, 2048, 2048, "a"), (2, 6144, 2048, "b"))
    made = plan(disk("/dev/test", Partition(number=1, label="x", size_mib=2), Partition(number=2, should_exist=False)), there)
    assert len(made.conflicts) == 2
    assert "its label is 'a' instead of 'x'; its size is 2048 sectors instead of 4096" in str(made.conflicts[0])
    assert "wipePartitionEntry" in str(made.conflicts[0]) and "resize" not in str(made.conflicts[0])
    assert "must not" in str(made.conflicts[1])
    size_only = plan(disk("/dev/test", Partition(number=1, size_mib=2)), there)
    assert "`resize: true`" in str(size_only.conflicts[0])


def test_resize_keeps_everything_else(state: Any) -> None:
    table = table_of((1, 2048, 2048, "a"))
    table.entries[1].attributes = 4
    made = plan(disk("/dev/test", Partition(number=1, size_mib=3, resize=True)), state(table=table))
    assert kinds(made) == [("Resize", 1)]
    assert made.after is not None
    assert made.after.entries[1].key() == (2048, 8191, G(1), gpt.LINUX_DATA, gpt.encode_name("a"), 4)
    assert made.remade == frozenset()
    grown = plan(disk("/dev/test", Partition(number=1, label="a", size_mib=0, resize=True)), state((1, 2048, 2048, "a")))
    assert shape(grown) == {1: (2048, SECTORS - 34 - 2048 + 1, "a")}
    other = plan(disk("/dev/test", Partition(number=1, label="z", size_mib=3, resize=True)), state((1, 2048, 2048, "a")))
    assert other.conflicts


def test_deletion_frees_number_and_room_for_number_zero(state: Any) -> None:
    """The number of a partition that must go is free again; its own entry then yields to the new one, which needs wiping rights."""
    there = state((1, 2048, SECTORS - 34 - 2048 + 1, "old"))
    gone = Partition(number=1, should_exist=False, wipe_partition_entry=True)
    assert kinds(plan(disk("/dev/test", Partition(label="new", wipe_partition_entry=True), gone), there)) == [("Recreate", 1)]
    assert "partition 1" in str(plan(disk("/dev/test", gone, Partition(label="new")), there).conflicts[0])


def test_number_zero_takes_free_numbers_in_order(state: Any) -> None:
    made = plan(disk("/dev/test", Partition(label="x", size_mib=1), Partition(number=3, size_mib=1), Partition(label="y", size_mib=1)),
                state((1, 2048, 2048, "a")))
    assert {n: name for n, (_, _, name) in shape(made).items()} == {1: "a", 2: "x", 3: "", 4: "y"}


def test_second_run_recognises_number_zero(state: Any, blank: DiskState, tmp_path: Path) -> None:
    config = disk("/dev/test", Partition(label="x", size_mib=1), Partition(label="y", size_mib=0), Partition(number=9, size_mib=2))
    first = plan(config, blank)
    assert first.after is not None
    again = plan(config, state(table=first.after))
    assert (again.conflicts, again.writes) == ([], False)
    assert again.ours == {1, 2, 9}
    other = disk("/dev/test", Partition(label="x", size_mib=1), Partition(label="z", size_mib=0), Partition(number=9, size_mib=2))
    assert plan(other, state(table=first.after)).conflicts  # another config finds no room for new partitions


def test_a_grown_disk_is_not_taken_for_finished(blank: DiskState, tmp_path: Path) -> None:
    config = disk("/dev/test", Partition(number=1, size_mib=0))
    first = plan(config, blank)
    assert first.after is not None
    image = tmp_path / "grown"
    write_table(image, first.after, SECTORS)
    with image.open("r+b") as file:
        file.truncate(SECTORS * 1024)
    on = image_state(image)
    assert on.reading.primary is not None and on.reading.backup == on.reading.primary
    assert plan(config, on).ours == frozenset()
    grown = plan(disk("/dev/test", Partition(number=2, start_mib=20, size_mib=1), Partition(number=1, size_mib=8, resize=True)), on)
    assert grown.after is not None and grown.conflicts == []
    assert (grown.after.backup, grown.after.last_usable) == (SECTORS * 2 - 1, SECTORS * 2 - 34)


def test_in_use(state: Any) -> None:
    there = state((1, 2048, 2048, "a"), (2, 6144, 2048, "b"))
    there.busy_partitions = {1: "it is mounted at /boot"}
    other = disk("/dev/test", Partition(number=2, start_mib=3, size_mib=2, wipe_partition_entry=True), Partition(number=1))
    assert plan(other, there).conflicts == []
    for changed in (Partition(number=1, size_mib=2, resize=True), Partition(number=1, label="q", wipe_partition_entry=True),
                    Partition(number=1, should_exist=False, wipe_partition_entry=True)):
        assert "mounted at /boot" in str(plan(disk("/dev/test", changed), there).conflicts[0])
    assert "mounted at /boot" in str(plan(disk("/dev/test", wipe_table=True), there).conflicts[0])
    there.busy_partitions, there.busy = {}, "dm-0 is built on it"
    assert "dm-0 is built on it" in str(plan(disk("/dev/test", Partition(number=7, size_mib=1)), there).conflicts[0])


def test_wipe_table(state: Any) -> None:
    there = state((1, 2048, 2048, "a"))
    made = plan(disk("/dev/test", Partition(number=1, label="b"), wipe_table=True), there)
    assert kinds(made) == [("WipeTable", 0), ("NewTable", 0), ("Create", 1)]
    empty = plan(disk("/dev/test", wipe_table=True), there)
    assert (kinds(empty), empty.after) == ([("WipeTable", 0)], None)
    assert plan(disk("/dev/test", Partition(number=1, label="b"), wipe_table=True), there, done=True).conflicts  # not wiped twice


def _zap(image: Path, *ranges: tuple[int, int]) -> None:
    with image.open("r+b") as file:
        for at, length in ranges:
            file.seek(at)
            file.write(b"\xa5" * length if length > 2 else bytes(length))


PRIMARY, BACKUP = (560, 8), (SECTORS * 512 - 464, 8)


@pytest.mark.parametrize(("damage", "phrase", "repairs"), [
    ((PRIMARY,), "", True), ((BACKUP,), "", False), ((PRIMARY, BACKUP), "no copy can be used", False),
    (((510, 2),), "no protective MBR", False), (((510, 2), (512, 512)), "the backup of a GPT", False),
])
def test_damaged_tables(tmp_path: Path, damage: tuple[tuple[int, int], ...], phrase: str, repairs: bool) -> None:
    image = tmp_path / "image"
    write_table(image, table_of((1, 2048, 2048, "a")), SECTORS)
    _zap(image, *damage)
    kept = plan(disk("/dev/test", Partition(number=1)), image_state(image))
    if phrase:
        assert phrase in str(kept.conflicts[0]) and "wipeTable" in str(kept.conflicts[0])
    else:
        assert kept.conflicts == []
        assert (("RepairTable", 0) in kinds(kept)) is repairs
        assert repairs or kept.warnings
    wiped = plan(disk("/dev/test", Partition(number=1), wipe_table=True), image_state(image))
    assert wiped.conflicts == []


@pytest.mark.parametrize(("signature", "phrase"), [
    (Signature("ext4", "data", "1234"), 'holds ext4 with label "data"'), (Signature(ambiguous=("ext4", "xfs")), "traces of ext4 and xfs"),
    (Signature(table="sun"), "a sun partition table"),
])
def test_what_lies_on_a_whole_disk_is_not_overwritten(blank: DiskState, signature: Signature, phrase: str) -> None:
    blank.signature = signature
    assert phrase in str(plan(disk("/dev/test", Partition(number=1)), blank).conflicts[0])
    assert plan(disk("/dev/test", Partition(number=1), wipe_table=True), blank).conflicts == []


def test_mbr_is_refused(blank: DiskState, tmp_path: Path) -> None:
    image = tmp_path / "blank"
    with image.open("r+b") as file:
        file.seek(446)
        file.write(b"\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x10\0\0" + bytes(48) + b"\x55\xaa")
    assert "MBR partition table" in str(plan(disk("/dev/test", Partition(number=1)), image_state(image)).conflicts[0])


@pytest.mark.parametrize(("partition", "phrase"), [
    (Partition(number=129, size_mib=1), "room for 128"), (Partition(number=1, size_mib=10**9), "cannot have"),
    (Partition(number=1, start_mib=10**12, size_mib=1), "usable sectors"), (Partition(number=1, label="x" * 37), "36"),
    (Partition(number=1, type_guid=gpt.NO_GUID), "zeros"),
])
def test_impossible_wishes(blank: DiskState, partition: Partition, phrase: str) -> None:
    assert phrase in "; ".join(map(str, plan(disk("/dev/test", partition), blank).conflicts))


def test_descriptions_name_what_happens(state: Any) -> None:
    made = plan(disk("/dev/test", Partition(number=1, label="new", wipe_partition_entry=True, size_mib=1), Partition(number=2, size_mib=1)),
                state((1, 2048, 2048, "a")))
    texts = [step.describe() for step in made.operations]
    assert texts[0].startswith('delete and create again partition 1: sectors 2048 to 4095 "new"') and "'a' instead of 'new'" in texts[0]
    assert texts[1].startswith("create partition 2: sectors 4096 to 6143, type 0FC63DAF")
    assert operations.RepairTable(0, "why").describe() == "repair the partition table (why)"


# -- the reference's rules, played with sgdisk ---------------------------------------------------------------------------------------


def random_case(dice: random.Random) -> tuple[gpt.Table, list[Partition]]:
    parts, at = [], 2048
    for number in dice.sample(range(1, 8), dice.randint(0, 4)):
        at += 2048 * dice.choice([0, 0, 1, 3])
        size = 2048 * dice.randint(1, 12)
        parts.append((number, at, size, dice.choice(["", "a", "b"])))
        at += size
    table = table_of(*parts)
    wanted = []
    there = {number: (first, size, name) for number, first, size, name in parts}
    for number in dice.sample(range(1, 10), dice.randint(1, 4)):
        if dice.random() < 0.25:
            wanted.append(Partition(number=number, should_exist=False, wipe_partition_entry=dice.choice([True, True, None])))
            continue
        first, size, name = there.get(number, (2048, 2048, ""))
        fields: dict[str, Any] = {
            "number": 0 if dice.random() < 0.15 else number, "label": dice.choice([None, name, "n" + str(number)]),
            "start_mib": dice.choice([None, None, 0, first // 2048, dice.randint(1, 60)]),
            "size_mib": dice.choice([None, 0, size // 2048, dice.randint(1, 12)]),
            "wipe_partition_entry": dice.choice([None, True]), "resize": dice.choice([None, None, True]),
            "type_guid": dice.choice([None, None, "", gpt.LINUX_DATA, TYPE]),
            "guid": dice.choice([None, None, "", G(number), G(number + 100)]),
        }
        if not fields["number"] and fields["guid"]:
            fields["guid"] = G(dice.randint(200, 10**6))
        wanted.append(Partition(**{key: value for key, value in fields.items() if value is not None}))
    return table, wanted


def _new(number: int, start: int, size: int, wanted: Partition) -> list[str]:
    more = [f"--new={number}:{start}:+{size}"]
    if wanted.label is not None:
        more.append(f"--change-name={number}:{wanted.label}")
    if wanted.type_guid:
        more.append(f"--typecode={number}:{wanted.type_guid}")
    if wanted.guid:
        more.append(f"--partition-guid={number}:{wanted.guid}")
    return more


def _oracle(image: Path, table: gpt.Table, partitions: list[Partition]) -> bool:
    """Does to `image`, by sgdisk, what the operator notes say; False for a refusal. Deliberately naive and unlike plan.py."""
    ordered = sorted(partitions, key=lambda p: p.number == 0)
    exists = [p for p in ordered if p.should_exist is not False]
    used = set(table.entries) | {p.number for p in exists}
    used -= {p.number for p in ordered if p.should_exist is False}
    numbers: dict[int, int] = {}
    pretend, infos = [], []
    for p in ordered:
        if p.number in table.entries:
            pretend.append(f"--delete={p.number}")
    for p in exists:
        numbers[id(p)] = p.number or min(n for n in range(1, 129) if n not in used)
        used.add(numbers[id(p)])
        old = table.entries.get(p.number) if not p.wipe_partition_entry else None
        start = old.first if old and p.start_mib is None else (p.start_mib or 0) * 2048
        size = old.size if old and p.size_mib is None else (p.size_mib or 0) * 2048
        pretend.append(f"--new={numbers[id(p)]}:{start}:+{size}")
        infos.append(f"--info={numbers[id(p)]}")
    asked = sgdisk("--pretend", *pretend, *infos, str(image))
    if asked.returncode:
        return False
    firsts = [int(line.split()[2]) for line in asked.stdout.splitlines() if line.startswith("First sector:")]
    lasts = [int(line.split()[2]) for line in asked.stdout.splitlines() if line.startswith("Last sector:")]
    places = {id(p): (first, last - first + 1) for p, first, last in zip(exists, firsts, lasts, strict=True)}
    deletes, creates = [], []
    for p in ordered:
        if p.should_exist is False:
            if p.number in numbers.values() or p.number not in table.entries:
                continue
            if not p.wipe_partition_entry:
                return False
            deletes.append(f"--delete={p.number}")
            continue
        number, (start, size) = numbers[id(p)], places[id(p)]
        there = table.entries.get(number)
        if there is None:
            creates += _new(number, start, size, p)
            continue
        if not decide.differences(there, p, start, size):
            continue
        if not p.wipe_partition_entry:
            if not p.resize or decide.differences_but_size(there, p, start):
                return False
            p = Partition(guid=there.guid, type_guid=there.type_guid, label=there.name)
        deletes.append(f"--delete={number}")
        creates += _new(number, start, size, p)
    return not (deletes or creates) or sgdisk(*deletes, *creates, str(image)).returncode == 0


def _comparable(reading: gpt.Reading, given: set[str]) -> dict[int, tuple[object, ...]]:
    assert reading.primary is not None and reading.primary == reading.backup
    return {n: (e.first, e.last, e.type_guid, e.name, e.attributes, e.guid if e.guid in given else "random")
            for n, e in reading.primary.entries.items()}


@pytest.mark.subprocess
@pytest.mark.parametrize("seed", range(6))
def test_same_verdict_and_table_as_the_rules_played_with_sgdisk(tmp_path: Path, seed: int) -> None:
    dice = random.Random(1000 + seed)
    done = refused = 0
    for round_ in range(12):
        table, wanted = random_case(dice)
        ours, theirs = tmp_path / "ours", tmp_path / "theirs"
        write_table(ours, table, SECTORS)
        write_table(theirs, table, SECTORS)
        accepted = _oracle(theirs, table, wanted)
        state = image_state(ours)
        made = plan(disk("/dev/test", *wanted), state)
        note = (seed, round_, sorted(table.entries.items()), wanted, made.conflicts)
        assert accepted is (not made.conflicts), note
        refused += not accepted
        if not accepted:
            continue
        done += 1
        if made.writes:
            assert made.after is not None
            with ours.open("r+b") as file:
                for part in gpt.encode(made.after, SECTORS, state.reading.sector0):
                    file.seek(part.lba * 512)
                    file.write(part.data)
        given = {entry.guid for entry in table.entries.values()} | {(p.guid or "").upper() for p in wanted}
        assert _comparable(image_state(ours).reading, given) == _comparable(image_state(theirs).reading, given), note
    assert done and refused
