"""The note of a first boot that has begun, on a filesystem in a file, with a kernel command line of the test's own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ignition_py.initrd

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

SCRIPT = Path(ignition_py.initrd.__file__).parent / "dracut" / "30ignition" / "ignition-attempt"
INSIDE = """mount --bind "$1" /proc/cmdline && mount --bind /dev/null /proc/consoles && mount -t tmpfs tmpfs /run && exec "$2" """
BEGAN = r"began at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, boot [0-9a-f-]{36}"
KEPT = "what it has made is kept where it is as the config says, and made again where it was cut short"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    """A block device with a root filesystem on it."""
    tree = tmp_path / "tree"
    (tree / "boot").mkdir(parents=True)
    (tree / "etc").mkdir()
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", tree, image], check=True)
    name = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=True).stdout.strip()
    yield name
    subprocess.run(["losetup", "--detach", name], check=True)


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[str], list[str]]:
    def run(cmdline: str) -> list[str]:
        (tmp_path / "cmdline").write_text(cmdline)
        command = ["unshare", "--mount", "sh", "-c", INSIDE, "sh", str(tmp_path / "cmdline"), str(SCRIPT)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    return run


def on_disk(device: str, request: str) -> str:
    return subprocess.run(["debugfs", "-w", "-R", request, device], capture_output=True, text=True, check=True).stdout


def test_the_next_boot_tells(device: str, begin: Callable[[str], list[str]], tmp_path: Path) -> None:
    assert begin(f"quiet root={device} rootflags=noatime\n") == []
    note = on_disk(device, "cat /boot/ignition.attempt")
    assert re.fullmatch(BEGAN + "\n", note)
    assert "Mode:  0600" in on_disk(device, "stat /boot/ignition.attempt")

    first, last = begin(f"root={device}")
    assert first == f"an earlier first boot of this machine did not end: it {note.strip()}"
    assert last == KEPT

    failure = {"earlier": None, "stage": "disks", "message": "making ext4:\x1b[2J it said \"no\"", "at": "now"}
    (tmp_path / "kept").write_text(json.dumps(failure, indent=2) + "\n")
    on_disk(device, f"write {tmp_path}/kept /etc/.ignition-failure.json")
    told = begin(f"root={device}\n")
    assert len(told) == 3
    assert told[1].startswith("stage disks failed: making ext4:")
    assert "\x1b" not in told[1]


@pytest.mark.parametrize("cmdline", ["\n", "root=LABEL=nobody-has-this\n", "root=/dev/null\n", "root=/dev/disk/by-label/nobody\n"])
def test_no_filesystem_is_no_failure(begin: Callable[[str], list[str]], cmdline: str) -> None:
    assert begin(cmdline) == []


def test_a_filesystem_that_cannot_be_written(device: str, begin: Callable[[str], list[str]]) -> None:
    subprocess.run(["blockdev", "--setro", device], check=True)
    try:
        assert begin(f"root={device}\n") == []
    finally:  # the flag is the device's, and outlives the file behind it
        subprocess.run(["blockdev", "--setrw", device], check=True)


def test_what_is_in_the_place_of_the_note(device: str, begin: Callable[[str], list[str]]) -> None:
    """A link is not followed, and what a note says is text, whatever is in it."""
    on_disk(device, "symlink /boot/ignition.attempt /etc/victim")
    assert begin(f"root={device}\n") == []
    assert "File not found" in on_disk(device, "cat /etc/victim") or on_disk(device, "cat /etc/victim") == ""
