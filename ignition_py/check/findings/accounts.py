"""Rows of groups and users: the account, its supplementary groups, its SSH keys, its password."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ignition_py.check import questions as ask
from ignition_py.check.findings.facts import Facts
from ignition_py.check.findings.row import OTHERS, Row, unseen
from ignition_py.report.diag import Path
from ignition_py.spec.tables import Config, PasswdGroup, PasswdUser

# Groups that an image gives a user of its own, in a config merged below the user's: Fedora CoreOS's 00-core.ign, Flatcar's baselayout.
_OF_IMAGES = {"core": ("adm", "docker", "portage", "rkt", "sudo", "systemd-journal", "wheel")}


def account_rows(config: Config, facts: Facts) -> Iterator[Row]:
    passwd = config.passwd
    for index, group in enumerate(passwd.groups):
        yield _group(group, facts, ("passwd", "groups", index))
    for index, user in enumerate(passwd.users):
        path: Path = ("passwd", "users", index)
        row = _user(user, facts, path)
        yield row
        if user.should_exist is not False and row.found != "absent":
            yield from _groups(user, facts, path)
            yield from _keys(user, facts, path)
            yield from _password(user, facts, path)


def _group(group: PasswdGroup, facts: Facts, path: Path) -> Row:
    fields = _fields(facts.line(ask.GROUPS, group.name), group.name, 4)
    state = "present" if fields else "absent"
    if group.should_exist is False or group.gid is None:
        return Row("group", group.name, "absent" if group.should_exist is False else "present", state, path=path)
    return Row("group", group.name, f"id {group.gid}", f"id {fields[2]}" if fields else state, path=path)


def _user(user: PasswdUser, facts: Facts, path: Path) -> Row:
    fields = _fields(facts.line(ask.USERS, user.name), user.name, 7)
    if user.should_exist is False:
        return Row("user", user.name, "absent", "present" if fields else "absent", path=path)
    primary = facts.line(ask.MEMBERS, user.name).partition(":")[0]
    have = fields or [""] * 7
    asked = [
        ("id", user.uid, have[2]), ("group", user.primary_group, primary), ("name", user.gecos, have[4]),
        ("home", user.home_dir, have[5]), ("shell", user.shell, have[6]),
    ]  # fmt: skip
    wanted = [f"{what} {value}" for what, value, _ in asked if value not in (None, "")]
    found = [f"{what} {value}" for what, asked_for, value in asked if asked_for not in (None, "")]
    return Row("user", user.name, ", ".join(wanted) or "present", (", ".join(found) or "present") if fields else "absent", path=path)


def _fields(line: str, name: str, count: int) -> list[str]:
    """The fields of an account's line; none where it is no line of that name."""
    fields = line.split(":")
    return fields if len(fields) == count and fields[0] == name else []


def _groups(user: PasswdUser, facts: Facts, path: Path) -> Iterator[Row]:
    """Supplementary groups, where the config gives any: neither fewer nor more."""
    if not user.groups:
        return
    primary, _, listed = facts.line(ask.MEMBERS, user.name).partition(":")
    expected = list(dict.fromkeys(user.groups))
    of_image = _OF_IMAGES.get(user.name, ())
    present = listed.split()
    found = [name for name in expected if name in present]
    more = sorted(name for name in present if name not in expected and name != primary)
    others = [name for name in more if name in of_image]
    found += [name for name in more if name not in of_image]
    note = f"set by others: {' '.join(others)}" if others else ""
    first = next((index for index, name in enumerate(user.groups) if name not in present), 0)  # of what is missing
    yield Row("groups", user.name, " ".join(expected), " ".join(found), note=note, path=(*path, "groups", first))


def _keys(user: PasswdUser, facts: Facts, path: Path) -> Iterator[Row]:
    """Keys that the config does not name are set by others: an agent of the platform, an administrator."""
    by_entry = [_key_digests(text) for text in user.ssh_authorized_keys]
    wanted = {digest for digests in by_entry for digest in digests}
    if not wanted:
        return
    present = set(facts.keys(user.name))
    first = next((index for index, digests in enumerate(by_entry) if not digests <= present), 0)  # of those that are missing
    path = (*path, "ssh_authorized_keys", first)
    if ask.DENIED in present and not wanted <= present:
        yield unseen("ssh keys", user.name, str(len(wanted)), path=path)
        return
    more = len(present - wanted - {ask.DENIED})
    missing = len(wanted - present)
    found = f"{len(wanted) - missing} of {len(wanted)}" if missing else str(len(wanted))
    text = f"{found} and {more} set by others" if more else found
    yield Row("ssh keys", user.name, str(len(wanted)), text, not missing, state=OTHERS if more and not missing else "", path=path)


def _key_digests(text: str) -> set[str]:
    """Digests of the keys of an entry, which may have several lines."""
    lines = [line.strip() for line in text.splitlines()]
    return {hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest() for line in lines if line and line[0] != "#"}


def _password(user: PasswdUser, facts: Facts, path: Path) -> Iterator[Row]:
    """Compared by a digest of the hash. Whoever may log in may change it, so another one is no difference."""
    if user.password_hash is None:
        return
    wanted, path = "as in the config", (*path, "password_hash")
    found = facts.line(ask.PASSWORDS, user.name)
    if found in (ask.DENIED, ask.FAILED):
        yield unseen("password", user.name, wanted, path=path)
    elif found == hashlib.sha256(user.password_hash.encode("utf-8", "surrogateescape")).hexdigest():
        yield Row("password", user.name, wanted, wanted, path=path)
    else:
        yield Row("password", user.name, wanted, "set by others", state=OTHERS, path=path)
