"""Makes, changes and deletes users and groups as shadow's useradd, usermod, userdel, groupadd, groupmod and groupdel do.

Settings are login.defs(5) and /etc/default/useradd of the new root. Password hashes go into the files directly: on a command line
everybody could read them. Accounts that stand below `/usr` alone are copied to `/etc` before they are changed. Not done: mail
spools, login records, backups of the files (docs/differences.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ignition_py.report.diag import StageError
from ignition_py.spec.provisioning import name_problem
from ignition_py.spec.tables import PasswdGroup, PasswdUser
from ignition_py.stages.files.accounts import home
from ignition_py.stages.files.accounts.database import Database, today
from ignition_py.stages.files.accounts.lookup import Accounts, Group, User, login_defs, user_defaults
from ignition_py.system.rootfs import Root, shown

LOCKED = "*"  # a hash that no password has
_NO_GROUP_PASSWORD = "!"  # noqa: S105  # what the tools write
_FREE_ID = "Give another id, or none, and the next free one is taken"
_SHELL = "/bin/bash"  # shadow's own default


def check_name(name: str) -> None:
    """Refuses names that useradd(8) refuses or that mean something else in the files, fewer than the tools do. Raises StageError."""
    why = name_problem(name)
    if why:
        raise StageError(f"{shown(name)} cannot be the name of an account: {why}")


class Maker:
    """Works on the account files while `database` holds their lock. Each method raises StageError or OSError."""

    def __init__(self, root: Root, accounts: Accounts, database: Database) -> None:
        self.root = root
        self.accounts = accounts
        self.database = database
        self.defs = login_defs(root)
        self.defaults = user_defaults(root)

    def add_group(self, group: PasswdGroup) -> None:
        check_name(group.name)
        self._new_group(group.name, group.gid, bool(group.system))
        if group.password_hash:
            self.database.set_group_password(group.name, group.password_hash)

    def change_group(self, group: PasswdGroup) -> None:
        old = self.accounts.group(group.name)
        if old is None or not (group.password_hash or group.gid is not None):
            return
        self._adopt("group", old)
        line = self.database.find("group", group.name)
        if line is not None and group.gid is not None and group.gid != old.gid:
            self._free_gid(group.gid)
            line[2] = str(group.gid)
            self.database.put("group", line)
            for passwd in self.database.lines("passwd"):
                fields = passwd.split(":")
                if len(fields) == 7 and fields[3] == str(old.gid):
                    fields[3] = str(group.gid)
                    self.database.put("passwd", fields)
        if group.password_hash:
            self.database.set_group_password(group.name, group.password_hash)

    def delete_group(self, name: str) -> None:
        group = self.accounts.group(name)
        for user in self.accounts.users():
            if group is not None and user.gid == group.gid:
                text = f"deleting group {shown(name)}: it is the primary group of {shown(user.name)}"
                raise StageError(text, hint=f"Give {shown(user.name)} another `primaryGroup`, or keep the group")
        self.database.purge_group(name)

    def add_user(self, user: PasswdUser) -> None:
        check_name(user.name)
        self._adopt_groups(user)
        uid = self._new_uid(user)
        gid = self._primary(user, uid)
        home_dir = user.home_dir or f"{self.defaults.get('HOME', '/home')}/{user.name}"
        shell = user.shell or self.defaults.get("SHELL", _SHELL)
        # The shadow line comes first: a user in passwd alone could be one without a password.
        self.database.put("shadow", [user.name, user.password_hash or LOCKED, today(), *self._ages(user), ""])
        self.database.put("passwd", [user.name, "x", str(uid), str(gid), user.gecos or "", home_dir, shell])
        self.database.join(user.name, user.groups, leave=False)
        low, high = self._range("UID", system=False)
        if not user.system and low <= uid <= high:
            self._sub_ids(user.name)
        added = self.accounts.user(user.name)
        if added is not None and not user.no_create_home and self.root.lstat(home_dir, follow=True) is None:
            home.complete_home(self.root, added)

    def _ages(self, user: PasswdUser) -> list[str]:
        """The fields of shadow(5) from the minimum age to the day of expiry; "" is no limit."""
        if user.system:
            return [""] * 5
        ages = [_age(self.defs, name) for name in ("PASS_MIN_DAYS", "PASS_MAX_DAYS", "PASS_WARN_AGE")]
        return [*ages, _age(self.defaults, "INACTIVE"), _days(self.defaults.get("EXPIRE", ""))]

    def change_user(self, user: PasswdUser) -> None:
        old = self.accounts.user(user.name)
        if old is None:
            return
        fields = (user.uid is not None, user.gecos, user.primary_group, user.groups, user.shell, user.home_dir)
        if any(fields) or user.password_hash is not None:
            self._adopt("passwd", old)
        if any(fields):
            self._adopt_groups(user)
            self._change_fields(user, old)
        if user.password_hash is not None:
            self.database.set_password(user.name, user.password_hash or LOCKED)

    def _change_fields(self, user: PasswdUser, old: User) -> None:
        line = self.database.find("passwd", user.name)
        if line is None:
            raise StageError(f"changing user {shown(user.name)}: it is not in /etc/passwd")
        if user.uid is not None and user.uid != old.uid:
            self._free_uid(user.uid)
            line[2] = str(user.uid)
        line[3] = line[3] if not user.primary_group else str(self._group(user.primary_group).gid)
        line[4] = user.gecos or line[4]
        line[6] = user.shell or line[6]
        if user.home_dir and user.home_dir != old.home:
            home.move(self.root, old.home, user.home_dir)
            line[5] = user.home_dir
        self.database.put("passwd", line)
        if user.groups:
            self.database.join(user.name, user.groups, leave=True)
        new = self.accounts.user(user.name)
        if new is not None and (new.uid, new.gid) != (old.uid, old.gid):
            home.give(self.root, new.home, old, new)

    def delete_user(self, name: str) -> None:
        user = self.accounts.user(name)
        own = self.accounts.group(name)
        self.database.purge_user(name)
        if user is not None and own is not None and self._is_private(own, user):
            self.database.purge_group(name)
        if user is not None:
            home.remove(self.root, user)

    def _adopt(self, name: str, account: User | Group) -> None:
        """Copies the line of an account that stands below `/usr` to `/etc`, where it can be changed."""
        if account.directory == "/etc":
            return
        self.database.put(name, account.line.split(":"))
        if name == "passwd" and self.database.find("shadow", account.name) is None:
            self.database.set_password(account.name, LOCKED)

    def _adopt_groups(self, user: PasswdUser) -> None:
        """The groups of a user, which get a member."""
        for name in (*user.groups, *((user.primary_group,) if user.primary_group else ())):
            self._adopt("group", self._group(name))

    def _is_private(self, group: Group, user: User) -> bool:
        """True for the user's own group that has no other member; the user is gone from the files already."""
        if group.gid != user.gid or not self._usergroups() or set(group.members) - {user.name}:
            return False
        return all(other.gid != group.gid for other in self.accounts.users())

    def _group(self, name: str) -> Group:
        group = self.accounts.group(name)
        if group is None:
            hint = f"Create it by an entry of `passwd.groups` (`name: {shown(name)}`)"
            raise StageError(f"there is no group {shown(name)} in the new root", hint=hint)
        return group

    def _usergroups(self) -> bool:
        return self.defs.get("USERGROUPS_ENAB", "no").lower() == "yes"

    def _primary(self, user: PasswdUser, uid: int) -> int:
        if user.primary_group:
            return self._group(user.primary_group).gid
        if user.no_user_group or not self._usergroups():
            return self._default_group()
        if self.accounts.group(user.name) is not None:
            raise StageError(
                f"adding user {shown(user.name)}: there is a group of that name already",
                hint=f"Set `primaryGroup: {shown(user.name)}` or `noUserGroup: true`",
            )
        low, high = self._range("GID", bool(user.system))
        fits = (1 if user.system else low) <= uid <= high and all(group.gid != uid for group in self.accounts.groups())
        wanted = uid if fits else None
        return self._new_group(user.name, wanted, bool(user.system))

    def _default_group(self) -> int:
        """GROUP of /etc/default/useradd, a name or an id."""
        named = self.accounts.group(self.defaults.get("GROUP", ""))
        return named.gid if named is not None else self._number(self.defaults, "GROUP", 100)

    def _new_group(self, name: str, gid: int | None, system: bool) -> int:
        if gid is None:
            gid = self._next("GID", (group.gid for group in self.accounts.groups()), system)
        else:
            self._free_gid(gid)
        if self.database.exists("gshadow"):
            self.database.put("gshadow", [name, _NO_GROUP_PASSWORD, "", ""])
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
                raise StageError(f"user id {uid} belongs to {shown(other.name)} already", hint=_FREE_ID)

    def _free_gid(self, gid: int) -> None:
        for other in self.accounts.groups():
            if other.gid == gid:
                raise StageError(f"group id {gid} belongs to {shown(other.name)} already", hint=_FREE_ID)

    def _next(self, kind: str, used: Iterable[int], system: bool) -> int:
        """The next free id: upwards from the highest one in use for people, downwards for the system (useradd(8))."""
        low, high = self._range(kind, system)
        taken = {number for number in used if low <= number <= high}
        down = range(min(taken, default=high + 1) - 1, low - 1, -1)
        up = range(max(taken, default=low - 1) + 1, high + 1)
        for order in (down if system else up, range(low, high + 1)):
            for number in order:
                if number not in taken:
                    return number
        raise StageError(f"no free id is left between {low} and {high}", hint="login.defs of the image sets the range")

    def _range(self, kind: str, system: bool) -> tuple[int, int]:
        """The ids that login.defs(5) lets be given, `kind` "UID" or "GID"."""
        least = self._number(self.defs, f"{kind}_MIN", 1000)
        if not system:
            return least, self._number(self.defs, f"{kind}_MAX", 60000)
        return self._number(self.defs, f"SYS_{kind}_MIN", 101), self._number(self.defs, f"SYS_{kind}_MAX", least - 1)

    def _number(self, values: dict[str, str], name: str, default: int) -> int:
        text = values.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    def _sub_ids(self, user: str) -> None:
        """Ranges for user namespaces, where the image has files for them: subuid(5)."""
        for kind, prefix in (("subuid", "SUB_UID"), ("subgid", "SUB_GID")):
            count = self._number(self.defs, f"{prefix}_COUNT", 65536)
            if not count or not self.database.exists(kind) or self.database.find(kind, user) is not None:
                continue
            low = self._number(self.defs, f"{prefix}_MIN", 100000)
            high = self._number(self.defs, f"{prefix}_MAX", 600100000)
            lines = sorted(self.database.lines(kind), key=lambda line: _sub_range(line)[0])  # so do the tools
            for start, size in map(_sub_range, lines):
                if start - low >= count:
                    break
                low = max(low, start + size)
            if high - low + 1 < count:
                raise StageError(
                    f"/etc/{kind} has no {count} ids left for {shown(user)}", hint=f"login.defs sets {prefix}_MIN and {prefix}_MAX"
                )
            self.database.rewrite(kind, lines)
            self.database.put(kind, [user, str(low), str(count)])


def _sub_range(line: str) -> tuple[int, int]:
    """Start and number of ids of a line of subuid(5); (0, 0) for a line that has none."""
    fields = line.split(":")
    numbers = [int(field) for field in fields[1:] if field.isascii() and field.isdigit()]
    return (numbers[0], numbers[1]) if len(fields) == 3 and len(numbers) == 2 else (0, 0)


def _age(values: dict[str, str], name: str) -> str:
    """A number of days; the empty text, "no limit", where the image says nothing."""
    text = values.get(name, "")
    return text if text.isascii() and text.isdigit() else ""


def _days(date: str) -> str:
    """A date (YYYY-MM-DD) in days since 1970, "" for none."""
    if not date:
        return ""
    import calendar  # with re and enum; few images set EXPIRE

    try:
        return str(calendar.timegm(time.strptime(date, "%Y-%m-%d")) // 86400)
    except ValueError:
        return ""
