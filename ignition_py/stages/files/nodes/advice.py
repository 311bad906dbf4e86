"""Warnings about files, directories and links that are written as the config says, and are likely not what was meant.

The reference does the same without a word. The linter has both as rules (`lint-home-parents`, `lint-wants-link`), but not every config
was linted.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from ignition_py.stages.files.accounts.home import real_path
from ignition_py.stages.files.accounts.lookup import Accounts
from ignition_py.stages.files.nodes.plan import MakeDirectory, MakeSymlink, NodeOp
from ignition_py.system.rootfs import Root, shown

_UNITS = "/etc/systemd/system"
# What is mounted over at each boot, or emptied by it (file-hierarchy(7), tmpfiles.d(5)).
_VANISHING = {
    "/proc": "the kernel mounts its own there",
    "/sys": "the kernel mounts its own there; for its settings use sysctl.d or tmpfiles.d",
    "/dev": "the kernel mounts its own there",
    "/run": "it is empty at each boot; to have it made at each, write an entry to /etc/tmpfiles.d",
    "/tmp": "it may be empty after each boot; choose a path below /etc, /var or /usr/local",  # noqa: S108  # nothing is written there
}
_ENABLING = (".wants", ".requires")


def warnings(root: Root, accounts: Accounts, ops: Sequence[NodeOp], enabled: Container[str]) -> Iterator[str]:
    """A sentence for each; `enabled` are the units that the config enables. To be asked before anything is written."""
    yield from _root_parents(root, accounts, ops)
    yield from _enabling_links(ops, enabled)
    yield from _vanishing(ops)


def _root_parents(root: Root, accounts: Accounts, ops: Sequence[NodeOp]) -> Iterator[str]:
    """Directories in a home that come into being with an entry of its user, and belong to root."""
    owned = [op for op in ops if op.user is not None]
    if not owned:
        return
    users = accounts.users()
    homes = {user.name: real_path(root, user.home) for user in users if user.uid}
    names = {user.uid: user.name for user in users}
    listed = {op.where for op in ops if isinstance(op, MakeDirectory)}
    told: set[str] = set()
    for op in owned:
        name = names.get(op.user) if isinstance(op.user, int) else op.user
        home = homes.get(name or "", "/")
        if home == "/" or not op.where.startswith(f"{home}/"):
            continue
        parts = op.where[len(home) + 1 :].split("/")[:-1]
        parents = [f"{home}/{'/'.join(parts[: length + 1])}" for length in range(len(parts))]
        new = [path for path in parents if path not in listed and path not in told and root.lstat(path) is None]
        told.update(new)
        if new:
            yield (
                f"{' and '.join(map(shown, new))} will belong to root, though {shown(op.path)} in it is {shown(name or '')}'s: "
                "list such directories in storage.directories with their user"
            )


def _vanishing(ops: Sequence[NodeOp]) -> Iterator[str]:
    """Where later boots see nothing of what is written; one sentence for each of these folders."""
    for folder, why in _VANISHING.items():
        paths = [shown(op.path) for op in ops if op.where.startswith(f"{folder}/")]
        if paths:
            more = f" and {len(paths) - 1} more below {folder}" if len(paths) > 1 else ""
            yield f"{paths[0]}{more} will not be there later: {why}"


def _enabling_links(ops: Sequence[NodeOp], enabled: Container[str]) -> Iterator[str]:
    for op in ops:
        folder, _, unit = op.where.rpartition("/")
        below = folder.rpartition("/")
        if isinstance(op, MakeSymlink) and below[0] == _UNITS and below[2].endswith(_ENABLING) and unit not in enabled:
            yield (
                f"{shown(op.path)}: systemd applies its presets at the first boot, and may take this link away again: "
                f"give the unit {shown(unit)} `enabled: true` in systemd.units"
            )
