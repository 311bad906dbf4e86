"""Image layouts of distributions (vmlab/shapes.py), each booted and provisioned, then asked what it is like.

One of them is part of every run; the others take `-m matrix`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.vm.vmlab.layout import MIB, offset
from tests.vm.vmlab.machine import Boot, Machine
from tests.vm.vmlab.shapes import SHAPES, Shape

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]
MakeMachine = Callable[..., Machine]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0Tnwc5rLdxSsQdvzZ0C0Ro1Jc3JhQm0Ip4zV1XoYxN keeper@example.com"
UNIT = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def config(**parts: Any) -> bytes:
    return json.dumps({"ignition": {"version": "3.4.0"}, **parts}).encode()


def check(boot: Boot, wanted: dict[str, str]) -> None:
    """Shell command -> what it has to say."""
    boot.ask("systemctl is-system-running --wait", timeout=120)
    assert {script: boot.ask(script).stdout.strip() for script in wanted} == wanted


def digest_of(machine: Machine, shape: Shape, name: str) -> str:
    """Of a partition with ext4 but for its first 4 KiB, where fsck notes in the superblock that it has been here."""
    size = next(part.size for part in shape.parts if part.name == name) * MIB - 4096
    with open(machine.disks[0], "rb") as file:
        file.seek(offset(shape, name) + 4096)
        digest = hashlib.sha256()
        while size:
            size -= len(block := file.read(min(size, MIB)))
            digest.update(block)
    return digest.hexdigest()


@pytest.mark.matrix
def test_flatcar(make_machine: MakeMachine) -> None:
    """/usr is one of two read-only partitions and /etc an overlay; accounts of /usr get keys; /usr stays as it is."""
    shape = SHAPES["flatcar"]
    machine = make_machine(shape=shape, config=config(
        passwd={"users": [
            {"name": "core", "sshAuthorizedKeys": [KEY], "groups": ["docker"]},
            {"name": "keeper", "sshAuthorizedKeys": [KEY], "groups": ["docker"], "passwordHash": "*"},
        ]},
        storage={
            "files": [
                {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,flat%0A"}, "mode": 0o644},
                {"path": "/etc/issue", "append": [{"source": "data:,more%0A"}]},
                {"path": "/etc/new/file", "contents": {"source": "data:,new%0A"}, "user": {"name": "core"}, "group": {"name": "docker"}},
                {"path": "/opt/bin/tool", "contents": {"source": "data:,tool%0A"}, "mode": 0o755},
            ],
            "links": [
                {"path": "/etc/hard", "target": "/etc/new/file", "hard": True},
                {"path": "/etc/localtime", "target": "/usr/share/zoneinfo/Europe/Paris", "overwrite": True},
            ],
        },
        systemd={"units": [
            {"name": "of-the-image.service", "enabled": True},
            {"name": "hello.service", "enabled": True, "contents": UNIT, "dropins": [{"name": "10.conf", "contents": "[Unit]\nAfter=x.target\n"}]},
        ]},
    ))  # fmt: skip
    image = digest_of(machine, shape, "USR-A")
    with machine.boot(first_boot=True) as boot:
        boot.wait_until_up()
        check(boot, {
            "findmnt -no SOURCE,OPTIONS /usr | xargs | cut -d, -f1": "/dev/vda1 ro",
            "findmnt -no FSTYPE /etc": "overlay",
            "cat /etc/hostname; tail -n1 /etc/issue; cat /etc/new/file /opt/bin/tool": "flat\nmore\nnew\ntool",
            "stat -c '%U:%G %h' /etc/new/file; stat -c %a /opt/bin/tool": "core:docker 2\n755",
            "readlink /etc/localtime": "/usr/share/zoneinfo/Europe/Paris",
            "for user in core keeper; do stat -c %U /home/$user/.ssh/authorized_keys.d/ignition; id -G $user | cut -d' ' -f2; done":
                "core\n233\nkeeper\n233",
            "systemctl is-enabled of-the-image.service hello.service": "enabled\nenabled",
            "systemctl is-active of-the-image.service hello.service": "active\nactive",
            "systemctl show -P DropInPaths hello.service": "/etc/systemd/system/hello.service.d/10.conf",
            "python3 -c 'import json; print(json.load(open(\"/etc/.ignition-result.json\"))[\"userConfigProvided\"])'": "True",
        })  # fmt: skip
        boot.power_off()
    assert digest_of(machine, shape, "USR-A") == image


def drive(folder: str, text: bytes) -> str:
    """A disk with a filesystem labelled `ignition` that holds a config."""
    os.makedirs(f"{folder}/content/ignition")
    with open(f"{folder}/content/ignition/config.ign", "wb") as file:
        file.write(text)
    subprocess.run(["mkfs.ext4", "-q", "-L", "ignition", "-d", f"{folder}/content", f"{folder}/drive.img", "8M"], check=True)
    return f"{folder}/drive.img"


@pytest.mark.matrix
def test_microos(make_machine: MakeMachine) -> None:
    """Subvolumes of one btrfs: some mounted by the image's fstab, one by the config; the config is on a labelled drive."""
    machine = make_machine(shape=SHAPES["microos"], platform="metal")
    machine.disks.append(drive(machine.path, config(
        passwd={"users": [{"name": "root", "sshAuthorizedKeys": [KEY]}, {"name": "keeper", "sshAuthorizedKeys": [KEY]}]},
        storage={
            "filesystems": [{"device": "/dev/disk/by-label/ROOT", "format": "btrfs", "path": "/home", "wipeFilesystem": False,
                             "mountOptions": ["subvol=@/home"]}],
            "files": [
                {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,micro%0A"}, "mode": 0o644},
                {"path": "/var/lib/made/file", "contents": {"source": "data:,in%20var%0A"}},
                {"path": "/home/keeper/file", "contents": {"source": "data:,at%20home%0A"}, "user": {"name": "keeper"}},
                {"path": "/root/file", "contents": {"source": "data:,of%20root%0A"}},
            ],
        },
        systemd={"units": [{"name": "hello.service", "enabled": True, "contents": UNIT}]},
    )))  # fmt: skip
    with machine.boot(first_boot=True) as boot:
        boot.wait_until_up()
        check(boot, {
            "cat /etc/hostname /var/lib/made/file /home/keeper/file /root/file": "micro\nin var\nat home\nof root",
            "for path in / /etc /var /root /home; do findmnt -no FSTYPE,FSROOT $path | xargs; done":
                "btrfs /@/.snapshots/1/snapshot\noverlay /\nbtrfs /@/var\nbtrfs /@/root\nbtrfs /@/home",
            "touch /new 2>&1 | grep -o 'Read-only file system'": "Read-only file system",
            "cat /var/lib/overlay/1/etc/hostname": "micro",
            "stat -c '%U %a' /root/.ssh/authorized_keys.d/ignition /home/keeper/.ssh/authorized_keys.d/ignition /home/keeper/file":
                "root 600\nkeeper 600\nkeeper 644",
            "systemctl is-active hello.service": "active",
        })  # fmt: skip
        boot.power_off()


LABELLED = config(
    kernelArguments={"shouldExist": ["provisioned=yes"], "shouldNotExist": ["mitigations=auto,nosmt"]},
    passwd={
        "groups": [{"name": "crew", "gid": 2000, "passwordHash": "*"}],
        "users": [{"name": "keeper", "sshAuthorizedKeys": [KEY], "groups": ["crew"]}, {"name": "root", "sshAuthorizedKeys": [KEY]}],
    },
    storage={
        "directories": [{"path": "/srv/www"}, {"path": "/var/log/deep/er"}],
        "files": [
            {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,labelled%0A"}, "mode": 0o644},
            {"path": "/etc/issue", "append": [{"source": "data:,more%0A"}]},
            {"path": "/etc/ssh/ssh_host_rsa_key", "contents": {"source": "data:,key"}, "mode": 0o600},
            {"path": "/etc/NetworkManager/conf.d/new.conf", "contents": {"source": "data:,x"}},
            {"path": "/usr/local/bin/tool", "contents": {"source": "data:,x"}, "mode": 0o755},
            {"path": "/var/lib/new/of/many/file", "contents": {"source": "data:,x"}},
            {"path": "/var/lock/through-a-link", "contents": {"source": "data:,x"}},
            {"path": "/home/keeper/public_html/index.html", "contents": {"source": "data:,x"}, "user": {"name": "keeper"}},
        ],
        "links": [
            {"path": "/etc/absolute", "target": "/var/lib/new"},
            {"path": "/etc/dangling", "target": "/nowhere/at/all"},
            {"path": "/var/lib/relative/link", "target": "../nothing"},
            {"path": "/etc/hard", "target": "/etc/issue", "hard": True},
        ],
    },
    systemd={"units": [
        {"name": "hello.service", "enabled": True, "contents": UNIT, "dropins": [{"name": "10.conf", "contents": "[Unit]\nAfter=x.target\n"}]},
        {"name": "masked.service", "mask": True},
    ]},
)  # fmt: skip


def test_fedora_coreos(make_machine: MakeMachine) -> None:
    """Arguments in a BLS entry on the boot filesystem take one reboot; every label on the root is what the policy says."""
    machine = make_machine(shape=SHAPES["fcos"], config=LABELLED)
    assert machine.first_boot_pending()
    with machine.boot() as boot:
        boot.wait_until_off()  # QEMU ends where the machine would reboot
        assert "rebooting, so that the kernel gets its new arguments" in boot.console.text()
    assert machine.first_boot_pending()
    assert machine.options() == "rw root=LABEL=root security=selinux enforcing=0 provisioned=yes"
    entry = machine.read(machine.shape.entry or ("", ""))
    assert entry is not None and "$ignition_firstboot" in entry
    with machine.boot() as boot:
        boot.wait_until_up()
        check(boot, {
            "cat /etc/hostname; tail -n1 /etc/issue": "labelled\nmore",
            "cat /sys/fs/selinux/enforce": "0",
            "systemctl is-active hello.service; systemctl is-enabled masked.service": "active\nmasked",
            "grep -o provisioned=yes /proc/cmdline": "provisioned=yes",
            "ls -d /boot/ignition.firstboot 2>&1 | grep -o 'No such file'": "No such file",
        })  # fmt: skip
        found = boot.ask("restorecon -n -R -v /etc /home /root /srv /opt /usr /var /boot/loader.0 2>&1", timeout=300)
        # systemd itself made the machine's ID, in this boot and with another label than the policy's file contexts have.
        assert [line for line in found.stdout.splitlines() if " /etc/machine-id " not in line] == []
        boot.power_off()
    assert not machine.first_boot_pending()
