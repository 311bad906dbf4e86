"""Which blank disks a rehearsal attaches: by what a config names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ignition_py.programs.sizes import size_of
from ignition_py.rehearsal.disks import expected
from ignition_py.rehearsal.hardware import Drive, Network, drive_words, image_format
from ignition_py.rehearsal.image import BuildError
from ignition_py.rehearsal.rehearse import plan_disks
from ignition_py.spec.read import read
from ignition_py.spec.tables import Config


def config(**storage: Any) -> Config:
    found, report = read(json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage}).encode())
    assert found is not None, list(report)
    return found


def disk(device: str, *sizes: int) -> dict[str, Any]:
    parts = [{"number": number, "label": f"p{number}", "sizeMiB": size} for number, size in enumerate(sizes, 1)]
    return {"device": device, "wipeTable": True, "partitions": parts}


@pytest.mark.parametrize(
    ("devices", "wanted"),
    [
        ([], []),
        (["/dev/vda"], []),
        (["/dev/disk/by-id/coreos-boot-disk"], []),
        (["/dev/vdb"], [("virtio", "virtiob", "/dev/vdb")]),
        (["/dev/vdc"], [("virtio", "virtiob", ""), ("virtio", "virtioc", "/dev/vdc")]),
        (["/dev/sdb"], [("ata", "ataa", ""), ("ata", "atab", "/dev/sdb")]),
        (["/dev/nvme0n1"], [("nvme", "nvme0", "/dev/nvme0n1")]),
        (["/dev/disk/by-id/virtio-data", "/dev/vdb"], [("virtio", "virtiob", "/dev/vdb"), ("virtio", "data", "/dev/disk/by-id/virtio-data")]),
    ],
)
def test_names(devices: list[str], wanted: list[tuple[str, str, str]]) -> None:
    found = expected(config(disks=[disk(device) for device in devices]))
    assert [(blank.bus, blank.serial, blank.device) for blank in found] == wanted


def test_what_is_on_no_disk_of_its_own() -> None:
    made = config(
        disks=[disk("/dev/disk/by-id/virtio-one", 100)],
        filesystems=[
            {"device": "/dev/disk/by-partlabel/p1", "format": "ext4"},
            {"device": "/dev/disk/by-id/virtio-one-part1", "format": "ext4", "path": "/x"},
            {"device": "/dev/vdb", "format": "xfs"},
        ],
        raid=[{"name": "r", "level": "raid1", "devices": ["/dev/sda", "/dev/disk/by-id/virtio-two"]}],
    )
    assert [(blank.bus, blank.serial) for blank in expected(made)] == [
        ("virtio", "virtiob"), ("ata", "ataa"), ("virtio", "two"), ("virtio", "one"),
    ]  # fmt: skip


def test_a_disk_has_room_for_its_partitions() -> None:
    (small, large) = expected(config(disks=[disk("/dev/vdb", 10), disk("/dev/vdc", 20_000, 5_000)]))
    assert small.size == 10 << 30
    assert large.size == 25_064 << 20


def test_disks_that_are_asked_for() -> None:
    blanks = plan_disks(config(disks=[disk("/dev/vdb")]), ["1G", "512M:swap"])
    assert [(blank.serial, blank.size) for blank in blanks] == [("disk1", 1 << 30), ("swap", 512 << 20)]
    with pytest.raises(BuildError, match="'1X' is not a size"):
        plan_disks(config(), ["1X"])
    with pytest.raises(BuildError, match="at most 6"):
        plan_disks(config(disks=[disk("/dev/sdh")]), [])


@pytest.mark.parametrize("text", ["", "0", "0G", "-1G", "1.5", "1iB", "G", "1 X", "1GG", "9999999P", "٣G"])
def test_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        size_of(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512 << 20), ("10G", 10 << 30), ("10GiB", 10 << 30), ("10 GiB", 10 << 30), ("10gib", 10 << 30), ("10GB", 10**10),
        ("10gb", 10**10), ("1.5G", 3 << 29), ("1T", 1 << 40), ("1PiB", 1 << 50), ("64K", 64 << 10), ("1KB", 1000), ("4096", 4096),
        ("4096B", 4096), (" 1G ", 1 << 30),
    ],
)  # fmt: skip
def test_sizes_in_all_usual_spellings(text: str, size: int) -> None:
    assert size_of(text) == size


def test_words_for_qemu(tmp_path: Any) -> None:
    drives = [
        Drive("/images/a,b.qcow2", "root", image_format="qcow2", snapshot=True), Drive("/x", "s", bus="ata"), Drive("/y", "t", bus="ata"),
    ]  # fmt: skip
    words = drive_words(drives)
    assert words[1] == "file=/images/a,,b.qcow2,if=none,id=d0,format=qcow2,cache=writeback,snapshot=on"
    assert words[3] == "virtio-blk-pci,drive=d0,serial=root,bootindex=1"
    assert [word for word in words if word.startswith(("ahci", "ide-hd"))] == [
        "ahci,id=ahci", "ide-hd,drive=d1,bus=ahci.0,serial=s", "ide-hd,drive=d2,bus=ahci.1,serial=t",
    ]  # fmt: skip
    assert Network().words()[1] == "user,id=net,restrict=on"
    assert Network(outside=True).words()[1] == "user,id=net,restrict=off"
    assert "guestfwd=tcp:10.0.2.100:80-cmd:" in Network((80, "/s")).words()[1]


@pytest.mark.parametrize(("head", "name"), [(b"QFI\xfb\0\0\0\3", "qcow2"), (b"KDMV\1\0\0\0", "vmdk"), (b"vhdxfile", "vhdx"), (b"", "raw"), (b"\0" * 8, "raw")])
def test_formats(tmp_path: Any, head: bytes, name: str) -> None:
    (tmp_path / "image").write_bytes(head)
    assert image_format(str(tmp_path / "image")) == name
