"""A new root to provision, and the means to do it: real files, the real fetcher, the real log (to a list)."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.spec.read import read
from ignition_py.stages import files
from ignition_py.state import State
from tests.helpers.servers import MemoryLog

LOGIN_DEFS = """\
UID_MIN 1000
UID_MAX 60000
SYS_UID_MIN 201
SYS_UID_MAX 999
GID_MIN 1000
GID_MAX 60000
SYS_GID_MIN 201
SYS_GID_MAX 999
CREATE_HOME yes
UMASK 077
USERGROUPS_ENAB yes
"""
ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\nold:x:1100:1100::/home/old:/bin/sh\n",
    "shadow": "root:*:15887:0:::::\nold:!:15887:0:99999:7:::\n",
    "group": "root:x:0:\nwheel:x:10:\nstaff:x:50:old\nold:x:1100:\n",
    "gshadow": "root:*::\nwheel:!::\nstaff:!::old\nold:!::\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
    "login.defs": LOGIN_DEFS,
}


def fill(root: str) -> None:
    """The account files of a small system."""
    os.makedirs(f"{root}/etc", exist_ok=True)
    for name, text in ACCOUNTS.items():
        with open(f"{root}/etc/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{root}/etc/{name}", 0o640 if "shadow" in name else 0o644)


def config_of(**parts: Any) -> Any:
    """A checked config from `storage=`, `passwd=`, `systemd=` in JSON form."""
    config, report = read(json.dumps({"ignition": {"version": "3.6.0"}, **parts}).encode())
    assert config is not None, [entry.raw() for entry in report]
    return config


class Machine:
    """A new root and what is needed to run the stage on it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.log = MemoryLog()
        self.state = State()

    def run(self, config: Any = None, **parts: Any) -> None:
        config = config_of(**parts) if config is None else config
        files.run(Context(config=config, root=self.root, log=self.log, state=self.state, fetcher=Fetcher(self.log)))

    def path(self, path: str) -> str:
        return self.root + path

    def read(self, path: str) -> str:
        with open(self.root + path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def write(self, path: str, text: str = "", mode: int = 0o644) -> None:
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w") as file:
            file.write(text)
        os.chmod(self.root + path, mode)

    def mode(self, path: str) -> int:
        return stat.S_IMODE(os.lstat(self.root + path).st_mode)

    def owner(self, path: str) -> tuple[int, int]:
        found = os.lstat(self.root + path)
        return found.st_uid, found.st_gid

    def tree(self, skip: Callable[[str], bool] = lambda path: False) -> dict[str, tuple[Any, ...]]:
        return tree(self.root, skip)


def tree(root: str, skip: Callable[[str], bool] = lambda path: False) -> dict[str, tuple[Any, ...]]:
    """Path -> type, mode, owner, group, content or link target, the first path of the same inode, extended attributes."""
    found: dict[str, tuple[Any, ...]] = {}
    inodes: dict[int, str] = {}
    for directory, names, others in os.walk(root):
        names.sort()
        for name in ["", *sorted(names + others)]:
            path = f"{directory}/{name}".rstrip("/")
            short = path[len(root) :] or "/"
            if short in found or skip(short):
                continue
            status = os.lstat(path)
            content: Any = ""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            same = inodes.setdefault(status.st_ino, short) if not stat.S_ISDIR(status.st_mode) else short
            attributes = {key: os.getxattr(path, key, follow_symlinks=False) for key in os.listxattr(path, follow_symlinks=False)}
            mode = oct(stat.S_IMODE(status.st_mode))
            found[short] = (stat.S_IFMT(status.st_mode), mode, status.st_uid, status.st_gid, content, same, attributes)
    return found


def install(program: str, root: str) -> None:
    """Copies a program of this machine and the libraries that it needs."""
    path = shutil.which(program)
    assert path is not None
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    for source in (path, *re.findall(r"(/\S+) \(0x", listed)):
        os.makedirs(os.path.dirname(root + source), exist_ok=True)
        shutil.copy(source, root + source)


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A small system in a directory that any user may enter (pytest's own are root's alone)."""
    with tempfile.TemporaryDirectory(prefix="ignition-root-") as root:
        os.chmod(root, 0o755)
        fill(root)
        yield Machine(root)
