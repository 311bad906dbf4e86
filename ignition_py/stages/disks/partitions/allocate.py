"""Where a partition of given or open start and size goes on a disk: pure arithmetic on sectors, used by `plan.py`.

The rules are those the reference has from sgdisk(8) (options --new and --set-alignment), learnt by comparing with
it; `tests/stages/disks/test_allocate.py` holds both against each other on random tables.
"""

from __future__ import annotations

from collections.abc import Iterable

MIB = 1024 * 1024
ADVANCED_FORMAT_BYTES = 586072368 * 512  # from 300 GB on, disks are taken to have 4096-byte physical sectors
ADVANCED_FORMAT_ALIGNMENT = 8


class NoRoomError(Exception):
    """The partition cannot be placed; the text completes "partition N: ...". `room` is how many sectors would fit there, 0 for none;
    `largest` how many the largest free block of the disk has."""

    def __init__(self, text: str, room: int = 0, largest: int = 0) -> None:
        super().__init__(text)
        self.room = room
        self.largest = largest


def mib_sectors(mib: int, sector_size: int) -> int:
    """MiB as sectors."""
    return mib * (MIB // sector_size)


def alignment(starts: Iterable[int], sector_size: int, sectors: int) -> int:
    """The alignment in sectors for a disk whose partitions begin at `starts`: 1 MiB, or the largest power of two
    that all of them keep; at least 8 on disks of 300 GB and more."""
    value = MIB // sector_size
    for start in starts:
        while start % value:
            value //= 2
    if value < ADVANCED_FORMAT_ALIGNMENT and sectors >= ADVANCED_FORMAT_BYTES // 512:
        return ADVANCED_FORMAT_ALIGNMENT
    return value


class Space:
    """The usable sectors of a disk and what is taken of them. Ranges are inclusive; overlapping ones may be
    given."""

    __slots__ = ("_step", "_taken", "first", "last")

    def __init__(self, first: int, last: int, step: int, taken: Iterable[tuple[int, int]] = ()) -> None:
        self.first = first
        self.last = last
        self._step = step
        self._taken = sorted(taken)

    def free_blocks(self) -> list[tuple[int, int]]:
        """The free blocks in order of their start."""
        blocks, at = [], self.first
        for start, end in self._taken:
            if start > at and at <= self.last:
                blocks.append((at, min(start - 1, self.last)))
            at = max(at, end + 1)
        if at <= self.last:
            blocks.append((at, self.last))
        return blocks

    def is_free(self, first: int, last: int) -> bool:
        block = self._block_at(first)
        return block is not None and first <= last <= block[1]

    def _block_at(self, sector: int) -> tuple[int, int] | None:
        return next((block for block in self.free_blocks() if block[0] <= sector <= block[1]), None)

    def align(self, sector: int) -> int:
        """`sector` moved to a multiple of the alignment: down where all between is free, else up, else not at
        all."""
        off = sector % self._step
        if not off:
            return sector
        earlier, later = sector - off, sector - off + self._step
        block = self._block_at(sector)
        below = block if block is not None else self._block_at(sector - 1)
        if earlier >= self.first and below is not None and below[0] <= earlier and sector - 1 <= below[1]:
            return earlier
        above = self._block_at(later)
        if later <= self.last and above is not None and above[0] <= sector + 1:
            return later
        return sector

    def place(self, start: int, size: int) -> tuple[int, int]:
        """Takes `size` sectors from `start` and returns first and last sector.

        `start` 0: the (aligned) start of the largest free block. `size` 0: to the end of the largest free block,
        which fails where `start` does not lie in that one. Raises NoRoomError.
        """
        blocks = self.free_blocks()
        if not blocks:
            raise NoRoomError("the disk has no free sector left")
        largest = max(blocks, key=lambda block: (block[1] - block[0], -block[0]))
        start = start or self.align(largest[0])
        last = start + size - 1 if size else largest[1]
        first = self.align(start)
        home = self._block_at(first)
        if home is None or first > last or last > home[1]:
            raise self._refusal(start, size, largest)
        self.take(first, last)
        return first, last

    def _refusal(self, start: int, size: int, largest: tuple[int, int]) -> NoRoomError:
        free = ", ".join(f"{a} to {b}" for a, b in self.free_blocks()[:8])
        wanted = f"{size} sectors from sector {start}" if size else f"all free sectors from sector {start}"
        block = self._block_at(start)
        if not self.first <= start <= self.last:
            why = f"usable sectors are {self.first} to {self.last}"
        elif block is None:
            why = f"sector {start} belongs to another partition"
        elif not size:
            why = f"it does not lie in the largest free block, {largest[0]} to {largest[1]}"
        else:
            why = f"only {block[1] - start + 1} sectors are free from there"
        room = block[1] - start + 1 if block is not None else 0
        return NoRoomError(f"cannot have {wanted}: {why} (free: {free})", room, largest[1] - largest[0] + 1)

    def take(self, first: int, last: int) -> None:
        self._taken = sorted([*self._taken, (first, last)])
