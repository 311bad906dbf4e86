"""The boot matrix: each way to put ignition-py into an initramfs, with each place of the config, on each root filesystem.

Every cell boots the same Butane config, compiled by butane-py, and asks the booted system for the same things. For the root `luks`
the config makes the root as well, an encrypted mirror (sealed.py), and the machine boots a second time, without us. The cells of
DEFAULT run by default; `-m matrix` runs the rest.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ignition_py.rehearsal.hardware import Network
from tests.stages.disks.luks_lab import serving_tang
from tests.vm import sealed
from tests.vm.formats import FORMATS, ROOTS, FormatMachine
from tests.vm.test_boot import serving
from tests.vm.vmlab.machine import Boot, Machine
from tests.vm.vmlab.quickstart import compile_config

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

_TEMPLATE = """variant: fcos
version: 1.6.0
passwd:
  users:
    - name: keeper
      groups: [adm]
storage:%s
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
CONFIG = _TEMPLATE % ""
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
# One column whole, and the places and the root that it leaves out. A root on btrfs boots by default in test_shapes.py (MicroOS).
DEFAULT = {*((form, "label", "ext4") for form in FORMATS), ("dracut", "url", "luks"), ("cpio", "fw_cfg", "ext4")}
CELLS = [
    pytest.param(*cell, id="-".join(cell), marks=[] if cell in DEFAULT else [pytest.mark.matrix])
    for cell in ((form, place, filesystem) for form in FORMATS for place in PLACES for filesystem in ROOTS)
]


MakeMachine = Callable[[str, str, str], Machine]


@pytest.fixture
def make_cell(tmp_path: Path) -> Iterator[MakeMachine]:
    """The machine of a cell, with what hands out its config."""
    with ExitStack() as stack:

        def make(form: str, place: str, filesystem: str) -> Machine:
            text, disks, ports = CONFIG, ["512M"], []
            if filesystem == "luks":
                ports.append((sealed.TANG_PORT, f"{tmp_path}/tang"))
                tang = stack.enter_context(serving_tang(tmp_path / "keys", ports[0][1]))
                text = _TEMPLATE % sealed.LUKS + sealed.BOOT_DEVICE % tang.thumbprint
                disks += sealed.MIRROR
            (tmp_path / "matrix.bu").write_text(text)
            config = compile_config(str(tmp_path / "matrix.bu"))
            settings: dict[str, object] = {"say": print, "form": form, "platform": "qemu" if place == "fw_cfg" else "metal"}
            if place == "fw_cfg":
                settings["config"] = config
            elif place == "url":
                ports.append((80, f"{tmp_path}/http"))
                stack.enter_context(serving(ports[-1][1], config))
                settings["kargs"] = "ignition.config.url=http://10.0.2.100/config.ign"
            else:
                disks.append("16M")
                settings["kargs"] = "ignition.config.device=factory ignition.config.path=/config.ign"
            settings |= {"disks": disks, "network": Network(*ports) if ports else None}
            if filesystem == "luks":
                machine: Machine = stack.enter_context(sealed.SealedMachine(str(tmp_path), **settings))
            else:
                machine = stack.enter_context(FormatMachine(str(tmp_path), filesystem=filesystem, **settings))
            if place == "label":
                labelled_disk(tmp_path, machine.disks[-1], config)
            return machine

        yield make


def labelled_disk(folder: Path, disk: str, config: bytes) -> None:
    files = folder / "factory"
    files.mkdir()
    (files / "config.ign").write_bytes(config)
    subprocess.run(["mkfs.ext4", "-q", "-L", "factory", "-d", str(files), disk], check=True)


def check(boot: Boot, checks: tuple[tuple[str, str], ...]) -> None:
    boot.wait_until_up()
    boot.ask("systemctl is-system-running --wait", timeout=120)
    found = [boot.ask(question).stdout.strip() for question, _ in checks]
    assert found == [answer for _, answer in checks], boot.console.text(80)


@pytest.mark.parametrize(("form", "place", "filesystem"), CELLS)
def test_a_cell_is_provisioned(make_cell: MakeMachine, form: str, place: str, filesystem: str) -> None:
    machine = make_cell(form, place, filesystem)
    if filesystem == "luks":
        # clevis-initramfs 19 reads ip=dhcp as the name of an interface, and waits for it; without the word it asks DHCP.
        provisioned_and_opened_again(machine, kargs="" if form == "initramfs-tools" else "ip=dhcp")
        return
    with machine.boot(first_boot=True) as boot:
        check(boot, (("findmnt -no FSTYPE /", filesystem), *CHECKS))


def provisioned_and_opened_again(machine: Machine, *, kargs: str) -> None:
    """The second boot has nothing from us but the words that examples/seed-root has put into the boot entry."""
    with machine.boot(first_boot=True) as boot:
        check(boot, (*sealed.CHECKS, *CHECKS))
        boot.power_off()
    assert not machine.first_boot_pending()
    words = machine.options().split()
    assert sorted(word.partition("=")[0] for word in words) == ["cryptopts", "quiet", "rd.luks.name", "rd.md.uuid", "rd.md.uuid", "rd.neednet"]
    with machine.boot(kargs=kargs) as boot:
        check(boot, (*sealed.CHECKS, *CHECKS))
        assert "ignition" not in boot.ask("journalctl --boot --output=cat --identifier=ignition").stdout
