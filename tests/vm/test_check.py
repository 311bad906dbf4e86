"""`ignition-py check` by ssh of a machine that was provisioned: as root, as a user who may sudo and as one who may not.

The machine has sshd, at a port of this host's loopback. It is changed in one way at a time: each change is one row that differs.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import butane_py
from ignition_py.rehearsal.shape import Shape
from tests.check.node import CONFIG
from tests.vm.vmlab.image import REPOSITORY
from tests.vm.vmlab.machine import Boot, Machine

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]
SSHD = Shape("ssh", packages=("openssh-server", "sudo"))
USERS = ("root", "steward", "guest")  # steward may sudo
DISKS = """storage:
  disks:
    - device: /dev/disk/by-id/virtio-disk1
      wipe_table: true
      partitions:
        - label: data
          number: 1
          size_mib: 64
        - label: swap
          number: 2
          size_mib: 32
  filesystems:
    - device: /dev/disk/by-partlabel/data
      path: /var/lib/data
      format: ext4
      label: data
      with_mount_unit: true
    - device: /dev/disk/by-partlabel/swap
      format: swap
      label: spare
"""
MORE = """    - name: frail.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/bin/test ! -e /run/broken
        [Install]
        WantedBy=multi-user.target
"""
# The image has no boot entries, so its boot loader, which the tests are, passes the argument.
ARGUMENT = "checked=yes"
ARGUMENTS = f"kernel_arguments:\n  should_exist:\n    - {ARGUMENT}\n"
PROVISIONED = CONFIG.replace("storage:\n", DISKS, 1) + MORE
LIVE = PROVISIONED + ARGUMENTS
# What the machine itself writes to while it is asked: the journal tells of logins; /run is the mount point.
WRITTEN = ("/var/log/", "/run")


class Change(NamedTuple):
    """Scripts that make a change and that undo it; the row that differs, what was found, the text that its line of the config begins with."""

    script: str
    undo: str
    row: str
    found: str
    at: str


UNITS = "/etc/systemd/system"
KEYS = "/home/keeper/.ssh/authorized_keys.d/ignition"
CHANGES = {
    "content": Change("echo other >/etc/secret", "echo 'a secret of the config' >/etc/secret", "file /etc/secret", "600, other contents", "- path: /etc/secret"),
    "mode": Change("chmod 644 /etc/secret", "chmod 600 /etc/secret", "file /etc/secret", "644, contents", "- path: /etc/secret"),
    "owner": Change("chown root /srv/mine", "chown keeper /srv/mine", "file /srv/mine", "user root group operators, contents", "- path: /srv/mine"),
    "link target": Change("ln -sfn /x /srv/link", "ln -sfn /etc/probe /srv/link", "link /srv/link", "symbolic link to /x", "- path: /srv/link"),
    "removed file": Change("mv /srv/plain /run/plain", "cp -a /run/plain /srv/plain", "file /srv/plain", "(none)", "- path: /srv/plain"),
    "removed directory": Change("rmdir /srv/inbox", "install -d -m 750 -o keeper -g operators /srv/inbox", "directory /srv/inbox", "(none)", "- path: /srv/inbox"),
    "extra group": Change("gpasswd -a keeper tty", "gpasswd -d keeper tty", "groups keeper", "adm tty", "groups: [adm]"),
    "changed key": Change(f"cp -a {KEYS} /run/keys; sed -i s/AAAAC3/BBBBC3/ {KEYS}", f"cp -a /run/keys {KEYS}", "ssh keys keeper", "0 of 1 and 1 set by others", "- ssh-ed25519"),
    "disabled unit": Change("systemctl disable hello", "systemctl enable hello", "unit hello.service", "disabled, contents", "- name: hello.service"),
    "masked unit": Change(
        f"mv {UNITS}/plain.service /run; ln -s /dev/null {UNITS}/plain.service; systemctl daemon-reload",
        f"mv -f /run/plain.service {UNITS}; systemctl daemon-reload", "unit plain.service", "masked", "- name: plain.service",
    ),
    "edited unit": Change(f"echo '#' >>{UNITS}/hello.service", f"sed -i '$d' {UNITS}/hello.service", "unit hello.service", "enabled, active, other contents", "- name: hello.service"),
    "failed unit": Change("touch /run/broken; systemctl restart frail || true", "rm /run/broken; systemctl restart frail", "unit frail.service", "enabled, failed, contents", "- name: frail.service"),
    "removed drop-in": Change(f"mv {UNITS}/hello.service.d/10-nice.conf /run", f"mv /run/10-nice.conf {UNITS}/hello.service.d", "drop-in hello.service/10-nice.conf", "(none)", "- name: 10-nice.conf"),
    "drop-in of somebody": Change(
        f"mkdir {UNITS}/plain.service.d; printf '[Service]\\nNice=1\\n' >{UNITS}/plain.service.d/override.conf; systemctl daemon-reload",
        f"rm -r {UNITS}/plain.service.d; systemctl daemon-reload", "drop-in plain.service/override.conf", f"{UNITS}/plain.service.d/override.conf", "- name: plain.service",
    ),
    "filesystem label": Change("swaplabel -L other /dev/vdb2", "swaplabel -L spare /dev/vdb2", "filesystem /dev/disk/by-partlabel/swap", "swap other", "- device: /dev/disk/by-partlabel/swap"),
    "mount": Change("umount /var/lib/data", "mount /dev/vdb1 /var/lib/data", "mount /var/lib/data", "(none)", "- device: /dev/disk/by-partlabel/data"),
    "kernel argument": Change(
        "sed s/checked=yes// /proc/cmdline >/run/cmdline; mount --bind /run/cmdline /proc/cmdline", "umount /proc/cmdline",
        "kernel argument checked=yes", "absent", "- checked=yes",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Boot, Path]]:
    """A machine that is as LIVE says, and a folder with its config `node.bu` and ssh's settings `ssh.conf`."""
    folder = tmp_path_factory.mktemp("check")
    (folder / "node.bu").write_text(LIVE)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "ssh.conf").write_text(
        f"Host *\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {folder}/key\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        f"  LogLevel ERROR\n  ControlMaster auto\n  ControlPath {folder}/%r\n  ControlPersist 600\n"
    )
    config = butane_py.compile(PROVISIONED).output
    assert config is not None
    network = ["-netdev", f"user,id=ssh,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=ssh"]
    settings: dict[str, Any] = {"config": config.encode(), "disks": ["200M"], "kargs": ARGUMENT, "hardware": network}
    with Machine(str(folder), shape=SSHD, say=print, **settings) as made, made.boot() as boot:
        boot.wait_until_up()
        _let_in(boot, (folder / "key.pub").read_text())
        yield boot, folder
        for user in USERS:
            subprocess.run(["ssh", "-F", str(folder / "ssh.conf"), "-O", "exit", f"{user}@machine"], capture_output=True)


def _let_in(boot: Boot, key: str) -> None:
    """Brings sshd and the network up, and gives each of USERS the key."""
    script = f"""set -e
timeout 90 systemctl is-system-running --wait || true
for user in steward guest; do useradd --create-home --shell /bin/sh $user; done
echo 'steward ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/steward
for home in /root /home/steward /home/guest; do
    mkdir -p $home/.ssh
    printf '%s' {shlex.quote(key)} >$home/.ssh/authorized_keys
    chown -R --reference=$home $home/.ssh
done
modprobe virtio_net
udevadm settle
for link in /sys/class/net/e*; do ip address add 10.0.2.15/24 dev ${{link##*/}}; ip link set ${{link##*/}} up; done
mkdir -p /run/sshd
ssh-keygen -A
systemctl start ssh
"""
    done = boot.ask(script)
    assert done.rc == 0, done.stdout + done.stderr


def check(folder: Path, user: str, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The command as a program: exit status, and the rows by kind and name."""
    argv = [sys.executable, "-B", "-m", "ignition_py", "check", str(folder / "node.bu"), "--ssh", f"{user}@machine"]
    argv += ["--ssh-config", str(folder / "ssh.conf"), "--format", "json", "--timeout", "5m", *words]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=REPOSITORY)
    (host,) = json.loads(done.stdout)["hosts"]
    assert host["why"] is None, host["why"]
    return done.returncode, {f"{item['kind']} {item['name']}": item for item in host["items"]}


def states(rows: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """State and what was found, of the rows that are not ok."""
    return {name: (row["state"], row["found"]) for name, row in rows.items() if row["state"] != "ok"}


@pytest.mark.parametrize("user", ["root", "steward"])
def test_as_the_config_says(machine: tuple[Boot, Path], user: str) -> None:
    """No difference, of any kind; and nothing is written by it."""
    boot, folder = machine
    boot.ask("sleep 1; touch /run/before; sleep 1")
    status, rows = check(folder, user)
    written = boot.ask("find / -xdev -newercm /run/before ! -type p").stdout.splitlines()
    assert states(rows) == {}
    assert status == 0
    assert {row["kind"] for row in rows.values()} == {
        "kernel argument", "partition", "filesystem", "mount", "group", "user", "groups", "ssh keys", "password", "directory", "file", "link",
        "unit", "drop-in",
    }  # fmt: skip
    assert [path for path in written if not path.startswith(WRITTEN)] == []


def test_a_user_without_sudo(machine: tuple[Boot, Path]) -> None:
    """What only root may read is not looked at: never equal."""
    _, folder = machine
    status, rows = check(folder, "guest")
    assert {name: state for name, (state, _) in states(rows).items()} == dict.fromkeys(
        ("file /etc/secret", "ssh keys keeper", "password keeper"), "not looked at"
    )
    assert status == 3


# What only a machine that runs can tell. The others are on demand: tests/check/test_machine.py has them in every run, without a machine.
ALWAYS = ("content", "failed unit", "drop-in of somebody", "filesystem label", "mount", "kernel argument")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.matrix]) for name in CHANGES])
def test_one_change(machine: tuple[Boot, Path], name: str) -> None:
    boot, folder = machine
    change = CHANGES[name]
    with _changed(boot, change):
        status, rows = check(folder, "root")
    assert states(rows) == {change.row: ("different", change.found)}
    lines = LIVE.splitlines()
    assert (rows[change.row]["file"], lines[rows[change.row]["line"] - 1].strip()) == (str(folder / "node.bu"), _line(lines, change.at))
    assert status == 1


def _line(lines: list[str], begin: str) -> str:
    return next(line.strip() for line in lines if line.strip().startswith(begin))


@contextlib.contextmanager
def _changed(boot: Boot, change: Change) -> Iterator[None]:
    done = boot.ask(f"set -e\n{change.script}\nudevadm settle")
    assert done.rc == 0, done.stderr
    try:
        yield
    finally:
        undone = boot.ask(f"set -e\n{change.undo}\nudevadm settle")
        assert undone.rc == 0, undone.stderr


def test_a_connection_that_breaks(machine: tuple[Boot, Path]) -> None:
    """sshd dies while the machine answers: that is said, and is not the answer of a machine without files."""
    boot, folder = machine
    boot.ask("printf '#!/bin/sh\\nkill -9 $(pgrep -f sshd:.guest)\\n' >/usr/local/bin/udevadm; chmod 755 /usr/local/bin/udevadm")
    argv = [sys.executable, "-B", "-m", "ignition_py", "check", str(folder / "node.bu"), "--ssh", "guest@machine"]
    done = subprocess.run([*argv, "--ssh-config", str(folder / "ssh.conf"), "--format", "json"], capture_output=True, text=True, cwd=REPOSITORY)
    boot.ask("rm /usr/local/bin/udevadm")
    (host,) = json.loads(done.stdout)["hosts"]
    assert (done.returncode, host["result"]) == (3, "not asked")
