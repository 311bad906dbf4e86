"""Users and groups of the new root, looked up in its own files: no NSS, no chroot, no program.

Besides `/etc/passwd` and `/etc/group`, images keep accounts below `/usr`: `/usr/lib` (nss-altfiles, rpm-ostree) and
`/usr/share/baselayout` (Flatcar). What stands in `/etc` wins. Format: passwd(5), group(5).
"""

from __future__ import annotations

from ignition_py.record import Record
from ignition_py.report.diag import StageError
from ignition_py.spec.provisioning import MAX_ID
from ignition_py.system.rootfs import Root, shown

DIRECTORIES = ("/etc", "/usr/lib", "/usr/share/baselayout")
FILES = tuple(f"{directory}/{name}" for directory in DIRECTORIES for name in ("passwd", "group"))


class User(Record):
    """A line of passwd(5). `line` is the whole of it, `directory` where it was found."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    line: str
    directory: str


class Group(Record):
    """A line of group(5); `line` and `directory` as in User."""

    name: str
    gid: int
    members: list[str]
    line: str
    directory: str


def parse_user(line: str, directory: str) -> User:
    """Raises ValueError for ids that are none."""
    name, _, uid, gid, _, home, shell = line.split(":")
    return User(name, parse_id(uid), parse_id(gid), home, shell, line, directory)


def parse_group(line: str, directory: str) -> Group:
    """Raises ValueError for an id that is none."""
    name, _, gid, members = line.split(":")
    return Group(name, parse_id(gid), [member for member in members.split(",") if member], line, directory)


def parse_id(text: str) -> int:
    """A user or group id. Raises ValueError for what is none."""
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_ID:
        raise ValueError
    return int(text)


class Accounts:
    """Looks up names. Files that have changed since the last time are read again, but for `uid` and `gid`: those are asked for
    every node of the config, and take a `refresh` where the files may have changed.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._stamp: list[tuple[int, int, int, int] | None] = []
        self._users: dict[str, User] = {}
        self._groups: dict[str, Group] = {}

    def user(self, name: str) -> User | None:
        self.refresh()
        return self._users.get(name)

    def group(self, name: str) -> Group | None:
        self.refresh()
        return self._groups.get(name)

    def users(self) -> list[User]:
        self.refresh()
        return list(self._users.values())

    def groups(self) -> list[Group]:
        self.refresh()
        return list(self._groups.values())

    def uid(self, who: int | str | None) -> int:
        """A user id from an id or a name; -1, "leave it", from None. Raises StageError for an unknown name."""
        if who is None or isinstance(who, int):
            return -1 if who is None else who
        found = self._users.get(who)
        if found is None:
            hint = f"Create it by an entry of `passwd.users` (`name: {shown(who)}`), or give the id"
            raise StageError(f"there is no user {shown(who)} in the new root", hint=hint)
        return found.uid

    def gid(self, who: int | str | None) -> int:
        """A group id from an id or a name; -1, "leave it", from None. Raises StageError for an unknown name."""
        if who is None or isinstance(who, int):
            return -1 if who is None else who
        found = self._groups.get(who)
        if found is None:
            hint = f"Create it by an entry of `passwd.groups` (`name: {shown(who)}`), or give the id"
            raise StageError(f"there is no group {shown(who)} in the new root", hint=hint)
        return found.gid

    def refresh(self) -> None:
        """Reads the files where they have changed. Raises StageError."""
        stamp = []
        for path in FILES:
            found = self._root.lstat(path, follow=True)
            stamp.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) if found else None)
        if stamp == self._stamp:
            return
        self._stamp, self._users, self._groups = stamp, {}, {}
        for directory in DIRECTORIES:
            for line in _lines(self._root, f"{directory}/passwd", 7):
                try:
                    user = parse_user(line, directory)
                except ValueError:
                    continue
                self._users.setdefault(user.name, user)
            for line in _lines(self._root, f"{directory}/group", 4):
                try:
                    group = parse_group(line, directory)
                except ValueError:
                    continue
                self._groups.setdefault(group.name, group)


def _lines(root: Root, path: str, fields: int) -> list[str]:
    """The lines of a file that have as many fields as they should (NIS lines and comments have not)."""
    try:
        data = root.read(path)
    except OSError as error:
        raise StageError(f"reading {path} of the new root: {error.strerror}") from None
    text = (data or b"").decode("utf-8", "surrogateescape")
    return [line for line in text.split("\n") if line.count(":") == fields - 1 and line[0] not in ":#+-"]


def login_defs(root: Root) -> dict[str, str]:
    """The settings of login.defs(5): those of `/etc` and, where it names none, those below `/usr/etc` (openSUSE)."""
    return {**settings(root, "/usr/etc/login.defs"), **settings(root, "/etc/login.defs")}


def user_defaults(root: Root) -> dict[str, str]:
    """The settings of useradd's file of defaults, from `/etc` or else from `/usr/etc`."""
    path = "/etc/default/useradd"
    return settings(root, path if root.is_file(path) else f"/usr{path}", "=")


def settings(root: Root, path: str, separator: str | None = None) -> dict[str, str]:
    """A file of `NAME value` lines (login.defs(5)) or, with `=` for `separator`, of `NAME=value` lines."""
    found = {}
    for line in (root.read(path) or b"").decode("utf-8", "replace").splitlines():
        words = line.strip().split(separator, 1)
        if len(words) == 2 and not words[0].startswith("#"):
            found[words[0].strip()] = words[1].strip().strip('"')
    return found
