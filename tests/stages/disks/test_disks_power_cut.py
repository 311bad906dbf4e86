"""The plug is pulled at an operation boundary of two disks with four filesystems, one of them on a RAID1 and one on a LUKS volume
where the kernel has them; the next boot runs the stage again.

What had not been flushed is lost: a cut copies the backing files of the loop devices as they are, without the kernel's caches of
the devices on them, and the next boot works on the copies. udev then starts what it finds, as it does in an initramfs. With RAID1 and
LUKS it needs a kernel with md and the device mapper (tests/vm/test_disks.py). POWER_CUTS says how many of the boundaries are tried; `2/3` is the second of three parts
that together are all of them, `1/1` is all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.spec.tables import Filesystem, Luks, Partition, Raid
from ignition_py.stages import disks
from tests.stages.disks.disks_lab import MIB, disk, forget_boot, read_table
from tests.stages.disks.old_disks import leave
from tests.stages.disks.test_disks_interrupted import Killed, Saboteur

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

ARRAY, VOLUME = "/dev/md/cut", "/dev/mapper/cut"
QUICK = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
CUTS = os.environ.get("POWER_CUTS", "6")


def sh(script: str) -> str:
    done = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)
    return done.stdout.strip()


class Lab:
    """Two disks of a machine that can lose its power. Their names are links, since loop devices are others each time."""

    def __init__(self, context: Callable[..., Context], *, layers: bool) -> None:
        """`layers`: with an array and a LUKS volume below the filesystems."""
        self._context = context
        self._layers = layers
        self._folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self._cuts = 0
        self.nodes: list[str] = []
        self.names = [str(self._folder / name) for name in ("disk-a", "disk-b")]
        self.images: list[Path] = []
        self.plug_in(fresh=True)

    @property
    def mirror(self) -> str:
        return ARRAY if self._layers else f"{self.names[0]}1"

    @property
    def data(self) -> str:
        return VOLUME if self._layers else f"{self.names[1]}2"

    def plug_in(self, *, fresh: bool = False) -> None:
        """Attaches the images to the loop devices and lets udev see what is on them."""
        if fresh:
            self.images = [self._folder / f"{self._cuts}-{name}" for name in "ab"]
            for image in self.images:
                with image.open("wb") as file:
                    file.truncate(112 * MIB)
            leave("iso9660", self.images[0], 0, 112 * MIB)  # on the disk whose table is wiped
            leave("linux_raid 1.2", self.images[0], 57 * MIB, 8 * MIB)  # where the swap area comes
        for image, name in zip(self.images, self.names, strict=True):
            argv = ["losetup", "--find", "--show", "--partscan", str(image)]
            node = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
            self.nodes.append(node)
            subprocess.run(["blockdev", "--setrw", node], check=True)  # the device may have been read-only in a former life
            for link, target in (name, node), *((f"{name}{number}", f"{node}p{number}") for number in range(1, 5)):
                Path(link).symlink_to(target)
        sh("udevadm settle")

    def pull_the_plug(self) -> None:
        """All that was not flushed is gone, and so is everything in memory."""
        self._cuts += 1
        copies = [self._folder / f"{self._cuts}-{name}" for name in "ab"]
        for image, copy in zip(self.images, copies, strict=True):
            subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
        self.take_down()
        self.images = copies
        forget_boot()

    def take_down(self) -> None:
        sh(f"udevadm settle; test -e {VOLUME} && cryptsetup close {VOLUME}")
        sh("udevadm settle; for md in /dev/md127 /dev/md126 /dev/md/*; do test -e $md && mdadm --stop $md; done; udevadm settle")
        for node in self.nodes:
            subprocess.run(["losetup", "--detach", node], check=True)
        self.nodes.clear()
        for path in self._folder.glob("disk-*"):
            path.unlink()
        for image in self.images:
            image.unlink()
        sh("udevadm settle")

    def close(self) -> None:
        self.take_down()
        shutil.rmtree(self._folder)

    def config(self) -> Context:
        one, two = self.names
        return self._context(
            disks=(
                disk(one, Partition(number=1, label="mirror-a", size_mib=40), Partition(number=2, label="boot", size_mib=16),
                     Partition(label="swap", size_mib=8), wipe_table=True),
                disk(two, Partition(label="mirror-b", size_mib=40), Partition(label="data")),
            ),
            raid=(Raid(name="cut", level="raid1", devices=(f"{one}1", f"{two}1")),) if self._layers else (),
            luks=(Luks(name="cut", device=f"{two}2", label="sealed", options=QUICK),) if self._layers else (),
            filesystems=(
                Filesystem(device=self.mirror, format="ext4", label="mirror"),
                Filesystem(device=f"{one}2", format="vfat", label="BOOT"),
                Filesystem(device=f"{one}3", format="swap", label="swap", wipe_filesystem=True),
                Filesystem(device=self.data, format="ext4", label="data"),
            ),
        )

    def what_is_there(self) -> Any:
        """Everything that two runs should agree on: no GUIDs, no UUIDs."""
        one, two = self.names
        tables = []
        for node in self.nodes:
            reading = read_table(node)
            assert reading.primary is not None
            assert reading.primary == reading.backup
            entries = reading.primary.entries.items()
            tables.append({number: (entry.first, entry.last, entry.name, entry.type_guid) for number, entry in entries})
        contents = {}
        for device in (one, self.mirror, f"{one}1", f"{one}2", f"{one}3", f"{two}1", f"{two}2", self.data):
            values = dict(line.partition("=")[::2] for line in sh(f"blkid -p -o export {device}").splitlines())
            contents[device] = (values.get("TYPE"), values.get("LABEL"))
        detail = dict(line.strip().partition(" : ")[::2] for line in sh(f"mdadm --detail {ARRAY} || true").splitlines() if " : " in line)
        raid = {key.strip(): detail.get(key) for key in detail if key.strip() in ("Raid Level", "Raid Devices", "Active Devices", "Name")}
        sane = sh(f"e2fsck -fn {self.mirror} && e2fsck -fn {self.data} && fsck.fat -n {one}2 && echo sane").splitlines()[-1:]
        return tables, contents, raid, sane


@pytest.fixture(params=["layers", "plain"])
def lab(request: pytest.FixtureRequest, context: Callable[..., Context]) -> Iterator[Lab]:
    layers = request.param == "layers"
    if layers and subprocess.run(["modprobe", "-a", "md_mod", "dm_crypt"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this kernel has no md: the VM's has")
    lab = Lab(context, layers=layers)
    yield lab
    lab.close()


def boundaries(effects: int) -> Iterable[int]:
    """Which of the operation boundaries are tried here; see the module's docstring."""
    part, _, parts = CUTS.partition("/")
    if parts:
        return range(int(part) - 1, effects, int(parts))
    return sorted({effects * i // int(CUTS) for i in range(int(CUTS))})


def test_power_cut_anywhere(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    saboteur = Saboteur(monkeypatch)
    effects = saboteur.run(lab.config())
    undisturbed = lab.what_is_there()
    assert undisturbed[3] == ["sane"]
    assert undisturbed[1][lab.names[0]] == (None, None)
    for at in boundaries(effects):
        lab.take_down()
        lab.plug_in(fresh=True)
        forget_boot()
        with pytest.raises(Killed):
            saboteur.run(lab.config(), at)
        lab.pull_the_plug()
        lab.plug_in()
        disks.run(lab.config())
        assert lab.what_is_there() == undisturbed, f"cut at effect {at} of {effects}"
        print(f"cut at effect {at} of {effects}: as undisturbed")
