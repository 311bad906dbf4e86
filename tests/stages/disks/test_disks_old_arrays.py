"""Arrays and volume groups of an earlier life: stopped, wiped, or refused before anything is written. Needs a kernel with md and the
device mapper (in the VM: see tests/vm/README.md)."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem, Luks, Partition, Raid
from ignition_py.stages import disks
from ignition_py.stages.disks import leftovers
from ignition_py.stages.disks.partitions import kernel
from ignition_py.system import run as run_module
from tests.stages.disks.disks_lab import disk, read_table, replace_run
from tests.stages.disks.test_disks_interrupted import Killed, reread
from tests.stages.disks.test_disks_leftovers import sh, type_of

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

Loop = Callable[..., str]
Make = Callable[..., Context]
QUICK = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")


@pytest.fixture
def arrays() -> Iterator[None]:
    if subprocess.run(["modprobe", "-a", "md_mod", "raid1", "dm_mod"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this kernel has no md: the VM's has")
    yield
    stop_arrays("dmsetup remove_all")


def stop_arrays(first: str = "true") -> None:
    """Until none comes back: udev puts together what it sees."""
    sh(f"{first}; for i in 1 2 3 4 5 6; do udevadm settle; grep -q ^md /proc/mdstat || break; mdadm --stop --scan; done")


def old_array(*members: str, metadata: str = "1.2", label: str = "OLD") -> None:
    """A RAID1 with an ext4 in it, running."""
    for member in members:
        sh(f"udevadm settle; wipefs -a {member}")
    made = sh(f"mdadm --create /dev/md/old --run --force --homehost any --metadata {metadata} --level 1 "
              f"--raid-devices {len(members)} {' '.join(members)} 2>&1 && mkfs.ext4 -q -F -L {label} /dev/md/old && echo made")
    assert made.endswith("made"), made
    sh("udevadm settle")


def partitioned(node: str) -> str:
    """An old disk with one partition of 100 MiB."""
    subprocess.run(["sgdisk", "-Z", "-n1:2048:+100M", node], check=False, capture_output=True)
    reread(node)
    sh("udevadm settle")
    return f"{node}p1"


def table_sectors(node: str) -> bytes:
    """What lies outside of all partitions: both copies of the table. A running array writes its own superblocks inside."""
    with open(node, "rb") as file:
        head = file.read(1 << 20)
        file.seek(-33 * 512, os.SEEK_END)
        return head + file.read()


def label_of(node: str) -> str:
    return sh(f"blkid -p -o value -s LABEL {node}")


DATA = Partition(number=1, label="data", start_mib=1, size_mib=100)


@pytest.mark.parametrize(
    ("metadata", "use", "running"),
    [
        # Each pair of values in every run, each three of them with the marker.
        pytest.param(metadata, use, running, marks=[] if (metadata == "1.2") ^ (use == "luks") ^ running else [pytest.mark.matrix])
        for metadata, use, running in itertools.product(("0.90", "1.2"), ("filesystem", "luks", "raid"), (True, False))
    ],
)
def test_an_old_array_in_the_sectors_of_a_new_partition(
    loop: Loop, context: Make, arrays: None, metadata: str, use: str, running: bool
) -> None:
    """It is stopped, or does not start; and is not a member of anything afterwards."""
    one, two = loop(128), loop(128)
    old_array(partitioned(one), partitioned(two), metadata=metadata)
    if not running:
        stop_arrays()
    tables = tuple(disk(node, DATA, wipe_table=True) for node in (one, two))
    more: dict[str, Any] = {
        "filesystem": {"filesystems": (Filesystem(device=f"{one}p1", format="ext4", label="NEW", wipe_filesystem=True),)},
        "luks": {"luks": (Luks(name="sec", device=f"{one}p1", wipe_volume=True, options=QUICK),)},
        "raid": {"raid": (Raid(name="new", level="raid1", devices=(f"{one}p1", f"{two}p1")),),
                 "filesystems": (Filesystem(device="/dev/md/new", format="ext4", label="NEW"),)},
    }[use]
    disks.run(context(disks=tables, **more))
    assert type_of(f"{one}p1") == {"filesystem": "ext4", "luks": "crypto_LUKS", "raid": "linux_raid_member"}[use]
    if use == "raid":
        assert label_of("/dev/md/new") == "NEW"
        assert os.path.basename(os.path.realpath("/dev/md/new")) in kernel.holders(os.path.basename(f"{one}p1"))
    sh("cryptsetup close sec")


def test_an_array_in_use_is_refused_before_anything_is_written(loop: Loop, context: Make, arrays: None, tmp_path: Any) -> None:
    one, two = loop(128), loop(128)
    old_array(partitioned(one), partitioned(two))
    before = [table_sectors(node) for node in (one, two)]
    wipe = context(disks=tuple(disk(node, DATA, wipe_table=True) for node in (one, two)))
    mounted = tmp_path / "mnt"
    mounted.mkdir()
    assert sh(f"mount -o ro,noload /dev/md/old {mounted} && echo mounted") == "mounted"
    with pytest.raises(StageError, match=r"partition 1 is in use: md\d+ is built on it(?!, and nothing uses that)"):
        disks.run(wipe)
    sh(f"umount {mounted}")
    with pytest.raises(StageError, match=r"md\d+ is built on it, and nothing uses that: `mdadm --stop /dev/md\d+` would end it"):
        disks.run(context(disks=(disk(one, DATA, wipe_table=True),)))  # its other half is on a disk that is not wiped
    assert [table_sectors(node) for node in (one, two)] == before
    assert label_of("/dev/md/old") == "OLD"
    disks.run(wipe)  # udev starts it again: it is in the sectors of the new partitions, and nothing allows to wipe those
    table = read_table(one).primary
    assert table is not None
    assert [entry.name for entry in table.entries.values()] == ["data"]


def test_an_array_of_whole_disks(loop: Loop, context: Make, arrays: None) -> None:
    one, two = loop(128), loop(128)
    old_array(one, two, metadata="1.0")
    disks.run(context(disks=tuple(disk(node, DATA, wipe_table=True) for node in (one, two))))
    assert sorted(kernel.partitions(os.path.basename(one))) == [1]
    assert type_of(one) == ""


GROUP = "0123456789abcdefghijklmnopqrstuv"


def logical_volume(name: str, on: str, group: str = GROUP) -> None:
    """As LVM has the kernel map one: what counts is the UUID."""
    sectors = int(sh(f"blockdev --getsz {on}")) - 4096
    made = sh(f"dmsetup create {name} --uuid LVM-{group}{name:z<32} --table '0 {sectors} linear {on} 2048' 2>&1 && echo made")
    assert made.endswith("made"), made
    sh("udevadm settle")


def test_a_volume_group_that_nothing_uses(loop: Loop, context: Make, arrays: None) -> None:
    """Also one on an array; whole or not at all, and nothing but what LVM has made."""
    one, two, other = loop(128), loop(128), loop(128)
    old_array(partitioned(one), partitioned(two))
    logical_volume("vg-data", "/dev/md/old")
    config = tuple(disk(node, DATA, wipe_table=True) for node in (one, two))
    names = [os.path.basename(node) for node in (one, two)]
    found = [leftover.what for leftover in leftovers.idle(names)]
    assert len(found) == 2
    assert "the old logical volume vg-data" in found[0] and "an old RAID array" in found[1]
    logical_volume("vg-more", other)  # a part of the group is elsewhere
    assert leftovers.idle(names) == ()
    with pytest.raises(StageError, match="is built on it"):
        disks.run(context(disks=config))
    sh("dmsetup remove vg-more")
    sh("dmsetup create somebody --table '0 1000 linear /dev/mapper/vg-data 0'")
    assert leftovers.idle(names) == ()
    sh("dmsetup remove somebody")
    disks.run(context(disks=config))
    assert not os.path.exists("/dev/mapper/vg-data")
    assert type_of(f"{one}p1") == "linux_raid_member"  # nothing allowed to wipe it, and nothing wants the partition


def test_a_new_array_does_not_show_what_an_old_one_held(loop: Loop, context: Make, arrays: None) -> None:
    """At the same place, of the same format and label: it is made anew, as was foreseen. After a kill, too."""
    one, two = loop(128), loop(128)
    config: Any = {
        "disks": tuple(disk(node, DATA, wipe_table=True) for node in (one, two)),
        "raid": (Raid(name="new", level="raid1", devices=(f"{one}p1", f"{two}p1")),),
        "filesystems": (Filesystem(device="/dev/md/new", format="ext4", label="OLD"),),
    }
    old_array(partitioned(one), partitioned(two))
    uuid = sh("blkid -p -o value -s UUID /dev/md/old")
    assert uuid
    disks.run(context(**config))
    assert (label_of("/dev/md/new"), sh("blkid -p -o value -s UUID /dev/md/new") != uuid) == ("OLD", True)


def test_killed_between_making_an_array_and_wiping_it(loop: Loop, context: Make, arrays: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = loop(128), loop(128)
    ctx = context(
        disks=tuple(disk(node, DATA, wipe_table=True) for node in (one, two)),
        raid=(Raid(name="new", level="raid1", devices=(f"{one}p1", f"{two}p1")),),
        filesystems=(Filesystem(device="/dev/md/new", format="ext4", label="OLD"),),
    )
    old_array(partitioned(one), partitioned(two))
    uuid = sh("blkid -p -o value -s UUID /dev/md/old")
    assert uuid
    real = run_module.run

    def run(log: Any, argv: Any, **more: Any) -> Any:
        done = real(log, argv, **more)
        if argv[:2] == ["mdadm", "--create"]:
            raise Killed
        return done

    with monkeypatch.context() as patched:
        replace_run(patched, run)
        with pytest.raises(Killed):
            disks.run(ctx)
    disks.run(ctx)
    assert sh("blkid -p -o value -s UUID /dev/md/new") not in ("", uuid)
