"""Inspecting for files, directories and links: what is at the paths that the config names. Reads, changes nothing.

Between the config and `plan.py`. Facts that a first, interrupted run wrote to the journal win over what is there now.
"""

from __future__ import annotations

import stat

from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Link, Node, Storage
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.nodes.plan import DEVICE, DIRECTORY, FILE, PIPE, SOCKET, SYMLINK, Seen, Survey
from ignition_py.system.rootfs import Root, shown


def survey_nodes(root: Root, storage: Storage, journal: Journal) -> Survey:
    """Looks at every path of the config; new facts go to the journal. Raises StageError naming the entry."""
    gone = _replaced_directories(root, storage)
    where: dict[str, str] = {}
    seen: dict[str, Seen | None] = {}
    for node in (*storage.directories, *storage.files, *storage.links):
        target = getattr(node, "target", None) if getattr(node, "hard", None) else None
        for path in (node.path, target):
            if path is None or path in where:
                continue
            try:
                spot = where[path] = root.locate(path, gone)
                seen[spot] = None if _below(spot, gone) else _look(root, spot, journal)
            except OSError as error:
                raise _failed(node, path, error) from None
    own = [where[node.path] for node in (*storage.directories, *storage.files, *storage.links)]
    appended = {where[node.path] for node in storage.files if node.append and node.contents.source is None and not node.overwrite}
    again = {where[node.path] for node in storage.links if node.hard and _same(seen, where, node)}
    for path in own:
        found = seen[path]
        if found is None or path in again:
            journal.absent(path)
        elif not found.ours:
            journal.present(path)
            if path in appended and found.kind == FILE:
                found.base = journal.base(path)
    return Survey(where, seen)


def _same(seen: dict[str, Seen | None], where: dict[str, str], link: Link) -> bool:
    """True if a hard link is there already. Where its target changes it is made again (plan.py), and a run that was cut off in between
    leaves it with what the target was: it counts as this stage's own work."""
    found, target = seen[where[link.path]], seen[where[link.target or ""]]
    return found is not None and target is not None and found.identity == target.identity


def _replaced_directories(root: Root, storage: Storage) -> set[str]:
    """Where the config puts a new directory whatever is there: paths below lead into the new one."""
    gone: set[str] = set()
    for node in sorted(storage.directories, key=lambda node: len(node.path)):
        if node.overwrite:
            try:
                gone.add(root.locate(node.path, gone))
            except OSError as error:
                raise _failed(node, node.path, error) from None
    return gone


def _failed(node: Node, path: str, error: OSError) -> StageError:
    return StageError(f"reading what is at {shown(path)}: {error.strerror}", place=node.place())


def _below(path: str, directories: set[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:n]) in directories for n in range(2, len(parts)))


def _look(root: Root, path: str, journal: Journal) -> Seen | None:
    try:
        with root.spot(path) as spot:
            found = spot.lstat()
            if found is None:
                return None
            target = spot.readlink() if stat.S_ISLNK(found.st_mode) else ""
    except FileNotFoundError:
        return None
    return Seen(kind_of(found.st_mode), identity=(found.st_dev, found.st_ino), target=target, ours=journal.was_absent(path))


def kind_of(mode: int) -> str:
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK, stat.S_IFIFO: PIPE, stat.S_IFSOCK: SOCKET}
    return kinds.get(stat.S_IFMT(mode), DEVICE)
