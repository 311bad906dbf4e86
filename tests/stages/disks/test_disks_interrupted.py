"""Killed at every single effect, then run again: the end is that of an undisturbed run, and what was not ours is untouched.

An effect is a write or sync of table sectors, a change of the kernel's partitions, the start or end of a program that writes,
or a line of the progress record. "Same boot" keeps the record in the initramfs, "power cut" loses it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem, Partition
from ignition_py.stages import disks
from ignition_py.stages.disks import progress
from ignition_py.stages.disks.partitions import apply, gpt, kernel
from ignition_py.system import run as run_module
from tests.stages.disks.disks_lab import MIB, disk, fingerprint, forget_boot, read_table, replace_run, sgdisk

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

Loop = Callable[..., str]
Make = Callable[..., Context]


class Killed(BaseException):
    """What a kill looks like from inside: nothing of ours handles it."""


class Saboteur:
    """Counts effects and kills at number `at` (from 0), and at all after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = -1
        self.count = 0
        self._patch(monkeypatch, os, "pwrite")
        self._patch(monkeypatch, os, "fsync")
        self._patch(monkeypatch, kernel, "_blkpg")
        self._patch(monkeypatch, progress.Progress, "add")
        real = run_module.run

        def run(log: Any, argv: Any, **more: Any) -> Any:
            if argv[0] == "blkid":
                return real(log, argv, **more)
            self.effect()
            done = real(log, argv, **more)
            self.effect()
            return done

        replace_run(monkeypatch, run)

    def _patch(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def effect(*args: Any) -> Any:
            self.effect()
            return real(*args)

        monkeypatch.setattr(owner, name, effect)

    def effect(self) -> None:
        self.count += 1
        if 0 <= self.at < self.count:
            raise Killed

    def run(self, ctx: Context, at: int = -1) -> int:
        """Runs the stage; returns how many effects it had. Raises Killed."""
        self.at, self.count = at, 0
        try:
            disks.run(ctx)
        finally:
            self.at = -1
        return self.count


@pytest.fixture
def saboteur(monkeypatch: pytest.MonkeyPatch) -> Saboteur:
    return Saboteur(monkeypatch)


PRECIOUS = b"precious" * 512


def reread(node: str) -> None:
    """Has the kernel read the table, as it does at boot."""
    for action in ("--delete", "--add"):
        subprocess.run(["partx", action, node], check=False, capture_output=True)


class Machine:
    """Two disks that start the same each time: one with partitions to keep, delete and resize, one with an old table."""

    def __init__(self, loop: Loop, context: Make) -> None:
        self.one, self.two = loop(96), loop(64)
        self.ctx = context(
            disks=(
                disk(self.one, Partition(number=1, label="keep"), Partition(number=2, should_exist=False, wipe_partition_entry=True),
                     Partition(number=4, label="grow", size_mib=12, resize=True),
                     Partition(label="new", start_mib=40, size_mib=20, wipe_partition_entry=True),
                     Partition(label="rest", size_mib=0)),
                disk(self.two, Partition(label="x", size_mib=30),
                     Partition(number=3, label="y", size_mib=30, guid="A" * 8 + "-1111-4111-8111-111111111111"),
                     wipe_table=True),
            ),
            filesystems=(Filesystem(device=f"{self.one}p3", format="ext4", label="rest"),
                         Filesystem(device=f"{self.two}p1", format="swap", wipe_filesystem=True)),
        )

    def reset(self) -> None:
        forget_boot()
        for node in (self.one, self.two):
            with open(node, "r+b") as file:
                file.write(bytes(96 * MIB if node == self.one else 64 * MIB))
        self._table(self.one, {1: (2048, 16384, "keep"), 2: (18432, 16384, ""), 4: (40960, 8192, "grow")})
        self._table(self.two, {1: (2048, 16384, ""), 2: (18432, 16384, "")})
        for node in (self.one, self.two):
            reread(node)
        with open(self.one, "r+b") as file:
            for number in (1, 4):
                file.seek(kernel.partitions(os.path.basename(self.one))[number].start)
                file.write(PRECIOUS)

    def _table(self, node: str, parts: dict[int, tuple[int, int, str]]) -> None:
        sectors = (96 if node == self.one else 64) * MIB // 512
        table = gpt.fresh(512, sectors, "99999999-2222-4333-8444-555555555555")
        table = table.but(entries={
            n: gpt.Entry(a, a + size - 1, f"{n:08X}-2222-4333-8444-555555555555", raw_name=gpt.encode_name(name))
            for n, (a, size, name) in parts.items()})
        with open(node, "r+b") as file:
            for part in gpt.encode(table, sectors, b""):
                file.seek(part.lba * 512)
                file.write(part.data)

    def picture(self) -> dict[str, Any]:
        """Everything that must be the same whatever happened on the way."""
        seen: dict[str, Any] = {}
        for node in (self.one, self.two):
            reading = read_table(node)
            assert reading.primary is not None and reading.primary == reading.backup
            seen[node] = {n: (e.first, e.last, e.type_guid, e.name) for n, e in reading.primary.entries.items()}
            seen[node + " kernel"] = {n: (p.start, p.size) for n, p in kernel.partitions(os.path.basename(node)).items()}
        for part in (f"{self.one}p3", f"{self.two}p1"):
            shown = subprocess.run(["blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "LABEL", part], capture_output=True, check=False)
            seen[part] = sorted(shown.stdout.split())
        with open(self.one, "rb") as file:
            for number in (1, 4):
                file.seek(kernel.partitions(os.path.basename(self.one))[number].start)
                assert file.read(len(PRECIOUS)) == PRECIOUS
        return seen


@pytest.fixture
def machine(loop: Loop, context: Make) -> Iterator[Machine]:
    yield Machine(loop, context)


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["same boot", "power cut"])
def test_killed_anywhere_and_run_again(machine: Machine, saboteur: Saboteur, cut: str) -> None:
    machine.reset()
    effects = saboteur.run(machine.ctx)
    goal = machine.picture()
    assert effects > 30
    assert all("No problems found" in sgdisk("--verify", node).stdout for node in (machine.one, machine.two))
    assert goal[f"{machine.two}p1"] == [b"swap"] and goal[f"{machine.one}p3"] == [b"ext4", b"rest"]
    assert {n: name for n, (_, _, _, name) in goal[machine.one].items()} == {1: "keep", 2: "new", 3: "rest", 4: "grow"}
    for at in range(0, effects, 1 if cut == "power cut" else 2):
        machine.reset()
        with pytest.raises(Killed):
            saboteur.run(machine.ctx, at)
        if cut == "power cut":
            forget_boot()
            for node in (machine.one, machine.two):  # the kernel reads the tables at the next boot
                reread(node)
        saboteur.run(machine.ctx)
        assert machine.picture() == goal, at


def _half_made_xfs(node: str) -> None:
    subprocess.run(["mkfs.xfs", "-q", "-f", node], check=True)
    with open(node, "r+b") as file:
        file.seek(126)
        file.write(b"\1")


@pytest.mark.parametrize("who", ["this boot", "this config", "somebody else"])
def test_cut_in_the_middle_of_mkfs(loop: Loop, context: Make, saboteur: Saboteur, who: str) -> None:
    """A filesystem that was never completed is made again where a record proves that we were at it; else it is refused."""
    node = loop(400)
    filesystems = (Filesystem(device=f"{node}p1", format="xfs"),)
    ctx = context(disks=(disk(node, Partition(number=1, label="a")),), filesystems=filesystems)
    if who == "somebody else":
        assert sgdisk("-n1:0:0", "-c1:a", node).returncode == 0
        reread(node)
    else:
        effects = saboteur.run(ctx)
        subprocess.run(["wipefs", "-q", "-a", f"{node}p1"], check=True)
        forget_boot()
        with pytest.raises(Killed):
            saboteur.run(ctx, effects - 30 if effects > 40 else 4)  # during or before mkfs
    _half_made_xfs(f"{node}p1")
    if who != "this boot":
        forget_boot()
    if who == "somebody else":
        with pytest.raises(StageError, match=r"holds a xfs that was never completed.*wipeFilesystem"):
            disks.run(ctx)
        return
    if who == "this boot":
        assert progress.load(ctx.config.storage).has("making", progress.word(f"{node}p1"), progress.digest(filesystems[0]))
    disks.run(ctx)
    with open(f"{node}p1", "rb") as file:
        assert file.read(127)[126] == 0


def test_foreign_data_is_refused_after_a_cut_too(loop: Loop, context: Make, saboteur: Saboteur) -> None:
    """Old data that would show up inside a new partition is not wiped, in the first run or any other: it is found before a table
    is written."""
    node = loop(64)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", "-E", "offset=1048576", node, "20M"], check=True)
    ctx = context(disks=(disk(node, Partition(label="a", size_mib=30)),), filesystems=(Filesystem(device=f"{node}p1", format="btrfs"),))
    for _ in range(2):
        with pytest.raises(StageError, match='holds ext4 with label "old"'):
            disks.run(ctx)
        forget_boot()
    assert kernel.partitions(os.path.basename(node)) == {}
    assert read_table(node).primary is None


def test_images_are_whole(machine: Machine) -> None:
    """The lab itself: a reset gives the same bytes."""
    machine.reset()
    first = fingerprint(machine.one)
    disks.run(machine.ctx)
    machine.reset()
    assert fingerprint(machine.one) == first


def test_a_new_table_on_a_blank_disk_killed_anywhere(loop: Loop, context: Make, saboteur: Saboteur) -> None:
    """Without `wipeTable` only the table's own GUID proves that a table with no protective MBR is ours to complete."""
    node = loop(32)
    ctx = context(disks=(disk(node, Partition(label="a", size_mib=4), Partition(label="b")),))
    effects = saboteur.run(ctx)
    goal = [(n, e.first, e.last, e.name) for n, e in _table(node).entries.items()]
    assert [name for *_, name in goal] == ["a", "b"]
    for at in range(effects):
        with open(node, "r+b") as file:
            file.write(bytes(32 * MIB))
        reread(node)
        forget_boot()
        with pytest.raises(Killed):
            saboteur.run(ctx, at)
        forget_boot()
        reread(node)
        saboteur.run(ctx)
        assert [(n, e.first, e.last, e.name) for n, e in _table(node).entries.items()] == goal, at
        assert set(kernel.partitions(os.path.basename(node))) == {1, 2}


def _table(node: str) -> gpt.Table:
    reading = read_table(node)
    assert reading.primary is not None and reading.primary == reading.backup and reading.mbr == gpt.MBR_PROTECTIVE
    return reading.primary


def test_mkfs_on_a_partition_that_was_there_is_finished_in_the_same_boot_only(loop: Loop, context: Make, saboteur: Saboteur) -> None:
    node = loop(400)
    assert sgdisk("-n1:0:0", node).returncode == 0
    reread(node)
    ctx = context(filesystems=(Filesystem(device=f"{node}p1", format="xfs", label="x"),))
    with pytest.raises(Killed):
        saboteur.run(ctx, 4)  # wipefs has ended, mkfs not begun
    _half_made_xfs(f"{node}p1")
    record = Path(progress.PATH).read_bytes()
    forget_boot()
    with pytest.raises(StageError, match="holds xfs with label"):
        disks.run(ctx)
    Path(progress.PATH).write_bytes(record)
    disks.run(ctx)
    with open(f"{node}p1", "rb") as file:
        assert file.read(127)[126] == 0


def test_what_was_made_in_this_boot_is_not_made_again(loop: Loop, context: Make, saboteur: Saboteur) -> None:
    """`wipeFilesystem` and `wipeTable` count once per boot: a later stage may have been at work when the first run was repeated."""
    node = loop(64)
    ctx = context(disks=(disk(node, Partition(label="a"), wipe_table=True),),
                  filesystems=(Filesystem(device=f"{node}p1", format="ext4", wipe_filesystem=True),))
    saboteur.run(ctx)
    before = fingerprint(node)
    assert saboteur.run(ctx) == 0
    assert fingerprint(node) == before
    forget_boot()
    disks.run(ctx)
    assert fingerprint(node) != before


def test_syncs_stand_between_the_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Backup, sync, primary, sync, MBR, sync: a disk may reorder what lies between two syncs, not across one."""
    events: list[Any] = []
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: events.append(at // 512) or len(data))
    monkeypatch.setattr(os, "fsync", lambda fd: events.append("sync"))
    apply.write(0, 512, gpt.encode(gpt.fresh(512, 1000, "99999999-2222-4333-8444-555555555555"), 1000, b""), "x")
    assert events == [967, 999, "sync", 2, 1, "sync", 0, "sync"]


def test_a_short_write_goes_on_and_an_error_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:100], at))
    path = tmp_path / "x"
    with path.open("wb") as file:
        apply.write(file.fileno(), 512, [gpt.Write("a", 1, b"z" * 512)], "x")
    assert path.read_bytes() == bytes(512) + b"z" * 512
    with path.open("rb") as file, pytest.raises(StageError, match="writing the partition table of /dev/x"):
        apply.write(file.fileno(), 512, [gpt.Write("a", 1, b"z" * 512)], "/dev/x")
