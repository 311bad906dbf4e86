"""What answers come to. They are written by hand here, as script.py prints them; tests/check/test_script.py gets them from shells."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from ignition_py.check import questions as ask
from ignition_py.check.contents import Contents
from ignition_py.check.findings import KINDS, NONE, failed_units, only, rows
from ignition_py.check.findings.row import DIFFERENT, OTHERS, SAME, UNSEEN
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


def config(version: str = "3.4.0", **sections: Any) -> Config:
    found, report = read(json.dumps({"ignition": {"version": version}, **sections}).encode())
    assert found is not None, list(report)
    return found


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def packed(*texts: str) -> str:
    return "".join(base64.b64encode(text.encode() + b"\n").decode() + "\n" for text in texts)


def states(made: Config, **answers: str) -> dict[str, tuple[str, str, str]]:
    """Wanted, found and state of each row; questions that are not answered here get nothing."""
    return {f"{row.kind} {row.name}": (row.wanted, row.found, row.state) for row in rows(made, answers)}


def found(made: Config, **answers: str) -> dict[str, tuple[str, str, bool]]:
    return {f"{row.kind} {row.name}": (row.wanted, row.found, row.ok) for row in rows(made, answers)}


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
    aliases = packed(*(where.get(name, "") for name in ask.devices(made)))
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


def test_labels_and_uuids() -> None:
    uuid = "AAAAAAAA-1111-2222-3333-444444444444"
    made = config(storage={
        "filesystems": [{"device": "/dev/vda1", "format": "ext4", "label": "A", "uuid": uuid}, {"device": "/dev/vdz", "format": "xfs", "uuid": uuid}],
        "luks": [{"name": "l", "device": "/dev/vda2", "label": "B"}],
    })  # fmt: skip
    blocks = [
        {"kname": "vda1", "type": "part", "size": 1, "fstype": "ext4", "label": "A", "uuid": uuid.lower()},
        {"kname": "vda2", "type": "part", "size": 1, "fstype": "crypto_LUKS", "label": "C"},
    ]
    said = found(made, blocks=json.dumps({"blockdevices": blocks}), aliases=packed("/dev/vda1", "", "/dev/vda2"))
    assert said == {
        "luks l": ("crypto_LUKS B", "crypto_LUKS C", False),
        "filesystem /dev/vda1": (f"ext4 A UUID {uuid.lower()}", f"ext4 A UUID {uuid.lower()}", True),
        "filesystem /dev/vdz": (f"xfs UUID {uuid.lower()}", NONE, False),
    }


@pytest.mark.parametrize(("level", "words"), [("1", "raid1"), ("mirror", "raid1"), ("stripe", "raid0"), ("raid10", "raid10"), ("linear", "linear")])
def test_levels_of_arrays_have_short_names(level: str, words: str) -> None:
    made = config(storage={"raid": [{"name": "r", "level": level, "devices": ["/dev/a", "/dev/b"]}]})
    blocks = {"blockdevices": [{"kname": "md127", "type": words, "size": 1}]}
    assert found(made, blocks=json.dumps(blocks), aliases=packed("/dev/md127")) == {"raid r": (words, words, True)}


def test_what_only_root_may_see_of_devices() -> None:
    made = config(storage={"filesystems": [{"device": "/dev/vda1", "format": "ext4"}, {"device": "/dev/vda9", "format": "ext4"}]})
    answers = {"blocks": json.dumps({"blockdevices": [{"kname": "vda1", "type": "part", "size": 1, "fstype": None}]}), "aliases": packed("/dev/vda1", "")}
    assert [row.state for row in rows(made, {**answers, "uid": "1000"})] == [UNSEEN, DIFFERENT]
    assert [row.state for row in rows(made, {**answers, "uid": "0"})] == [DIFFERENT, DIFFERENT]


def test_a_machine_without_lsblk_and_findmnt() -> None:
    made = config(
        storage={"disks": [{"device": "/dev/vda"}], "filesystems": [{"device": "/dev/vda1", "format": "ext4", "path": "/data"}],
                 "raid": [{"name": "r", "level": "raid1", "devices": ["/dev/a"]}]},
        kernelArguments={"shouldExist": ["a"]},
        systemd={"units": [{"name": "data.mount", "contents": "[Mount]\nWhere=/data\n"}]},
    )  # fmt: skip
    said = states(made, blocks=ask.FAILED, mounts=ask.FAILED, cmdline=ask.FAILED, units=f"{ask.FAILED}\n")
    assert {state for _, _, state in said.values()} == {UNSEEN}
    assert len(said) == 6


def test_accounts() -> None:
    made = config(passwd={
        "groups": [{"name": "g", "gid": 500}, {"name": "h"}, {"name": "gone", "shouldExist": False}],
        "users": [{"name": "u", "uid": 1000, "groups": ["adm", "wheel"], "shell": "/bin/sh", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]},
                  {"name": "v", "passwordHash": "x", "groups": ["adm"]}, {"name": "w", "shouldExist": False}, {"name": "root", "primaryGroup": "wheel"}],
    })  # fmt: skip
    assert found(
        made, groups="g:x:500:\n!absent\n!absent\n", keys=f"{sha256('ssh-ed25519 AAAA')}\n\n\n\n",
        users="u:x:1000:1000:U:/home/u:/bin/bash\n!absent\n!absent\nroot:x:0:0:::\n", members="u:u adm wheel\n!absent\n!absent\nroot:root\n",
    ) == {
        "group g": ("id 500", "id 500", True), "group h": ("present", "absent", False), "group gone": ("absent", "absent", True),
        "user u": ("id 1000, shell /bin/sh", "id 1000, shell /bin/bash", False), "groups u": ("adm wheel", "adm wheel", True),
        "ssh keys u": ("1", "1", True), "user v": ("present", "absent", False), "user w": ("absent", "absent", True),
        "user root": ("group wheel", "group root", False),
    }  # fmt: skip


def test_a_line_of_another_account_is_none() -> None:
    """getent takes a number for an id, and a name with a colon matches a line's beginning."""
    made = config(passwd={"users": [{"name": "u"}], "groups": [{"name": "g"}]})
    said = found(made, users="root:x:0:0:root:/root:/bin/sh\n", groups="root:x:0:\n", members="root:root\n", keys="\n")
    assert said == {"group g": ("present", "absent", False), "user u": ("present", "absent", False)}


@pytest.mark.parametrize(
    ("name", "members", "found_groups", "state", "note"),
    [
        ("u", "u:u adm", "adm", SAME, ""),
        ("u", "u:u", NONE, DIFFERENT, ""),
        ("u", "u:u adm sudo", "adm sudo", DIFFERENT, ""),
        ("u", "adm:adm", "adm", SAME, ""),
        ("core", "core:core adm sudo wheel", "adm", SAME, "set by others: sudo wheel"),
        ("core", "core:core adm lxd wheel", "adm lxd", DIFFERENT, "set by others: wheel"),
    ],
)
def test_groups_of_a_user(name: str, members: str, found_groups: str, state: str, note: str) -> None:
    made = config(passwd={"users": [{"name": name, "groups": ["adm"]}]})
    row = rows(made, {"users": f"{name}:x:1:1:::\n", "members": f"{members}\n"})[1]
    assert (row.kind, row.wanted, row.found, row.state, row.note) == ("groups", "adm", found_groups, state, note)


@pytest.mark.parametrize(
    ("keys", "text", "state"),
    [
        (("one", "two"), "2", SAME),
        (("one",), "1 of 2", DIFFERENT),
        (("one", "other"), "1 of 2 and 1 set by others", DIFFERENT),
        (("one", "two", "other"), "2 and 1 set by others", OTHERS),
        (("!denied",), "not looked at: permission denied", UNSEEN),
        (("one", "two", "!denied"), "2", SAME),
        ((), "0 of 2", DIFFERENT),
    ],
)
def test_keys_of_a_user(keys: tuple[str, ...], text: str, state: str) -> None:
    """An entry of the config may hold several lines; comments and blanks around are not compared."""
    made = config(passwd={"users": [{"name": "u", "sshAuthorizedKeys": ["one\n# two\n  two "]}]})
    answer = " ".join(key if key.startswith("!") else sha256(key) for key in keys)
    row = rows(made, {"users": "u:x:1:1:::\n", "members": "u:u\n", "keys": f"{answer}\n"})[1]
    assert (row.kind, row.wanted, row.found, row.state) == ("ssh keys", "2", text, state)


@pytest.mark.parametrize(("answer", "state"), [(sha256("$y$x"), SAME), (sha256("$y$z"), OTHERS), ("!denied", UNSEEN), ("!absent", OTHERS)])
def test_a_password_is_never_shown(answer: str, state: str) -> None:
    made = config(passwd={"users": [{"name": "u", "passwordHash": "$y$x"}]})
    row = rows(made, {"users": "u:x:1:1:::\n", "members": "u:u\n", "passwords": f"{answer}\n"})[1]
    assert (row.kind, row.state) == ("password", state)
    assert "$y" not in repr(row)
    assert answer.startswith("!") or answer not in repr(row)


def test_units() -> None:
    made = config(systemd={"units": [
        {"name": "a.service", "enabled": True}, {"name": "b.service", "mask": True}, {"name": "c.service", "enabled": False},
        {"name": "d.service", "enabled": True}, {"name": "e.service"}, {"name": "f.service", "enabled": True}, {"name": "g.service", "enabled": False},
        {"name": "h.service", "enabled": False}, {"name": "i.service"}, {"name": "j@.service", "enabled": True}]})  # fmt: skip
    answers = [("enabled", "active"), ("masked", "inactive"), ("disabled", "inactive"), ("enabled", "failed"), ("static", "inactive"),
               ("masked", "inactive"), ("enabled", "active"), ("masked", "inactive"), ("not-found", "inactive"), ("enabled", "")]  # fmt: skip
    units = "".join(f"UnitFileState={state}\tActiveState={active}\tDropInPaths=\n" for state, active in answers)
    assert found(made, units=units) == {
        "unit a.service": ("enabled", "enabled, active", True), "unit b.service": ("masked", "masked, inactive", True),
        "unit c.service": ("disabled", "disabled, inactive", True), "unit d.service": ("enabled", "enabled, failed", False),
        "unit e.service": ("present", "static, inactive", True), "unit f.service": ("enabled", "masked", False),
        "unit g.service": ("disabled", "enabled", False), "unit h.service": ("disabled", "masked", False),
        "unit i.service": ("present", "not-found", False), "unit j@.service": ("enabled", "enabled", True),
    }  # fmt: skip


TEXT = "[Service]\nExecStart=/bin/true\n"
FILE = "644 0 0 root root 1 1:1 regular file"


@pytest.mark.parametrize(
    ("state", "node", "digest", "words", "row_state"),
    [
        ("enabled", FILE, sha256(TEXT), "enabled, active, contents", SAME),
        ("enabled", FILE, sha256("other"), "enabled, active, other contents", DIFFERENT),
        ("enabled", "!absent", "!absent", "enabled, active, no unit file", DIFFERENT),
        ("masked", "777 0 0 root root 9 1:2 symbolic link", "!absent", "masked", DIFFERENT),
        ("disabled", FILE, sha256(TEXT), "disabled, contents", DIFFERENT),
        ("enabled", FILE, "!denied", "enabled, active, not looked at: permission denied", UNSEEN),
        ("disabled", FILE, "!denied", "disabled, not looked at: permission denied", DIFFERENT),
    ],
)
def test_the_text_of_a_unit(state: str, node: str, digest: str, words: str, row_state: str) -> None:
    made = config(systemd={"units": [{"name": "a.service", "enabled": True, "contents": TEXT}]})
    answers = {"units": f"UnitFileState={state}\tActiveState=active\n", "nodes": f"{node}\n", "sums": f"{digest}\n"}
    assert states(made, **answers) == {"unit a.service": ("enabled, contents", words, row_state)}


def test_dropins() -> None:
    """One of the config's has a row; one that somebody put beside it is a difference; those of the system are remarked on."""
    made = config(
        systemd={"units": [{"name": "a.service", "dropins": [{"name": "1.conf", "contents": TEXT}, {"name": "2.conf", "contents": ""}]}]},
        storage={"files": [{"path": "/etc/systemd/system/a.service.d/file.conf"}]},
    )
    folder = "/etc/systemd/system/a.service.d"
    paths = f"{folder}/1.conf {folder}/2.conf {folder}/file.conf {folder}/override.conf /usr/lib/systemd/system/service.d/10.conf /run/x.conf"
    answers = {
        "units": f"UnitFileState=static\tActiveState=active\tDropInPaths={paths}\n", "nodes": f"{FILE}\n{FILE}\n!absent\n", "sums": f"{sha256(TEXT)}\n!absent\n",
    }  # fmt: skip
    assert states(made, **answers) == {
        "file /etc/systemd/system/a.service.d/file.conf": ("present", "present", SAME),
        "unit a.service": ("present", "static, active", SAME),
        "drop-in a.service/1.conf": ("contents", "contents", SAME),
        "drop-in a.service/2.conf": ("contents", NONE, DIFFERENT),
        "drop-in a.service/override.conf": (NONE, f"{folder}/override.conf", DIFFERENT),
    }
    unit = next(row for row in rows(made, answers) if row.kind == "unit")
    assert unit.note == "drop-ins set by others: /usr/lib/systemd/system/service.d/10.conf /run/x.conf"


def test_kernel_arguments() -> None:
    made = config(kernelArguments={"shouldExist": ["a=1", "b", "c d"], "shouldNotExist": ["e", "a"]})
    assert found(made, cmdline="root=x a=1 c e d\n") == {
        "kernel argument a=1": ("present", "present", True), "kernel argument b": ("present", "absent", False),
        "kernel argument c d": ("present", "present", True), "kernel argument e": ("absent", "present", False),
        "kernel argument a": ("absent", "absent", True),
    }  # fmt: skip


def test_failed_units_are_those_that_have_no_row() -> None:
    made = config(systemd={"units": [{"name": "a.service"}]})
    assert failed_units(made, "a.service\n").ok
    assert failed_units(made, "a.service\nb.service\n").found == "b.service"


@pytest.mark.parametrize(
    ("node", "digest", "text", "state"),
    [
        ("600 0 0 root root 6 1:1 regular file", sha256("right\n"), "600 user root, contents", SAME),
        ("600 0 0 root root 6 1:1 regular file", sha256("wrong\n"), "600 user root, other contents", DIFFERENT),
        ("644 0 0 root root 6 1:1 regular file", sha256("right\n"), "644 user root, contents", DIFFERENT),
        ("600 1 0 bin root 6 1:1 regular file", sha256("right\n"), "600 user bin, contents", DIFFERENT),
        ("600 0 5 root tty 6 1:1 regular file", sha256("right\n"), "600 user root group 5, contents", DIFFERENT),
        ("600 0 0 root root 6 1:1 regular file", "!denied", "600 user root, contents not looked at: permission denied", UNSEEN),
        ("644 0 0 root root 6 1:1 regular file", "!denied", "644 user root, contents not looked at: permission denied", DIFFERENT),
        ("600 0 0 root root 0 1:1 regular empty file", sha256(""), "600 user root, other contents", DIFFERENT),
        ("777 0 0 root root 6 1:1 symbolic link", "!absent", "symbolic link", DIFFERENT),
        ("755 0 0 root root 6 1:1 directory", "!absent", "directory", DIFFERENT),
        ("!absent", "!absent", NONE, DIFFERENT),
        ("!denied", "!absent", "not looked at: permission denied", UNSEEN),
    ],
)
def test_a_file(node: str, digest: str, text: str, state: str) -> None:
    made = config(storage={"files": [{"path": "/f", "mode": 0o600, "user": {"name": "root"}, "contents": {"source": encode(b"right\n")}}]})
    row = rows(made, {"nodes": f"{node}\n", "sums": f"{digest}\n"})[0]
    assert (row.found, row.state) == (text, state)


def test_what_a_file_is_where_the_config_leaves_it_open() -> None:
    """Made by the config: 0644, owned by root. One without contents may have been there before."""
    made = config(storage={"files": [{"path": "/made", "contents": {"source": "data:,"}}, {"path": "/open"}]})
    nodes = "666 7 0 lp root 0 1:1 regular empty file\n" * 2
    assert states(made, nodes=nodes, sums=f"{sha256('')}\n") == {
        "file /made": ("644 user 0, contents", "666 user 7, contents", DIFFERENT), "file /open": ("present", "present", SAME)
    }  # fmt: skip


def test_which_digest_a_file_has() -> None:
    zipped = base64.b64encode(__import__("gzip").compress(b"right\n")).decode()
    made = config(storage={"files": [
        {"path": "/data", "contents": {"source": encode(b"right\n")}},
        {"path": "/gzip", "contents": {"source": f"data:;base64,{zipped}", "compression": "gzip"}},
        {"path": "/hash", "contents": {"source": "https://x/y", "compression": "gzip", "verification": {"hash": "sha512-" + "AB" * 64}}},
        {"path": "/url", "contents": {"source": "https://x/y"}},
        {"path": "/both", "contents": {"source": encode(b"one")}, "append": [{"source": encode(b"two")}]},
        {"path": "/end", "append": [{"source": encode(b"one")}, {"source": encode(b"two")}]},
        {"path": "/mixed", "contents": {"source": encode(b"one")}, "append": [{"source": "https://x/y"}]},
        {"path": "/none"}, {"path": "/empty", "contents": {"source": ""}},
    ]})  # fmt: skip
    known = {file.path: Contents().of(file) for file in made.storage.files}
    assert {path: (found.algorithm, found.value, found.tail) for path, found in known.items() if found is not None} == {
        "/data": ("256", sha256("right\n"), None), "/gzip": ("256", sha256("right\n"), None), "/hash": ("512", "ab" * 64, None),
        "/both": ("256", sha256("onetwo"), None), "/end": ("256", sha256("onetwo"), 6), "/empty": ("256", sha256(""), None),
    }  # fmt: skip
    fetched = Contents(lambda resource, what: (resource.source or "").encode() + what.encode())
    by_path = {file.path: fetched.of(file) for file in made.storage.files}
    assert by_path["/url"] is not None and by_path["/url"].value == sha256("https://x/ycontents of /url")
    remote = next(row for row in rows(made, {"nodes": "644 0 0 root root 1 1:1 regular file\n" * 9}) if row.name == "/url")
    assert (remote.state, remote.note) == (SAME, "contents not compared: the config has no hash of what it fetches")


def test_links() -> None:
    made = config(storage={"links": [{"path": "/s", "target": "a"}, {"path": "/h", "target": "/t", "hard": True}, {"path": "/gone", "target": "b"}]})
    link, file = "777 0 0 root root 1 1:1 symbolic link", "644 0 0 root root 1 1:2 regular file"
    wanted = {"link /s": "symbolic link to a", "link /h": "hard link to /t", "link /gone": "symbolic link to b"}
    right = states(made, nodes=f"{link}\n{file}\n{link}\n{file}\n", targets=packed("a", "b"))
    assert right == {name: (text, text, SAME) for name, text in wanted.items()}
    wrong = states(made, nodes=f"{link}\n{file}\n!absent\n{file[:-14]}3 regular file\n", targets=packed("other", "b"))
    assert {name: (text, state) for name, (_, text, state) in wrong.items()} == {
        "link /s": ("symbolic link to other", DIFFERENT), "link /h": ("regular file", DIFFERENT), "link /gone": (NONE, DIFFERENT)
    }  # fmt: skip


def test_only_some_kinds() -> None:
    made = config(storage={"files": [{"path": "/f"}], "disks": [{"device": "/dev/vda"}]}, systemd={"units": [{"name": "a.service"}]})
    assert [len(items) for items in (only(made, {"unit"}).storage.files, only(made, {"file"}).storage.files)] == [0, 1]
    assert not only(made, {"file"}).storage.disks and only(made, {"partition"}).storage.disks
    assert not only(made, {"file"}).systemd.units
    every = {kind for kinds in KINDS.values() for kind in kinds}
    assert only(made, every).storage == made.storage
