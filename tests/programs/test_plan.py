"""`ignition-py plan` as its users meet it: images, blank disks and loop devices; text, SVG and JSON; exit status."""

from __future__ import annotations

import json
import os
import subprocess
import xml.dom.minidom
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.programs import run_program
from tests.stages.disks.disks_lab import MIB, fingerprint, sgdisk

pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]

Plan = Callable[..., tuple[int, str, str]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """`plan(storage, *arguments)`: exit status, standard output, standard error."""

    def run(storage: dict[str, Any] | str, *argv: str) -> tuple[int, str, str]:
        text = storage if isinstance(storage, str) else json.dumps({"ignition": {"version": "3.7.0-experimental"}, "storage": storage})
        done = run_program("-m", "ignition_py", "plan", "-", *argv, input=text)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Path]:
    """`image(mib, *sgdisk_arguments)`: a raw disk image."""

    def make(mib: int, *argv: str) -> Path:
        path = tmp_path / f"disk{len(list(tmp_path.iterdir()))}.img"
        with path.open("wb") as file:
            file.truncate(mib * MIB)
        if argv:
            assert sgdisk(*argv, str(path)).returncode == 0
        return path

    return make


def put(path: Path, *argv: str, at_mib: int, mib: int) -> None:
    """Makes a filesystem in a part of an image."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.truncate(mib * MIB)
    subprocess.run([*argv, str(part)], check=True, capture_output=True)
    with path.open("r+b") as file:
        file.seek(at_mib * MIB)
        file.write(part.read_bytes())
    part.unlink()


def seen(plan: Plan, storage: dict[str, Any] | str, *argv: str) -> tuple[int, Any]:
    status, out, err = plan(storage, *argv, "--format", "json")
    assert out, err
    return status, json.loads(out)


def test_a_blank_disk(plan: Plan) -> None:
    storage = {
        "disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "label": "a", "sizeMiB": 64}, {"label": "b"}]}],
        "filesystems": [{"device": "/dev/vda1", "format": "ext4", "path": "/"}, {"device": "/dev/disk/by-partlabel/b", "format": "swap"}],
    }
    status, found = seen(plan, storage, "--disk", "vda=1G")
    assert (status, found["result"]) == (2, "changes")
    one, two = found["disks"][0]["partitions"]
    assert (one["action"], one["after"]["first"], one["after"]["last"]) == ("create", 2048, 133119)
    assert (one["becomes"], two["becomes"]) == ("ext4 at /", "swap")
    assert "guid" not in one["after"]
    assert [step["action"] for step in found["steps"]] == ["make", "make"]
    assert plan(storage, "--disk", "/dev/vda=1G", "--format", "json")[1] == json.dumps(found, indent=2) + "\n"


def test_nothing_to_do(plan: Plan, image: Callable[..., Path]) -> None:
    disk = image(64, "-n", "1:2048:+16M", "-c", "1:root")
    put(disk, "mkfs.ext4", "-L", "ROOT", at_mib=1, mib=16)
    storage = {
        "disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "label": "root", "sizeMiB": 16}]}],
        "filesystems": [{"device": "/dev/disk/by-label/ROOT", "format": "ext4", "label": "ROOT", "path": "/"}],
    }
    before = fingerprint(disk)
    status, out, _ = plan(storage, "--disk", f"vda={disk}")
    assert status == 0
    assert "Nothing to do" in out
    assert fingerprint(disk) == before


def test_the_whole_matrix_in_one_table(plan: Plan, image: Callable[..., Path]) -> None:
    disk = image(128, "-n", "1:2048:+8M", "-c", "1:kept", "-n", "2:0:+8M", "-c", "2:gone", "-n", "3:0:+8M", "-c", "3:other", "-n", "4:0:+8M", "-c", "4:grows")
    storage = {"disks": [{"device": "/dev/vda", "partitions": [
        {"number": 1, "label": "kept"},
        {"number": 2, "shouldExist": False, "wipePartitionEntry": True},
        {"number": 3, "label": "anew", "sizeMiB": 8, "startMiB": 17, "wipePartitionEntry": True},
        {"number": 4, "label": "grows", "sizeMiB": 20, "resize": True},
        {"number": 5, "label": "new", "sizeMiB": 4},
    ]}]}
    before = fingerprint(disk)
    status, found = seen(plan, storage, "--disk", f"vda={disk}")
    assert status == 2
    actions = {row["number"]: row["action"] for row in found["disks"][0]["partitions"]}
    assert actions == {1: "keep", 2: "delete", 3: "recreate", 4: "resize", 5: "create"}
    text = plan(storage, "--disk", f"vda={disk}")[1]
    assert "8 MiB > 20 MiB" in text
    assert fingerprint(disk) == before


def test_conflicts_of_all_steps_at_once(plan: Plan, image: Callable[..., Path]) -> None:
    """A partition that does not match, old data where a new partition comes, a member that holds something."""
    one, two = image(64, "-n", "1:2048:+8M", "-c", "1:a"), image(64)
    put(two, "mkfs.ext4", "-L", "old", at_mib=1, mib=16)
    storage = {
        "disks": [
            {"device": "/dev/vda", "partitions": [{"number": 1, "label": "b"}]},
            {"device": "/dev/vdb", "partitions": [{"number": 1, "label": "c", "sizeMiB": 16}]},
        ],
        "filesystems": [{"device": "/dev/vdb1", "format": "xfs"}],
    }
    status, found = seen(plan, storage, "--disk", f"vda={one}", "--disk", f"vdb={two}")
    assert (status, found["result"]) == (1, "refused")
    assert [("its label is 'a'" in text, 'holds ext4 with label "old"' in text) for text in found["conflicts"]] == [(True, False), (False, True)]
    assert "$.storage.disks.0.partitions.0" in found["conflicts"][0]


def test_what_depends_on_earlier_steps(plan: Plan) -> None:
    storage = {
        "disks": [{"device": f"/dev/vd{letter}", "partitions": [{"label": f"m-{letter}"}]} for letter in "ab"],
        "raid": [{"name": "data", "level": "raid1", "devices": ["/dev/disk/by-partlabel/m-a", "/dev/vdb1"]}],
        "luks": [{"name": "secret", "device": "/dev/md/data"}],
        "filesystems": [{"device": "/dev/mapper/secret", "format": "xfs", "path": "/var"}],
    }
    status, found = seen(plan, storage, "--disk", "vda=1G", "--disk", "vdb=2G")
    assert status == 2
    assert [(step["kind"], step["action"]) for step in found["steps"]] == [("raid", "make"), ("luks", "make"), ("filesystem", "make")]
    array, volume, filesystem = (step["size"] for step in found["steps"])
    assert (volume, filesystem) == (array - 16 * MIB, array - 16 * MIB), "LUKS keeps its header in the array"
    assert found["disks"][1]["partitions"][0]["becomes"] == "member of RAID data"
    storage["filesystems"][0]["device"] = "/dev/mapper/other"
    status, found = seen(plan, storage, "--disk", "vda=1G", "--disk", "vdb=2G")
    assert status == 1
    [conflict] = found["conflicts"]
    missing = "/dev/mapper/other is not there, and nothing in the config is known to make it ($.storage.filesystems.0 line 1 of <stdin>). "
    assert conflict.startswith(missing + "Name a device that exists")


@pytest.mark.parametrize(
    ("format_", "action", "status"),
    [("vfat", "refuse", 1), ("ext4", "keep", 0)],
)
def test_filesystems_on_images_that_no_disk_of_the_config_is(
    plan: Plan, image: Callable[..., Path], format_: str, action: str, status: int
) -> None:
    disk = image(64, "-n", "3:2048:+16M")
    put(disk, "mkfs.ext4", "-q", at_mib=1, mib=16)
    storage = {"filesystems": [{"device": "/dev/nvme0n1p3", "format": format_}]}
    got, found = seen(plan, storage, "--disk", f"nvme0n1={disk}")
    assert (got, [step["action"] for step in found["steps"]]) == (status, [action])


def test_too_small(plan: Plan) -> None:
    storage = {
        "disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "sizeMiB": 8}]}],
        "filesystems": [{"device": "/dev/vda1", "format": "btrfs"}],
    }
    status, found = seen(plan, storage, "--disk", "vda=1G")
    assert status == 1
    assert "too small for btrfs" in found["conflicts"][0]


def test_two_names_of_one_device(plan: Plan) -> None:
    both = {"format": "btrfs", "label": "pool"}
    storage = {
        "disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "label": "pool"}]}],
        "filesystems": [{"device": "/dev/vda1", "path": "/", **both}, {"device": "/dev/disk/by-partlabel/pool", "path": "/home", **both}],
    }
    status, found = seen(plan, storage, "--disk", "vda=1G")
    assert (status, [step["action"] for step in found["steps"]]) == (2, ["make", "keep"])
    storage["filesystems"][1]["label"] = "other"
    status, found = seen(plan, storage, "--disk", "vda=1G")
    assert status == 1
    assert "are one device, but differ in `label`" in found["conflicts"][0]


def test_two_names_of_one_image(plan: Plan, image: Callable[..., Path]) -> None:
    disk = image(64)
    storage = {
        "disks": [{"device": "/dev/disk/by-id/virtio-root", "partitions": [{"number": 1}]}],
        "filesystems": [{"device": "/dev/vda1", "format": "ext4"}],
    }
    status, found = seen(plan, storage, "--disk", f"/dev/disk/by-id/virtio-root={disk}")
    assert (status, "/dev/vda1 is not there" in found["conflicts"][0]) == (1, True)
    status, found = seen(plan, storage, "--disk", f"/dev/disk/by-id/virtio-root={disk}", "--disk", f"vda={disk}")
    assert (status, [step["action"] for step in found["steps"]], len(found["disks"])) == (2, ["make"], 1)


def test_4096_byte_sectors(plan: Plan, tmp_path: Path) -> None:
    storage = {"disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "sizeMiB": 8}]}]}
    _, found = seen(plan, storage, "--disk", "vda=1G", "--sector-size", "4096")
    assert found["disks"][0]["sectorSize"] == 4096
    assert found["disks"][0]["partitions"][0]["after"] | {"type": 0} == {"first": 256, "last": 2303, "label": "", "type": 0}


def test_butane(plan: Plan) -> None:
    text = "variant: fcos\nversion: 1.6.0\nstorage:\n  disks:\n    - device: /dev/vda\n      partitions:\n        - {number: 1, label: a}\n"
    assert seen(plan, text, "--disk", "vda=1G")[0] == 2


def test_conflicts_of_a_butane_config_stand_at_its_lines(plan: Plan) -> None:
    text = """variant: fcos
version: 1.6.0
storage:
  disks:
    - device: /dev/vda
      partitions:
        - {number: 1, label: a, size_mib: 5000}
  luks:
    - name: x
      device: /dev/vda1
      clevis: {tpm2: true, threshold: 2}
"""
    status, found = seen(plan, text, "--disk", "vda=1G")
    assert status == 1
    assert ["($.storage.luks.0 line 9 of <stdin>)" in found["conflicts"][0], "($.storage.disks.0.partitions.0 line 7 of <stdin>)" in found["conflicts"][1]] == [
        True, True], found["conflicts"]  # fmt: skip


def test_what_a_missing_disk_would_have_brought_is_no_second_complaint(plan: Plan) -> None:
    storage = {
        "disks": [{"device": f"/dev/vd{letter}", "partitions": [{"label": f"m-{letter}"}]} for letter in "ab"],
        "raid": [{"name": "data", "level": "raid1", "devices": ["/dev/disk/by-partlabel/m-a", "/dev/vdb1"]}],
        "luks": [{"name": "secret", "device": "/dev/md/data"}, {"name": "other", "device": "/dev/vdb2"}],
        "filesystems": [{"device": f"/dev/mapper/{name}", "format": "xfs"} for name in ("secret", "other")],
    }
    status, found = seen(plan, storage, "--disk", "vda=1G", "--disk", "vdb=/no/such/image")
    assert status == 1
    assert found["conflicts"] == ["reading the image /no/such/image of /dev/vdb: No such file or directory ($.storage.disks.1 line 1 of <stdin>)"]


@pytest.mark.parametrize(
    ("luks", "action", "phrase"),
    [
        ({"keyFile": {"source": "data:,right"}}, "keep", "is as wanted"),
        ({"keyFile": {"source": "data:,wrong"}}, "refuse", "the key file of the config does not open it"),
        ({"keyFile": {"source": "http://127.0.0.1:1/key"}}, "unknown", "reused if its key file opens it, else refused"),
        ({"keyFile": {"source": "data:,right"}, "discard": True}, "refuse", "it forbids discards through"),
        ({"keyFile": {"source": "data:,right"}, "label": "other"}, "refuse", 'its label is "old"'),
        ({}, "refuse", "the config gives no key file"),
        ({"wipeVolume": True}, "make", "wipeVolume is set"),
        ({"clevis": {"tpm2": True}}, "refuse", "a volume that Clevis opens is always made anew"),
    ],
)
def test_luks_volumes_in_images(plan: Plan, image: Callable[..., Path], luks: dict[str, Any], action: str, phrase: str) -> None:
    """In a partition that the config makes around what is there."""
    disk, part = image(64), image(40)
    argv = ["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--label", "old"]
    subprocess.run([*argv, "--key-file", "-", str(part)], input=b"right", check=True)
    with disk.open("r+b") as file:
        file.seek(MIB)
        file.write(part.read_bytes())
    storage = {
        "disks": [{"device": "/dev/vda", "wipeTable": True, "partitions": [{"number": 1, "sizeMiB": 40}]}],
        "luks": [{"name": "one", "device": "/dev/vda1", **luks}],
        "filesystems": [{"device": "/dev/mapper/one", "format": "ext4"}],
    }
    before = fingerprint(disk)
    status, found = seen(plan, storage, "--disk", f"vda={disk}", "--offline")
    assert (status, found["steps"][0]["action"]) == (1 if action == "refuse" else 2, action)
    assert phrase in found["steps"][0]["why"]
    assert found["steps"][1]["action"] == ("make" if action == "make" else "unknown")
    assert fingerprint(disk) == before


def test_svg_is_well_formed_whatever_the_names_are(plan: Plan, image: Callable[..., Path]) -> None:
    disk = image(64, "-n", "1:2048:+8M", "-c", "1:<&\"'\x01é")
    storage = {"disks": [{"device": "/dev/vda", "partitions": [{"number": 2, "label": "]]>&amp;", "sizeMiB": 8}]}]}
    status, out, _ = plan(storage, "--disk", f"vda={disk}", "--format", "svg")
    assert status == 2
    drawn = xml.dom.minidom.parseString(out)
    texts = [node.firstChild.data for node in drawn.getElementsByTagName("text") if node.firstChild is not None]
    assert "2 ]]>&amp;" in texts
    assert len(drawn.getElementsByTagName("polygon")) == 1  # partition 1 stays


@pytest.mark.parametrize(
    ("argv", "phrase"),
    [
        (("--disk", "vda"), "'vda' is not of the form NAME=IMAGE"),
        (("--disk", "vda=/no/such/image"), "reading the image /no/such/image"),
        (("--disk", "vdz=1G"), "no --disk says what to take for /dev/vda"),
        (("--disk", "vda=1K"), "too few for a partition table"),
        (("--format", "png"), "png"),
        (("--disk", "vda=/dev/null"), "neither an image file nor a block device"),
    ],
)
def test_what_cannot_be(plan: Plan, argv: tuple[str, ...], phrase: str) -> None:
    status, out, err = plan({"disks": [{"device": "/dev/vda", "partitions": [{"number": 1}]}]}, *argv)
    assert status == 1
    assert phrase in out + err


def test_images_of_virtual_machines(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(b"QFI\xfb" + bytes(100000))
    status, out, _ = plan({"disks": [{"device": "/dev/vda", "partitions": [{"number": 1}]}]}, "--disk", f"vda={path}")
    assert status == 1
    assert "is a qcow2 image, and only raw ones can be read" in out


def test_a_bad_config(plan: Plan) -> None:
    status, out, err = plan("{}", "--disk", "vda=1G")
    assert (status, out) == (1, "")
    assert "version" in err


def _alias(node: str) -> object:
    """What the stage leaves of a device in a boot, if it has run."""
    path = f"/run/ignition/dev_aliases{node}"
    return os.lstat(path).st_mtime_ns if os.path.lexists(path) else None


@pytest.mark.root
def test_this_machine(plan: Plan, image: Callable[..., Path]) -> None:
    """The real disk: what plan says is what the stage then does, and plan writes nothing, no alias and no record."""
    disk = image(64)
    node = subprocess.run(["losetup", "-fP", "--show", str(disk)], check=True, capture_output=True, text=True).stdout.strip()
    try:
        storage = {
            "disks": [{"device": node, "partitions": [{"number": 1, "label": "a", "sizeMiB": 16}]}],
            "filesystems": [{"device": f"{node}p1", "format": "ext4"}],
        }
        before, left = fingerprint(node), _alias(node)
        status, found = seen(plan, storage)
        assert (status, [step["action"] for step in found["steps"]]) == (2, ["make"])
        assert fingerprint(node) == before
        assert _alias(node) == left
        subprocess.run(["swapoff", node], check=False, capture_output=True)
        subprocess.run(["mkswap", "-f", node], check=True, capture_output=True)
        status, found = seen(plan, storage)
        assert status == 1
        assert "holds swap" in found["conflicts"][0]
        status, found = seen(plan, {"disks": [{"device": "/dev/none-such", "partitions": [{"number": 1}]}]})
        assert status == 1
        assert "/dev/none-such does not exist; block devices are" in found["conflicts"][0]
        subprocess.run(["wipefs", "-aq", node], check=True)
        storage = {"luks": [{"name": "x", "device": node, "keyFile": {"source": "http://127.0.0.1:1/key"}}]}
        status, found = seen(plan, storage, "--fetch-timeout", "1s")
        assert (status, [step["action"] for step in found["steps"]]) == (1, ["make"])
        assert "key file of LUKS volume x: could not fetch http://127.0.0.1:1/key within 1 s" in found["conflicts"][0]
        assert seen(plan, storage, "--offline")[0] == 2
    finally:
        subprocess.run(["losetup", "-d", node], check=True)


@pytest.mark.parametrize("device", ["/dev/sdb", "/dev/disk/by-id/ata-A1", "/dev/sdb1"])
def test_a_blank_disk_counts_wherever_the_config_names_it(plan: Plan, device: str) -> None:
    """Also where `disks` does not list it; under another name, that name is given as one of it."""
    disks = [{"device": "/dev/sdb", "partitions": [{"number": 1}]}] if device[-1] == "1" and "by-id" not in device else []
    storage = {"disks": disks, "filesystems": [{"device": device, "format": "ext4", "path": "/data"}]}
    names = ["--disk", "/dev/disk/by-id/ata-A1=/dev/sdb"] if "by-id" in device else []
    status, found = seen(plan, storage, "--disk", "/dev/sdb=100GiB", *names)
    assert (status, found["conflicts"]) == (2, [])
    assert [(step["device"], step["size"] // MIB > 100_000) for step in found["steps"]] == [("/dev/sdb" if names else device, True)]


def test_names_of_one_disk(plan: Plan) -> None:
    alias = "/dev/disk/by-id/virtio-x"
    storage = {"disks": [{"device": alias, "partitions": [{"number": 1, "sizeMiB": 8}]}], "filesystems": [{"device": "/dev/vdb1", "format": "ext4"}]}
    status, found = seen(plan, storage, "--disk", f"{alias}=/dev/vdb", "--disk", "vdb=1G")
    assert (status, found["disks"][0]["device"], found["conflicts"]) == (2, alias, [])
    twice = {"disks": [{"device": alias, "wipeTable": True}, {"device": "/dev/vdb", "wipeTable": True}]}
    status, found = seen(plan, twice, "--disk", f"{alias}=/dev/vdb", "--disk", "vdb=1G")
    assert status == 1
    assert f"{alias} and /dev/vdb are the same disk" in found["conflicts"][0]
    status, _, err = plan(storage, "--disk", f"{alias}=/dev/vdb", "--disk", f"vdb={alias}")
    assert status == 1
    assert "stand for each other; give one of them an image or a size" in err


def test_a_disk_that_the_config_does_not_name_is_a_warning(plan: Plan, image: Callable[..., Path]) -> None:
    storage = {"filesystems": [{"device": "/dev/disk/by-label/data", "format": "ext4", "path": "/data"}]}
    warning = "--disk /dev/vdb: the config names no such disk"
    assert warning in plan(storage, "--disk", "vdb=1G")[2]
    assert warning not in plan(storage, "--disk", f"vdb={image(8)}")[2]  # the label may be on it
    assert warning not in plan({"raid": [{"name": "a", "level": "raid1", "devices": ["/dev/vdb", "/dev/vdc2"]}]}, "--disk", "vdb=1G")[2]
    assert warning in plan({}, "--disk", f"vdb={image(8)}")[2]


def test_what_is_no_image(plan: Plan, tmp_path: Path) -> None:
    storage = {"disks": [{"device": "/dev/vda", "partitions": [{"number": 1}]}]}
    fifo, empty = tmp_path / "fifo", tmp_path / "empty"
    os.mkfifo(fifo)
    empty.touch()
    for given, phrase in (
        (fifo, "is neither an image file nor a block device"),
        (empty, "is empty; for a blank disk give a size, such as --disk /dev/vda=10G"),
        ("10GX", "the size of /dev/vda: '10GX' is not a size such as 512M, 10GiB or 10GB, and no file has that name"),
        (tmp_path, "is neither an image file nor a block device"),
    ):
        status, found = seen(plan, storage, "--disk", f"vda={given}")
        assert status == 1
        assert phrase in found["conflicts"][0]
