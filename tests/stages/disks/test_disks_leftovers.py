"""What an earlier life has left on a disk does not come alive: signatures inside new partitions and of the whole disk."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem, Partition
from ignition_py.stages import disks
from ignition_py.stages.disks import leftovers, refusal
from ignition_py.stages.disks.partitions import apply, kernel
from tests.stages.disks.disks_lab import MIB, disk, fingerprint, forget_boot, read_table, replace_run
from tests.stages.disks.old_disks import OLD, leave
from tests.stages.disks.test_disks_interrupted import Killed, Saboteur, reread

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

Loop = Callable[..., str]
Make = Callable[..., Context]
SIZE = 350  # MiB


def sh(script: str) -> str:
    done = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)
    return done.stdout.strip()


def type_of(node: str, *more: str) -> str:
    return sh(f"blkid -p -o value -s TYPE {' '.join(more)} {node}")


def seen_by_the_kernel(monkeypatch: pytest.MonkeyPatch, node: str, start: int, size: int) -> list[str]:
    """What blkid finds in those bytes of the disk at the moment when the kernel is told of its partitions."""
    seen: list[str] = []
    real = apply._tell_kernel

    def told(*args: Any) -> None:
        seen.append(type_of(node, "--offset", str(start), "--size", str(size)))
        real(*args)

    monkeypatch.setattr(apply, "_tell_kernel", told)
    return seen


@pytest.mark.parametrize("kind", sorted(OLD))
def test_a_new_partition_is_wiped_before_the_kernel_knows_it(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Where `wipeFilesystem` allows it; without it nothing is written, or what is there is kept."""
    node = loop(SIZE)
    size = 320 * MIB
    leave(kind, node, MIB, size)
    old = fingerprint(node)
    want = disk(node, Partition(number=1, label="data", start_mib=1, size_mib=320))
    with pytest.raises(StageError, match="Changed so far: nothing"):
        disks.run(context(disks=(want,), filesystems=(Filesystem(device=f"{node}p1", format="vfat"),)))
    assert fingerprint(node) == old
    seen = seen_by_the_kernel(monkeypatch, node, MIB, size)
    disks.run(context(disks=(want,), filesystems=(Filesystem(device=f"{node}p1", format="ext4", label="NEW", wipe_filesystem=True),)))
    assert seen == [""]
    assert type_of(f"{node}p1") == "ext4"
    assert sh(f"wipefs --noheadings --output TYPE {node}p1") == "ext4"


def test_what_may_be_kept_is_not_wiped(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """`wipeTable` is about the table and the disk as a whole; a filesystem inside a new partition is reused as before."""
    node = loop(SIZE)
    leave("ext4", node, MIB, 100 * MIB)
    uuid = sh(f"blkid -p -o value -s UUID --offset {MIB} {node}")
    disks.run(context(disks=(disk(node, Partition(number=1, start_mib=1, size_mib=100), wipe_table=True),),
                      filesystems=(Filesystem(device=f"{node}p1", format="ext4", label="OLD"),)))
    assert sh(f"blkid -p -o value -s UUID {node}p1") == uuid


def test_a_partition_that_stays_is_not_touched_by_the_table(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its filesystem is made anew, by mkfs alone; one that is resized gets its new end cleared."""
    node = loop(SIZE)
    disks.run(context(disks=(disk(node, Partition(number=1, size_mib=40)),)))
    leave("linux_raid 1.0", node, MIB, 80 * MIB)
    forget_boot()
    grown = disk(node, Partition(number=1, size_mib=80, resize=True))
    seen = seen_by_the_kernel(monkeypatch, node, MIB, 80 * MIB)
    disks.run(context(disks=(grown,), filesystems=(Filesystem(device=f"{node}p1", format="ext4", wipe_filesystem=True),)))
    assert seen == [""]
    assert type_of(f"{node}p1") == "ext4"


@pytest.mark.parametrize("partitions", [(Partition(number=1, label="data", start_mib=1, size_mib=20),), ()])
@pytest.mark.parametrize("kind", sorted(set(OLD) - {"xfs", "swap", "linux_raid 1.1"}))
def test_wipe_table_removes_the_signatures_of_the_whole_disk(
    loop: Loop, context: Make, kind: str, partitions: tuple[Partition, ...]
) -> None:
    node = loop(128)
    leave(kind, node, 0, 128 * MIB)
    assert type_of(node)
    disks.run(context(disks=(disk(node, *partitions, wipe_table=True),)))
    left = set(sh(f"wipefs --noheadings --output TYPE {node}").split())
    assert left == ({"gpt", "PMBR"} if partitions else set())
    assert type_of(node) == ""
    before = fingerprint(node)
    disks.run(context(disks=(disk(node, *partitions, wipe_table=True),)))
    assert fingerprint(node) == before


def test_a_signature_that_a_partition_covered_goes_too(loop: Loop, context: Make) -> None:
    """blkid passes over the superblock of an array at the end of a disk while a partition of its table lies there."""
    node = loop(64)
    subprocess.run(["sgdisk", "-n1:0:0", node], check=True, capture_output=True)
    leave("linux_raid 0.90", node, 0, 64 * MIB)
    reread(node)
    disks.run(context(disks=(disk(node, Partition(number=1, size_mib=8), wipe_table=True),)))
    assert set(sh(f"wipefs --noheadings --output TYPE {node}").split()) == {"gpt", "PMBR"}
    assert "0.90" not in sh(f"mdadm --examine {node} 2>&1")


def test_killed_anywhere_while_wiping(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents go before the table that names them: whatever moment the power goes, no table leads to an old signature."""
    saboteur = Saboteur(monkeypatch)
    node = loop(64)
    ctx = context(disks=(disk(node, Partition(number=1, label="data", start_mib=1, size_mib=40), wipe_table=True),),
                  filesystems=(Filesystem(device=f"{node}p1", format="swap", label="x", wipe_filesystem=True),))

    def old_life() -> None:
        with open(node, "r+b") as file:
            file.write(bytes(64 * MIB))
        leave("linux_raid 1.2", node, MIB, 40 * MIB)
        leave("zfs", node, 0, 64 * MIB)
        reread(node)
        forget_boot()

    def picture() -> tuple[object, ...]:
        table = read_table(node).primary
        assert table is not None
        entries = [(n, e.first, e.last, e.name) for n, e in table.entries.items()]
        return entries, type_of(f"{node}p1"), sh(f"wipefs --noheadings --output TYPE {node}").split()

    old_life()
    effects = saboteur.run(ctx)
    goal = picture()
    assert goal[1:] == ("swap", ["gpt", "gpt", "PMBR"])
    for at in range(effects):
        old_life()
        with pytest.raises(Killed):
            saboteur.run(ctx, at)
        table = read_table(node).primary
        if table is not None and table.entries:
            assert type_of(node, "--offset", str(MIB), "--size", str(40 * MIB)) in ("", "swap")
        forget_boot()
        reread(node)
        saboteur.run(ctx)
        assert picture() == goal, at


def test_without_the_program_nothing_is_begun(loop: Loop, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    node = loop(64)
    before = fingerprint(node)
    monkeypatch.setattr(refusal, "which", lambda tool: None if tool == "wipefs" else f"/usr/sbin/{tool}")
    with pytest.raises(StageError, match="the program wipefs is needed for removing what is on disks"):
        disks.run(context(disks=(disk(node, Partition(number=1), wipe_table=True),)))
    assert fingerprint(node) == before


G1, G2 = "1" * 32, "2" * 32


class Kernel:
    """A small world of devices: name -> what it is built on. Logical volumes are `dm-N`, with their group."""

    def __init__(self, members: dict[str, str], groups: dict[str, str] | None = None, used: str = "", inactive: str = "") -> None:
        self.below = {name: below.split() for name, below in members.items()}
        self.groups, self.used, self.inactive = groups or {}, used.split(), inactive.split()

    def put(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kernel, "devices", lambda: ["sda", "sdb", "sdc", *self.below])
        monkeypatch.setattr(kernel, "partition_nodes", lambda name: [f"{name}{n}" for n in (1, 2)] if name.startswith("sd") else
                            [f"{name}p1"] if name == "md9" else [])
        monkeypatch.setattr(kernel, "holders", lambda name: [top for top, below in self.below.items() if name in below])
        monkeypatch.setattr(kernel, "members", lambda name: self.below.get(name, []))
        monkeypatch.setattr(kernel, "device_mapper", lambda name: name.startswith("dm-"))
        monkeypatch.setattr(kernel, "mapped_uuid", lambda name: f"LVM-{self.groups[name]}x" if name in self.groups else "CRYPT-LUKS2-1")
        monkeypatch.setattr(kernel, "mapped_name", lambda name: f"name-of-{name}")
        monkeypatch.setattr(kernel, "array_runs", lambda name: name not in self.inactive)
        monkeypatch.setattr(kernel, "in_use", lambda name, besides=(): "it is used" if name in self.used else ", ".join(
            holder for holder in kernel.holders(name) if holder not in besides))


@pytest.mark.parametrize(("world", "disks_", "stopped"), [
    (Kernel({}), "sda", ""),
    (Kernel({"md1": "sda1 sdb1"}), "sda sdb", "md1"),
    (Kernel({"md1": "sda sdb"}), "sda sdb", "md1"),
    (Kernel({"md1": "sda1 sdb1"}), "sda", ""),
    (Kernel({"md1": "sda1 sdb1"}, used="md1"), "sda sdb", ""),
    (Kernel({"md9": "sda1"}, used="md9p1"), "sda", ""),
    (Kernel({"md9": "sda1", "dm-0": "md9p1"}, {"dm-0": G1}), "sda", "dm-0 md9"),
    (Kernel({"dm-0": "sda1", "dm-1": "sda2"}, {"dm-0": G1, "dm-1": G1}), "sda", "dm-0 dm-1"),
    (Kernel({"dm-0": "sda1", "dm-1": "sda2"}, {"dm-0": G1, "dm-1": G1}, used="dm-1"), "sda", ""),
    (Kernel({"dm-0": "sda1", "dm-1": "sda2"}, {"dm-0": G1, "dm-1": G2}, used="dm-1"), "sda", "dm-0"),
    (Kernel({"dm-0": "sda1", "dm-1": "sdb1"}, {"dm-0": G1, "dm-1": G1}), "sda", ""),
    (Kernel({"dm-0": "sda1"}), "sda", ""),
    (Kernel({"md1": "sda1", "dm-0": "md1"}), "sda", ""),
    (Kernel({"md1": "sda1", "dm-0": "md1", "md2": "dm-0 sdb1"}, {"dm-0": G1}), "sda sdb", "md2 dm-0 md1"),
    (Kernel({"md1": "sda1", "dm-0": "md1", "md2": "dm-0 sdc1"}, {"dm-0": G1}), "sda sdb", ""),
    (Kernel({"md1": "sda1 sdb1", "md2": "sda1 sdb1"}, inactive="md1"), "sda sdb", "md2 md1"),
    (Kernel({"md1": "sda1"}), "sdx", ""),
])  # fmt: skip
def test_what_is_idle(monkeypatch: pytest.MonkeyPatch, world: Kernel, disks_: str, stopped: str) -> None:
    """Those on top first; all of a volume group or nothing; a container after what is in it."""
    world.put(monkeypatch)
    monkeypatch.setattr(leftovers, "which", lambda tool: f"/sbin/{tool}")
    assert [leftover.name for leftover in leftovers.idle(disks_.split())] == stopped.split()
    monkeypatch.setattr(leftovers, "which", lambda tool: None)
    assert leftovers.idle(disks_.split()) == ()


def test_what_comes_back_is_told(monkeypatch: pytest.MonkeyPatch, log: Any) -> None:
    Kernel({"md1": "sda1"}).put(monkeypatch)
    monkeypatch.setattr(leftovers, "which", lambda tool: f"/sbin/{tool}")
    monkeypatch.setattr(leftovers.udev, "settle", lambda log: None)
    ran: list[str] = []
    replace_run(monkeypatch, lambda log, argv, **more: ran.append(" ".join(argv)))
    with pytest.raises(StageError, match="md1, an old RAID array came back each time it was stopped"):
        leftovers.stop(log, ["sda"])
    assert ran == ["mdadm --stop /dev/md1"] * 5
