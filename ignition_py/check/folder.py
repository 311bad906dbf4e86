"""The answers of a root that is mounted somewhere: an image, the disk of another machine.

Nothing of that root is run: its programs may be of another architecture, and are nobody's to trust. All paths go through rootfs.Root, so
links in it lead nowhere else. What only a running machine knows (disks, mounts, kernel arguments, failures) is FAILED.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import stat
from collections.abc import Callable

from ignition_py.check import questions as ask
from ignition_py.check.questions import Item, Questions
from ignition_py.check.script import UID
from ignition_py.stages.files.accounts.lookup import Accounts
from ignition_py.stages.files.units import PRESET, UNITS, is_masked
from ignition_py.system.rootfs import Root, chunks_of, encode

_KINDS = {
    stat.S_IFREG: "regular file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symbolic link", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block special file", stat.S_IFCHR: "character special file",
}  # fmt: skip
_UNIT_PATH = (UNITS, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_MOST_KEYS = 1000


def answers(asked: Questions, path: str) -> dict[str, str]:
    """The answers of the root at `path`, as those of the script. Raises OSError where that is no directory."""
    with Root(path) as root:
        folder = _Folder(root)
        found = {UID: "0" if os.geteuid() == 0 else str(os.geteuid())}
        for name, items in asked.items():
            found[name] = ask.FAILED if name in ask.WITHOUT_ITEMS else "".join(f"{folder.line(name, item)}\n" for item in items)
        return found


class _Folder:
    """Answers one item at a time."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._accounts = Accounts(root)
        self._answer: dict[str, Callable[..., str]] = {
            ask.NODES: self._node, ask.SUMS: self._sum, ask.TARGETS: self._target, ask.USERS: self._user, ask.MEMBERS: self._members,
            ask.KEYS: self._keys, ask.PASSWORDS: self._password, ask.GROUPS: self._group, ask.UNITS: self._unit,
            ask.ALIASES: lambda _: "",
        }  # fmt: skip

    def line(self, question: str, item: Item) -> str:
        """The line about an item, or a mark."""
        try:
            return self._answer[question](*item)
        except (FileNotFoundError, NotADirectoryError):
            return ask.ABSENT
        except PermissionError:
            return ask.DENIED
        except OSError as error:
            return ask.ABSENT if error.errno in (errno.ELOOP, errno.EINVAL) and question != ask.NODES else ask.FAILED

    def _node(self, path: str) -> str:
        with self._root.spot(path) as spot:
            found = spot.lstat()
        if found is None:
            return ask.ABSENT
        user = next((each.name for each in self._accounts.users() if each.uid == found.st_uid), "UNKNOWN")
        group = next((each.name for each in self._accounts.groups() if each.gid == found.st_gid), "UNKNOWN")
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "unknown")
        identity = f"{found.st_dev}:{found.st_ino}"
        return f"{stat.S_IMODE(found.st_mode):o} {found.st_uid} {found.st_gid} {user} {group} {found.st_size} {identity} {kind}"

    def _sum(self, algorithm: str, path: str, tail: str = "") -> str:
        digest = hashlib.new(f"sha{algorithm}")
        with self._root.spot(path) as spot:
            fd = spot.open_regular()
        try:
            if tail:
                os.lseek(fd, max(0, os.fstat(fd).st_size - int(tail)), os.SEEK_SET)
            for piece in chunks_of(fd):
                digest.update(piece)
        finally:
            os.close(fd)
        return digest.hexdigest()

    def _target(self, path: str) -> str:
        with self._root.spot(path) as spot:
            return base64.b64encode(encode(spot.readlink()) + b"\n").decode()

    def _user(self, name: str) -> str:
        found = self._accounts.user(name)
        return found.line if found is not None else ask.ABSENT

    def _group(self, name: str) -> str:
        found = self._accounts.group(name)
        return found.line if found is not None else ask.ABSENT

    def _members(self, name: str) -> str:
        user = self._accounts.user(name)
        if user is None:
            return ask.ABSENT
        groups = self._accounts.groups()
        primary = next((group.name for group in groups if group.gid == user.gid), str(user.gid))
        others = [group.name for group in groups if name in group.members and group.name != primary]
        return f"{primary}:{' '.join([primary, *others])}"

    def _keys(self, name: str) -> str:
        user = self._accounts.user(name)
        if user is None:
            return ask.ABSENT
        folder = f"{user.home}/.ssh/authorized_keys.d"
        files = [f"{user.home}/.ssh/authorized_keys", *(f"{folder}/{file}" for file in self._root.listdir(folder))]
        texts = [self._root.read(file) for file in files if self._root.is_file(file)]
        lines = [line.strip() for text in texts for line in (text or b"").split(b"\n")[:_MOST_KEYS]]
        return " ".join(hashlib.sha256(line).hexdigest() for line in lines if line and not line.startswith(b"#"))

    def _password(self, name: str) -> str:
        for line in (self._root.read("/etc/shadow") or b"").split(b"\n"):
            fields = line.split(b":")
            if len(fields) > 1 and fields[0] == encode(name):
                return hashlib.sha256(fields[1]).hexdigest()
        return ask.ABSENT

    def _unit(self, name: str) -> str:
        folder = f"{UNITS}/{name}.d"
        dropins = " ".join(f"{folder}/{file}" for file in self._root.listdir(folder) if file.endswith(".conf"))
        return f"UnitFileState={self._state(name)}\tDropInPaths={dropins}"

    def _state(self, name: str) -> str:
        """The state of a unit as `systemctl is-enabled` tells it, from links; before the first boot from the presets of the config."""
        if is_masked(self._root, name):
            return "masked"
        text = next((data for path in _UNIT_PATH for data in self._texts(path, name)), None)
        if text is None:
            return "not-found"
        if self._is_linked(name) or self._preset(name):
            return "enabled"
        return "disabled" if b"\n[Install]" in b"\n" + text else "static"

    def _texts(self, folder: str, name: str) -> list[bytes]:
        before, at, after = name.partition("@")
        names = [name, f"{before}@.{after.rpartition('.')[2]}"] if at else [name]
        texts = [self._root.read(f"{folder}/{each}") for each in names]
        return [text for text in texts if text is not None]

    def _is_linked(self, name: str) -> bool:
        """True if [Install] has been carried out: a link of this name wants the unit, or another name stands for it."""
        for entry in self._root.listdir(UNITS):
            path = f"{UNITS}/{entry}"
            if entry.endswith((".wants", ".requires", ".upholds")) and self._root.lstat(f"{path}/{name}") is not None:
                return True
            found = self._root.lstat(path)
            if found is not None and stat.S_ISLNK(found.st_mode) and entry != name:
                with self._root.spot(path) as spot:
                    if spot.readlink().rpartition("/")[2] == name:
                        return True
        return False

    def _preset(self, name: str) -> bool:
        """True if systemd has yet to apply presets (machine-id(5): at a first boot), and one of the config enables the unit."""
        if (self._root.read("/etc/machine-id") or b"").strip() not in (b"", b"uninitialized"):
            return False
        before, at, after = name.partition("@")
        instance, _, suffix = after.rpartition(".")
        for line in (self._root.read(PRESET) or b"").decode("utf-8", "surrogateescape").splitlines():
            verb, *words = line.split()
            if verb == "enable" and (words == [name] or (at and words[:1] == [f"{before}@.{suffix}"] and instance in words[1:])):
                return True
        return False
