"""The whole stage on loop devices: what the kernel, sgdisk and blkid see afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.read import parse_cached
from ignition_py.spec.tables import Disk, Filesystem, Luks, Partition
from ignition_py.stages import disks
from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.partitions import gpt, kernel, parted_device
from tests.helpers.devices import wait_at_most
from tests.helpers.programs import only_programs_in
from tests.stages.disks.disks_lab import MIB, disk, fingerprint, forget_boot, read_table, sgdisk, sgdisk_table

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

Loop = Callable[..., str]
Make = Callable[..., Context]
TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
GUID = "01234567-89AB-4CDE-8F01-23456789ABCD"


def kernel_view(node: str) -> dict[int, tuple[int, int]]:
    """number -> start, size in bytes."""
    return {n: (p.start, p.size) for n, p in kernel.partitions(os.path.basename(node)).items()}


def blkid_type(node: str) -> str:
    return subprocess.run(["blkid", "-p", "-o", "value", "-s", "TYPE", node], capture_output=True, text=True, check=False).stdout.strip()


@pytest.mark.parametrize("size", [512, 4096])
def test_blank_disk_to_filesystems_and_again(loop: Loop, context: Make, size: int) -> None:
    node = loop(350, size)
    ctx = context(
        disks=(disk(node, Partition(label="data"), Partition(number=1, label="boot \u00e4", size_mib=64, type_guid=TYPE, guid=GUID),
                    Partition(number=5, start_mib=200, size_mib=130)),),
        filesystems=(Filesystem(device=f"{node}p1", format="vfat", label="BOOT"), Filesystem(device=f"{node}p2", format="ext4"),
                     Filesystem(device=f"{node}p5", format="btrfs", label="five")),
    )
    disks.run(ctx)
    expected = {1: (1 * MIB, 64 * MIB), 2: (65 * MIB, 135 * MIB), 5: (200 * MIB, 130 * MIB)}
    assert kernel_view(node) == expected
    seen = sgdisk_table(node, [1, 2, 5])
    assert {n: (a * size, (b - a + 1) * size) for n, (a, b, *_) in seen.items()} == expected
    assert seen[1][2:] == (TYPE, GUID, "boot \u00e4")
    assert (seen[2][2], seen[2][4], seen[5][4]) == (gpt.LINUX_DATA, "data", "")
    assert "No problems found" in sgdisk("--verify", node).stdout
    assert [blkid_type(f"{node}p{n}") for n in (1, 2, 5)] == ["vfat", "ext4", "btrfs"]
    assert os.readlink(aliases.alias_of(f"{node}p5")) == f"{node}p5"
    before = fingerprint(node)
    disks.run(ctx)
    forget_boot()
    disks.run(ctx)
    assert fingerprint(node) == before


def test_others_may_stay_mounted_while_one_changes(loop: Loop, context: Make, tmp_path: Path) -> None:
    node = loop(200)
    disks.run(context(disks=(disk(node, Partition(number=1, label="a", size_mib=32), Partition(number=2, label="b", size_mib=32)),),
                      filesystems=(Filesystem(device=f"{node}p1", format="ext4"),)))
    target = tmp_path / "mnt"
    target.mkdir()
    subprocess.run(["mount", "-o", "ro", f"{node}p1", str(target)], check=True)  # ext4 writes in the background else
    try:
        inode = os.stat(f"{node}p1").st_rdev
        disks.run(context(disks=(disk(
            node, Partition(number=1, label="a"), Partition(number=2, should_exist=False, wipe_partition_entry=True),
            Partition(number=3, label="c", start_mib=40, size_mib=100)),)))
        assert kernel_view(node) == {1: (MIB, 32 * MIB), 3: (40 * MIB, 100 * MIB)}
        assert os.stat(f"{node}p1").st_rdev == inode and os.path.ismount(target)
        before = fingerprint(node)
        for change in (disk(node, Partition(number=1, label="z", wipe_partition_entry=True)), disk(node, wipe_table=True)):
            with pytest.raises(StageError, match=f"it is mounted at {target}"):
                disks.run(context(disks=(change,)))
        with pytest.raises(StageError, match="would have to be made anew, but it is mounted"):
            disks.run(context(filesystems=(Filesystem(device=f"{node}p1", format="xfs", wipe_filesystem=True),)))
        assert fingerprint(node) == before
    finally:
        subprocess.run(["umount", str(target)], check=True)


def test_the_second_device_of_a_mounted_btrfs_is_in_use(loop: Loop, context: Make, tmp_path: Path) -> None:
    """mountinfo names one device of it."""
    one, two = loop(120), loop(120)
    subprocess.run(["mkfs.btrfs", "-q", "-f", "-d", "single", "-m", "single", one, two], check=True)
    subprocess.run(["mount", one, str(tmp_path)], check=True)
    try:
        for node in (one, two):
            with pytest.raises(StageError, match=r"is in use itself: it (is mounted|belongs to a btrfs)"):
                disks.run(context(disks=(disk(node, Partition(number=1), wipe_table=True),)))
            with pytest.raises(StageError, match="would have to be made anew, but it"):
                disks.run(context(filesystems=(Filesystem(device=node, format="ext4", wipe_filesystem=True),)))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_two_names_of_one_device_are_one_filesystem(loop: Loop, context: Make, tmp_path: Path) -> None:
    """A btrfs with two subvolumes is made once; entries that do not agree are refused before anything is written."""
    node = loop(120)
    link = tmp_path / "link"
    link.symlink_to(node)
    pool: Any = {"format": "btrfs", "label": "pool"}
    ctx = context(filesystems=(Filesystem(device=node, path="/", **pool), Filesystem(device=str(link), path="/home", **pool)))
    with pytest.raises(StageError, match="are one device, but differ in `label`"):
        disks.run(context(filesystems=(Filesystem(device=node, **pool), Filesystem(device=str(link), format="btrfs", label="x"))))
    assert blkid_type(node) == ""
    disks.run(ctx)
    assert blkid_type(node) == "btrfs"
    before = fingerprint(node)
    disks.run(ctx)
    assert fingerprint(node) == before


def test_a_disk_that_fails_is_named_with_its_entry_and_the_others_end_well(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disks are written side by side; one of them returns errors (its write goes to a device that is full)."""
    nodes = [loop(64) for _ in range(3)]
    bad = os.stat(nodes[1]).st_rdev
    real = os.pwrite

    def pwrite(fd: int, data: bytes, at: int) -> int:
        if os.fstat(fd).st_rdev == bad:
            with open("/dev/full", "wb", buffering=0) as full:
                full.write(data)
        return real(fd, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    storage = [{"device": node, "partitions": [{"number": 1, "label": "x"}]} for node in nodes]
    text = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"disks": storage}}, indent=1).encode()
    config = parse_cached(text, "cache")
    before = set(threading.enumerate())
    with pytest.raises(StageError) as failure:
        disks.run(context(disks=config.storage.disks))
    assert re.fullmatch(rf"writing the partition table of {nodes[1]}: No space left on device \(\$\.storage\.disks\.1 line \d+\)", str(failure.value))
    assert not set(threading.enumerate()) - before
    sound = read_table(nodes[0])
    assert sound.primary is not None
    assert sound.primary == sound.backup
    assert read_table(nodes[1]).primary is None
    monkeypatch.undo()


def test_resize_in_place(loop: Loop, context: Make) -> None:
    node = loop(200)
    disks.run(context(disks=(disk(node, Partition(number=1, label="a", size_mib=32)),)))
    guid = sgdisk_table(node, [1])[1][3]
    disks.run(context(disks=(disk(node, Partition(number=1, label="a", size_mib=0, resize=True)),)))
    assert kernel_view(node) == {1: (MIB, 199 * MIB - 33 * 512)}
    assert sgdisk_table(node, [1])[1][3] == guid


def _damage(node: str, how: str) -> None:
    if how == "mbr":
        with open(node, "r+b") as file:
            file.seek(446)
            file.write(b"\0\0\0\0\x83\0\0\0\0\x08\0\0\0\x10\0\0" + bytes(48) + b"\x55\xaa")
    elif how == "whole-disk ext4":
        subprocess.run(["mkfs.ext4", "-q", "-F", node], check=True)
    elif how != "nothing":
        assert sgdisk("--new=1:0:+8M", node).returncode == 0
        with open(node, "r+b") as file:
            at = {"both copies": (600, 64 * MIB - 424), "both headers gone": (512, 64 * MIB - 512)}[how]  # 600: in the header's CRC-32
            for offset in at:
                file.seek(offset)
                was = file.read(8)
                file.seek(offset)
                file.write(bytes(8) if "gone" in how else bytes([was[0] ^ 0xFF]))
    subprocess.run(["partx", "--update", node], check=False, capture_output=True)


@pytest.mark.parametrize("how", ["nothing", "mbr", "whole-disk ext4", "both copies", "both headers gone"])
def test_wipe_table_on_anything(loop: Loop, context: Make, how: str) -> None:
    node = loop(64)
    _damage(node, how)
    want = disk(node, Partition(number=3, label="x", size_mib=4))
    before = fingerprint(node)
    if how not in ("nothing", "both headers gone"):
        with pytest.raises(StageError, match="wipeTable"):
            disks.run(context(disks=(want,)))
        assert fingerprint(node) == before
    disks.run(context(disks=(want.but(wipe_table=True),)))
    assert kernel_view(node) == {3: (MIB, 4 * MIB)}
    assert "No problems found" in sgdisk("--verify", node).stdout
    disks.run(context(disks=(disk(node, wipe_table=True),)))
    assert kernel_view(node) == {}
    assert read_table(node).mbr == gpt.MBR_NONE


def test_every_conflict_is_told_at_once_and_nothing_is_written(loop: Loop, context: Make) -> None:
    one, two = loop(64), loop(64)
    disks.run(context(disks=(disk(one, Partition(number=1, label="a", size_mib=8)),
                             disk(two, Partition(number=1, label="b", size_mib=20))),
                      filesystems=(Filesystem(device=f"{two}p1", format="ext4", label="old"),)))
    before = [fingerprint(node) for node in (one, two)]
    with pytest.raises(StageError) as failure:
        disks.run(context(
            disks=(disk(one, Partition(number=1, label="z"), Partition(number=2, size_mib=1000)),
                   disk(two, Partition(number=1, size_mib=21))),
            filesystems=(Filesystem(device=f"{two}p1", format="xfs"),)))
    text = str(failure.value)
    assert "4 conflicts" in text and "Changed so far: nothing" in text
    for phrase in (f"{one}, partition 1", "cannot have 2048000 sectors", f"{two}, partition 1", "holds ext4 with label \"old\""):
        assert phrase in text
    assert [fingerprint(node) for node in (one, two)] == before


def test_refusals_before_any_write(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = loop(64)
    blank = fingerprint(node)
    good = disk(node, Partition(number=1, size_mib=4))
    with pytest.raises(StageError, match="'sec ret' cannot be the name of a LUKS volume"):
        disks.run(context(disks=(good,), luks=(Luks(name="sec ret", device=f"{node}p1"),)))
    with pytest.raises(StageError, match="are the same disk"):
        (tmp_path / "link").symlink_to(node)
        disks.run(context(disks=(good, disk(str(tmp_path / "link")))))
    wait_at_most(monkeypatch, 0.1)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "blkid").symlink_to("/usr/sbin/blkid")
    only_programs_in(monkeypatch, tmp_path / "tools")
    with pytest.raises(StageError, match=r"mkfs\.ext4 is needed for making ext4"):
        disks.run(context(disks=(good,), filesystems=(Filesystem(device=f"{node}p1", format="ext4"),)))
    assert fingerprint(node) == blank


def test_a_device_that_never_comes(context: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wait_at_most(monkeypatch, 0.1)
    with pytest.raises(StageError, match=r"/dev/nosuchdisk did not appear within 0\.1 seconds; block devices are .*MiB|GiB"):
        disks.run(context(disks=(disk("/dev/nosuchdisk"),)))
    (tmp_path / "by-label").mkdir()
    (tmp_path / "by-label" / "ROOT").symlink_to("/dev/gone")
    with pytest.raises(StageError, match="by-label has ROOT"):
        disks.run(context(filesystems=(Filesystem(device=f"{tmp_path}/by-label/root", format="ext4"),)))
    with pytest.raises(StageError, match="is a link to /dev/gone, which is not there"):
        disks.run(context(filesystems=(Filesystem(device=f"{tmp_path}/by-label/ROOT", format="ext4"),)))
    with pytest.raises(StageError, match="is not a block device"):
        disks.run(context(disks=(disk("/dev/null"),)))


def test_not_a_disk(loop: Loop, context: Make) -> None:
    node = loop(64)
    disks.run(context(disks=(disk(node, Partition(number=1, size_mib=32)),)))
    with pytest.raises(StageError, match="is the partition"):
        disks.run(context(disks=(disk(f"{node}p1", Partition(number=1)),)))


def test_nothing_to_do_touches_nothing(context: Make) -> None:
    disks.run(context())
    assert not os.path.exists(progress.PATH)


def test_virtiofs_needs_no_device(context: Make) -> None:
    disks.run(context(filesystems=(Filesystem(device="tag", format="virtiofs", path="/x"),)))


def test_128_partitions(loop: Loop, context: Make) -> None:
    node = loop(160)
    disks.run(context(disks=(disk(node, *(Partition(number=n, size_mib=1, start_mib=n, label=f"p{n}") for n in range(128, 0, -1))),)))
    assert kernel_view(node) == {n: (n * MIB, MIB) for n in range(1, 129)}


def test_libparted_agrees_on_geometry_and_reads_back(loop: Loop, context: Make) -> None:
    node = loop(64, 4096)
    seen = parted_device.geometry(node)
    assert (seen.sector_size, seen.sectors) == (4096, 16384)
    assert parted_device.fresh_usable(node) == (6, 16378)
    with pytest.raises(StageError, match="libparted"):
        parted_device.reread(node)
    disks.run(context(disks=(disk(node, Partition(number=7, label="x", size_mib=4)),)))
    assert [(p.number, p.first, p.last, p.name) for p in parted_device.reread(node)] == [(7, 256, 1279, "x")]


def test_boot_code_stays(loop: Loop, context: Make) -> None:
    node = loop(64)
    assert sgdisk("--new=1:0:+8M", node).returncode == 0
    code = bytes(range(256)) + bytes(range(184))
    with open(node, "r+b") as file:
        file.write(code)
    subprocess.run(["partx", "--update", node], check=False)
    disks.run(context(disks=(disk(node, Partition(number=2, size_mib=1, start_mib=20)),)))
    assert Path(node).read_bytes()[:440] == code


def test_config_objects_survive(loop: Loop, context: Make) -> None:
    """The stage changes nothing of the config it was given (it is cached and read by later stages)."""
    node = loop(64)
    entry: Any = disk(node, Partition(label="x", size_mib=1), Partition(number=3, size_mib=1))
    shown = repr(entry)
    disks.run(context(disks=(entry,)))
    assert repr(entry) == shown and isinstance(entry, Disk)
