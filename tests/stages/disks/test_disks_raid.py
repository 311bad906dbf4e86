"""RAID: the commands by table; the arrays themselves where the kernel has md (in the VM: see tests/vm/README.md)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem, Partition, Raid, Storage
from ignition_py.stages import disks
from ignition_py.stages.disks import aliases, raid
from tests.stages.disks.disks_lab import disk, forget_boot


@pytest.mark.parametrize(("array", "words"), [
    (Raid(name="data", level="raid1", devices=("/dev/a", "/dev/b")), "--level raid1 --raid-devices 2 {a} {b}"),
    (Raid(name="data", level="raid5", devices=("/dev/a", "/dev/b", "/dev/c", "/dev/d"), spares=1, options=("--chunk=64",)),
     "--level raid5 --raid-devices 3 --spare-devices 1 --chunk=64 {a} {b} {c} {d}"),
])
def test_commands(array: Raid, words: str) -> None:
    members = {name: aliases.alias_of(f"/dev/{name}") for name in "abcd"}
    expected = "mdadm --create data --force --run --homehost any " + words.format(**members)
    assert " ".join(raid.create_command(array)) == expected
    assert (raid.node_of("data"), raid.node_of("/dev/md/x")) == ("/dev/md/data", "/dev/md/x")


def test_no_devices_but_spares() -> None:
    (cause,) = raid.missing(Storage(raid=(Raid(name="x", level="raid1", devices=("/dev/a",), spares=1),)))[-1:]
    assert "all of them spares" in cause.message


@pytest.fixture
def arrays() -> Iterator[None]:
    if not os.path.exists("/proc/mdstat") and subprocess.run(["modprobe", "md_mod"], check=False).returncode != 0:
        pytest.skip("this kernel has no md: the VM's has")
    yield
    subprocess.run("mdadm --stop /dev/md/* 2>/dev/null; udevadm settle", shell=True, check=False)


@pytest.mark.root
@pytest.mark.subprocess
def test_array_with_filesystem_and_again(loop: Callable[..., str], context: Callable[..., Context], arrays: None) -> None:
    one, two = loop(96), loop(96)
    parts = tuple(disk(node, Partition(label=f"member{i}"), wipe_table=True) for i, node in enumerate((one, two)))
    more: Any = {
        "raid": (Raid(name="data", level="raid1", devices=(f"{one}p1", f"{two}p1")),),
        "filesystems": (Filesystem(device="/dev/md/data", format="ext4", label="data"),),
    }
    ctx = context(disks=parts, **more)
    disks.run(ctx)
    detail = subprocess.run(["mdadm", "--detail", "/dev/md/data"], capture_output=True, text=True, check=True).stdout
    assert "raid1" in detail and "any:data" in detail
    label = ["blkid", "-p", "-o", "value", "-s", "LABEL", "/dev/md/data"]
    assert subprocess.run(label, capture_output=True, text=True, check=True).stdout.strip() == "data"
    uuid = next(line for line in detail.splitlines() if "UUID" in line)
    disks.run(ctx)
    forget_boot()
    kept = context(disks=tuple(entry.but(wipe_table=None) for entry in parts), **more)
    with pytest.raises(StageError, match="cannot become part of the RAID array data: md"):
        disks.run(kept)  # another config: nothing proves that the array is its own
    disks.run(ctx)  # the same config: all of it is proven to be its own, so `wipe_table` is not obeyed twice
    again = subprocess.run(["mdadm", "--detail", "/dev/md/data"], capture_output=True, text=True, check=True).stdout
    assert uuid in again


@pytest.mark.root
@pytest.mark.subprocess
def test_array_of_an_earlier_run_is_kept_after_a_power_cut(loop: Callable[..., str], context: Callable[..., Context], arrays: None) -> None:
    one, two = loop(96), loop(96)
    ctx = context(
        disks=tuple(disk(node, Partition(label=f"member{i}")) for i, node in enumerate((one, two))),
        raid=(Raid(name="data", level="raid1", devices=(f"{one}p1", f"{two}p1")),),
    )
    disks.run(ctx)
    for device in (f"{one}p1", f"{two}p1"):
        assert "is built on it" in raid.kernel.in_use(os.path.basename(device))
        known = ["udevadm", "info", "--query=property", "--property=ID_FS_TYPE", "--value", device]
        assert subprocess.run(known, capture_output=True, text=True, check=True).stdout.strip() == "linux_raid_member"
    forget_boot()
    disks.run(ctx)
    subprocess.run(["mdadm", "--stop", "/dev/md/data"], check=True, capture_output=True)
    forget_boot()
    disks.run(ctx)  # started again by udev and kept, or made again on partitions that are proven ours
    assert os.path.exists("/dev/md/data")


@pytest.mark.root
@pytest.mark.subprocess
def test_members_with_data_are_refused(loop: Callable[..., str], context: Callable[..., Context], arrays: None) -> None:
    one, two = loop(96), loop(96)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", one], check=True)
    with pytest.raises(StageError, match=r'holds ext4 with label "old".*wipefs --all'):
        disks.run(context(raid=(Raid(name="data", level="raid1", devices=(one, two)),)))
    assert not os.path.exists("/dev/md/data")
