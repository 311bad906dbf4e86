"""A model of yip 1.25, which executes the stages of Kairos: applies a cloud-config to the root filesystem that it runs in.

    python -m tests.helpers.yip kairos.yaml [STAGE ...]        as root, in a chroot to throw away

The order of what a step does, defaults and oddities are those of yip; no code of it. What cannot be done in a chroot (modules, layout,
downloads, sysctl) is printed as `would ...`. Only the standard library and PyYAML are needed.
"""

from __future__ import annotations

import base64
import grp
import gzip
import os
import pwd
import re
import subprocess
import sys
from typing import Any

import yaml

STAGES = ("rootfs", "initramfs", "boot", "fs", "network")
ESCAPE = '{{"{{"}}'
Step = dict[str, Any]


class TemplateError(ValueError):
    """A text has a template that is not the escape of two braces."""


def rendered(text: str) -> str:
    """What Go's text/template makes of a text that has no other action than the escape of two braces. Raises TemplateError."""
    parts = text.split(ESCAPE)
    bad = next((part for part in parts if "{{" in part), None)
    if bad is not None:
        raise TemplateError(f"unescaped template: {bad[bad.index('{{') :][:40]!r}")
    return "{{".join(parts)


def contents(entry: Step) -> bytes:
    """The contents of a file: decoded first, rendered then."""
    encoding, data = entry.get("encoding", ""), entry.get("content", "").encode("utf-8", "surrogateescape")
    if encoding in ("b64", "base64", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64"):
        data = base64.b64decode(data, validate=True)
    if encoding.startswith("gz"):
        data = gzip.decompress(data)
    return rendered(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _make_folders(path: str, mode: int, uid: int, gid: int, *, top: bool = True) -> None:
    """A folder and its parents, which get the same mode and owner; one that is there already gets them only at the top."""
    if os.path.isdir(path):
        if top:
            os.chmod(path, mode)
            os.chown(path, uid, gid)
        return
    _make_folders(os.path.dirname(path), mode, uid, gid, top=False)
    os.mkdir(path, mode)
    os.chown(path, uid, gid)


def _write(entry: Step) -> None:
    path, mode, uid, gid = entry["path"], entry.get("permissions", 0), entry.get("owner", 0), entry.get("group", 0)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        _make_folders(folder, mode if mode >= 0o700 else mode + 0o100, uid, gid)
    with open(path, "wb") as file:
        file.write(contents(entry))
    os.chmod(path, mode & 0o777)
    if entry.get("ownerstring"):
        user, _, group = entry["ownerstring"].partition(":")
        uid = pwd.getpwnam(user).pw_uid
        gid = grp.getgrnam(group).gr_gid if group else pwd.getpwnam(user).pw_gid
    os.chown(path, uid, gid)


def _shell(command: str) -> None:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    if done.returncode:
        print("failed:", command, done.stderr.strip())


def _entity(entry: Step) -> None:
    made = yaml.safe_load(rendered(entry["entity"]))
    names = [group.gr_name for group in grp.getgrall()]
    if made.get("kind") == "group" and made["group_name"] not in names:
        subprocess.run(["groupadd", "-g", str(made["gid"]), made["group_name"]], check=True)


def _user(name: str, entry: Step) -> None:
    password = "!" if entry.get("lock_passwd") else entry.get("passwd", "")
    try:
        pwd.getpwnam(name)
    except KeyError:
        _add_user(name, entry, password)
    else:
        if entry.get("passwd"):
            subprocess.run(["usermod", "-p", entry["passwd"], name], check=True)
    _keys(name, entry.get("ssh_authorized_keys", []))


def _add_user(name: str, entry: Step, password: str) -> None:
    flags = ["-M" if entry.get("no_create_home") else "-m"]
    for key, flag in (("uid", "-u"), ("shell", "-s"), ("homedir", "-d"), ("gecos", "-c"), ("primary_group", "-g")):
        if entry.get(key):
            flags += [flag, entry[key]]
    flags += [flag for key, flag in (("system", "-r"), ("no_user_group", "-N"), ("no_log_init", "-l")) if entry.get(key)]
    subprocess.run(["useradd", *flags, name], check=True)
    if password == "":
        print(f"warning: {name} has an empty password field in /etc/shadow")
    subprocess.run(["usermod", "-p", password, name], check=True)
    for group in entry.get("groups", ()):
        try:
            grp.getgrnam(group)
        except KeyError:
            print(f"note: group {group} does not exist; yip says nothing")
        else:
            subprocess.run(["usermod", "-aG", group, name], check=True)


def _keys(name: str, wanted: list[str]) -> None:
    if not wanted:
        return
    user = pwd.getpwnam(name)
    folder = f"{user.pw_dir}/.ssh"
    os.makedirs(folder, 0o700, exist_ok=True)
    os.chown(folder, user.pw_uid, user.pw_gid)
    path = f"{folder}/authorized_keys"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        text = file.read()
        file.write("".join(f"{key}\n" for key in wanted if key not in text))
    os.chown(path, user.pw_uid, user.pw_gid)


def _apply(step: Step) -> None:
    """One step, in yip's own order whatever that of the keys is."""
    if step.get("if") and subprocess.run(["sh", "-c", rendered(step["if"])], check=False).returncode:
        return
    for entry in step.get("downloads", ()):
        print("would download", entry["url"])
    for entry in step.get("ensure_entities", ()):
        _entity(entry)
    for entry in step.get("directories", ()):
        _make_folders(entry["path"], entry.get("permissions", 0), entry.get("owner", 0), entry.get("group", 0))
    for entry in step.get("files", ()):
        _write(entry)
    for command in step.get("commands", ()):
        _shell(rendered(command))
    if step.get("hostname"):
        with open("/etc/hostname", "w", encoding="utf-8") as file:
            file.write(rendered(step["hostname"]) + "\n")
    for key, value in step.get("sysctl", {}).items():
        print("would set", "/proc/sys/" + key.replace(".", "/"), "=", value)
    for name in sorted(step.get("users", {})):
        _user(name, step["users"][name])
    for name, wanted in step.get("authorized_keys", {}).items():
        _keys(name, wanted)
    for name in step.get("modules", ()):
        print("would load", name)
    if step.get("timesyncd"):
        os.makedirs("/etc/systemd/timesyncd.conf.d", exist_ok=True)
        with open("/etc/systemd/timesyncd.conf.d/10-yip.conf", "w", encoding="utf-8") as file:
            file.write("[Time]\n" + "".join(f"{key} = {value}\n" for key, value in step["timesyncd"].items()))
    _systemctl(step.get("systemctl", {}))
    if step.get("layout"):
        layout = step["layout"]
        print("would partition", layout.get("device"), [part.get("pLabel") for part in layout.get("add_partitions", ())])


def _systemctl(asked: Step) -> None:
    for verb in ("enable", "disable", "mask"):
        for name in asked.get(verb, ()):
            _shell(f"systemctl {verb} '{name}'")
    for name in asked.get("start", ()):
        print("would start", name)


def apply(text: str, stages: tuple[str, ...] = STAGES) -> None:
    """Applies stages of a cloud-config. Raises ValueError where it is none, TemplateError, CalledProcessError."""
    if not re.match(r"#(?:cloud-config|kairos-config|node-config)\s*\n", text):
        raise ValueError("the first line is not #cloud-config")
    config = yaml.safe_load(text)
    for stage in stages:
        for name in (f"{stage}.before", stage, f"{stage}.after"):
            for step in config.get("stages", {}).get(name, ()):
                _apply(step)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as stream:
        apply(stream.read(), tuple(sys.argv[2:]) or STAGES)
