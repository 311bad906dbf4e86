"""The boot matrix: each way to put ignition-py into an initramfs, with each place of the config, on each root filesystem.

Every cell boots the same Butane config, compiled by butane-py, and asks the booted system for the same things. The cells of
COLUMN run by default; `-m matrix` runs the rest.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from formats import FORMATS, ROOTS, FormatMachine
from test_boot import serving
from vmlab.machine import Boot
from vmlab.quickstart import compile_config

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

CONFIG = """variant: fcos
version: 1.6.0
passwd:
  users:
    - name: keeper
      groups: [adm]
storage:
  disks:
    - device: /dev/disk/by-id/virtio-disk1
      wipe_table: true
      partitions:
        - {label: data, number: 1, size_mib: 128}
        - {label: docs, number: 2}
  filesystems:
    - {device: /dev/disk/by-partlabel/data, path: /var/lib/data, format: ext4, with_mount_unit: true}
    - {device: /dev/disk/by-partlabel/docs, path: /var/lib/docs, format: xfs, with_mount_unit: true}
  files:
    - path: /etc/where
      mode: 0640
      contents: {inline: the root}
    - path: /var/lib/data/where
      user: {name: keeper}
      contents: {inline: a partition}
systemd:
  units:
    - name: hello.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
"""
# What is asked in the booted system, and what it has to say.
CHECKS = (
    ("stat -c '%a %U' /etc/where; cat /etc/where", "640 root\nthe root"),
    ("stat -c %U /var/lib/data/where; cat /var/lib/data/where", "keeper\na partition"),
    ("findmnt -no FSTYPE /var/lib/data; findmnt -no FSTYPE /var/lib/docs", "ext4\nxfs"),
    ("partx -go NR,NAME /dev/vdb | xargs", "1 data 2 docs"),
    ("id -nG keeper", "keeper adm"),
    ("systemctl is-active hello.service", "active"),
    ("test -e /boot/ignition.firstboot; echo $?", "1"),
    ("systemctl --failed --no-legend --plain | cut -d' ' -f1", ""),
)
PLACES = ("fw_cfg", "url", "label")
COLUMN = {("dracut", "url", "btrfs"), ("initramfs-tools", "label", "ext4"), ("cpio", "fw_cfg", "ext4")}
CELLS = [
    pytest.param(*cell, id="-".join(cell), marks=[] if cell in COLUMN else [pytest.mark.matrix])
    for cell in ((form, place, filesystem) for form in FORMATS for place in PLACES for filesystem in ROOTS)
]


@pytest.fixture
def config(tmp_path: Path) -> bytes:
    path = tmp_path / "matrix.bu"
    path.write_text(CONFIG)
    return compile_config(str(path))


@pytest.fixture
def boot_cell(tmp_path: Path, config: bytes) -> Iterator[Callable[[str, str, str], Boot]]:
    """Boots a cell for the first time, with what hands out its config."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(form: str, place: str, filesystem: str) -> Boot:
            settings: dict[str, object] = {"disks": ["512M"], "say": print}
            if place == "fw_cfg":
                settings["config"] = config
            elif place == "url":
                address = os.path.join(tmp_path, "http")
                stack.enter_context(serving(address, config))
                settings |= {"platform": "metal", "forward": (80, address)}
                settings["kargs"] = "ignition.config.url=http://10.0.2.100/config.ign"
            else:
                settings |= {"platform": "metal", "disks": ["512M", "16M"]}
                settings["kargs"] = "ignition.config.device=factory ignition.config.path=/config.ign"
            machine = stack.enter_context(FormatMachine(str(tmp_path), form=form, filesystem=filesystem, **settings))
            if place == "label":
                labelled_disk(tmp_path, machine.disks[2], config)
            return stack.enter_context(machine.boot(first_boot=True))

        yield start


def labelled_disk(folder: Path, disk: str, config: bytes) -> None:
    files = folder / "factory"
    files.mkdir()
    (files / "config.ign").write_bytes(config)
    subprocess.run(["mkfs.ext4", "-q", "-L", "factory", "-d", str(files), disk], check=True)


@pytest.mark.parametrize(("form", "place", "filesystem"), CELLS)
def test_a_cell_is_provisioned(boot_cell: Callable[[str, str, str], Boot], form: str, place: str, filesystem: str) -> None:
    boot = boot_cell(form, place, filesystem)
    boot.wait_until_up()
    boot.ask("systemctl is-system-running --wait", timeout=120)
    assert boot.ask("findmnt -no FSTYPE /").stdout.strip() == filesystem
    found = [boot.ask(question).stdout.strip() for question, _ in CHECKS]
    assert found == [answer for _, answer in CHECKS], boot.console.text(80)
