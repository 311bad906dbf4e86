"""The GUID partition table as bytes and as values: a pure codec, no device, no policy.

`inspect.py` reads a disk with `read()`, `plan.py` makes a new `Table`, `apply.py` writes what `encode()` returns.
libparted 3.5 can set neither number nor GUID nor type GUID of a partition, hence a codec of our own.

Source: UEFI Specification 2.10, chapter 5 ("GUID Partition Table (GPT) Disk Layout"). All positions are logical
blocks (LBA) of `sector_size` bytes, 512 or 4096.
"""

from __future__ import annotations

import itertools
import struct
from binascii import crc32
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ignition_py.record import KW_ONLY, Record

Reader: TypeAlias = "Callable[[int, int], bytes]"  # (first LBA, count) -> bytes, shorter at the end of the disk

SIGNATURE = b"EFI PART"
REVISION = 0x00010000
HEADER_SIZE = 92  # bytes
ENTRY_SIZE = 128  # bytes
NAME_SIZE = 72  # bytes, 36 UTF-16 code units
SLOTS = 128  # entries of a table made here
MAX_SLOTS = 1024  # more than any tool writes; bounds what a hostile header makes us read
LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
NO_GUID = "00000000-0000-0000-0000-000000000000"

MBR_NONE, MBR_PROTECTIVE, MBR_HYBRID, MBR_OTHER = "none", "protective", "hybrid", "mbr"

_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_GUID_PARTS = ((0, 4, "little"), (4, 6, "little"), (6, 8, "little"), (8, 10, "big"), (10, 16, "big"))


def guid_text(raw: bytes) -> str:
    """16 bytes as upper-case text; the first three groups are little-endian (UEFI appendix A)."""
    groups = (raw[a:b] if order == "big" else raw[a:b][::-1] for a, b, order in _GUID_PARTS)
    return "-".join(group.hex() for group in groups).upper()


def guid_bytes(text: str) -> bytes:
    """The reverse of `guid_text`. Raises ValueError for anything but 8-4-4-4-12 hexadecimal digits."""
    groups = text.split("-")
    if [len(group) for group in groups] != [8, 4, 4, 4, 12]:
        raise ValueError(f"not a GUID: {text!r}")
    if set(text) - set("0123456789abcdefABCDEF-"):
        raise ValueError(f"not a GUID: {text!r}")
    raw = [bytes.fromhex(group) for group in groups]
    return b"".join(
        group if order == "big" else group[::-1] for group, (_, _, order) in zip(raw, _GUID_PARTS, strict=True)
    )


def encode_name(name: str) -> bytes:
    """A partition name as 72 bytes. Raises ValueError where it needs more than 36 UTF-16 code units."""
    raw = name.encode("utf-16-le", "surrogatepass")
    if len(raw) > NAME_SIZE:
        raise ValueError(f"partition name {name!r} is longer than 36 UTF-16 code units")
    return raw.ljust(NAME_SIZE, b"\0")


class Entry(Record):
    """One used entry. `first` and `last` are inclusive; `raw_name` keeps all 72 bytes so that untouched entries
    stay as they are."""

    first: int
    last: int
    guid: str
    type_guid: str = LINUX_DATA
    raw_name: bytes = bytes(NAME_SIZE)
    attributes: int = 0

    @property
    def size(self) -> int:
        """Length in sectors."""
        return self.last - self.first + 1

    @property
    def name(self) -> str:
        units = self.raw_name
        end = next((i for i in range(0, len(units), 2) if units[i : i + 2] == b"\0\0"), len(units))
        return units[:end].decode("utf-16-le", "surrogatepass")

    def pack(self) -> bytes:
        return _ENTRY.pack(
            guid_bytes(self.type_guid), guid_bytes(self.guid), self.first, self.last, self.attributes, self.raw_name
        )

    def key(self) -> tuple[int, int, str, str, bytes, int]:
        return (self.first, self.last, self.guid, self.type_guid, self.raw_name, self.attributes)

    def __repr__(self) -> str:
        return f"Entry({self.first}..{self.last} {self.guid} {self.name!r})"


class Table(Record):
    """A whole table. `entries` maps partition number (from 1) to entry; `backup` is the LBA of the backup
    header."""

    sector_size: int
    disk_guid: str
    entries: Mapping[int, Entry]
    _: KW_ONLY
    first_usable: int
    last_usable: int
    backup: int
    entries_lba: int = 2
    slots: int = SLOTS

    @property
    def entries_sectors(self) -> int:
        """Sectors that the entry array takes."""
        return -(-self.slots * ENTRY_SIZE // self.sector_size)

    def key(self) -> tuple[object, ...]:
        """Everything that primary and backup must agree on."""
        return (
            self.sector_size,
            self.disk_guid,
            self.first_usable,
            self.last_usable,
            self.slots,
            tuple((number, entry.key()) for number, entry in sorted(self.entries.items())),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self.key() == other.key()

    __hash__ = None  # type: ignore[assignment]  # a mutable-looking value that is never a key

    def flaws(self, sectors: int) -> list[str]:
        """What forbids writing this table back to a disk of `sectors` sectors; empty for a sound one."""
        found = []
        if not 2 <= self.entries_lba <= self.first_usable - self.entries_sectors:
            found.append(
                f"the entry array at sector {self.entries_lba} does not lie before the first usable sector "
                f"{self.first_usable}"
            )
        if not self.last_usable + self.entries_sectors < self.backup < sectors:
            found.append(
                f"last usable sector {self.last_usable} and backup header {self.backup} do not fit a disk of "
                f"{sectors} sectors"
            )
        if self.first_usable > self.last_usable:
            found.append(f"first usable sector {self.first_usable} lies after the last one, {self.last_usable}")
        ordered = sorted(self.entries.items(), key=lambda item: item[1].first)
        for number, entry in ordered:
            if entry.first > entry.last or entry.first < self.first_usable or entry.last > self.last_usable:
                found.append(
                    f"partition {number} ({entry.first} to {entry.last}) leaves the usable sectors "
                    f"{self.first_usable} to {self.last_usable}"
                )
        for (number, entry), (after, following) in itertools.pairwise(ordered):
            if following.first <= entry.last:
                found.append(f"partitions {number} and {after} overlap")
        return found


def fresh(sector_size: int, sectors: int, disk_guid: str) -> Table:
    """An empty table for a disk. Raises ValueError where the disk is too small for one."""
    array = SLOTS * ENTRY_SIZE // sector_size
    table = Table(
        sector_size, disk_guid, {}, first_usable=2 + array, last_usable=sectors - 2 - array, backup=sectors - 1
    )
    if table.first_usable > table.last_usable:
        raise ValueError(f"{sectors} sectors of {sector_size} bytes are too few for a GPT")
    return table


ABSENT = "absent"


class Reading(Record):
    """What a disk's table sectors hold: the kind of MBR, both copies or what is wrong with them.

    `primary_problem`/`backup_problem` are "" for a valid copy, "absent" where there is no signature, else a phrase.
    `sector0` is the raw first sector.
    """

    sector_size: int
    sectors: int
    sector0: bytes
    mbr: str = MBR_NONE
    primary: Table | None = None
    backup: Table | None = None
    primary_problem: str = ABSENT
    backup_problem: str = ABSENT


class DamagedError(Exception):
    """One copy of the table is unusable; the text completes "the primary table ..."."""


def mbr_kind(sector: bytes) -> str:
    """Which kind of MBR a first sector is. A boot sector of FAT or NTFS counts as none: its partition bytes are
    code."""
    if len(sector) < 512 or sector[510:512] != b"\x55\xaa":
        return MBR_NONE
    slots = [sector[446 + 16 * i : 462 + 16 * i] for i in range(4)]
    used = [slot for slot in slots if slot[4]]
    if any(slot[4] == 0xEE for slot in used):
        return MBR_PROTECTIVE if len(used) == 1 else MBR_HYBRID
    if used and all(slot[0] in (0x00, 0x80) and slot[12:16] != bytes(4) for slot in used):
        return MBR_OTHER
    return MBR_NONE


def read(reader: Reader, sector_size: int, sectors: int) -> Reading:
    """Reads both copies of the table. Hostile bytes end as a problem in words, never as an exception."""
    sector0 = reader(0, 1)
    reading = Reading(sector_size, sectors, sector0, mbr_kind(sector0))
    try:
        reading.primary, reading.primary_problem = _read_copy(reader, 1, sector_size, sectors), ""
    except DamagedError as problem:
        reading.primary_problem = str(problem)
    where = sectors - 1
    if reading.primary is not None and 1 < reading.primary.backup < sectors:
        where = reading.primary.backup  # a disk that has grown keeps its backup where it was
    try:
        reading.backup, reading.backup_problem = _read_copy(reader, where, sector_size, sectors), ""
    except DamagedError as problem:
        reading.backup_problem = str(problem)
    return reading


def _read_copy(reader: Reader, lba: int, sector_size: int, sectors: int) -> Table:
    raw = reader(lba, 1)
    if len(raw) < HEADER_SIZE or raw[:8] != SIGNATURE:
        raise DamagedError(ABSENT)
    (_, _, size, crc, _, mine, other, first, last, disk, array, slots, entry_size, array_crc) = _HEADER.unpack_from(
        raw
    )
    if not HEADER_SIZE <= size <= sector_size:
        raise DamagedError(f"has a header of {size} bytes")
    if crc32(raw[:16] + bytes(4) + raw[20:size]) != crc:
        raise DamagedError("has a header with a wrong checksum")
    if mine != lba:
        raise DamagedError(f"lies at sector {lba} but claims to lie at {mine}")
    if entry_size != ENTRY_SIZE or not 1 <= slots <= MAX_SLOTS:
        raise DamagedError(f"has {slots} entries of {entry_size} bytes, which nothing here can handle")
    length = slots * ENTRY_SIZE
    count = -(-length // sector_size)
    if not 2 <= array <= sectors - count:
        raise DamagedError(f"has its entries at sector {array}, which is not on the disk")
    packed = reader(array, count)[:length]
    if crc32(packed) != array_crc or len(packed) != length:
        raise DamagedError("has entries with a wrong checksum")
    return Table(
        sector_size,
        guid_text(disk),
        _unpack_entries(packed),
        first_usable=first,
        last_usable=last,
        backup=other if lba == 1 else mine,
        entries_lba=array if lba == 1 else 2,
        slots=slots,
    )


def _unpack_entries(packed: bytes) -> dict[int, Entry]:
    entries = {}
    for index, fields in enumerate(_ENTRY.iter_unpack(packed)):
        kind, guid, first, last, attributes, name = fields
        if kind != bytes(16):
            entries[index + 1] = Entry(first, last, guid_text(guid), guid_text(kind), name, attributes)
    return entries


class Write(Record):
    """`data` to put at sector `lba`. Writes are in order; a change of `group` means: sync first."""

    group: str
    lba: int
    data: bytes

    def __repr__(self) -> str:
        return f"Write({self.group}, {self.lba}, {len(self.data)} bytes)"


def encode(table: Table, sectors: int, sector0: bytes) -> tuple[Write, ...]:
    """The writes that put `table` on a disk whose first sector is `sector0` now (b"" for: keep nothing of it).

    Backup first, then primary, then the protective MBR: whatever moment the power goes, one copy is good, and a
    disk that had no table shows none before it is complete. Raises ValueError for a table with flaws.
    """
    flaws = table.flaws(sectors)
    if flaws or any(not 1 <= number <= table.slots for number in table.entries):
        raise ValueError("; ".join(flaws) or "partition number outside the table")
    size = table.sector_size
    packed = bytearray(table.slots * ENTRY_SIZE)
    for number, entry in table.entries.items():
        packed[(number - 1) * ENTRY_SIZE : number * ENTRY_SIZE] = entry.pack()
    array = bytes(packed)
    padded = array.ljust(table.entries_sectors * size, b"\0")
    backup_array = table.backup - table.entries_sectors
    return (
        Write("backup", backup_array, padded),
        Write("backup", table.backup, _header(table, table.backup, 1, backup_array, array)),
        Write("primary", table.entries_lba, padded),
        Write("primary", 1, _header(table, 1, table.backup, table.entries_lba, array)),
        Write("mbr", 0, protective_mbr(sector0, sectors, size)),
    )


def _header(table: Table, mine: int, other: int, array_lba: int, array: bytes) -> bytes:
    def pack(crc: int) -> bytes:
        return _HEADER.pack(
            SIGNATURE,
            REVISION,
            HEADER_SIZE,
            crc,
            0,
            mine,
            other,
            table.first_usable,
            table.last_usable,
            guid_bytes(table.disk_guid),
            array_lba,
            table.slots,
            ENTRY_SIZE,
            crc32(array),
        )

    return pack(crc32(pack(0))).ljust(table.sector_size, b"\0")


def protective_mbr(sector0: bytes, sectors: int, sector_size: int) -> bytes:
    """The first sector with a protective MBR; boot code and a hybrid MBR that are there stay."""
    kind = mbr_kind(sector0)
    if kind == MBR_HYBRID:
        return sector0
    code = sector0[:446].ljust(446, b"\0")
    slot = b"\0\0\2\0\xee\xff\xff\xff" + struct.pack("<II", 1, min(sectors - 1, 0xFFFFFFFF))
    return (code + slot + bytes(48) + b"\x55\xaa").ljust(sector_size, b"\0")


def wipe_writes(reading: Reading) -> tuple[Write, ...]:
    """The writes that leave no table of any kind: MBR and primary, then the backup at the end (and where a header
    says it is)."""
    size, sectors = reading.sector_size, reading.sectors
    array = SLOTS * ENTRY_SIZE // size
    head, tail = min(2 + array, sectors), min(1 + array, sectors)
    writes = [Write("primary", 0, bytes(head * size)), Write("backup", sectors - tail, bytes(tail * size))]
    if reading.primary is not None and reading.backup is not None and head <= reading.primary.backup < sectors - tail:
        writes.append(Write("backup", reading.primary.backup, bytes(size)))
    return tuple(writes)
