"""Filesystems: every command by table, every decision by table, and the real tools on image files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ignition_py.failure import Failure
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem
from ignition_py.stages.disks.filesystems import plan as filesystems
from ignition_py.system import blkid
from ignition_py.system.blkid import Signature
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError
from tests.stages.disks.disks_lab import MIB

UUID = "0A1B2C3D-1111-4222-8333-0123456789AB"


def fs(kind: str, **more: Any) -> Filesystem:
    return Filesystem(device="/dev/x", format=kind, **more)


@pytest.mark.parametrize(("wanted", "command"), [
    (fs("ext4"), "mkfs.ext4 -F /a"),
    (fs("ext4", label="L", uuid=UUID, options=("-b", "1024")), f"mkfs.ext4 -b 1024 -F -U {UUID.lower()} -L L /a"),
    (fs("btrfs", label="L", uuid=UUID, options=("--mixed",)), f"mkfs.btrfs --mixed --force -U {UUID.lower()} -L L /a"),
    (fs("xfs", label="L", uuid=UUID), f"mkfs.xfs -f -m uuid={UUID.lower()} -L L /a"),
    (fs("swap", label="L", uuid=UUID), f"mkswap -f -U {UUID.lower()} -L L /a"),
    (fs("vfat", label="L", uuid="AB12-CD34", options=("-F", "32")), "mkfs.fat -F 32 -i ab12cd34 -n L /a"),
    (fs("vfat", uuid="ab12cd34"), "mkfs.fat -i ab12cd34 /a"),
    (fs("ext4", label=""), "mkfs.ext4 -F -L  /a"),
    (fs("none", options=("-x",)), ""),
])
def test_commands(wanted: Filesystem, command: str) -> None:
    assert " ".join(filesystems.mkfs_command(wanted, "/a")) == command


def test_unknown_format() -> None:
    with pytest.raises(StageError, match="'zfs' is not supported"):
        filesystems.mkfs_command(fs("zfs"), "/a")


EXT4 = Signature("ext4", "root", "abc")
NOTHING = Signature()


@pytest.mark.parametrize(("wanted", "found", "action"), [
    (fs("ext4"), NOTHING, "make"), (fs("ext4"), EXT4, "reuse"), (fs("ext4", label="root"), EXT4, "reuse"),
    (fs("ext4", uuid="ABC"), EXT4, "reuse"), (fs("ext4", label="x"), EXT4, "refuse"), (fs("ext4", label=""), EXT4, "refuse"),
    (fs("ext4", uuid="d"), EXT4, "refuse"), (fs("xfs"), EXT4, "refuse"), (fs("none"), EXT4, "refuse"), (fs("none"), NOTHING, "reuse"),
    (fs("ext4", wipe_filesystem=True), EXT4, "make"), (fs("none", wipe_filesystem=True), EXT4, "make"),
    (fs("vfat", uuid="ab12cd34"), Signature("vfat", "", "AB12-CD34"), "reuse"),
    (fs("ext4", label="root"), NOTHING, "make"), (fs("swap"), Signature(table="dos"), "make"),
    (fs("ext4"), Signature("ext4", ambiguous=("ext4", "xfs")), "reuse"),
    (fs("xfs"), Signature("ext4", ambiguous=("ext4", "xfs")), "refuse"),
    (fs("ext4"), Signature("crypto_LUKS", "", "1"), "refuse"), (fs("ext4"), Signature("linux_raid_member"), "refuse"),
])
def test_decisions(wanted: Filesystem, found: Signature, action: str) -> None:
    assert filesystems.plan_filesystem(wanted, found).action == action


def test_the_refusal_names_what_is_there_and_both_ways_out() -> None:
    refused = filesystems.plan_filesystem(fs("xfs", label="data", uuid="1-2"), EXT4)
    assert 'holds ext4 with label "root" and UUID abc, the config wants xfs with label "data" and UUID 1-2' in refused.why
    keep = 'to keep it, write `format: ext4`, `label: "root"`, `uuid: abc`'
    assert refused.hint == f"Set `wipeFilesystem: true` to destroy what is there; {keep}"
    assert "traces of ext4 and xfs" in filesystems.plan_filesystem(fs("xfs"), Signature("ext4", ambiguous=("ext4", "xfs"))).why


def test_interrupted_makings() -> None:
    half = {"half_made": "it is unfinished"}
    assert filesystems.plan_filesystem(fs("xfs"), EXT4, unfinished=True).action == "make"
    assert filesystems.plan_filesystem(fs("ext4"), EXT4, made_here=True, **half).action == "make"
    assert filesystems.plan_filesystem(fs("ext4"), EXT4, **half).action == "refuse"
    assert filesystems.plan_filesystem(fs("xfs"), EXT4, made_here=True, **half).action == "refuse"  # not what we were making


# -- real tools ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path: Path) -> Callable[[int], str]:
    def make(mib: int = 400) -> str:
        path = tmp_path / "image"
        with path.open("wb") as file:
            file.truncate(mib * MIB)
        return str(path)

    return make


@pytest.mark.subprocess
@pytest.mark.parametrize("kind", sorted(filesystems.TOOLS))
def test_make_then_reuse(image: Callable[..., str], log: Log, kind: str) -> None:
    """What the real mkfs makes with label and UUID is what blkid reads back and what a second run reuses."""
    node = image()
    uuid = "AB12-CD34" if kind == "vfat" else UUID
    label = "LABEL" if kind == "vfat" else "a b/\u00fc"
    wanted = fs(kind, label=label, uuid=uuid)
    assert filesystems.plan_filesystem(wanted, blkid.probe(log, node)).action == "make"
    filesystems.make(log, wanted, node)
    found = blkid.probe(log, node)
    assert (found.type, found.label, filesystems.same_uuid(kind, found.uuid)) == (kind, label, filesystems.same_uuid(kind, uuid))
    assert filesystems.half_made(kind, node) == ""
    assert filesystems.plan_filesystem(wanted, found).action == "reuse"
    other = fs("ext4" if kind != "ext4" else "xfs", wipe_filesystem=True)
    filesystems.make(log, other, node)
    assert blkid.probe(log, node).type == other.format


@pytest.mark.subprocess
def test_options_with_an_error_come_back_in_the_tools_words(image: Callable[..., str], log: Log) -> None:
    with pytest.raises(CommandError, match=r"making ext4 on /dev/x: mkfs\.ext4 failed \(exit status 1\): mkfs\.ext4: invalid option") as failure:
        filesystems.make(log, fs("ext4", options=("-Q",)), image())
    assert "mkfs.ext4 -Q -F" in failure.value.command


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("options", "cause"),
    [(("-n", "ftype=9"), "Invalid value 9 for -n ftype option"), (("-l", "size=1"), "Invalid value 1 for -l size option"), (("-Q",), "invalid option")],
)
def test_the_cause_is_shown_not_the_usage_text(image: Callable[..., str], log: Log, options: tuple[str, ...], cause: str) -> None:
    """mkfs.xfs ends every failure with 27 lines of usage text: the cause is on the screen and first in the log."""
    with pytest.raises(CommandError) as failure:
        filesystems.make(log, fs("xfs", options=options), image())
    screen = Failure.of("disks", failure.value).screen()
    assert len(screen) < 10
    assert [line for line in screen if cause in line]
    assert not [line for line in screen if "Usage" in line or "blocksize" in line]


@pytest.mark.subprocess
def test_two_signatures(image: Callable[..., str], log: Log) -> None:
    node = image()
    subprocess.run(["mkfs.xfs", "-q", node], check=True)
    first = Path(node).read_bytes()[:512]
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "foo", node], check=True)
    with open(node, "r+b") as file:
        file.write(first)
    found = blkid.probe(log, node)
    assert found.ambiguous == ("xfs", "ext4")
    assert found.type == "xfs"
    assert found.uuid
    filesystems.make(log, fs("btrfs", wipe_filesystem=True), node)
    assert blkid.probe(log, node).type == "btrfs"


@pytest.mark.subprocess
def test_ten_signatures_at_once(image: Callable[..., str], log: Log) -> None:
    """What was left by years of use: the refusal names what blkid sees, and making a filesystem removes all of it."""
    node = image()
    pieces: dict[int, bytes] = {}
    for argv, at, size in ((["mkfs.btrfs", "-q", "-f"], 65536, 4096), (["mkfs.xfs", "-q", "-f"], 0, 512), (["mkswap"], 4096 - 10, 10),
                           (["mkfs.ext4", "-q", "-F"], 1024, 1024)):
        subprocess.run([*argv, node], check=True, capture_output=True)
        with open(node, "rb") as file:
            file.seek(at)
            pieces[at] = file.read(size)
    pieces |= {32768: b"\x01CD001\x01", 34816: b"\0BEA01\x01", 36864: b"\0NSR02\x01", 8244: b"ReIsErFs"}
    # Of members of larger things blkid names one, and looks for no filesystem beside it.
    members = {1 << 20: b"\x0d\xd0\x01\xc0", 512: b"LABELONE" + bytes(16) + b"LVM2 001"}
    members |= {(128 << 10) + 1024 * i: (0x00BAB10C).to_bytes(8, "little") for i in range(16)}

    def write(data: dict[int, bytes], *, erase: bool = False) -> None:
        with open(node, "r+b") as file:
            for at, piece in data.items():
                file.seek(at)
                file.write(bytes(len(piece)) if erase else piece)

    write(pieces | members)
    refused = filesystems.plan_filesystem(fs("vfat"), blkid.probe(log, node))
    assert refused.action == "refuse"
    assert "VMFS_volume_member" in refused.why
    write(members, erase=True)
    found = blkid.probe(log, node)
    assert len(found.ambiguous) >= 4
    refused = filesystems.plan_filesystem(fs("vfat"), found)
    assert refused.action == "refuse"
    assert all(kind in refused.why for kind in found.ambiguous)
    write(members)
    filesystems.make(log, fs("btrfs", wipe_filesystem=True, label="new"), node)
    after = blkid.probe(log, node)
    assert (after.type, after.label, after.ambiguous) == ("btrfs", "new", ())


@pytest.mark.subprocess
def test_half_made_filesystems_show(image: Callable[..., str]) -> None:
    node = image()
    subprocess.run(["mkfs.xfs", "-q", node], check=True)
    with open(node, "r+b") as file:
        file.seek(126)
        file.write(b"\1")
    assert "still being made" in filesystems.half_made("xfs", node)
    subprocess.run(["mkfs.fat", "-F", "32", node], check=True, capture_output=True)
    assert filesystems.half_made("vfat", node) == ""
    with open(node, "r+b") as file:
        file.seek(32 * 512)
        file.write(bytes(3))
    assert "allocation table is empty" in filesystems.half_made("vfat", node)
    assert filesystems.half_made("ext4", node) == ""


@pytest.mark.subprocess
def test_probe_of_what_is_not_there(log: Log, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="No such file"):
        blkid.probe(log, str(tmp_path / "none"))


def test_udev_escapes() -> None:
    assert blkid._decode("a\\x20b\\x5cx41\u00fc\\xc3\\xbc") == "a b\\x41\u00fc\u00fc"
