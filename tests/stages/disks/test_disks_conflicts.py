"""What the disks stage knows before it writes: a config that is wrong in every way is refused once, with all of it, and LUKS volumes are
judged in partitions that are yet to be made by the rules of the real thing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import (
    Clevis,
    Filesystem,
    Luks,
    Partition,
    Raid,
    Resource,
    Tang,
    Verification,
)
from ignition_py.stages import disks
from ignition_py.stages.disks.luks import clevis as luks_clevis
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.system.host import which
from ignition_py.system.log import Log
from tests.helpers.devices import wait_at_most
from tests.helpers.programs import only_programs_in
from tests.stages.disks.disks_lab import disk, fetching_for, fingerprint
from tests.stages.disks.luks_lab import FAST, serving_tang

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]
Loop = Callable[..., str]
Make = Callable[..., Context]
NOWHERE = "http://127.0.0.1:1"  # nobody answers there


@pytest.fixture
def fetching(context: Make, log: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """A context whose fetcher gives up after 20 s, on a machine whose devices come soon or never."""
    wait_at_most(monkeypatch, 0.2)
    monkeypatch.setattr(luks_keys, "DIRECTORY", str(tmp_path / "run" / "luks-keys"))

    def make(**storage: object) -> Context:
        return fetching_for(20, log, context(**storage))

    return make


def without_btrfs_and_tpm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("blkid", "cryptsetup", "mdadm", "mkfs.ext4", "mkfs.xfs", "wipefs", "udevadm", "modprobe"):
        if found := which(tool):
            (tools / tool).symlink_to(found)
    only_programs_in(monkeypatch, tools)
    (tmp_path / "dev").mkdir()
    monkeypatch.setattr(luks_clevis, "_TPM_DEVICES", str(tmp_path / "dev"))


@pytest.fixture
def mounted(loop: Loop, tmp_path: Path) -> Iterator[str]:
    node = loop(64)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "busy", node], check=True)
    (tmp_path / "mnt").mkdir()
    subprocess.run(["mount", "-o", "ro", node, str(tmp_path / "mnt")], check=True)
    yield node
    subprocess.run(["umount", str(tmp_path / "mnt")], check=True)


def sealed(node: str, key: bytes, *more: str) -> None:
    argv = ["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--key-file", "-", *FAST, *more, node]
    subprocess.run(argv, input=key, check=True)


def refusal(ctx: Context, *nodes: str) -> list[str]:
    """The conflicts of a refusal that has changed nothing."""
    before = [fingerprint(node) for node in nodes]
    with pytest.raises(StageError) as failure:
        disks.run(ctx)
    assert failure.value.changed == "nothing"
    assert [fingerprint(node) for node in nodes] == before
    count, _, text = failure.value.message.removeprefix("disks: ").partition(" conflicts: ")
    found = [text[text.index(f"({i}) ") : text.index(f"; ({i + 1}) ") if i < int(count) else None] for i in range(1, int(count) + 1)]
    assert len(found) == int(count)
    return found


def test_everything_at_once(loop: Loop, fetching: Make, mounted: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good, small, old, locked = loop(64), loop(16), loop(64), loop(64)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", old], check=True)
    sealed(locked, b"right")
    digest = Verification(hash="sha256-" + "0" * 64)
    with serving_tang(tmp_path / "keys") as tang:
        ctx = fetching(
            disks=(
                disk("/dev/nosuchdisk", Partition(number=1, label="never")),
                disk(small, Partition(number=1, label="large", size_mib=100)),
                disk(good, Partition(number=1, label="a", size_mib=8), Partition(number=2, label="b", size_mib=8), Partition(number=3, label="c"),
                     wipe_table=True),
            ),
            raid=(Raid(name="pair", level="raid1", devices=(mounted, old)), Raid(name="spare", level="raid1", devices=(f"{good}p3",), spares=1)),
            luks=(
                Luks(name="one", device="/dev/nosuchdisk1", clevis=Clevis(tpm2=True)),
                Luks(name="two", device="/dev/nosuchdisk2", key_file=Resource(source=f"{NOWHERE}/key")),
                Luks(name="three", device=f"{good}p2", key_file=Resource(source="data:,x", verification=digest),
                     clevis=Clevis(tang=(Tang(url=NOWHERE, thumbprint="x"), Tang(url=tang.url, thumbprint="wrong")))),
                Luks(name="four", device=locked, key_file=Resource(source="data:,wrong")),
                Luks(name="bad name", device="/dev/nosuchdevice"),
            ),
            filesystems=(
                Filesystem(device=f"{good}p1", format="xfs"),
                Filesystem(device=old, format="xfs"),
                Filesystem(device=mounted, format="ext4", wipe_filesystem=True),
                Filesystem(device="/dev/disk/by-partlabel/never", format="ext4"),
                Filesystem(device="/dev/disk/by-label/nowhere", format="btrfs"),
                Filesystem(device="/dev/mapper/one", format="ext4"),
            ),
        )  # fmt: skip
        with monkeypatch.context() as machine:
            without_btrfs_and_tpm(machine, tmp_path)
            found = refusal(ctx, good, small, old, locked, mounted)
    words = (
        "the program mkfs.btrfs is needed", "the program clevis-luks-bind is needed", "all of them spares", "'bad name' cannot be the name",
        "to be bound to the machine's TPM 2.0, but there is none", f"key file of LUKS volume two: could not fetch {NOWHERE}/key",
        "key file of LUKS volume three: the contents have the hash sha256-", f"advertisement of the Tang server {NOWHERE}",
        f"the Tang server {tang.url} is not the one of the config", "/dev/nosuchdisk did not appear within 0.2 seconds",
        f"{small}, partition 1", f"{mounted} cannot become part of the RAID array pair: it is mounted at",
        f'{old} cannot become part of the RAID array pair: it holds ext4 with label "old"', "the key file of the config does not open it",
        "which is too small for LUKS", "which is too small for xfs", f"{mounted} would have to be made anew, but it is mounted at",
        "/dev/nosuchdevice is not there",
    )  # fmt: skip
    assert [word for word in words if sum(word in text for text in found) != 1] == [], "\n".join(found)
    # What the missing disk would have brought is not told as missing besides; what nothing could bring is.
    assert not any("/dev/nosuchdisk1" in text or "/dev/mapper/one" in text or "by-partlabel/never" in text for text in found)


def test_devices_that_nothing_can_bring(loop: Loop, fetching: Make, tmp_path: Path) -> None:
    """The kernel's names and links for contents are known beforehand: a device with any other may come with a new partition."""
    node = loop(64)
    subprocess.run(["sgdisk", "-n", "1:2048:+8M", "-n", "2:0:+8M", node], check=True, capture_output=True)
    table = disk(node, Partition(number=1, label="a", wipe_partition_entry=True), Partition(number=2, should_exist=False, wipe_partition_entry=True))
    names = ("/dev/nosuchdevice", "/dev/disk/by-partlabel/none", "/dev/disk/by-uuid/none", f"{node}p2")
    found = refusal(fetching(disks=(table,), filesystems=[Filesystem(device=name, format="ext4") for name in names]), node)
    assert len(found) == len(names)
    assert all(f"{name} is not there, and nothing in the config is known to make it" in text for name, text in zip(names, found, strict=True))
    assert "did not appear within" in found[0]
    other = fetching(filesystems=[Filesystem(device=f"/dev/of-the-image/{name}", format="ext4") for name in "ab"])
    assert len(refusal(other)) == 2, "where nothing is written nothing can bring them"


@pytest.mark.parametrize("wrong", ["the key file of the config does not open it", "the config gives no key file", 'label is "old"', "discards through"])
def test_a_volume_in_a_partition_that_is_made_anew(loop: Loop, fetching: Make, wrong: str) -> None:
    """The table goes, what is in the sectors stays: refused before the table is written, by all that would refuse it afterwards."""
    node, part = loop(64), loop(40)
    sealed(part, b"right", "--label", "old")
    subprocess.run(["dd", f"if={part}", f"of={node}", "bs=1M", "seek=1", "conv=notrunc", "status=none"], check=True)
    more: dict[str, object] = {"key_file": Resource(source="data:,right")}
    if wrong.startswith("the key file"):
        more = {"key_file": Resource(source="data:,wrong")}
    elif wrong.startswith("the config"):
        more = {}
    elif wrong.startswith("label"):
        more["label"] = "new"
    else:
        more["discard"] = True
    # The second volume makes a second conflict, whatever the kernel of this machine has.
    volumes = (Luks(name="one", device=f"{node}p1", **more), Luks(name="two", device=f"{node}p2"))
    parts = Partition(number=1, label="x", size_mib=40), Partition(number=2, label="y", size_mib=8)
    found = refusal(fetching(disks=(disk(node, *parts, wipe_table=True),), luks=volumes), node)
    assert sum(wrong in text for text in found) == 1, found
    assert 'holds a LUKS2 volume with label "old"' in " ".join(found)
