"""What a valid config asks for and no machine can do: ids out of range, accounts that clash, values that account files cannot hold,
names that systemd ignores. The reference's validator takes all of it, and its stages fail late, when disks have been written.

The kargs and disks stages refuse it (`stages/preflight.py`), the linter reports it (`butane_py/linter/provisioning.py`). Pure; each
`Problem` belongs to a lint code. Sources: passwd(5), shadow(5), group(5), useradd(8), systemd.unit(5).
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Path
from ignition_py.spec.model import Struct
from ignition_py.spec.tables import Config, Node, Passwd, PasswdGroup, PasswdUser, Storage, Unit

MAX_ID = (1 << 32) - 2  # 2^32 - 1 stands for "none" in the kernel's interfaces
UNIT_NAME_MAX = 255  # bytes, with the type
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_UNIT_CHARACTERS = frozenset(_LETTERS + _LETTERS.upper() + "0123456789:-_.\\@")
_NAME_FORBIDDEN = frozenset(" :,/\\\"'")
_NAME_MAX = 32  # characters

ID_RANGE, ID_TWICE, GROUP_CLASH, GROUP_NAME, ACCOUNT_NAME, ACCOUNT_VALUE, UNIT_NAME = (
    "lint-id-range", "lint-id-twice", "lint-group-clash", "lint-group-name", "lint-account-name", "lint-account-value",
    "lint-unit-name",
)  # fmt: skip


class Problem(Record):
    """What cannot be done: the lint `code`, the `path` (of field names), a sentence, the way out, and the entry that asks for it."""

    code: str
    path: Path
    message: str
    hint: str
    _: KW_ONLY
    entry: Struct


def problems(config: Config, existing: Container[str] = (), *, user_groups: bool = True) -> Iterator[Problem]:
    """Everything of a config that cannot be done. `existing`: users that the image is known to have. `user_groups`: the image gives
    a new user a group of the same name (USERGROUPS_ENAB of login.defs(5))."""
    yield from account_problems(config.passwd, existing, user_groups=user_groups)
    yield from owner_problems(config.storage)
    for number, unit in enumerate(config.systemd.units):
        yield from unit_problems(unit, number)


# -- ids -----------------------------------------------------------------------------------------------------------------------------


def _id_problem(what: str, number: int | None) -> str:
    if number is None or 0 <= number <= MAX_ID:
        return ""
    return f"{what} {number} is out of range: ids go from 0 to {MAX_ID}"


def owner_problems(storage: Storage) -> Iterator[Problem]:
    """Owners of files, directories and links."""
    for kind, nodes in (("files", storage.files), ("directories", storage.directories), ("links", storage.links)):
        for number, node in enumerate(nodes):
            yield from _owner_problems(node, ("storage", kind, number))


def _owner_problems(node: Node, path: Path) -> Iterator[Problem]:
    for what, identity in (("user", node.user.id), ("group", node.group.id)):
        message = _id_problem(f"{what} id", identity)
        if message:
            yield Problem(ID_RANGE, (*path, what, "id"), message, f"write the {what}'s name, or its id", entry=node)


# -- accounts ------------------------------------------------------------------------------------------------------------------------


def account_problems(passwd: Passwd, existing: Container[str], *, user_groups: bool) -> Iterator[Problem]:
    """Users and groups: each for itself, then against each other."""
    for number, group in enumerate(passwd.groups):
        yield from _group_problems(group, ("passwd", "groups", number))
    for number, user in enumerate(passwd.users):
        yield from _user_problems(user, ("passwd", "users", number))
    yield from _ids_given_twice(passwd)
    yield from _deleted_groups(passwd)
    if user_groups:
        yield from _own_groups(passwd, existing)


def name_problem(name: str) -> str:
    """Why a name cannot be that of an account, "" where it can. The shadow tools refuse more."""
    if name.startswith("-"):
        return "it begins with a dash"
    if name.isdigit():
        return "it is a number, and would be taken for an id"
    if not name or name in (".", ".."):
        return "it is not a name"
    if len(name) > _NAME_MAX:
        return f"it has more than {_NAME_MAX} characters"
    if not name.isprintable() or set(name) & _NAME_FORBIDDEN:
        return "it has a blank, a control character, or one of : , / \\ \" '"
    return ""


def value_problem(value: str | None) -> str:
    """Why a value cannot stand in a line of an account file, "" where it can. The value may be a secret and is not shown."""
    if value is None:
        return ""
    if value.endswith(("\r", "\r\n")):
        return "ends in a carriage return, as a line of a file from Windows does"
    for character, name in (("\0", "a NUL byte"), ("\n", "a line break"), (":", "a colon")):
        if character in value:
            return f"holds {name}"
    return "" if all(c >= " " and c != "\x7f" for c in value) else "holds a control character"


def _group_problems(group: PasswdGroup, path: Path) -> Iterator[Problem]:
    if group.should_exist is False:
        return
    yield from _name_problems("group", group, path)
    if message := _id_problem("gid", group.gid):
        yield Problem(ID_RANGE, (*path, "gid"), message, "leave gid out, and the next free one is taken", entry=group)
    yield from _value_problems("group", group, path, ("password_hash",))


def _user_problems(user: PasswdUser, path: Path) -> Iterator[Problem]:
    if user.should_exist is False:
        return
    yield from _name_problems("user", user, path)
    if message := _id_problem("uid", user.uid):
        yield Problem(ID_RANGE, (*path, "uid"), message, "leave uid out, and the next free one is taken", entry=user)
    yield from _value_problems("user", user, path, ("password_hash", "gecos", "home_dir", "shell"))
    if user.home_dir and not user.home_dir.startswith("/"):
        message = f"the home directory of user {_shown(user.name)} is not an absolute path"
        yield Problem(ACCOUNT_VALUE, (*path, "home_dir"), message, "begin it with a slash", entry=user)
    names = [((*path, "groups", number), name) for number, name in enumerate(user.groups)]
    for where, name in [*names, *([((*path, "primary_group"), user.primary_group)] if user.primary_group else [])]:
        what = f"{_shown(name)} is not a name of a group"
        if name.isdigit():
            yield Problem(GROUP_NAME, where, f"{what}, but a number", "write the name of the group that has this id", entry=user)
        elif "," in name:
            yield Problem(GROUP_NAME, where, f"{what}: it has a comma", "make each group an entry of its own", entry=user)
        elif why := name_problem(name):
            yield Problem(GROUP_NAME, where, f"{what}: {why}", "write the name of a group", entry=user)


def _name_problems(what: str, account: PasswdUser | PasswdGroup, path: Path) -> Iterator[Problem]:
    why = name_problem(account.name)
    if why:
        message = f"{_shown(account.name)} cannot be the name of a {what}: {why}"
        yield Problem(ACCOUNT_NAME, (*path, "name"), message, "choose another name", entry=account)


def _value_problems(what: str, account: PasswdUser | PasswdGroup, path: Path, names: tuple[str, ...]) -> Iterator[Problem]:
    for name in names:
        why = value_problem(getattr(account, name))
        if why:
            words = {"password_hash": "the password hash", "home_dir": "the home directory"}.get(name, f"the {name}")
            message = f"{words} of {what} {_shown(account.name)} {why}"
            yield Problem(ACCOUNT_VALUE, (*path, name), message, "take it out", entry=account)


def _ids_given_twice(passwd: Passwd) -> Iterator[Problem]:
    users = [(user.uid, user) for user in passwd.users if user.should_exist is not False]
    groups = [(group.gid, group) for group in passwd.groups if group.should_exist is not False]
    for kind, field, accounts in (("users", "uid", users), ("groups", "gid", groups)):
        numbers = {id(account): number for number, account in enumerate(getattr(passwd, kind))}
        first: dict[int, PasswdUser | PasswdGroup] = {}
        for identity, account in accounts:
            other = first.setdefault(identity, account) if identity is not None else account
            if other is not account:
                message = f"{_shown(other.name)} and {_shown(account.name)} have the same {field}, {identity}"
                path = ("passwd", kind, numbers[id(account)], field)
                yield Problem(ID_TWICE, path, message, f"give one of the two another {field}, or none", entry=account)


def _deleted_groups(passwd: Passwd) -> Iterator[Problem]:
    gone = {group.name for group in passwd.groups if group.should_exist is False}
    for number, user in enumerate(passwd.users):
        if user.should_exist is False:
            continue
        for name in (*user.groups, *((user.primary_group,) if user.primary_group else ())):
            if name in gone:
                message = f"user {_shown(user.name)} is to be in group {_shown(name)}, which this config deletes"
                yield Problem(GROUP_CLASH, ("passwd", "users", number), message, "take one of the two out", entry=user)


def _own_groups(passwd: Passwd, existing: Container[str]) -> Iterator[Problem]:
    """A new user brings a group of the same name, unless the entry says otherwise: that group must not be there before, and nobody
    can be in it who comes before."""
    groups = {group.name for group in passwd.groups if group.should_exist is not False}
    later = {
        user.name: user
        for user in passwd.users
        if user.should_exist is not False
        and not (user.no_user_group or user.primary_group)
        and user.name not in existing
    }
    for number, user in enumerate(passwd.users):
        if user.should_exist is False:
            continue
        path = ("passwd", "users", number)
        if user.name in groups and user.name in later:
            message = f"passwd.groups makes a group {_shown(user.name)}, and user {_shown(user.name)} would bring another of that name"
            hint = f"give the user primary_group: {_shown(user.name)}, or no_user_group: true"
            yield Problem(GROUP_CLASH, path, message, hint, entry=user)
        later.pop(user.name, None)
        for name in (*user.groups, *((user.primary_group,) if user.primary_group else ())):
            if name in later and name not in groups and name != user.name:
                message = f"user {_shown(user.name)} is to be in group {_shown(name)}, which comes with user {_shown(name)} only later"
                hint = f"put user {_shown(name)} before user {_shown(user.name)}, or add the group to passwd.groups"
                yield Problem(GROUP_CLASH, path, message, hint, entry=user)


# -- units ---------------------------------------------------------------------------------------------------------------------------


def unit_name_problem(name: str) -> str:
    """Why systemd would not take a name for that of a unit, or a line of presets with it for what is meant; "" where it would."""
    stem = name.rpartition(".")[0]
    if not stem:
        return "there is nothing before the type"
    if stem.startswith("@"):
        return "there is nothing before the @"
    odd = sorted({c for c in name if c not in _UNIT_CHARACTERS})
    if odd:
        shown = " ".join("a blank" if c == " " else _shown(c) for c in odd[:5])
        return f"it has {shown}, and names of units are made of letters, digits and : - _ . \\ @"
    return f"it has more than {UNIT_NAME_MAX} bytes" if len(name) > UNIT_NAME_MAX else ""


def unit_problems(unit: Unit, number: int) -> Iterator[Problem]:
    """The name of a unit. Its type is a rule of the language (`unit-name`)."""
    why = unit_name_problem(unit.name)
    if why:
        message = f"{_shown(unit.name)} cannot be the name of a unit: {why}"
        hint = "write characters that are not allowed as systemd-escape(1) does"
        yield Problem(UNIT_NAME, ("systemd", "units", number, "name"), message, hint, entry=unit)


def _shown(text: str) -> str:
    """A name for a message: one line."""
    return text if text.isprintable() and text else ascii(text)[1:-1] or "''"
