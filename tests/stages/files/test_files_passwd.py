"""Users and groups: the plan, the shadow tools, and this program's own work where there are none."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.files.accounts import apply as passwd
from ignition_py.stages.files.accounts import database
from ignition_py.stages.files.accounts.database import Database
from ignition_py.stages.files.accounts.lookup import Accounts, settings
from ignition_py.system.programs import find_tool
from ignition_py.system.rootfs import Root
from tests.helpers.programs import only_programs_in
from tests.stages.files.files_machine import LOGIN_DEFS, Machine, config_of, fill, install, tree

pytestmark = [pytest.mark.root, pytest.mark.subprocess]
HASH = "$6$salt$verysecrethash"


def plan(existing: Container[tuple[str, str]] = (), **parts: Any) -> list[tuple[Any, ...]]:
    ops = passwd.plan_accounts(config_of(passwd=parts).passwd, existing)
    return [(op.tool, op.flags, op.account.name, op.digest) for op in ops]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, ("useradd", ("--create-home",), "*")),
        ({"passwordHash": HASH}, ("useradd", ("--create-home",), HASH)),
        ({"passwordHash": ""}, ("useradd", ("--create-home",), "*")),
        ({"noCreateHome": True, "system": True, "noUserGroup": True, "noLogInit": True},
         ("useradd", ("--no-create-home", "--no-user-group", "--system", "--no-log-init"), "*")),
        ({"homeDir": "/h", "uid": 5, "gecos": "A B", "primaryGroup": "g", "groups": ["x", "y"], "shell": "/s"},
         ("useradd", ("--home-dir", "/h", "--create-home", "--uid", "5", "--comment", "A B", "--gid", "g", "--groups", "x,y",
                      "--shell", "/s"), "*")),
        ({"homeDir": "", "gecos": "", "shell": ""}, ("useradd", ("--create-home",), "*")),
    ],
)  # fmt: skip
def test_plan_of_a_new_user(user: dict[str, Any], expected: tuple[Any, ...]) -> None:
    tool, flags, digest = expected
    assert plan(users=[{"name": "u", **user}]) == [(tool, flags, "u", digest)]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, ("usermod", None, None)),
        ({"passwordHash": HASH}, ("usermod", None, HASH)),
        ({"passwordHash": ""}, ("usermod", None, "*")),
        ({"homeDir": "/h", "uid": 5}, ("usermod", ("--home", "/h", "--move-home", "--uid", "5"), None)),
        ({"noCreateHome": True, "system": True, "noUserGroup": True, "noLogInit": True}, ("usermod", None, None)),
        ({"shouldExist": False}, ("userdel", ("--remove",), None)),
    ],
)
def test_plan_of_an_existing_user(user: dict[str, Any], expected: tuple[Any, ...]) -> None:
    tool, flags, digest = expected
    assert plan({("users", "u")}, users=[{"name": "u", **user}]) == [(tool, flags, "u", digest)]


def test_plan_of_what_is_not_to_exist() -> None:
    assert plan(users=[{"name": "u", "shouldExist": False}], groups=[{"name": "g", "shouldExist": False}]) == []


def test_plan_of_groups() -> None:
    assert plan({("groups", "old")}, groups=[
        {"name": "new", "gid": 7, "system": True, "passwordHash": HASH}, {"name": "old", "gid": 8, "system": True}, {"name": "plain"},
    ]) == [
        ("groupadd", ("--gid", "7", "--system"), "new", HASH),
        ("groupmod", ("--gid", "8"), "old", None),
        ("groupadd", (), "plain", None),
    ]


def test_no_flag_of_any_plan_holds_a_hash() -> None:
    for existing in (set(), {("users", "u"), ("groups", "g")}):
        for _, flags, _, _ in plan(existing, users=[{"name": "u", "passwordHash": HASH}], groups=[{"name": "g", "passwordHash": HASH}]):
            assert HASH not in (flags or ())


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


def test_secrets_are_neither_logged_nor_in_a_command_line(machine: Machine) -> None:
    machine.run(passwd={"users": [{"name": "new", "passwordHash": HASH}, {"name": "old", "passwordHash": HASH}],
                        "groups": [{"name": "crew", "passwordHash": HASH}]})  # fmt: skip
    assert machine.read("/etc/shadow").count(HASH) == 2 and HASH in machine.read("/etc/gshadow")
    assert HASH not in machine.log.text and "useradd" in machine.log.text


def test_hash_without_a_shadow_file_is_not_for_all_to_read(machine: Machine) -> None:
    os.unlink(machine.path("/etc/shadow"))
    os.unlink(machine.path("/etc/gshadow"))
    machine.run(passwd={"users": [{"name": "new", "passwordHash": HASH}], "groups": [{"name": "crew", "passwordHash": HASH}]})
    assert HASH not in machine.read("/etc/passwd") + machine.read("/etc/group")
    assert HASH in machine.read("/etc/shadow") and machine.mode("/etc/shadow") == 0o600
    assert HASH in machine.read("/etc/gshadow") and machine.mode("/etc/gshadow") == 0o600


def test_a_hash_cannot_add_accounts(machine: Machine) -> None:
    with pytest.raises(StageError, match="colon or a line break"):
        machine.run(passwd={"users": [{"name": "old", "passwordHash": "x:0:0\nroot2::"}]})
    assert "root2" not in machine.read("/etc/shadow")


def test_errors_carry_the_tools_words_and_the_place(machine: Machine) -> None:
    with pytest.raises(IgnitionError, match=r"adding user new: .*useradd.*already exists|adding user new: .*not unique") as caught:
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


def test_accounts_below_usr_are_copied_before_they_are_changed(machine: Machine) -> None:
    os.makedirs(machine.path("/usr/lib"))
    machine.write("/usr/lib/passwd", "core:x:1000:1000:CoreOS:/home/core:/bin/bash\n")
    machine.write("/usr/lib/group", "core:x:1000:\nsudo:x:27:\n")
    os.makedirs(machine.path("/home/core"))
    os.chown(machine.path("/home/core"), 1000, 1000)
    machine.run(passwd={"users": [{"name": "core", "passwordHash": HASH, "groups": ["sudo"], "sshAuthorizedKeys": ["k"]}]})
    assert "core:x:1000:1000:CoreOS:/home/core:/bin/bash" in machine.read("/etc/passwd")
    assert f"core:{HASH}:" in machine.read("/etc/shadow") and "sudo:x:27:core" in machine.read("/etc/group")


# Without the tools


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither this machine nor the root has useradd and friends."""
    with tempfile.TemporaryDirectory() as empty:
        only_programs_in(monkeypatch, empty)
        yield


CASES: dict[str, dict[str, Any]] = {
    "plain": {"users": [{"name": "new"}]},
    "several": {"users": [{"name": "one"}, {"name": "two", "system": True}, {"name": "three", "uid": 3000}]},
    "everything": {"groups": [{"name": "crew", "gid": 2000}], "users": [{
        "name": "new", "uid": 1500, "gecos": "A Person", "homeDir": "/srv/new", "groups": ["wheel", "crew", "staff"], "shell": "/bin/zsh",
        "passwordHash": HASH}]},
    "no home, no group": {"users": [{"name": "new", "noCreateHome": True, "noUserGroup": True}]},
    "primary group": {"users": [{"name": "new", "primaryGroup": "wheel"}]},
    "system": {"groups": [{"name": "sysgroup", "system": True}], "users": [{"name": "daemon2", "system": True, "homeDir": "/var/empty2"}]},
    "groups": {"groups": [{"name": "one"}, {"name": "two", "gid": 2500}, {"name": "staff", "gid": 51}]},
    "change": {"users": [
        {"name": "old", "gecos": "New Name", "shell": "/bin/zsh", "groups": ["wheel"], "uid": 1200, "primaryGroup": "staff"}]},
    "move": {"users": [{"name": "old", "homeDir": "/home/moved"}]},
    "remove": {"users": [{"name": "old", "shouldExist": False}], "groups": [{"name": "wheel", "shouldExist": False}]},
}  # fmt: skip


@pytest.mark.peer
@pytest.mark.parametrize("subids", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_own_work_is_the_tools_work(case: str, subids: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same config through shadow's tools and without them: the same files, line by line."""
    found = []
    for tools in (True, False):
        with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as empty:
            os.chmod(root, 0o755)
            fill(root)
            machine = Machine(root)
            machine.write("/etc/skel/.profile", "# skeleton\n", 0o640)
            os.symlink(".profile", f"{root}/etc/skel/.link")
            machine.write("/etc/default/useradd", "SHELL=/bin/sh\n")
            machine.write("/home/old/file", "x")
            for path in ("/home/old", "/home/old/file"):
                os.chown(root + path, 1100, 1100)
            if subids:
                machine.write("/etc/login.defs", LOGIN_DEFS + "PASS_MAX_DAYS 365\nPASS_WARN_AGE 14\nHOME_MODE 0750\n")
                machine.write("/etc/subuid", "old:100000:65536\n")
                machine.write("/etc/subgid", "old:100000:65536\n")
            if not tools:
                only_programs_in(monkeypatch, empty)
            machine.run(passwd=CASES[case])
            assert ("doing its work" in machine.log.text) != tools
            found.append(tree(root, lambda path: path.startswith("/etc/.") or (path.startswith("/etc/") and path.endswith("-"))))
    mine, theirs = found[1], found[0]
    differing = {p: (mine.get(p), theirs.get(p)) for p in {*mine, *theirs} if mine.get(p) != theirs.get(p)}
    assert not differing, str(differing)


def test_own_work_copies_the_whole_skeleton(machine: Machine, no_tools: None) -> None:
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
def test_own_refusals(machine: Machine, no_tools: None, parts: dict[str, Any], words: str) -> None:
    with pytest.raises(StageError, match=words):
        machine.run(passwd=parts)
    assert "root2" not in machine.read("/etc/passwd")


def test_own_deletion_spares_what_is_not_the_users(machine: Machine, no_tools: None) -> None:
    os.makedirs(machine.path("/home/old"))  # root's
    machine.run(passwd={"users": [{"name": "old", "shouldExist": False}]})
    assert os.path.exists(machine.path("/home/old")) and "old" not in machine.read("/etc/passwd")


@pytest.mark.parametrize("field", ["gecos", "shell", "homeDir"])
def test_values_that_no_program_and_no_file_takes(machine: Machine, field: str, no_tools: None) -> None:
    with pytest.raises(StageError, match="NUL"):
        machine.run(passwd={"users": [{"name": "new", field: "/a\0b"}]})


@pytest.mark.parametrize("field", ["gecos", "shell", "passwordHash"])
def test_values_with_a_nul_byte(machine: Machine, field: str) -> None:
    with pytest.raises(StageError, match="NUL"):
        machine.run(passwd={"users": [{"name": "old", field: "/a\0b"}]})


def test_ids_run_out(machine: Machine, no_tools: None) -> None:
    machine.write("/etc/login.defs", LOGIN_DEFS.replace("60000", "1001"))
    with pytest.raises(StageError, match="no free id"):
        machine.run(passwd={"users": [{"name": "one"}, {"name": "two"}, {"name": "three"}]})


@pytest.mark.skipif(not (shutil.which("ldd") and shutil.which("useradd")), reason="the shadow tools and ldd are needed")
def test_tools_of_the_new_root(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without tools in the initramfs, those of the new root are run in it."""
    for program in ("useradd", "usermod", "groupadd"):
        install(program, machine.root)
    (tmp_path / "chroot").symlink_to(shutil.which("chroot") or "")
    only_programs_in(monkeypatch, tmp_path)
    machine.run(passwd={
        "groups": [{"name": "crew", "gid": 2000}],
        "users": [{"name": "new", "groups": ["crew"], "passwordHash": HASH, "sshAuthorizedKeys": ["k"]},
                  {"name": "old", "shell": "/bin/zsh"}],
    })  # fmt: skip
    assert "crew:x:2000:new" in machine.read("/etc/group") and f"new:{HASH}:" in machine.read("/etc/shadow")
    assert "old:x:1100:1100::/home/old:/bin/zsh" in machine.read("/etc/passwd")
    assert "doing its work" not in machine.log.text and "--root" not in machine.log.text


def test_tool_that_is_a_link_out_of_the_root(machine: Machine, no_tools: None) -> None:
    os.makedirs(machine.path("/usr/sbin"))
    os.symlink("/usr/bin/env", machine.path("/usr/sbin/useradd"))
    with Root(machine.root) as root:
        assert find_tool(root, "useradd") == (None, None)


# The files


def test_lock(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.2)
    machine.write("/etc/.pwd.lock", "", 0o600)
    child = os.fork()
    if child == 0:
        with open(machine.path("/etc/.pwd.lock"), "r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            os.read(0, 0)
            import time

            time.sleep(5)
        os._exit(0)
    import time

    time.sleep(0.3)
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
