"""Lines of sysusers.d and tmpfiles.d: accounts and nodes that systemd makes when it boots.

Source: sysusers.d(5) and tmpfiles.d(5) of systemd 252. `~` (the argument is base64) came with 250.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Callable, Iterator

from butane_py.targets.nodes import DEFAULT_DIRECTORY, DEFAULT_FILE, below, has_owner, owner_of, pieces
from butane_py.targets.plan import Plan
from ignition_py.spec import tables as spec

_PLAIN = re.compile(r"[\w./:@+=,-]+\Z", re.ASCII)
_OWN_USERS = ("root", "nobody")  # which every system has
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": " ", "%": "%%"}


def word(text: str) -> str:
    """One field of a line: in quotes where it has more than plain characters. `%` begins a specifier.

    A line end, which no field can have, becomes a blank; `unsafe_nodes` finds paths with one.
    """
    if _PLAIN.match(text):
        return text
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def home_of(user: spec.PasswdUser, homes: str = "/home") -> str:
    return user.home_dir or ("/root" if user.name == "root" else f"{homes}/{user.name}")


def sysusers(plan: Plan, homes: str = "/home") -> str:
    """Groups and users. A user that is to log in needs an id: systemd would give it one of the system's."""
    lines = []
    for group in plan.config.passwd.groups:
        lines.append(f"g {word(group.name)} {'-' if group.gid is None else group.gid}\n")
    for user in plan.config.passwd.users:
        if user.name not in _OWN_USERS:
            ids = "-" if user.uid is None else str(user.uid)
            ids += f":{user.primary_group}" if user.primary_group else ""
            gecos = word(user.gecos) if user.gecos else "-"
            lines.append(
                f"u {word(user.name)} {word(ids)} {gecos} {word(home_of(user, homes))} {word(user.shell or '/bin/bash')}\n"
            )
        lines += [f"m {word(user.name)} {word(group)}\n" for group in user.groups]
    return "".join(lines)


def homes_and_keys(plan: Plan, homes: str = "/home") -> str:
    """The homes of users and their keys."""
    lines = []
    for user in plan.config.passwd.users:
        home, owner = home_of(user, homes), f"{word(user.name)} {word(user.primary_group or user.name)}"
        if not user.no_create_home and user.name not in _OWN_USERS:
            lines.append(f"d {word(home)} 0700 {owner} -\n")
        if user.ssh_authorized_keys:
            keys = "".join(f"{key.strip()}\n" for key in user.ssh_authorized_keys)
            lines.append(f"d {word(f'{home}/.ssh')} 0700 {owner} -\n")
            lines.append(f"f~ {word(f'{home}/.ssh/authorized_keys')} 0600 {owner} - {_base64(keys.encode())}\n")
    return "".join(lines)


def tmpfiles(plan: Plan, wanted: Callable[[str], bool], *, again: bool) -> str:
    """Directories, files and links whose paths are `wanted`. Files are written once, or with `again` on every boot."""
    storage = plan.config.storage
    lines = []
    for directory in storage.directories:
        if wanted(directory.path):
            mode = DEFAULT_DIRECTORY if directory.mode is None else directory.mode
            lines.append(f"d {word(directory.path)} {mode:04o} {_owner(directory)} -\n")
    for file in storage.files:
        if wanted(file.path):
            mode = DEFAULT_FILE if file.mode is None else file.mode
            data = b"".join(piece.data or b"" for piece in pieces(file))
            kind = "f+~" if again and pieces(file) else "f~"
            lines.append(
                f"{kind} {word(file.path)} {mode:04o} {_owner(file)} - {_base64(data) or '-'}\n".replace(" -\n", "\n")
            )
    for link in storage.links:
        if wanted(link.path):
            target = (link.target or "").replace("%", "%%")
            owner = _owner(link) if has_owner(link) else "- -"
            lines.append(f"{'L+' if link.overwrite else 'L'} {word(link.path)} - {owner} - {target}\n")
    return "".join(lines)


def unsafe_nodes(plan: Plan, wanted: Callable[[str], bool]) -> Iterator[tuple[str, int, str]]:
    """Kind, index and path of nodes that tmpfiles.d cannot say: hard links, targets with blanks around them, and texts with a line end."""
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(getattr(plan.config.storage, kind)):
            target = getattr(node, "target", None) or ""
            unsafe = "\n" in node.path + target or target != target.strip() or getattr(node, "hard", None)
            if wanted(node.path) and unsafe:
                yield kind, index, node.path


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    """True if the path lies in one of the folders."""
    return any(below(path, folder) for folder in folders) and posixpath.normpath(path) not in folders


def _owner(node: spec.Node) -> str:
    owner = owner_of(node)
    return f"{word(owner.user)} {word(owner.group)}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
