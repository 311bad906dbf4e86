"""A Debian that its own cloud-init provisions, with what the target cloud-init wrote: every row of a rehearsal is as the config says.

The machine has no Ignition at work: it boots into Debian at once, where cloud-init finds the user data on a drive labelled `cidata`
(datasource NoCloud).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py.check.contents import Contents
from ignition_py.check.findings import rows
from ignition_py.check.questions import questions
from ignition_py.check.script import answers, script
from ignition_py.rehearsal.hardware import Drive
from ignition_py.rehearsal.rehearse import SETTLE
from ignition_py.rehearsal.shape import Part, Shape
from ignition_py.spec.read import parse
from tests.helpers.targets import FCOS, emitted
from tests.vm.vmlab.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.subprocess, pytest.mark.slow]

UNITS = ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final")
DEBIAN = Shape(
    "cloudinit",
    stamp=None,
    parts=(Part("root", 2000, "ext4", ""),),
    packages=("cloud-init", "sudo", "gdisk", "fdisk"),
    files={
        "usr/lib/systemd/system-preset/10-cloud-init.preset": "".join(f"enable {name}.service\n" for name in UNITS),
        "etc/cloud/cloud.cfg.d/90-image.cfg": "locale: C.UTF-8\n",  # of the others none is in the tree
    },
    links={
        f"etc/systemd/system/cloud-init.target.wants/{name}.service": f"/lib/systemd/system/{name}.service" for name in UNITS
    },
)  # fmt: skip
CONFIG = """
passwd:
  groups: [{name: apps, gid: 2000}]
  users:
    - name: ops
      uid: 4242
      gecos: Op's & co
      groups: [apps]
      shell: /bin/bash
      password_hash: "$6$rounds=5000$salt$abc"
      ssh_authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLE ops@example.com"]
    - {name: bare, uid: 4001, no_create_home: true}
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions:
        - {number: 1, label: data, size_mib: 400, start_mib: 1, guid: 5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6}
        - {label: more}
  filesystems:
    - {device: /dev/disk/by-partlabel/data, format: xfs, path: /var/data, label: data, uuid: 4ad32ac3-3a1a-4e5b-9a5c-4f2f1c5a0c11, wipe_filesystem: true, with_mount_unit: true}
    - {device: /dev/disk/by-partlabel/more, format: ext4, label: more, wipe_filesystem: true}
  directories:
    - {path: /var/lib/app, mode: 0750, user: {name: ops}, group: {name: apps}}
    - {path: /srv/shared, mode: 03775, user: {id: 1234}}
  files:
    - {path: /var/data/here, contents: {inline: "on the data disk\\n"}}
    - {path: /etc/hostname, mode: 0644, overwrite: true, contents: {inline: node1}}
    - {path: /etc/sysctl.d/90-forward.conf, mode: 0644, contents: {inline: "net.ipv4.ip_forward = 1\\n"}}
    - {path: /var/lib/app/blob.bin, mode: 0600, user: {name: ops}, contents: {source: "data:;base64,AAEC/w=="}}
    - {path: "/opt/it's; $(touch /opt/hacked) \\"q\\"", contents: {inline: "x\\n"}}
    - {path: /opt/large, contents: {inline: "LARGE"}}
    - {path: /opt/both, contents: {inline: "first\\n"}, append: [{inline: "second\\n"}]}
  links:
    - {path: /var/lib/app/current, target: releases/1}
    - {path: /opt/hard, target: /opt/large, hard: true}
systemd:
  units:
    - {name: app.service, enabled: true, contents: "[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"}
    - {name: cron-like.timer, contents: "[Timer]\\nOnCalendar=daily\\nUnit=app.service\\n"}
    - {name: dbus.service, dropins: [{name: 10-restart.conf, contents: "[Service]\\nRestart=always\\n"}]}
    - {name: debug-shell.service, mask: true}
""".replace("LARGE", "0123456789abcdef" * 512)

# What cloud-init does in its own way: it ends the host name with a newline, and mounts by fstab.
BY_CLOUD_INIT = {("file", "/etc/hostname"), ("unit", "var-data.mount")}


def cidata(folder: Path, user_data: bytes) -> Drive:
    """A drive of the datasource NoCloud, as Debian's genisoimage makes it."""
    (folder / "user-data").write_bytes(user_data)
    (folder / "meta-data").write_text("instance-id: one\n")
    argv = ["genisoimage", "-quiet", "-output", "cidata.iso", "-volid", "cidata", "-joliet", "-rock", "user-data", "meta-data"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    return Drive(str(folder / "cidata.iso"), "cidata", read_only=True)


def test_rows(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    made, plain = (emitted(CONFIG, target, head=FCOS) for target in ("cloud-init", "fcos"))
    assert [entry.raw() for entry in made.report if entry.severity == "error"] == []
    config, _, report = parse(next(iter(plain.outputs.values())))
    assert config is not None, report.entries
    drive = cidata(tmp_path, next(iter(made.outputs.values())))
    machine = make_machine(disks=["1G"], shape=DEBIAN, drives=[drive], kargs="ds=nocloud")
    with machine.boot(first_boot=False) as boot:
        boot.wait_until_up()
        done = boot.ask("cloud-init status --wait --long", timeout=600)
        assert done.rc == 0, done.stdout + done.stderr + boot.ask("cat /var/log/cloud-init.log | tail -n 60").stdout
        boot.ask(SETTLE)
        asked = questions(config, Contents())
        found = rows(config, answers(asked, boot.feed(script(asked)).stdout.encode()))
        wrong = {(row.kind, row.name): (row.wanted, row.found) for row in found if not row.ok}
        log = boot.ask("tail -n 60 /var/log/cloud-init-output.log; systemctl --failed").stdout
        assert wrong.keys() == BY_CLOUD_INIT, f"{wrong}\n{log}"
        assert len(found) >= 25
        assert boot.ask("ls /opt/hacked").rc != 0
        assert boot.ask("hostname").stdout.strip() == "node1"
        assert boot.ask("cat /proc/sys/net/ipv4/ip_forward").stdout.strip() == "1"
        boot.power_off()
