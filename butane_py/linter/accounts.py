"""Owners and homes: names that no account has, and directories of a home that root would own."""

from __future__ import annotations

from typing import Any

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint, near
from butane_py.linter.tables import image_names
from ignition_py.report.diag import Path
from ignition_py.report.examples import file_

_HOME = "storage:\n  files:\n    - path: /home/core/.config/app.conf\n      user:\n        name: core\n      contents:\n        inline: a\n"
_PARENT = "storage:\n  directories:\n    - path: /home/core/.config\n      user:\n        name: core\n"


def _accounts(facts: Facts) -> tuple[set[str], set[str]]:
    """Names of users and groups that the config makes or the image has."""
    passwd = facts.compiled.passwd
    users = {user.name for user in passwd.users if user.should_exist is not False}
    groups = {group.name for group in passwd.groups if group.should_exist is not False} | users
    return users | image_names("users"), groups | image_names("groups")


@lint(
    "lint-owner-unknown",
    title="An owner is neither in the config nor known in the image",
    why="Ignition looks names up in the new system, and the boot fails if one is not there.",
    fix="Add the user to passwd.users or the group to passwd.groups, or write the number as id.",
    wrong=file_("user:\n  name: croe"),
    right=file_("user:\n  name: core"),
)
def owner_unknown(facts: Facts, find: Find) -> None:
    """Names of owners of files, and of groups that users are in, that no account has."""
    if facts.merges:
        return
    users, groups = _accounts(facts)
    storage = facts.compiled.storage
    for kind, nodes in (("files", storage.files), ("directories", storage.directories), ("links", storage.links)):
        for i, node in enumerate(nodes):
            for what, owner, known in (("user", node.user, users), ("group", node.group, groups)):
                _report(find, ("storage", kind, i, what, "name"), what, owner.name, known)
    for i, user in enumerate(facts.compiled.passwd.users):
        for g, name in enumerate(user.groups):
            _report(find, ("passwd", "users", i, "groups", g), "group", name, groups)
        _report(find, ("passwd", "users", i, "primary_group"), "group", user.primary_group, groups)


def _report(find: Find, path: Path, what: str, name: str | None, known: set[str]) -> None:
    if name and not name.isdigit() and name not in known:
        close = near(name, known)
        section = f"passwd.{what}s"
        message = f"there is no {what} {name} in this config, nor is one known in the image"
        find.at(
            path,
            message + (f"; did you mean {close}?" if close else ""),
            hint=f"add it to {section}, or write its number as id",
        )


@lint(
    "lint-home-parents",
    title="Directories of a home would belong to root",
    why="Ignition makes missing parent directories as root's, so the user cannot write beside the file, as programs want to in ~/.config.",
    fix="List the directories in storage.directories with the same user and group.",
    wrong=_HOME,
    right=_PARENT + "  files:" + _HOME.partition("files:")[2],
)
def home_parents(facts: Facts, find: Find) -> None:
    """Files and directories below the home of the user who owns them, whose parents the config does not make."""
    storage = facts.compiled.storage
    homes = _homes(facts)
    made = {node.path.rstrip("/") for node in (*storage.directories, *storage.links)}
    made |= {
        f"{home}/.ssh"
        for home, names in homes.items()
        for user in facts.compiled.passwd.users
        if user.ssh_authorized_keys and user.name in names
    }
    mounted = {filesystem.path.rstrip("/") for filesystem in storage.filesystems if filesystem.path}
    seen: set[str] = set()
    for kind, nodes in (("files", storage.files), ("directories", storage.directories), ("links", storage.links)):
        for i, node in enumerate(nodes):
            home = next(
                (home for home, names in homes.items() if node.path.startswith(home + "/") and _owns(node, names)), None
            )
            missing = [path for path in _parents(node.path, home) if path not in made | mounted] if home else []
            new = [path for path in missing if path not in seen]
            seen.update(missing)
            if new:
                owner = node.user.name or node.user.id
                them = "them" if len(new) > 1 else "it"
                find.at(
                    ("storage", kind, i, "path"),
                    f"{' and '.join(new)} will belong to root: nothing makes {them} for {owner}",
                    hint=f"add {them} to storage.directories with user.name: {owner}",
                )


def _homes(facts: Facts) -> dict[str, set[str | int]]:
    """Homes, each with the names and ids of its user."""
    homes: dict[str, set[str | int]] = {"/home/core": {"core"}, "/var/home/core": {"core"}}
    for user in facts.compiled.passwd.users:
        owner: set[str | int] = {user.name, *([user.uid] if user.uid is not None else [])}
        for home in [user.home_dir] if user.home_dir else [f"/home/{user.name}", f"/var/home/{user.name}"]:
            homes.setdefault(home.rstrip("/"), set()).update(owner)
    return {home: names for home, names in homes.items() if home not in ("", "/root")}


def _owns(node: Any, names: set[str | int]) -> bool:
    return node.user.name in names or node.user.id in names


def _parents(path: str, home: str) -> list[str]:
    """The directories between a home and a path below it."""
    parts = path[len(home) + 1 :].split("/")[:-1]
    return ["/".join([home, *parts[: length + 1]]) for length in range(min(len(parts), 40))]
