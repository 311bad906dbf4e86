"""The work of useradd, usermod, userdel, groupadd, groupmod and groupdel on images that have none of them.

What the tools do with the options that a config can name, by login.defs(5) and /etc/default/useradd; each file is
replaced as a whole under the common lock. Mail spools are not made.
"""

from __future__ import annotations

import os

from ignition_py.report.diag import StageError
from ignition_py.stages.files.accounts import home
from ignition_py.stages.files.accounts.database import Database, today
from ignition_py.stages.files.accounts.lookup import Accounts, Group, User, settings
from ignition_py.system.rootfs import Root, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ignition_py.spec.tables import PasswdGroup, PasswdUser

_NO_PASSWORD_YET = "!"  # noqa: S105  # what the tools write: a locked account


def do(root: Root, accounts: Accounts, tool: str, account: PasswdUser | PasswdGroup) -> None:
    """Does the tool's work. Raises StageError, OSError."""
    check_name(account.name)
    with Database(root) as database:
        _Work(root, accounts, database).do(tool, account)


def check_name(name: str) -> None:
    """useradd(8): what a name may look like, less strict than the tools. Raises StageError."""
    if not name or len(name) > 32 or not name.isprintable() or set(name) & set(" :,/\\\"'") or name in (".", "..") or name.isdigit():
        raise StageError(f"{shown(name)} cannot be the name of an account")


class _Work:
    def __init__(self, root: Root, accounts: Accounts, database: Database) -> None:
        self.root = root
        self.accounts = accounts
        self.database = database
        self.defs = settings(root, "/etc/login.defs")
        self.defaults = settings(root, "/etc/default/useradd", "=")

    def do(self, tool: str, account: PasswdUser | PasswdGroup) -> None:
        steps = {"groupadd": self.groupadd, "groupmod": self.groupmod, "useradd": self.useradd, "usermod": self.usermod}
        if tool in steps:
            steps[tool](account)  # type: ignore[operator]  # the planner pairs tools and accounts
        elif tool == "groupdel":
            self.groupdel(account.name)
        else:
            self.userdel(account.name)

    def groupadd(self, group: PasswdGroup) -> None:
        self._new_group(group.name, group.gid, bool(group.system))

    def groupmod(self, group: PasswdGroup) -> None:
        old = self.accounts.group(group.name)
        line = self.database.find("group", group.name)
        if old is None or line is None or group.gid is None or group.gid == old.gid:
            return
        self._free_gid(group.gid)
        line[2] = str(group.gid)
        self.database.put("group", line)
        for passwd in self.database.lines("passwd"):
            fields = passwd.split(":")
            if len(fields) == 7 and fields[3] == str(old.gid):
                fields[3] = str(group.gid)
                self.database.put("passwd", fields)

    def groupdel(self, name: str) -> None:
        group = self.accounts.group(name)
        for user in self.accounts.users():
            if group is not None and user.gid == group.gid:
                raise StageError(f"deleting group {shown(name)}: it is the primary group of {shown(user.name)}")
        self.database.purge_group(name)

    def useradd(self, user: PasswdUser) -> None:
        uid = self._new_uid(user)
        gid = self._primary(user, uid)
        home_dir = user.home_dir or f"{self.defaults.get('HOME', '/home')}/{user.name}"
        shell = user.shell or self.defaults.get("SHELL", "")
        # The shadow line comes first: a user in passwd alone could be one without a password.
        ages = [_age(self.defs, name) for name in ("PASS_MIN_DAYS", "PASS_MAX_DAYS", "PASS_WARN_AGE")]
        if user.system:
            ages = ["", "", ""]
        self.database.put("shadow", [user.name, _NO_PASSWORD_YET, today(), *ages, "", "", ""])
        self.database.put("passwd", [user.name, "x", str(uid), str(gid), user.gecos or "", home_dir, shell])
        self._join(user.name, user.groups, leave=False)
        if not user.system:
            self._sub_ids(user.name)
        if not user.no_create_home:
            added = self.accounts.user(user.name)
            if added is not None and self.root.lstat(home_dir) is None:
                home.complete_home(self.root, added)

    def usermod(self, user: PasswdUser) -> None:
        line = self.database.find("passwd", user.name)
        old = self.accounts.user(user.name)
        if line is None or old is None:
            raise StageError(f"changing user {shown(user.name)}: it is not in /etc/passwd")
        if user.uid is not None and user.uid != old.uid:
            self._free_uid(user.uid)
            line[2] = str(user.uid)
        line[3] = line[3] if not user.primary_group else str(self._group(user.primary_group).gid)
        line[4] = user.gecos or line[4]
        line[6] = user.shell or line[6]
        if user.home_dir and user.home_dir != old.home:
            self._move_home(old.home, user.home_dir)
            line[5] = user.home_dir
        self.database.put("passwd", line)
        if user.groups:
            self._join(user.name, user.groups, leave=True)
        new = self.accounts.user(user.name)
        if new is not None and (new.uid, new.gid) != (old.uid, old.gid):
            _give(self.root, new.home, old, new)

    def userdel(self, name: str) -> None:
        user = self.accounts.user(name)
        own = self.accounts.group(name)
        self.database.purge_user(name)
        if user is not None and own is not None and self._is_private(own, user):
            self.database.purge_group(name)
        if user is not None:
            self._remove_home(user)

    def _is_private(self, group: Group, user: User) -> bool:
        """Is it the user's own group, which nobody else (the user is gone from the files) is in?"""
        if group.gid != user.gid or not self._usergroups() or set(group.members) - {user.name}:
            return False
        return all(other.gid != group.gid for other in self.accounts.users())

    def _remove_home(self, user: User) -> None:
        """Only a directory that belongs to the user, and no system directory that serves as one."""
        found = self.root.lstat(user.home)
        if found is not None and found.st_uid == user.uid and user.home.strip("/").count("/") >= 1:
            with self.root.spot(user.home) as spot:
                spot.remove()

    def _move_home(self, old: str, new: str) -> None:
        if self.root.lstat(old) is None:
            return
        if self.root.lstat(new) is not None:
            raise StageError(f"moving home directory {shown(old)}: {shown(new)} exists already")
        with self.root.spot(old) as source, self.root.spot(new, create=True) as target:
            os.rename(source.name, target.name, src_dir_fd=source.dir, dst_dir_fd=target.dir)

    def _group(self, name: str) -> Group:
        group = self.accounts.group(name)
        if group is None:
            raise StageError(f"there is no group {shown(name)} in the new root", hint="Add it to passwd.groups")
        return group

    def _usergroups(self) -> bool:
        return self.defs.get("USERGROUPS_ENAB", "yes") == "yes"

    def _primary(self, user: PasswdUser, uid: int) -> int:
        if user.primary_group:
            return self._group(user.primary_group).gid
        if user.no_user_group or not self._usergroups():
            return self._number(self.defaults, "GROUP", 100)
        if self.accounts.group(user.name) is not None:
            raise StageError(
                f"adding user {shown(user.name)}: there is a group of that name already",
                hint="Set primary_group to it, or no_user_group",
            )
        wanted = uid if all(group.gid != uid for group in self.accounts.groups()) else None
        return self._new_group(user.name, wanted, bool(user.system))

    def _new_group(self, name: str, gid: int | None, system: bool) -> int:
        if gid is None:
            gid = self._next("GID", (group.gid for group in self.accounts.groups()), system)
        else:
            self._free_gid(gid)
        if self.database.exists("gshadow"):
            self.database.put("gshadow", [name, _NO_PASSWORD_YET, "", ""])
        self.database.put("group", [name, "x", str(gid), ""])
        return gid

    def _new_uid(self, user: PasswdUser) -> int:
        if user.uid is not None:
            self._free_uid(user.uid)
            return user.uid
        return self._next("UID", (other.uid for other in self.accounts.users()), bool(user.system))

    def _free_uid(self, uid: int) -> None:
        for other in self.accounts.users():
            if other.uid == uid:
                raise StageError(f"user id {uid} belongs to {shown(other.name)} already")

    def _free_gid(self, gid: int) -> None:
        for other in self.accounts.groups():
            if other.gid == gid:
                raise StageError(f"group id {gid} belongs to {shown(other.name)} already")

    def _next(self, kind: str, used: Iterable[int], system: bool) -> int:
        """The next free id: upwards from the highest one in use for people, downwards for the system (useradd(8))."""
        prefix, low, high = ("SYS_", 101, 999) if system else ("", 1000, 60000)
        low = self._number(self.defs, f"{prefix}{kind}_MIN", low)
        high = self._number(self.defs, f"{prefix}{kind}_MAX", high)
        taken = {number for number in used if low <= number <= high}
        down = range(min(taken, default=high + 1) - 1, low - 1, -1)
        up = range(max(taken, default=low - 1) + 1, high + 1)
        for order in (down if system else up, range(low, high + 1)):
            for number in order:
                if number not in taken:
                    return number
        raise StageError(f"no free id is left between {low} and {high}", hint="login.defs of the image sets the range")

    def _number(self, values: dict[str, str], name: str, default: int) -> int:
        text = values.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    def _join(self, user: str, groups: tuple[str, ...], *, leave: bool) -> None:
        """Makes the user a member of the groups and, with `leave`, of no others."""
        for name in groups:
            self._group(name)
        self.database.join(user, groups, leave=leave)

    def _sub_ids(self, user: str) -> None:
        """Ranges for user namespaces, where the image has files for them: subuid(5)."""
        for kind, prefix in (("subuid", "SUB_UID"), ("subgid", "SUB_GID")):
            if not self.database.exists(kind) or self.database.find(kind, user) is not None:
                continue
            count = self._number(self.defs, f"{prefix}_COUNT", 65536)
            start = self._number(self.defs, f"{prefix}_MIN", 100000)
            for line in self.database.lines(kind):
                fields = line.split(":")
                if len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
                    start = max(start, int(fields[1]) + int(fields[2]))
            if count:
                self.database.put(kind, [user, str(start), str(count)])


def _age(defs: dict[str, str], name: str) -> str:
    """A number of days; the empty text, "no limit", where the image says nothing."""
    text = defs.get(name, "")
    return text if text.isascii() and text.isdigit() else ""


def _give(root: Root, path: str, old: User, new: User) -> None:
    """Hands what belonged to the old ids in a home directory to the new ones."""
    import stat

    with root.spot(path) as spot:
        found = spot.lstat()
        if found is None:
            return
        spot.set_owner(new.uid if found.st_uid == old.uid else -1, new.gid if found.st_gid == old.gid else -1)
        mode = found.st_mode
        if stat.S_ISREG(mode) and mode & 0o6000:
            spot.set_mode(mode & 0o7777)
    if stat.S_ISDIR(mode):
        for name in root.listdir(path):
            _give(root, f"{path}/{name}", old, new)
