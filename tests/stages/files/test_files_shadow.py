"""Users and groups by this program and by the shadow tools, with the same config on the same root: the same files, line by line.

The tools are started as the reference starts them, with `--root`; hashes are given to them directly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ignition_py.report.diag import IgnitionError
from tests.stages.files.files_machine import LOGIN_DEFS, Machine, config_of, fill, tree

pytestmark = [
    pytest.mark.root,
    pytest.mark.subprocess,
    pytest.mark.peer,
    pytest.mark.skipif(not shutil.which("useradd"), reason="the shadow tools are needed"),
]
HASH = "$6$salt$verysecrethash"

CASES: dict[str, dict[str, Any]] = {
    "plain": {"users": [{"name": "new"}]},
    "several": {"users": [{"name": "one"}, {"name": "two", "system": True}, {"name": "three", "uid": 3000}, {"name": "four"}]},
    "everything": {"groups": [{"name": "crew", "gid": 2000}], "users": [{
        "name": "new", "uid": 1500, "gecos": "A Person", "homeDir": "/srv/new", "groups": ["wheel", "crew", "staff"], "shell": "/bin/zsh",
        "passwordHash": HASH}]},
    "no home, no group": {"users": [{"name": "new", "noCreateHome": True, "noUserGroup": True}]},
    "no group": {"users": [{"name": "new", "noUserGroup": True}]},
    "primary group": {"users": [{"name": "new", "primaryGroup": "wheel"}]},
    "low id": {"users": [{"name": "new", "uid": 500}]},
    "high id": {"users": [{"name": "new", "uid": 70000}, {"name": "next"}]},
    "id of a group": {"groups": [{"name": "crew", "gid": 3000}], "users": [{"name": "new", "uid": 3000}]},
    "system": {"groups": [{"name": "sysgroup", "system": True}], "users": [{"name": "daemon2", "system": True, "homeDir": "/var/empty2"}]},
    "system with low id": {"users": [{"name": "daemon2", "system": True, "uid": 42}]},
    "groups": {"groups": [{"name": "one"}, {"name": "two", "gid": 2500}, {"name": "staff", "gid": 51}, {"name": "three"}]},
    "group of a primary member": {"groups": [{"name": "old", "gid": 2200}]},
    "hash of a group": {"groups": [{"name": "one", "passwordHash": HASH}, {"name": "staff", "passwordHash": HASH}]},
    "change": {"users": [
        {"name": "old", "gecos": "New Name", "shell": "/bin/zsh", "groups": ["wheel"], "uid": 1200, "primaryGroup": "staff"}]},
    "hash": {"users": [{"name": "old", "passwordHash": HASH}]},
    "move": {"users": [{"name": "old", "homeDir": "/home/moved"}]},
    "move and change": {"users": [{"name": "old", "homeDir": "/home/moved", "uid": 1300}]},
    "remove": {"users": [{"name": "old", "shouldExist": False}], "groups": [{"name": "wheel", "shouldExist": False}]},
    "remove a member": {"users": [{"name": "helper", "groups": ["staff", "wheel"]}, {"name": "old", "shouldExist": False}]},
}  # fmt: skip
NO_FILE = None
SETTINGS: dict[str, dict[str, str | None]] = {
    "plain": {"/etc/default/useradd": "SHELL=/bin/sh\n"},
    "bare": {"/etc/default/useradd": NO_FILE, "/etc/login.defs": NO_FILE},
    "Fedora": {
        "/etc/default/useradd": "GROUP=100\nHOME=/home\nINACTIVE=-1\nEXPIRE=\nSHELL=/bin/bash\nSKEL=/etc/skel\n",
        "/etc/login.defs": LOGIN_DEFS + "HOME_MODE 0700\nPASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\nSUB_UID_COUNT 65536\n",
        "/etc/subuid": "",
        "/etc/subgid": "",
    },
    "limits": {
        "/etc/default/useradd": "GROUP=wheel\nHOME=/users\nINACTIVE=30\nEXPIRE=2031-02-03\nSKEL=/etc/skel2\n",
        "/etc/login.defs": LOGIN_DEFS + "PASS_MAX_DAYS 365\nPASS_WARN_AGE 14\nHOME_MODE 0750\nSUB_UID_MIN 200000\nSUB_GID_COUNT 1000\n",
        "/etc/skel2/.profile": "# other\n",
        "/etc/subuid": "old:100000:65536\nx:300000:1000\ny:200000:10\n",
        "/etc/subgid": "old:100000:65536\nz:200000:65536\n",
    },
    "no groups of users": {
        "/etc/login.defs": LOGIN_DEFS.replace("USERGROUPS_ENAB yes", "USERGROUPS_ENAB no").replace("UMASK 077", "UMASK 027"),
    },
    "old ranges": {"/etc/login.defs": "UID_MIN 500\nGID_MIN 500\nUID_MAX 60000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n"},
}


def flags(user: dict[str, Any]) -> list[str]:
    """What useradd and usermod have in common."""
    words = [] if user.get("uid") is None else ["--uid", str(user["uid"])]
    for flag, name in (("--comment", "gecos"), ("--gid", "primaryGroup"), ("--shell", "shell")):
        words += [flag, user[name]] if user.get(name) else []
    words += ["--groups", ",".join(user["groups"])] if user.get("groups") else []
    return words


def with_tools(root: str, passwd: dict[str, Any]) -> bool:
    """Does what the reference does by starting tools. False where one of them refused."""
    known = {kind: {line.split(":")[0] for line in Path(f"{root}/etc/{kind}").read_text().splitlines()} for kind in ("passwd", "group")}
    commands: list[list[str]] = []
    for group in passwd.get("groups", ()):
        exists, name = group["name"] in known["group"], group["name"]
        words = ["--gid", str(group["gid"])] if "gid" in group else []
        words += ["--password", group["passwordHash"]] if "passwordHash" in group else []
        if group.get("shouldExist") is False:
            commands += [["groupdel", name]] if exists else []
        elif exists:
            commands += [["groupmod", *words, name]] if words else []
        else:
            commands.append(["groupadd", *words, *(["--system"] if group.get("system") else []), name])
    for user in passwd.get("users", ()):
        exists, name = user["name"] in known["passwd"], user["name"]
        if user.get("shouldExist") is False:
            commands += [["userdel", "--remove", name]] if exists else []
        elif exists:
            words = ["--home", user["homeDir"], "--move-home"] if "homeDir" in user else []
            words += ["--password", user["passwordHash"]] if "passwordHash" in user else []
            commands.append(["usermod", *words, *flags(user), name])
        else:
            words = ["--home-dir", user["homeDir"]] if "homeDir" in user else []
            words.append("--no-create-home" if user.get("noCreateHome") else "--create-home")
            words += ["--no-user-group"] if user.get("noUserGroup") else []
            words += ["--system"] if user.get("system") else []
            commands.append(["useradd", *words, *flags(user), "--password", user.get("passwordHash", "*"), name])
    return all(
        subprocess.run([tool, "--root", root, *rest], capture_output=True, check=False).returncode in (0, 12)
        for tool, *rest in commands
    )


def prepare(root: str, settings: dict[str, str | None]) -> Machine:
    os.chmod(root, 0o755)
    fill(root)
    machine = Machine(root)
    machine.write("/etc/skel/.profile", "# skeleton\n", 0o640)
    os.symlink(".profile", f"{root}/etc/skel/.link")
    machine.write("/home/old/file", "x")
    os.symlink("file", f"{root}/home/old/link")
    for path in ("/home/old", "/home/old/file", "/home/old/link"):
        os.chown(root + path, 1100, 1100, follow_symlinks=False)
    for path, text in settings.items():
        if text is not None:
            machine.write(path, text)
        elif os.path.exists(root + path):
            os.unlink(root + path)
    return machine


def skip(path: str) -> bool:
    """Our own files; and backups of the account files, which only the tools make."""
    return path.startswith("/etc/.") or (path.startswith("/etc/") and path.endswith("-"))


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("case", CASES)
def test_same_files(case: str, settings: str) -> None:
    with tempfile.TemporaryDirectory() as mine, tempfile.TemporaryDirectory() as theirs:
        machine = prepare(mine, SETTINGS[settings])
        prepare(theirs, SETTINGS[settings])
        config_of(passwd=CASES[case])
        accepted = with_tools(theirs, CASES[case])
        try:
            machine.run(passwd=CASES[case])
        except IgnitionError as error:
            assert not accepted, str(error)
            return
        assert accepted
        ours, other = tree(mine, skip), tree(theirs, skip)
        differing = {p: (ours.get(p), other.get(p)) for p in {*ours, *other} if ours.get(p) != other.get(p)}
        assert not differing, str(differing)
