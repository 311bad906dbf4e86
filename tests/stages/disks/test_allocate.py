"""Placing partitions: worked examples, and sgdisk's answers on random tables."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ignition_py.stages.disks.partitions import gpt
from ignition_py.stages.disks.partitions.allocate import NoRoomError, Space, alignment, mib_sectors
from tests.stages.disks.disks_lab import sgdisk, write_table


def test_mib() -> None:
    assert (mib_sectors(3, 512), mib_sectors(3, 4096)) == (6144, 768)


@pytest.mark.parametrize(("starts", "size", "sectors", "expected"), [
    ((), 512, 10**6, 2048), ((), 4096, 10**6, 256), ((2048, 4096), 512, 10**6, 2048), ((2048, 63), 512, 10**6, 1),
    ((2048, 40), 512, 10**6, 8), ((63,), 512, 586072368, 8), ((64,), 512, 586072368, 64),
])
def test_alignment(starts: tuple[int, ...], size: int, sectors: int, expected: int) -> None:
    assert alignment(starts, size, sectors) == expected


def test_largest_block_first_of_equals() -> None:
    space = Space(34, 10000, 1, [(100, 199), (266, 9999)])
    assert space.free_blocks() == [(34, 99), (200, 265), (10000, 10000)]
    assert space.place(0, 10) == (34, 43)
    assert space.place(0, 0) == (200, 265)
    assert space.place(0, 0) == (44, 99)
    assert space.place(10000, 1) == (10000, 10000)
    with pytest.raises(NoRoomError, match="no free sector"):
        space.place(0, 0)


@pytest.mark.parametrize(("start", "size", "why"), [
    (20, 5, "usable sectors are 34 to 999"), (150, 5, "belongs to another"), (34, 100, "only 66 sectors"),
    (34, 0, "does not lie in the largest"), (0, 2000, "only 800 sectors"),
])
def test_refusals_say_why(start: int, size: int, why: str) -> None:
    with pytest.raises(NoRoomError, match=why):
        Space(34, 999, 1, [(100, 199)]).place(start, size)


def test_overlapping_and_outlying_ranges_do_not_confuse() -> None:
    space = Space(34, 999, 8, [(0, 10), (100, 300), (200, 250), (990, 5000), (6000, 7000)])
    assert space.free_blocks() == [(34, 99), (301, 989)]
    assert Space(34, 999, 8, [(0, 10**9)]).free_blocks() == []


def _random_disk(dice: random.Random, sectors: int) -> dict[int, tuple[int, int]]:
    parts: dict[int, tuple[int, int]] = {}
    unit, at = dice.choice([2048, 2048, 512, 8, 1]), 34
    for _ in range(dice.randint(0, 4)):
        first = -(-(at + dice.choice([0, 0, dice.randint(0, 6000)])) // unit) * unit
        last = first + dice.choice([dice.randint(0, 5000), 2047, unit - 1])
        if last > sectors - 34:
            break
        parts[dice.choice([n for n in range(1, 12) if n not in parts])] = (first, last)
        at = last + 1
    return parts


def _random_orders(dice: random.Random, parts: dict[int, tuple[int, int]], gone: list[int], sectors: int) -> list[tuple[int, int, int]]:
    orders: list[tuple[int, int, int]] = []
    for _ in range(dice.randint(1, 3)):
        number = dice.choice([n for n in range(1, 16) if (n not in parts or n in gone) and n not in [o[0] for o in orders]])
        start = dice.choice([0, 0, 2048 * dice.randint(0, 20), dice.randint(1, sectors), parts.get(number, (0, 0))[0]])
        orders.append((number, start, dice.choice([0, 2048 * dice.randint(0, 8), dice.randint(1, 4000)])))
    return orders


@pytest.mark.subprocess
@pytest.mark.parametrize("seed", range(8))
def test_same_places_as_sgdisk(tmp_path: Path, seed: int) -> None:
    """Ten random disks per seed: deletions, then creations with given and open starts and sizes; `sgdisk --pretend` is asked."""
    dice = random.Random(seed)
    for round_ in range(10):
        sectors = dice.choice([2100, 5000, 20480, 65536, 65537, 131072])
        parts = _random_disk(dice, sectors)
        table = gpt.fresh(512, sectors, "11111111-2222-4333-8444-555555555555")
        image = tmp_path / f"{round_}.img"
        entries = {n: gpt.Entry(a, b, f"{n:08X}-2222-4333-8444-555555555555") for n, (a, b) in parts.items()}
        write_table(image, table.but(entries=entries), sectors)
        gone = [number for number in parts if dice.random() < 0.4]
        orders = _random_orders(dice, parts, gone, sectors)
        asked = sgdisk("--pretend", *(f"--delete={n}" for n in gone), *(f"--new={n}:{a}:+{b}" for n, a, b in orders),
                       *(f"--info={n}" for n, _, _ in orders), str(image))
        expected = None
        if asked.returncode == 0:
            firsts = [int(line.split()[2]) for line in asked.stdout.splitlines() if line.startswith("First sector:")]
            lasts = [int(line.split()[2]) for line in asked.stdout.splitlines() if line.startswith("Last sector:")]
            expected = list(zip(firsts, lasts, strict=True))
        space = Space(table.first_usable, table.last_usable, alignment((a for a, _ in parts.values()), 512, sectors),
                      [place for number, place in parts.items() if number not in gone])
        try:
            got: list[tuple[int, int]] | None = [space.place(start, size) for _, start, size in orders]
        except NoRoomError:
            got = None
        assert got == expected, (seed, round_, sectors, parts, gone, orders, asked.stderr)
