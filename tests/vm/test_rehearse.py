"""`ignition-py rehearse`, from the command line to the machine and back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vm.vmlab.image import REPOSITORY
from tests.vm.vmlab.machine import Machine
from tests.vm.vmlab.quickstart import CONFIG

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

# A disk on another bus, a config drive, and a file that is there already in the second config.
ELSEWHERE = """variant: fcos
version: 1.5.0
storage:
  filesystems:
    - device: /dev/sda
      format: ext4
      label: more
  files:
    - path: /etc/rehearsed
      mode: 0600
      contents: {inline: "yes"}
"""
IN_THE_WAY = """variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/new
    - path: /etc/hostname
      contents: {inline: somebody}
"""


def rehearse(*argv: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    command = [sys.executable, "-m", "ignition_py", "rehearse", *argv]
    environment = {**os.environ, "PYTHONPATH": REPOSITORY}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def items(result: dict[str, Any]) -> dict[str, tuple[str, str, bool]]:
    return {f"{item['kind']} {item['name']}": (item["wanted"], item["found"], item["ok"]) for item in result["items"]}


def test_the_quickstart(tmp_path: Path) -> None:
    """As tools/demo.sh does it, but for programs to read."""
    status, output, progress = rehearse(CONFIG, "-format", "json", "-console", str(tmp_path / "console"))
    assert status == 0, output + progress
    result = json.loads(output)
    assert result["result"] == "as the config says"
    assert [stage["stage"] for stage in result["stages"]] == ["fetch-offline", "kargs", "disks", "mount", "files", "umount"]
    found = items(result)
    assert found["partition /dev/disk/by-id/virtio-disk1 1"] == ("data, 256 MiB", "data, 256 MiB", True)
    assert found["filesystem /dev/disk/by-partlabel/data"] == ("ext4 data", "ext4 data", True)
    assert found["mount /var/lib/data"] == ("ext4 /dev/disk/by-partlabel/data", "ext4 /dev/vdb1", True)
    assert found["file /etc/motd"] == ("644, contents", "644, contents", True)
    assert found["directory /var/lib/data/inbox"] == ("750 user keeper", "750 user keeper", True)
    account = "name Keeper of this machine, shell /bin/bash"
    assert found["user keeper"] == (account, account, True)
    assert found["groups keeper"] == ("adm", "adm", True)
    assert found["ssh keys keeper"] == ("1", "1", True)
    assert found["unit hello.service"] == ("enabled, contents", "enabled, active, contents", True)
    assert found["system units that failed"] == ("(none)", "(none)", True)
    assert "disks: making ext4 on /dev/disk/by-partlabel/data" in progress
    assert "ignition: stage disks is done in" in (tmp_path / "console").read_text()


def test_a_boot_that_fails(tmp_path: Path) -> None:
    config = tmp_path / "c.bu"
    config.write_text(IN_THE_WAY)
    status, output, progress = rehearse(str(config), "-format", "json", "-offline")
    assert status == 1, output + progress
    result = json.loads(output)
    assert (result["result"], result["items"]) == ("failed", [])
    failure = result["failure"]
    assert (failure["stage"], failure["entry"], failure["source"]) == ("files", "$.storage.files.1", str(config))
    assert (failure["line"], failure["column"]) == (6, 7)
    assert failure["screen"][0] == "Ignition failed in stage files"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Machine]:
    """Somebody's image: our own without the agent that answers, and its kernel and initramfs."""
    with Machine(str(tmp_path), say=print) as machine:
        subprocess.run(
            ["debugfs", "-w", "-R", "rm /usr/lib/systemd/system/sysinit.target.wants/vm-agent.service", machine.disks[0]],
            check=True, capture_output=True,
        )  # fmt: skip
        yield machine


def digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_an_image_of_somebody_s(image: Machine, tmp_path: Path) -> None:
    """Another platform, another bus, an agent that comes with the config; the image is only read."""
    config = tmp_path / "c.bu"
    config.write_text(ELSEWHERE)
    before = digest(image.disks[0])
    status, output, progress = rehearse(
        str(config), "-format", "json", "-platform", "openstack", "-image", image.disks[0], "-kernel", image.kernel,
        "-initrd", image.initrd, "-append", "root=LABEL=root mitigations=off", "-console", str(tmp_path / "console"),
    )  # fmt: skip
    assert status == 0, output + progress + (tmp_path / "console").read_text()[-5000:]
    assert items(json.loads(output)) == {
        "filesystem /dev/sda": ("ext4 more", "ext4 more", True),
        "file /etc/rehearsed": ("600, contents", "600, contents", True),
        "system units that failed": ("(none)", "(none)", True),
    }
    assert digest(image.disks[0]) == before


@pytest.mark.matrix
def test_kernel_arguments_on_metal(tmp_path: Path) -> None:
    """The config comes over the network, and the machine restarts once to get its arguments."""
    config = tmp_path / "c.bu"
    config.write_text(ELSEWHERE + "kernel_arguments:\n  should_exist: [rehearsed=yes]\n  should_not_exist: [quiet]\n")
    status, output, progress = rehearse(str(config), "-format", "json", "-platform", "metal", "-offline")
    assert status == 0, output + progress
    found = items(json.loads(output))
    assert found["kernel argument rehearsed=yes"] == ("present", "present", True)
    assert found["kernel argument quiet"] == ("absent", "absent", True)
    assert found["file /etc/rehearsed"] == ("600, contents", "600, contents", True)
    assert progress.count("booting a throw-away machine") == 2


@pytest.mark.matrix
def test_an_image_with_its_own_boot_loader(image: Machine, tmp_path: Path) -> None:
    """SeaBIOS, extlinux on a partition labelled `boot`, as of somebody's image."""
    disk = bootable(image, tmp_path)
    config = tmp_path / "c.bu"
    config.write_text(ELSEWHERE)
    argv = [str(config), "-format", "json", "-image", disk, "-timeout", "15m", "-console", str(tmp_path / "console")]
    status, output, progress = rehearse(*argv)
    assert status == 0, output + progress + (tmp_path / "console").read_text()[-5000:]
    assert items(json.loads(output))["file /etc/rehearsed"] == ("600, contents", "600, contents", True)
    config.write_text(IN_THE_WAY)
    status, output, progress = rehearse(*argv)
    assert status == 1, output + progress
    assert (json.loads(output)["failure"]["entry"], json.loads(output)["failure"]["line"]) == ("$.storage.files.1", 6)


def bootable(image: Machine, folder: Path) -> str:
    """A disk with a boot partition and the image's root behind it."""
    mib = 1 << 20
    boot, disk = folder / "boot.img", folder / "disk.img"
    where = folder / "mounted"
    where.mkdir()
    with open(boot, "wb") as file:
        file.truncate(200 * mib)
    subprocess.run(["mkfs.ext4", "-q", "-L", "boot", "-O", "^64bit,^metadata_csum", str(boot)], check=True)
    subprocess.run(["mount", "-o", "loop", str(boot), str(where)], check=True)
    try:
        kargs = "console=ttyS0 root=LABEL=root mitigations=off ignition.firstboot ignition.platform.id=qemu"
        (where / "extlinux.conf").write_text(f"default l\nlabel l\n linux /vmlinuz\n initrd /initrd\n append {kargs}\n")
        subprocess.run(["cp", image.kernel, str(where / "vmlinuz")], check=True)
        subprocess.run(["zstd", "-q", "-3", image.initrd, "-o", str(where / "initrd")], check=True)
        subprocess.run(["extlinux", "--install", str(where)], check=True, capture_output=True)
    finally:
        subprocess.run(["umount", str(where)], check=True)
    with open(disk, "wb") as file:
        file.truncate(os.path.getsize(image.disks[0]) + 202 * mib)
    table = f"label: dos\nstart=2048, size={200 * mib // 512}, type=83, bootable\nstart={201 * mib // 512}, type=83\n"
    subprocess.run(["sfdisk", "-q", str(disk)], input=table.encode(), check=True)
    for source, seek in (("/usr/lib/EXTLINUX/mbr.bin", 0), (str(boot), mib), (image.disks[0], 201 * mib)):
        copy = ["dd", f"if={source}", f"of={disk}", f"seek={seek}", "bs=1M", "oflag=seek_bytes", "conv=notrunc,sparse", "status=none"]
        subprocess.run(copy, check=True)
    return str(disk)
