"""Disks full of lies: no traceback, no endless loop, and nothing written that was not planned."""

from __future__ import annotations

import json
import random
import struct
import time
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py import cli
from ignition_py.context import Context
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.tables import Partition
from ignition_py.stages import disks
from ignition_py.stages.disks.identity import Identity
from ignition_py.stages.disks.partitions import gpt
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.stages.disks.partitions.plan import plan_disk
from ignition_py.system.blkid import Signature
from tests.stages.disks.disks_lab import disk, fingerprint, image_state, write_table

SECTORS = 16384
ANY = st.integers(0, 2**64 - 1) | st.integers(0, SECTORS + 10)
GUIDS = st.binary(min_size=16, max_size=16).filter(any).map(gpt.guid_text)

entries = st.builds(lambda a, b, g, t, n, f: gpt.Entry(a, b, g, t, n, f), ANY, ANY, GUIDS, GUIDS, st.binary(min_size=72, max_size=72), ANY)


def hostile_table(found: dict[int, gpt.Entry], first: int, last: int, backup: int, array: int) -> gpt.Table:
    return gpt.Table(512, "99999999-2222-4333-8444-555555555555", found, first_usable=first, last_usable=last, backup=backup,
                     entries_lba=array)


hostile_tables = st.builds(
    hostile_table, st.dictionaries(st.integers(1, 128), entries, max_size=6), st.just(34) | ANY, st.just(SECTORS - 34) | ANY,
    st.just(SECTORS - 1) | st.integers(0, 2**63), st.just(2) | ANY,
)
partitions = st.lists(st.builds(
    lambda number, label, start, size, exist, wipe, resize: Partition(**{key: value for key, value in {
        "number": number, "label": label, "start_mib": start, "size_mib": size, "should_exist": exist, "wipe_partition_entry": wipe,
        "resize": resize}.items() if value is not None}),
    st.integers(0, 140), st.none() | st.text(max_size=40), st.none() | st.integers(0, 10) | st.integers(0, 2**62),
    st.none() | st.integers(0, 10) | st.integers(0, 2**62), st.none() | st.booleans(), st.none() | st.booleans(), st.none() | st.booleans(),
), max_size=5, unique_by=lambda p: p.number or id(p))


@given(hostile_tables, st.none() | hostile_tables, st.sampled_from((gpt.MBR_PROTECTIVE, gpt.MBR_HYBRID, gpt.MBR_OTHER, gpt.MBR_NONE)),
       partitions, st.booleans())
def test_every_plan_is_a_refusal_or_can_be_written(
    primary: gpt.Table, backup: gpt.Table | None, mbr: str, wanted: list[Partition], wipe: bool
) -> None:
    reading = gpt.Reading(512, SECTORS, bytes(512))
    reading.mbr, reading.primary, reading.primary_problem = mbr, primary, ""
    reading.backup, reading.backup_problem = backup, "" if backup else "has entries with a wrong checksum"
    state = DiskState(device="/dev/x", node="/dev/x", reading=reading, kernel={}, busy="", busy_partitions={}, signature=Signature(),
                      fresh_usable=(34, SECTORS - 34))
    config = disk("/dev/x", *wanted, wipe_table=wipe)
    plan = plan_disk(config, state, Identity(config, SECTORS))
    if plan.conflicts:
        return
    if plan.writes and plan.after is not None:
        for write in gpt.encode(plan.after, SECTORS, reading.sector0):
            assert write.lba >= 0 and write.lba * 512 + len(write.data) <= SECTORS * 512
    untouched = {n: e for n, e in primary.entries.items() if n not in {p.number for p in wanted}}
    if plan.after is not None and plan.writes and not wipe:
        assert untouched.items() <= plan.after.entries.items()


def _lying_header(dice: random.Random, data: bytearray) -> None:
    """A header with right checksums and wrong contents, at the start or the end."""
    at = dice.choice((1, SECTORS - 1))
    array = dice.choice((2, SECTORS - 33, dice.randrange(SECTORS + 5)))
    slots = dice.choice((128, 4, dice.randrange(2000)))
    packed = bytes(data[array * 512 : array * 512 + slots * 128])
    fields = [at, dice.choice((SECTORS - at, dice.randrange(2**40))), dice.choice((34, dice.randrange(2**33))),
              dice.choice((SECTORS - 34, dice.randrange(2**33)))]
    raw = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, *fields, bytes(range(16)), array, slots, 128, crc32(packed))
    data[at * 512 : at * 512 + 92] = raw[:16] + struct.pack("<I", crc32(raw)) + raw[20:]


def _spoil(dice: random.Random, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(dice.randint(1, 4)):
        where = dice.choice((0, 446, 512, 1024, dice.randrange(34 * 512), len(data) - 512, len(data) - 33 * 512))
        kind = dice.randrange(4)
        if kind == 0:
            data[where : where + dice.randint(1, 64)] = dice.randbytes(dice.randint(1, 64))
        elif kind == 1:
            number = dice.randrange(128)
            data[1024 + number * 128 : 1152 + number * 128] = dice.randbytes(128)
        elif kind == 2:
            _lying_header(dice, data)
        else:
            data[-512:] = data[512:1024]
    return bytes(data[: SECTORS * 512])


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("seed", range(6))
def test_spoilt_disks_on_the_real_stage(tmp_path: Path, loop: Callable[..., str], context: Callable[..., Context], seed: int) -> None:
    """Either the stage ends well, or it says why not and the disk is byte for byte as it was."""
    dice = random.Random(seed)
    image = tmp_path / "spoilt.img"
    table = gpt.fresh(512, SECTORS, "99999999-2222-4333-8444-555555555555")
    guid = "11111111-2222-4333-8444-555555555555"
    write_table(image, table.but(entries={1: gpt.Entry(2048, 4095, guid), 2: gpt.Entry(4096, 6143, guid)}), SECTORS)
    sound = image.read_bytes()
    node = loop(image=image)
    for _ in range(5):
        with open(node, "r+b") as file:  # the device, not its image: each has a cache of its own
            file.write(_spoil(dice, sound))
        before = fingerprint(node)
        wanted: Any = [Partition(number=3, size_mib=1)] if dice.random() < 0.7 else [Partition(number=1, size_mib=1, start_mib=1)]
        began = time.monotonic()
        try:
            disks.run(context(disks=(disk(node, *wanted),)))
        except IgnitionError as refusal:
            assert fingerprint(node) == before, refusal
        assert time.monotonic() - began < 120


@pytest.mark.subprocess
@pytest.mark.parametrize("seed", range(3))
def test_spoilt_images_are_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    """`ignition-py plan` on the same: a drawing or a refusal, and the image is as it was."""
    dice = random.Random(100 + seed)
    image, config = tmp_path / "spoilt.img", tmp_path / "config.ign"
    table = gpt.fresh(512, SECTORS, "99999999-2222-4333-8444-555555555555")
    guid = "11111111-2222-4333-8444-555555555555"
    write_table(image, table.but(entries={1: gpt.Entry(2048, 4095, guid), 2: gpt.Entry(4096, 6143, guid)}), SECTORS)
    sound = image.read_bytes()
    statuses = set()
    for _ in range(12):
        image.write_bytes(_spoil(dice, sound))
        before = fingerprint(image)
        number = dice.choice((1, 3))
        storage = {
            "disks": [{"device": "/dev/vda", "partitions": [{"number": number, "sizeMiB": 1}]}],
            "filesystems": [{"device": dice.choice((f"/dev/vda{number}", "/dev/disk/by-label/none")), "format": "ext4"}],
        }
        config.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage}))
        form = dice.choice(("text", "svg", "json"))
        statuses.add(cli.main(["ignition-py", "plan", str(config), "--disk", f"vda={image}", "--format", form]))
        assert capsys.readouterr().out
        assert fingerprint(image) == before
    assert statuses <= {0, 1, 2}
    assert len(statuses) > 1


def test_noise_is_a_blank_or_a_refusal(tmp_path: Path) -> None:
    dice = random.Random(7)
    for _ in range(20):
        image = tmp_path / "noise"
        image.write_bytes(dice.randbytes(64 * 512) + bytes((SECTORS - 64) * 512))
        state = image_state(image)
        config = disk("/dev/x", Partition(number=1))
        plan = plan_disk(config, state, Identity(config, SECTORS))
        assert plan.conflicts or plan.after is not None
