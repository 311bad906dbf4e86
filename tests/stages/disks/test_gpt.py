"""The codec: what is encoded is decoded again, hostile bytes never raise, and any cut between writes leaves a good table."""

from __future__ import annotations

import struct
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.stages.disks.partitions import gpt

GUID = "0123ABCD-4567-89EF-0123-456789ABCDEF"


class Memory:
    """A disk in memory."""

    def __init__(self, sectors: int, sector_size: int = 512) -> None:
        self.size = sector_size
        self.sectors = sectors
        self.data = bytearray(sectors * sector_size)

    def read(self, lba: int, count: int) -> bytes:
        return bytes(self.data[lba * self.size : (lba + count) * self.size])

    def put(self, *writes: gpt.Write) -> None:
        for write in writes:
            self.data[write.lba * self.size : write.lba * self.size + len(write.data)] = write.data

    def table(self) -> gpt.Reading:
        return gpt.read(self.read, self.size, self.sectors)


guids = st.binary(min_size=16, max_size=16).filter(any).map(gpt.guid_text)
names = st.binary(min_size=72, max_size=72)


@st.composite
def tables(draw: st.DrawFn) -> tuple[gpt.Table, int]:
    """A sound table with up to 128 entries, and the size of its disk in sectors."""
    size = draw(st.sampled_from((512, 4096)))
    sectors = draw(st.integers(600, 5000))
    table = gpt.fresh(size, sectors, draw(guids))
    cuts = sorted(draw(st.sets(st.integers(table.first_usable, table.last_usable), max_size=256)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    numbers = draw(st.permutations(range(1, 129)))[: len(pairs)]
    entries = {
        number: gpt.Entry(first, last, draw(guids), draw(guids), draw(names), draw(st.integers(0, 2**64 - 1)))
        for number, (first, last) in zip(numbers, pairs, strict=True)
    }
    return table.but(entries=entries), sectors


@given(tables())
def test_what_is_written_is_read(case: tuple[gpt.Table, int]) -> None:
    table, sectors = case
    memory = Memory(sectors, table.sector_size)
    memory.put(*gpt.encode(table, sectors, b""))
    reading = memory.table()
    assert (reading.primary_problem, reading.backup_problem, reading.mbr) == ("", "", gpt.MBR_PROTECTIVE)
    assert reading.primary == table
    assert reading.backup == table
    assert reading.primary is not None and reading.primary.entries == table.entries


@given(st.binary(max_size=4096), st.integers(0, 70), st.sampled_from((512, 4096)))
def test_random_bytes_never_raise(noise: bytes, at: int, size: int) -> None:
    memory = Memory(80, size)
    memory.data[at * 100 : at * 100 + len(noise)] = noise[: len(memory.data) - at * 100]
    reading = memory.table()
    assert reading.primary is None and reading.backup is None


@given(tables(), st.lists(st.tuples(st.integers(0, 33 * 512 + 511), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_primary_is_noticed_and_the_backup_stays_good(case: tuple[gpt.Table, int], changes: list[tuple[int, int]]) -> None:
    table, sectors = case
    memory = Memory(sectors, table.sector_size)
    memory.put(*gpt.encode(table, sectors, b""))
    before = bytes(memory.data)
    for at, value in changes:
        memory.data[table.sector_size + at % (table.sector_size + gpt.SLOTS * gpt.ENTRY_SIZE)] = value
    reading = memory.table()
    covered = [(table.sector_size, table.sector_size + gpt.HEADER_SIZE), (2 * table.sector_size, 2 * table.sector_size + 16384)]
    if all(memory.data[a:b] == before[a:b] for a, b in covered):
        assert reading.primary == table
    else:
        assert reading.primary is None and reading.primary_problem
    assert reading.backup == table


header_fields = st.fixed_dictionaries({
    "size": st.integers(0, 2**32 - 1) | st.sampled_from((92, 512)), "mine": st.sampled_from((0, 1, 2)),
    "other": st.integers(0, 2**64 - 1), "first": st.integers(0, 2**64 - 1), "last": st.integers(0, 2**64 - 1),
    "array": st.integers(0, 2**64 - 1) | st.integers(0, 90), "slots": st.integers(0, 2**32 - 1) | st.integers(0, 130),
    "entry": st.integers(0, 2**32 - 1) | st.sampled_from((0, 128, 256)),
})


@given(header_fields, st.booleans())
def test_hostile_headers_with_right_checksums(fields: dict[str, int], right: bool) -> None:
    """Only a header that is wholly sound is accepted; sizes and positions from it are never trusted."""
    memory = Memory(90)
    length = fields["slots"] * fields["entry"]
    array = memory.read(fields["array"], -(-length // 512))[:length] if right and length < 90 * 512 and fields["array"] < 90 else b""

    def pack(crc: int) -> bytes:
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, fields["size"], crc, 0, fields["mine"], fields["other"],
                           fields["first"], fields["last"], bytes(16), fields["array"], fields["slots"], fields["entry"], crc32(array))

    raw = pack(0).ljust(512, b"\0")
    memory.data[512:1024] = pack(crc32(raw[: fields["size"]] if fields["size"] <= 512 else raw)).ljust(512, b"\0")
    reading = memory.table()
    if reading.primary is not None:
        assert (fields["mine"], fields["entry"]) == (1, 128) and 1 <= fields["slots"] <= gpt.MAX_SLOTS
        with pytest.raises(ValueError, match="sector"):
            gpt.encode(reading.primary.but(entries={1: gpt.Entry(2**63, 2**63, GUID)}), 90, b"")
    else:
        assert reading.primary_problem


@given(tables(), tables(), st.data())
def test_a_cut_between_or_within_writes_leaves_the_old_or_the_new_table(
    old: tuple[gpt.Table, int], new: tuple[gpt.Table, int], data: st.DataObject
) -> None:
    """Whatever prefix of the writes reaches the disk, and however much of the next sector run: one good copy at least."""
    table, sectors = old
    goal = gpt.fresh(table.sector_size, sectors, new[0].disk_guid)
    goal = goal.but(entries={n: e for n, e in new[0].entries.items() if goal.first_usable <= e.first <= e.last <= goal.last_usable})
    memory = Memory(sectors, table.sector_size)
    memory.put(*gpt.encode(table, sectors, b""))
    writes = gpt.encode(goal, sectors, memory.read(0, 1))
    whole = data.draw(st.integers(0, len(writes)))
    memory.put(*writes[:whole])
    if whole < len(writes):
        part = writes[whole]
        torn = data.draw(st.integers(0, len(part.data) // table.sector_size)) * table.sector_size
        memory.put(gpt.Write(part.group, part.lba, part.data[:torn]))
    reading = memory.table()
    seen = reading.primary or reading.backup
    assert seen in (table, goal)
    assert reading.mbr == gpt.MBR_PROTECTIVE
    if whole == len(writes):
        assert reading.primary == reading.backup == goal


def test_groups_are_backup_then_primary_then_mbr() -> None:
    writes = gpt.encode(gpt.fresh(512, 1000, GUID), 1000, b"")
    assert [write.group for write in writes] == ["backup", "backup", "primary", "primary", "mbr"]
    assert [write.lba for write in writes] == [967, 999, 2, 1, 0]


def test_layout_of_a_fresh_table() -> None:
    """Figures of UEFI 2.10, table 5-5, for 128 entries."""
    for size, first, last in ((512, 34, 99966), (4096, 6, 99994)):
        table = gpt.fresh(size, 100000, GUID)
        assert (table.first_usable, table.last_usable) == (first, last)
        header = gpt.encode(table, 100000, b"")[3].data
        assert header[:8] == b"EFI PART"
        assert header[8:16] == b"\0\0\1\0\x5c\0\0\0"
        assert int.from_bytes(header[32:40], "little") == 99999
        assert header[56:72] == bytes.fromhex("cdab230167 45ef89 0123 456789abcdef".replace(" ", ""))


def test_a_disk_too_small() -> None:
    with pytest.raises(ValueError, match="too few"):
        gpt.fresh(512, 67, GUID)
    assert gpt.fresh(512, 68, GUID).first_usable == gpt.fresh(512, 68, GUID).last_usable == 34


@pytest.mark.parametrize(("raw", "kind"), [
    (bytes(512), gpt.MBR_NONE), (b"", gpt.MBR_NONE),
    (gpt.protective_mbr(b"", 1000, 512), gpt.MBR_PROTECTIVE),
    (bytes(446) + b"\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x10\0\0" + bytes(48) + b"\x55\xaa", gpt.MBR_OTHER),
    (bytes(446) + b"\0\0\0\0\xee\0\0\0\1\0\0\0\0\x10\0\0" + b"\0\0\0\0\x0c\0\0\0\0\x08\0\0\0\x10\0\0" + bytes(32) + b"\x55\xaa",
     gpt.MBR_HYBRID),
    (b"\xeb\x3c\x90mkfs.fat" + b"\x20" * 499 + b"\x55\xaa", gpt.MBR_NONE),
])
def test_kinds_of_mbr(raw: bytes, kind: str) -> None:
    assert gpt.mbr_kind(raw) == kind


def test_boot_code_and_hybrid_mbr_stay() -> None:
    code = bytes(range(256)) + bytes(190)
    assert gpt.protective_mbr(code + bytes(64) + b"\x55\xaa", 1000, 512)[:446] == code
    hybrid = bytes(446) + b"\0\0\0\0\xee" + bytes(11) + b"\0\0\0\0\x0c" + bytes(43) + b"\x55\xaa"
    assert gpt.protective_mbr(hybrid, 1000, 512) == hybrid
    huge = gpt.protective_mbr(b"", 2**40, 512)
    assert huge[458:462] == b"\xff\xff\xff\xff"


@given(st.text(max_size=36))
def test_names(name: str) -> None:
    units = len(name.encode("utf-16-le", "surrogatepass")) // 2
    if units > 36:
        with pytest.raises(ValueError, match="36"):
            gpt.encode_name(name)
        return
    entry = gpt.Entry(40, 41, GUID, raw_name=gpt.encode_name(name))
    assert entry.name == name.split("\0")[0]


@given(st.text("0123456789abcdefABCDEF-gx {}", max_size=40))
def test_guid_text_that_is_none(text: str) -> None:
    if [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12] and not set(text) & set("gx {}"):
        return
    with pytest.raises(ValueError, match="not a GUID"):
        gpt.guid_bytes(text)


def test_flaws_are_named() -> None:
    table = gpt.fresh(512, 1000, GUID).but(entries={
        1: gpt.Entry(40, 60, GUID), 2: gpt.Entry(60, 70, GUID), 3: gpt.Entry(100, 90, GUID), 4: gpt.Entry(10, 20, GUID),
        5: gpt.Entry(900, 990, GUID),
    })
    text = "; ".join(table.flaws(1000))
    for phrase in ("1 and 2 overlap", "partition 3 (100 to 90)", "partition 4 (10 to 20)", "partition 5 (900 to 990)"):
        assert phrase in text
    assert "do not fit a disk of 500" in "; ".join(gpt.fresh(512, 1000, GUID).flaws(500))


def test_wiping_leaves_nothing() -> None:
    memory = Memory(1000)
    memory.put(*gpt.encode(gpt.fresh(512, 1000, GUID), 1000, b""))
    memory.put(*gpt.wipe_writes(memory.table()))
    reading = memory.table()
    assert (reading.mbr, reading.primary_problem, reading.backup_problem) == (gpt.MBR_NONE, gpt.ABSENT, gpt.ABSENT)
    assert not any(memory.data)


def test_wiping_a_grown_disk_finds_the_old_backup() -> None:
    memory = Memory(5000)
    memory.put(*gpt.encode(gpt.fresh(512, 1000, GUID), 1000, b""))
    memory.put(*gpt.wipe_writes(memory.table()))
    assert b"EFI PART" not in memory.data
