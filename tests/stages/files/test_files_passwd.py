"""Users and groups: the plan, the account files, homes and authorized keys. test_files_shadow.py compares with the shadow tools."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
from collections.abc import Container
from typing import Any

import pytest

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.files.accounts import database
from ignition_py.stages.files.accounts.database import Database
from ignition_py.stages.files.accounts.lookup import Accounts, settings
from ignition_py.stages.files.accounts.plan import plan_accounts
from ignition_py.system.rootfs import Root
from tests.stages.files.files_machine import LOGIN_DEFS, Machine, config_of

pytestmark = [pytest.mark.root, pytest.mark.subprocess]
HASH = "$6$salt$verysecrethash"


def plan(existing: Container[tuple[str, str]] = (), **parts: Any) -> list[str]:
    return [op.describe() for op in plan_accounts(config_of(passwd=parts).passwd, existing)]


def test_plan() -> None:
    """Groups first, each list in the order of the config."""
    users = [{"name": "new"}, {"name": "old"}, {"name": "gone", "shouldExist": False}, {"name": "never", "shouldExist": False}]
    groups = [{"name": "g", "shouldExist": True}, {"name": "h"}, {"name": "i", "shouldExist": False}, {"name": "old", "shouldExist": False}]
    existing = {("users", "old"), ("users", "gone"), ("groups", "h"), ("groups", "i")}
    assert plan(existing, users=users, groups=groups) == [
        "adding group g", "changing group h", "deleting group i", "adding user new", "changing user old", "deleting user gone",
    ]  # fmt: skip


def test_user_without_anything_to_change_keeps_its_line(machine: Machine) -> None:
    before = {name: machine.read(f"/etc/{name}") for name in ("passwd", "shadow", "group")}
    machine.run(passwd={"users": [{"name": "old", "noCreateHome": True, "system": True, "noUserGroup": True, "noLogInit": True}]})
    assert {name: machine.read(f"/etc/{name}") for name in before} == before


@pytest.mark.parametrize(("given", "written"), [({}, "*"), ({"passwordHash": ""}, "*"), ({"passwordHash": HASH}, HASH)])
def test_hash_of_a_new_user(machine: Machine, given: dict[str, Any], written: str) -> None:
    machine.run(passwd={"users": [{"name": "new", **given}]})
    assert f"\nnew:{written}:" in machine.read("/etc/shadow")


@pytest.mark.parametrize(("given", "written"), [({}, "!"), ({"passwordHash": ""}, "*"), ({"passwordHash": HASH}, HASH)])
def test_hash_of_an_existing_user(machine: Machine, given: dict[str, Any], written: str) -> None:
    machine.run(passwd={"users": [{"name": "old", "gecos": "Old One", **given}]})
    assert f"\nold:{written}:" in machine.read("/etc/shadow")


def test_users_and_groups(machine: Machine) -> None:
    machine.write("/etc/skel/.profile", "# skeleton\n")
    machine.run(passwd={
        "groups": [{"name": "crew", "gid": 2000, "passwordHash": "gh"}, {"name": "staff", "shouldExist": True}],
        "users": [
            {"name": "new", "passwordHash": HASH, "groups": ["wheel", "crew"], "sshAuthorizedKeys": ["ssh-ed25519 A", "ssh-ed25519 B"]},
            {"name": "old", "passwordHash": "", "gecos": "Old One", "shell": "/bin/zsh"},
        ],
    })  # fmt: skip
    assert "new:x:1101:2001::/home/new:" in machine.read("/etc/passwd") or "new:x:" in machine.read("/etc/passwd")
    assert f"new:{HASH}:" in machine.read("/etc/shadow") and "old:*:" in machine.read("/etc/shadow")
    assert "crew:x:2000:new" in machine.read("/etc/group") and "crew:gh::new" in machine.read("/etc/gshadow")
    assert "old:x:1100:1100:Old One:/home/old:/bin/zsh" in machine.read("/etc/passwd")
    owner = machine.owner("/home/new")
    assert machine.mode("/home/new") == 0o700 and owner[0] >= 1000
    assert machine.read("/home/new/.profile") == "# skeleton\n"
    keys = "/home/new/.ssh/authorized_keys.d/ignition"
    assert machine.read(keys) == "ssh-ed25519 A\nssh-ed25519 B\n"
    assert [machine.mode(p) for p in (keys, os.path.dirname(keys), "/home/new/.ssh")] == [0o600, 0o700, 0o700]
    assert {machine.owner(p) for p in (keys, os.path.dirname(keys), "/home/new/.ssh")} == {owner}


def test_removal(machine: Machine) -> None:
    machine.write("/home/old/file", "x")
    for path in ("/home/old", "/home/old/file"):
        os.chown(machine.path(path), 1100, 1100)
    machine.run(passwd={"users": [{"name": "old", "shouldExist": False}], "groups": [{"name": "wheel", "shouldExist": False}]})
    assert "old" not in machine.read("/etc/passwd") and "wheel" not in machine.read("/etc/group")
    assert not os.path.exists(machine.path("/home/old"))


def test_secrets_are_not_logged_and_no_program_is_started(machine: Machine) -> None:
    machine.run(passwd={"users": [{"name": "new", "passwordHash": HASH}, {"name": "old", "passwordHash": HASH}],
                        "groups": [{"name": "crew", "passwordHash": HASH}]})  # fmt: skip
    assert machine.read("/etc/shadow").count(HASH) == 2 and HASH in machine.read("/etc/gshadow")
    started = [line.partition("running: ")[2].split()[0] for line in machine.log.text.splitlines() if "running: " in line]
    assert HASH not in machine.log.text and set(started) == {"sync"}


def test_hash_without_a_shadow_file_is_not_for_all_to_read(machine: Machine) -> None:
    os.unlink(machine.path("/etc/shadow"))
    os.unlink(machine.path("/etc/gshadow"))
    machine.run(passwd={"users": [{"name": "new", "passwordHash": HASH}], "groups": [{"name": "crew", "passwordHash": HASH}]})
    assert HASH not in machine.read("/etc/passwd") + machine.read("/etc/group")
    assert HASH in machine.read("/etc/shadow") and machine.mode("/etc/shadow") == 0o600
    assert HASH in machine.read("/etc/gshadow") and machine.mode("/etc/gshadow") == 0o600


def test_a_hash_cannot_add_accounts(machine: Machine) -> None:
    with pytest.raises(StageError, match="holds a line break"):
        machine.run(passwd={"users": [{"name": "old", "passwordHash": "x:0:0\nroot2::"}]})
    assert "root2" not in machine.read("/etc/shadow")


def test_errors_carry_the_place(machine: Machine) -> None:
    with pytest.raises(IgnitionError, match="user id 1100 belongs to old") as caught:
        machine.run(passwd={"users": [{"name": "new", "uid": 1100}]})
    assert caught.value.place is not None and caught.value.place.path == ("passwd", "users", 0)


@pytest.mark.parametrize("name", ["-rf", "--root=/"])
def test_names_that_look_like_flags(machine: Machine, name: str) -> None:
    with pytest.raises(StageError, match="dash"):
        machine.run(passwd={"users": [{"name": name}]})


def test_keys_in_the_one_file(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT", "false")
    machine.run(passwd={"users": [{"name": "new", "sshAuthorizedKeys": ["ssh-ed25519 A\n"]}]})
    assert machine.read("/home/new/.ssh/authorized_keys") == "ssh-ed25519 A\n"
    monkeypatch.setenv("IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT", "maybe")
    with pytest.raises(StageError, match="FRAGMENT"):
        machine.run(passwd={"users": [{"name": "new", "sshAuthorizedKeys": ["k"]}]})


def test_keys_are_written_with_the_users_rights(machine: Machine) -> None:
    """A link planted in a home directory leads nowhere that the user could not write."""
    os.makedirs(machine.path("/home/old"))
    os.chown(machine.path("/home/old"), 1100, 1100)
    os.symlink("/etc", machine.path("/home/old/.ssh"))
    with pytest.raises(StageError, match="as user old: Permission denied"):
        machine.run(passwd={"users": [{"name": "old", "sshAuthorizedKeys": ["k"]}]})
    assert not os.path.exists(machine.path("/etc/authorized_keys.d"))


def test_keys_without_a_home(machine: Machine) -> None:
    with pytest.raises(StageError, match="home directory has to exist"):
        machine.run(passwd={"users": [{"name": "new", "noCreateHome": True, "sshAuthorizedKeys": ["k"]}]})


def test_home_through_a_link(machine: Machine) -> None:
    """On ostree systems /root is a link to /var/roothome, /home one to /var/home."""
    os.makedirs(machine.path("/var/home"))
    os.makedirs(machine.path("/var/roothome"))
    os.symlink("var/home", machine.path("/home"))
    os.symlink("var/roothome", machine.path("/root"))
    machine.run(passwd={"users": [{"name": "new", "sshAuthorizedKeys": ["k"]}, {"name": "root", "sshAuthorizedKeys": ["r"]}]})
    assert machine.read("/var/home/new/.ssh/authorized_keys.d/ignition") == "k\n"
    assert machine.read("/var/roothome/.ssh/authorized_keys.d/ignition") == "r\n"


def test_home_on_a_mount_that_the_mount_stage_made(machine: Machine) -> None:
    os.makedirs(machine.path("/home/new/data"), mode=0o755)
    machine.state.notated_directories = ["/home", "/home/new", "/home/new/data", "/home/newer"]
    os.makedirs(machine.path("/home/newer"))
    machine.run(passwd={"users": [{"name": "new", "uid": 1500}]})
    assert machine.owner("/home/new")[0] == machine.owner("/home/new/data")[0] == 1500
    assert machine.mode("/home/new") == machine.mode("/home/new/data") == 0o700
    assert machine.owner("/home") == (0, 0) and machine.owner("/home/newer") == (0, 0)


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("below", ["", "/data"])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_new_home_on_a_mount_gets_a_skeleton_and_keys(machine: Machine, linked: bool, below: str, recorded: bool) -> None:
    """Also where `/home` is a link and the mount point is named by where that leads, and where the image has the mount point."""
    if linked:
        os.symlink("var/home", machine.path("/home"))
    where = "/var/home/new" if linked else "/home/new"
    os.makedirs(machine.path(f"{where}{below}"), mode=0o755)
    os.makedirs(machine.path(f"{where}{below}/lost+found"))
    machine.write("/etc/skel/.profile", "# skeleton\n")
    machine.state.notated_directories = [where[1:], f"{where[1:]}{below}"] if recorded or below else []
    machine.run(passwd={"users": [{"name": "new", "uid": 1500, "sshAuthorizedKeys": ["ssh-ed25519 A"]}]},
                storage={"filesystems": [{"device": "/dev/vdb", "format": "ext4", "path": f"{where}{below}"}]})
    assert machine.read(f"{where}/.profile") == "# skeleton\n"
    assert machine.read(f"{where}/.ssh/authorized_keys.d/ignition") == "ssh-ed25519 A\n"
    assert {machine.owner(f"{where}{name}")[0] for name in ("", below, "/.profile", "/.ssh")} == {1500}


def test_a_home_that_holds_something_is_left_as_it_is(machine: Machine) -> None:
    """A filesystem that was reused: no skeleton comes back into it."""
    os.makedirs(machine.path("/home/new"))
    machine.write("/home/new/letter", "dear")
    machine.write("/etc/skel/.profile", "# skeleton\n")
    machine.state.notated_directories = ["home/new"]
    machine.run(passwd={"users": [{"name": "new", "uid": 1500}]})
    assert os.listdir(machine.path("/home/new")) == ["letter"]
    assert machine.owner("/home/new")[0] == 1500 and machine.owner("/home/new/letter")[0] == 0


def test_homes_that_are_no_directory(machine: Machine) -> None:
    machine.write("/dev/null", "")
    machine.state.notated_directories = ["srv", "srv/data"]
    os.makedirs(machine.path("/srv/data"))
    machine.run(passwd={"users": [{"name": "new", "uid": 1500, "homeDir": "/dev/null"}, {"name": "other", "homeDir": "/"}]})
    assert machine.owner("/srv/data") == (0, 0)


def test_accounts_below_usr_are_copied_before_they_are_changed(machine: Machine) -> None:
    os.makedirs(machine.path("/usr/lib"))
    machine.write("/usr/lib/passwd", "core:x:1000:1000:CoreOS:/home/core:/bin/bash\n")
    machine.write("/usr/lib/group", "core:x:1000:\nsudo:x:27:\n")
    os.makedirs(machine.path("/home/core"))
    os.chown(machine.path("/home/core"), 1000, 1000)
    machine.run(passwd={"users": [{"name": "core", "passwordHash": HASH, "groups": ["sudo"], "sshAuthorizedKeys": ["k"]}]})
    assert "core:x:1000:1000:CoreOS:/home/core:/bin/bash" in machine.read("/etc/passwd")
    assert f"core:{HASH}:" in machine.read("/etc/shadow") and "sudo:x:27:core" in machine.read("/etc/group")


# Files and refusals


def test_the_whole_skeleton_is_copied(machine: Machine) -> None:
    machine.write("/etc/skel/.config/deep/x", "y", 0o640)
    os.mkfifo(machine.path("/etc/skel/pipe"))
    machine.run(passwd={"users": [{"name": "new", "uid": 1500}]})
    assert machine.read("/home/new/.config/deep/x") == "y" and machine.mode("/home/new/.config/deep/x") == 0o640
    assert machine.owner("/home/new/.config/deep/x")[0] == 1500
    assert not os.path.exists(machine.path("/home/new/pipe"))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"users": [{"name": "new", "uid": 1100}]}, "user id 1100 belongs to old"),
        ({"groups": [{"name": "new", "gid": 50}]}, "group id 50 belongs to staff"),
        ({"users": [{"name": "new", "groups": ["nowhere"]}]}, "no group nowhere"),
        ({"users": [{"name": "new", "primaryGroup": "nowhere"}]}, "no group nowhere"),
        ({"users": [{"name": "wheel"}]}, "there is a group of that name"),
        ({"users": [{"name": "a b"}]}, "cannot be the name"),
        ({"users": [{"name": "new", "gecos": "x:y"}]}, "colon"),
        ({"users": [{"name": "new", "gecos": "x\nroot2::0:0::/:/bin/sh"}]}, "line break"),
        ({"groups": [{"name": "old", "shouldExist": False}]}, "primary group of old"),
    ],
)
def test_refusals(machine: Machine, parts: dict[str, Any], words: str) -> None:
    with pytest.raises(StageError, match=words):
        machine.run(passwd=parts)
    assert "root2" not in machine.read("/etc/passwd")


def test_deletion_spares_what_is_not_the_users(machine: Machine) -> None:
    os.makedirs(machine.path("/home/old"))  # root's
    machine.run(passwd={"users": [{"name": "old", "shouldExist": False}]})
    assert os.path.exists(machine.path("/home/old")) and "old" not in machine.read("/etc/passwd")


@pytest.mark.parametrize("name", ["new", "old"])
@pytest.mark.parametrize("field", ["gecos", "shell", "passwordHash", "homeDir"])
def test_values_with_a_nul_byte(machine: Machine, field: str, name: str) -> None:
    with pytest.raises(StageError, match="NUL"):
        machine.run(passwd={"users": [{"name": name, field: "/a\0b"}]})


def test_ids_run_out(machine: Machine) -> None:
    machine.write("/etc/login.defs", LOGIN_DEFS.replace("60000", "1001"))
    with pytest.raises(StageError, match="no free id"):
        machine.run(passwd={"users": [{"name": "one"}, {"name": "two"}, {"name": "three"}]})


# The files


def test_lock(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.2)
    machine.write("/etc/.pwd.lock", "", 0o600)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with open(machine.path("/etc/.pwd.lock"), "r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            os.write(writing, b"locked")
            signal.pause()
    assert os.read(reading, 10) == b"locked"
    try:
        with Root(machine.root) as root, pytest.raises(StageError, match="locked"), Database(root) as held:
            held.set_password("old", "x")
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    with Root(machine.root) as root, Database(root) as held:
        held.set_password("old", "x")


def test_a_pipe_for_a_lock_does_not_hang(machine: Machine) -> None:
    os.mkfifo(machine.path("/etc/.pwd.lock"))
    with Root(machine.root) as root, Database(root) as held:
        assert held.find("passwd", "old") is not None


def test_files_keep_their_mode_and_owner(machine: Machine) -> None:
    os.chown(machine.path("/etc/shadow"), 0, 42)
    machine.run(passwd={"users": [{"name": "old", "passwordHash": HASH}]})
    assert machine.owner("/etc/shadow") == (0, 42) and machine.mode("/etc/shadow") == 0o640


def test_accounts_skip_lines_that_are_none(machine: Machine) -> None:
    machine.write("/etc/passwd", "\n#x:x:1:1:::\n+::::::\nshort:x:1\nbad:x:NaN:1::/:/x\nhuge:x:99999999999:1::/:/x\nok:x:5:6::/o:/s\n")
    with Root(machine.root) as root:
        accounts = Accounts(root)
        assert [user.name for user in accounts.users()] == ["ok"]
        machine.write("/etc/passwd", "later:x:7:8::/l:/s\n")
        assert accounts.user("later") is not None and accounts.uid("later") == 7


def test_settings(machine: Machine) -> None:
    machine.write("/x", '# c\nA 1\n  B\t"two words"\nC=3\nD\n')
    with Root(machine.root) as root:
        assert settings(root, "/x") == {"A": "1", "B": "two words"}
        assert settings(root, "/x", "=") == {"C": "3"}
        assert settings(root, "/missing") == {}


def test_tree_helper_sees_types(machine: Machine) -> None:
    assert machine.tree()["/etc"][0] == stat.S_IFDIR
