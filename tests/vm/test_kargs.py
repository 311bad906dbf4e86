"""Kernel arguments on a machine whose image has no helper: a boot entry is changed, one reboot, and the boot goes on with them.

The test is the boot loader: it reads the entry from the root disk with debugfs and boots with its options. The machine has a directory of
the host besides, by virtiofs, which the config mounts and writes to.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vm.vmlab.machine import Machine
from tests.vm.vmlab.virtiofs import sharing, words

pytestmark = [pytest.mark.vm, pytest.mark.slow]

ENTRY = "/boot/loader/entries/debian.conf"
CONFIG = b"""{"ignition": {"version": "3.7.0-experimental"},
 "kernelArguments": {"shouldExist": ["provisioned=yes"], "shouldNotExist": ["unwanted"]},
 "storage": {"files": [{"path": "/etc/provisioned", "contents": {"source": "data:,yes"}},
                       {"path": "/var/lib/shared/deep/note", "mode": 416, "contents": {"source": "data:,from%20the%20machine"}}],
             "filesystems": [{"device": "shared", "path": "/var/lib/shared", "format": "virtiofs"}]}}"""
MEMORY = 1536  # MiB


def write_entry(machine: Machine, text: str) -> None:
    source = os.path.join(machine.path, "entry.conf")
    with open(source, "w") as file:
        file.write(text)
    commands = ["mkdir /boot/loader", "mkdir /boot/loader/entries", f"write {source} {ENTRY}"]
    for command in commands:
        subprocess.run(["debugfs", "-w", "-R", command, machine.disks[0]], capture_output=True, check=True)
    assert read_entry(machine) == text


def read_entry(machine: Machine) -> str:
    done = subprocess.run(["debugfs", "-R", f"cat {ENTRY}", machine.disks[0]], capture_output=True, text=True, check=True)
    return done.stdout


def test_one_reboot_makes_the_arguments_effective(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    shared, socket = tmp_path / "shared", str(tmp_path / "virtiofs")
    shared.mkdir()
    machine = make_machine(config=CONFIG, memory=MEMORY, hardware=words("shared", socket, MEMORY))
    write_entry(machine, "title Debian\nlinux /vmlinuz\noptions unwanted kept=1\n")
    with sharing(str(shared), socket), machine.boot(kargs="unwanted kept=1") as boot:
        boot.wait_until_off()  # QEMU ends where the machine would reboot
        assert "rebooting, so that the kernel gets its new arguments" in boot.console.text()
    assert machine.first_boot_pending()
    text = read_entry(machine)
    assert text == "title Debian\nlinux /vmlinuz\noptions kept=1 provisioned=yes\n"
    assert list(shared.iterdir()) == []
    with sharing(str(shared), socket), machine.boot(kargs="kept=1 provisioned=yes") as boot:
        boot.wait_until_up()
        assert boot.ask("cat /etc/provisioned").stdout == "yes"
        assert "provisioned=yes" in boot.ask("cat /proc/cmdline").stdout
        assert boot.ask("ls -A /boot/loader/entries").stdout.split() == ["debian.conf"]
        assert boot.ask("ls -l /etc/.ignition-report.jsonl").stdout.startswith("-rw-------")
        assert boot.ask("ls -A /var/lib/shared").stdout == "", "umount has taken the host's directory away again"
        assert '"stage": "kargs"' in boot.ask("cat /etc/.ignition-report.jsonl").stdout
        boot.power_off()
    assert not machine.first_boot_pending()
    note = shared / "deep" / "note"
    assert (note.read_text(), oct(note.stat().st_mode & 0o7777), note.owner()) == ("from the machine", "0o640", "root")
