"""The script that brings the network up, with stand-ins for the programs that it starts: what consoles show while an address is waited for,
and how it fails. tests/vm/test_network.py has it in machines with the real ones.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import tty
from pathlib import Path

import pytest

import ignition_py.initrd

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

SCRIPT = Path(ignition_py.initrd.__file__).parent / "dracut" / "30ignition" / "network-up"
INSIDE = """
mount -t overlay -o lowerdir="$1/bin:/usr/bin" overlay /usr/bin &&
mount -t overlay -o lowerdir="$1/systemd:/usr/lib/systemd" overlay /usr/lib/systemd &&
mount --bind "$1/consoles" /proc/consoles && mount -t tmpfs tmpfs /run && exec "$2"
"""


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(folder: Path, wait_online: str) -> tuple[int, str, list[str]]:
    """Exit status, standard error, and the lines on the console. `wait_online`: what systemd-networkd-wait-online does."""
    program(folder / "bin/systemctl", "exit 0")
    program(folder / "bin/ignition", f'echo "$IGNITION_NO_NETWORK | $*" >{folder}/executor')
    program(folder / "bin/sleep", "exec really-sleep 0.3")  # ten seconds of the script
    shutil.copy("/usr/bin/sleep", folder / "bin/really-sleep")
    program(folder / "systemd/systemd-networkd", "exit 0")
    program(folder / "systemd/systemd-networkd-wait-online", wait_online)
    screen, line = pty.openpty()
    tty.setraw(line)
    (folder / "consoles").write_text(f"{os.ttyname(line).removeprefix('/dev/')}    -W- (EC p a)    4:64\n")
    command = ["unshare", "--mount", "--net", "sh", "-c", INSIDE, "sh", str(folder), str(SCRIPT)]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PLATFORM_ID": "qemu", "IGNITION_ARGS": "--fetch-timeout 5m"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    shown = os.read(screen, 65536).decode()
    os.close(line)
    os.close(screen)
    return done.returncode, done.stderr, shown.splitlines()


def test_no_address_in_time(tmp_path: Path) -> None:
    """The fetch stage is asked, since it knows what needs the network; then the boot fails."""
    status, said, console = run(tmp_path, "really-sleep 1.5; exit 1")
    assert status == 1, said
    assert console[0] == "ignition: network: bringing it up (networkd)"
    last = "80 s more at most"
    assert console[1].startswith("ignition: network: waiting for an address (") and console[1].endswith(f"), 10 s so far, {last}")
    assert console[2].endswith("), 20 s so far, 70 s more at most")
    assert "Ignition needs the network for this config, and no interface got an address within 90 seconds (networkd): " in said
    why, arguments = (tmp_path / "executor").read_text().strip().split(" | ")
    assert why.startswith("no interface got an address within 90 seconds (networkd): ")
    assert arguments == "--root=/sysroot --platform=qemu --stage=fetch --fetch-timeout 5m"


def test_an_address_ends_the_announcements(tmp_path: Path) -> None:
    status, said, console = run(tmp_path, "exit 0")
    assert status == 0, said
    assert not (tmp_path / "executor").exists()
    assert [line.partition("up")[0] for line in console] == ["ignition: network: bringing it ", "ignition: network: "]
