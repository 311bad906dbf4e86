"""The questions are answered by the shell of this machine; what the answers come to is worked out without one."""

from __future__ import annotations

import base64
import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ignition_py.check import questions as ask
from ignition_py.check.findings import NONE, rows
from ignition_py.fetch.schemes.data import encode
from ignition_py.spec.read import read
from ignition_py.spec.tables import Config

BLOCKS = {
    "blockdevices": [
        {"name": "vda", "kname": "vda", "path": "/dev/vda", "type": "disk", "size": 10**9, "fstype": "ext4", "label": "root"},
        {"name": "vdb", "kname": "vdb", "path": "/dev/vdb", "type": "disk", "size": 10**9, "fstype": None, "children": [
            {"name": "vdb1", "kname": "vdb1", "path": "/dev/vdb1", "type": "part", "size": 256 << 20, "partlabel": "data",
             "parttype": "0fc63daf-8483-4772-8e79-3d69d8477de4", "partuuid": "aaaa", "fstype": "ext4", "label": "DATA"},
            {"name": "vdb2", "kname": "vdb2", "path": "/dev/vdb2", "type": "part", "size": 700 << 20, "partlabel": "rest",
             "fstype": "crypto_LUKS", "children": [
                 {"name": "secret", "kname": "dm-0", "path": "/dev/mapper/secret", "type": "crypt", "size": 699 << 20, "fstype": "xfs"}]},
        ]},
        {"name": "nvme0n1", "kname": "nvme0n1", "path": "/dev/nvme0n1", "type": "disk", "size": 10**9, "children": [
            {"name": "nvme0n1p12", "kname": "nvme0n1p12", "path": "/dev/nvme0n1p12", "type": "part", "size": 1 << 20,
             "partlabel": None, "fstype": "linux_raid_member", "children": [
                 {"name": "md127", "kname": "md127", "path": "/dev/md127", "type": "raid1", "size": 1 << 20, "fstype": "swap"}]},
        ]},
    ]
}  # fmt: skip


def config(**sections: Any) -> Config:
    found, report = read(json.dumps({"ignition": {"version": "3.4.0"}, **sections}).encode())
    assert found is not None, list(report)
    return found


def nothing(made: Config) -> dict[str, str]:
    """The answers of a machine on which nothing is as it should be."""
    return dict.fromkeys(ask.questions(made), "")


def found(made: Config, **answers: str) -> dict[str, tuple[str, str, bool]]:
    said = {f"{row.kind} {row.name}": (row.wanted, row.found, row.ok) for row in rows(made, {**nothing(made), **answers})}
    assert said.pop("system units that failed") == (NONE, NONE, True)
    return said


def test_partitions_and_what_is_on_them() -> None:
    made = config(storage={
        "disks": [
            {"device": "/dev/disk/by-id/virtio-b", "partitions": [
                {"number": 1, "label": "data", "sizeMiB": 256}, {"label": "rest", "sizeMiB": 0}, {"number": 3, "shouldExist": False},
                {"number": 2, "label": "other"}, {"number": 4, "label": "more", "sizeMiB": 1}]},
            {"device": "/dev/nvme0n1", "partitions": [{"number": 12}]},
            {"device": "/dev/vdz", "partitions": [{"number": 1}]},
        ],
        "filesystems": [
            {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "label": "DATA", "path": "/data"},
            {"device": "/dev/mapper/secret", "format": "ext4", "path": "/secret"},
            {"device": "/dev/md/r", "format": "swap"},
        ],
        "luks": [{"name": "secret", "device": "/dev/disk/by-partlabel/rest", "clevis": {"tpm2": True}}],
        "raid": [{"name": "r", "level": "raid1", "devices": ["/dev/a", "/dev/b"]}],
    })  # fmt: skip
    where = {
        "/dev/disk/by-id/virtio-b": "/dev/vdb", "/dev/nvme0n1": "/dev/nvme0n1", "/dev/disk/by-partlabel/data": "/dev/vdb1",
        "/dev/mapper/secret": "/dev/dm-0", "/dev/md/r": "/dev/md127", "/dev/disk/by-partlabel/rest": "/dev/vdb2",
    }  # fmt: skip
    mounts = {"filesystems": [{"target": "/data", "source": "/dev/vdb1", "fstype": "ext4"},
                              {"target": "/secret", "source": "/dev/mapper/secret", "fstype": "xfs"}]}  # fmt: skip
    aliases = "".join(where.get(name, "") + "\n" for name in ask.devices(made))
    assert found(made, blocks=json.dumps(BLOCKS), mounts=json.dumps(mounts), aliases=aliases) == {
        "partition /dev/disk/by-id/virtio-b 1": ("data, 256 MiB", "data, 256 MiB", True),
        "partition /dev/disk/by-id/virtio-b rest": ("rest", "rest, 700 MiB", True),
        "partition /dev/disk/by-id/virtio-b 3": (NONE, NONE, True),
        "partition /dev/disk/by-id/virtio-b 2": ("other", "rest, 700 MiB", False),
        "partition /dev/disk/by-id/virtio-b 4": ("more, 1 MiB", NONE, False),
        "partition /dev/nvme0n1 12": ("present", "1 MiB", True),
        "disk /dev/vdz": ("present", NONE, False),
        "raid r": ("raid1", "raid1", True),
        "luks secret": ("crypto_LUKS", "crypto_LUKS", True),
        "filesystem /dev/disk/by-partlabel/data": ("ext4 DATA", "ext4 DATA", True),
        "filesystem /dev/mapper/secret": ("ext4", "xfs", False),
        "filesystem /dev/md/r": ("swap", "swap", True),
        "mount /data": ("ext4 /dev/disk/by-partlabel/data", "ext4 /dev/vdb1", True),
        "mount /secret": ("ext4 /dev/mapper/secret", "xfs /dev/mapper/secret", True),
    }


def test_a_mount_unit_wants_its_mount() -> None:
    unit = {"name": "data.mount", "enabled": True, "contents": "[Mount]\nWhere=/data\nWhat=/dev/vdb1\n"}
    made = config(storage={"filesystems": [{"device": "/dev/vdb1", "format": "ext4", "path": "/data"}]}, systemd={"units": [unit]})
    said = found(made)
    assert said["mount /data"] == ("ext4 /dev/vdb1", NONE, False)


def test_accounts_units_arguments() -> None:
    made = config(
        passwd={
            "groups": [{"name": "g", "gid": 500}, {"name": "h"}, {"name": "gone", "shouldExist": False}],
            "users": [{"name": "u", "uid": 1000, "groups": ["adm", "wheel"], "shell": "/bin/sh", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]},
                      {"name": "v"}, {"name": "w", "shouldExist": False}],
        },
        systemd={"units": [{"name": "a.service", "enabled": True}, {"name": "b.service", "mask": True}, {"name": "c.service", "enabled": False},
                           {"name": "d.service", "enabled": True}, {"name": "e.service", "contents": "[Service]"}]},
        kernelArguments={"shouldExist": ["a=1", "b"], "shouldNotExist": ["c", "d"]},
    )  # fmt: skip
    states = [("enabled", "active"), ("masked", "inactive"), ("disabled", "inactive"), ("enabled", "failed"), ("static", "inactive")]
    units = "".join(f"Id=x LoadState=loaded ActiveState={active} UnitFileState={state} Result=success \n" for state, active in states)
    assert found(
        made, groups="g:x:500:\n\n\n", users="u:x:1000:1000:U:/home/u:/bin/bash\n\n\n", members="u adm\n\n\n", keys="1\n0\n0\n",
        units=units, cmdline="root=x a=1 d\n",
    ) == {
        "kernel argument a=1": ("present", "present", True), "kernel argument b": ("present", "absent", False),
        "kernel argument c": ("absent", "absent", True), "kernel argument d": ("absent", "present", False),
        "group g": ("id 500", "id 500", True), "group h": ("present", "absent", False), "group gone": ("absent", "absent", True),
        "user u": ("id 1000, shell /bin/sh, groups adm wheel, SSH keys 1", "id 1000, shell /bin/bash, groups adm, SSH keys 1", False),
        "user v": ("present", "absent", False), "user w": ("absent", "absent", True),
        "unit a.service": ("enabled", "enabled, active", True), "unit b.service": ("masked", "masked, inactive", True),
        "unit c.service": ("disabled", "disabled, inactive", True), "unit d.service": ("enabled", "enabled, failed", False),
        "unit e.service": ("present", "static, inactive", True),
    }


@pytest.mark.subprocess
def test_files_as_this_machine_sees_them(tmp_path: Path) -> None:
    """The whole way: the script, run by a shell, and what comes of its answers; names are as bad as they get."""
    me = pwd.getpwuid(os.getuid()).pw_name
    odd = "a 'b\" $(c) %s\\n \N{SNOWMAN}"
    (tmp_path / odd).write_text("right\n")
    (tmp_path / "wrong").write_text("wrong\n")
    (tmp_path / odd).chmod(0o600)
    (tmp_path / "wrong").chmod(0o644)
    (tmp_path / "dir").mkdir(0o711)
    (tmp_path / "link").symlink_to("dir")
    text = encode(b"right\n")
    made = config(storage={
        "files": [{"path": f"{tmp_path}/{odd}", "mode": 0o600, "user": {"name": me}, "contents": {"source": text}},
                  {"path": f"{tmp_path}/wrong", "mode": 0o600, "contents": {"source": text}},
                  {"path": f"{tmp_path}/absent", "mode": 0o600}],
        "directories": [{"path": f"{tmp_path}/dir", "mode": 0o711, "user": {"id": os.getuid()}}],
        "links": [{"path": f"{tmp_path}/link", "target": "dir"}],
    })  # fmt: skip
    asked = {name: text for name, text in ask.questions(made).items() if name in (ask.NODES, ask.SUMS)}
    done = subprocess.run(["sh", "-c", ask.script(asked)], capture_output=True, text=True, check=True)
    assert found(made, **ask.answers(asked, done.stdout)) == {
        f"file {tmp_path}/{odd}": (f"600 user {me}, contents", f"600 user {me}, contents", True),
        f"file {tmp_path}/wrong": ("600, contents", "644, other contents", False),
        f"file {tmp_path}/absent": ("600", NONE, False),
        f"directory {tmp_path}/dir": (f"711 user {os.getuid()}", f"711 user {os.getuid()}", True),
        f"link {tmp_path}/link": ("symbolic link", "symbolic link", True),
    }


@pytest.mark.subprocess
def test_users_as_this_machine_sees_them() -> None:
    made = config(passwd={"users": [{"name": "root", "uid": 0}, {"name": "no such user"}], "groups": [{"name": "root", "gid": 0}]})
    asked = {name: text for name, text in ask.questions(made).items() if name in (ask.USERS, ask.MEMBERS, ask.KEYS, ask.GROUPS)}
    done = subprocess.run(["sh", "-c", ask.script(asked)], capture_output=True, text=True, check=True)
    said = found(made, **ask.answers(asked, done.stdout))
    assert said["user root"] == ("id 0", "id 0", True)
    assert said["user no such user"] == ("present", "absent", False)
    assert said["group root"] == ("id 0", "id 0", True)


def test_answers_that_are_not_all_there() -> None:
    line = base64.b64encode(b"x").decode()
    assert ask.answers({"a": "", "b": ""}, f"{line}\n\n") == {"a": "x", "b": ""}
    with pytest.raises(ValueError, match="1 answers to 2 questions"):
        ask.answers({"a": "", "b": ""}, f"{line}\n{line[:-1]}")
