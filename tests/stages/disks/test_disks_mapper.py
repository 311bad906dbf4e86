"""Device-mapper disks, multipath among them, with real mappings over loop devices; needs a kernel with dm (tests/vm/test_disks.py)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem, Partition
from ignition_py.stages import disks
from ignition_py.stages.disks.partitions import dm, kernel
from ignition_py.system.log import Log
from tests.stages.disks.disks_lab import MIB, disk, fingerprint, forget_boot, sgdisk_table

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

Loop = Callable[..., str]
Make = Callable[..., Context]
NAME = "ignition-test"
DISK = f"/dev/mapper/{NAME}"


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def mapped(loop: Loop) -> Iterator[Callable[..., str]]:
    """`mapped(mib, sector_size=512, target="linear")`: a device-mapper disk at DISK over a loop device."""
    subprocess.run(["modprobe", "-a", "dm_mod", "dm_multipath", "dm_round_robin"], check=False, capture_output=True)
    if not os.path.exists("/dev/mapper/control") or subprocess.run(["dmsetup", "version"], check=False, capture_output=True).returncode:
        pytest.skip("this kernel has no device mapper: the VM's has")

    def make(mib: int = 64, sector_size: int = 512, target: str = "linear") -> str:
        node = loop(mib, sector_size)
        numbers = kernel.numbers(os.path.basename(node))
        what = {"linear": f"linear {numbers} 0", "multipath": f"multipath 0 0 1 1 round-robin 0 1 1 {numbers} 1000"}[target]
        # No UUID of multipath's, whatever the target: kpartx's rules, where the machine has them, would make partitions too.
        run("dmsetup", "create", NAME, "--uuid", f"TEST-{NAME}", "--table", f"0 {mib * MIB // 512} {what}")
        return node

    yield make
    subprocess.run("umount /dev/mapper/ignition-test?*; swapoff /dev/mapper/ignition-test?*", shell=True, check=False, capture_output=True)
    names = sorted((line.split()[0] for line in run("dmsetup", "ls").splitlines() if line.startswith(NAME)), reverse=True)
    for name in names:
        run("dmsetup", "remove", "--retry", name)


def extents(log: Log) -> dict[int, tuple[int, int]]:
    """The partitions of DISK as device mapper has them, in bytes."""
    found = dm.partitions(log, os.path.basename(os.path.realpath(DISK)))
    return {number: (part.start, part.size) for number, part in found.items()}


@pytest.mark.parametrize(("sector_size", "target"), [(512, "linear"), (4096, "linear"), (512, "multipath")])
def test_partitions_and_filesystems_and_again(mapped: Callable[..., str], context: Make, log: Log, sector_size: int, target: str) -> None:
    under = mapped(64, sector_size, target)
    ctx = context(
        disks=(disk(DISK, Partition(number=1, label="one", size_mib=16), Partition(label="two", size_mib=8), Partition(label="three")),),
        filesystems=(Filesystem(device=f"{DISK}p1", format="ext4", label="one"), Filesystem(device=f"{DISK}p2", format="swap")),
    )
    disks.run(ctx)
    assert extents(log) == {1: (MIB, 16 * MIB), 2: (17 * MIB, 8 * MIB), 3: (25 * MIB, extents(log)[3][1])}
    assert run("blkid", "-p", "-o", "value", "-s", "LABEL", f"{DISK}p1") == "one"
    if sector_size == 512:
        seen = sgdisk_table(DISK, [1, 2, 3])
        assert [seen[number][4] for number in (1, 2, 3)] == ["one", "two", "three"]
    before = fingerprint(under)
    forget_boot()
    disks.run(ctx)
    assert fingerprint(under) == before
    assert kernel.whole_disk(os.path.basename(os.path.realpath(f"{DISK}p2"))) == (os.path.basename(os.path.realpath(DISK)), 2)


def test_others_stay_mounted_while_one_changes(mapped: Callable[..., str], context: Make, log: Log, tmp_path: object) -> None:
    mapped(64)
    disks.run(context(
        disks=(disk(DISK, Partition(number=1, label="keep", size_mib=16), Partition(number=2, label="b", size_mib=8)),),
        filesystems=(Filesystem(device=f"{DISK}p1", format="ext4"),),
    ))
    run("mount", f"{DISK}p1", str(tmp_path))
    try:
        grown = Partition(number=2, label="b", size_mib=12, resize=True)
        disks.run(context(disks=(disk(DISK, Partition(number=1, label="keep"), grown, Partition(number=3, size_mib=4)),)))
        assert extents(log) == {1: (MIB, 16 * MIB), 2: (17 * MIB, 12 * MIB), 3: (29 * MIB, 4 * MIB)}
        disks.run(context(disks=(disk(DISK, Partition(number=2, should_exist=False, wipe_partition_entry=True)),)))
        assert sorted(extents(log)) == [1, 3]
        with pytest.raises(StageError, match=r"partition 1 .*would have to change, but it is mounted"):
            disks.run(context(disks=(disk(DISK, Partition(number=1, size_mib=20, wipe_partition_entry=True)),)))
        with pytest.raises(StageError, match="cannot be wiped while partition 1 is in use"):
            disks.run(context(disks=(disk(DISK, wipe_table=True),)))
    finally:
        run("umount", str(tmp_path))
    disks.run(context(disks=(disk(DISK, wipe_table=True),)))
    assert extents(log) == {}


def test_names_with_another_separator_go_on(mapped: Callable[..., str], context: Make, log: Log) -> None:
    """kpartx -p -part, as Debian's rules call it."""
    mapped(64)
    disks.run(context(disks=(disk(DISK, Partition(number=1, label="a", size_mib=8)),)))
    run("dmsetup", "rename", f"{NAME}p1", f"{NAME}-part1")
    disks.run(context(disks=(disk(DISK, Partition(number=1, label="a"), Partition(number=2, label="b", size_mib=8)),),
                      filesystems=(Filesystem(device=f"{DISK}-part2", format="vfat"),)))
    assert sorted(extents(log)) == [1, 2]
    assert os.path.exists(f"{DISK}-part2")


def test_what_may_not_be_touched(mapped: Callable[..., str], context: Make) -> None:
    under = mapped(64)
    with pytest.raises(StageError, match=r"dm-[0-9]+ is built on it"):
        disks.run(context(disks=(disk(under, Partition(number=1)),)))  # a path of a multipath device
    disks.run(context(disks=(disk(DISK, Partition(number=1, size_mib=16)),), filesystems=(Filesystem(device=f"{DISK}p1", format="swap"),)))
    run("swapon", f"{DISK}p1")
    with pytest.raises(StageError, match="it is used as swap space"):
        disks.run(context(disks=(disk(DISK, Partition(number=1, should_exist=False, wipe_partition_entry=True)),)))
    with pytest.raises(StageError, match="is the partition"):
        disks.run(context(disks=(disk(f"{DISK}p1", Partition(number=1)),)))
