"""Planning of files, directories and links: from what the config asks and what is there to a tuple of operations.

`survey.py` looked (`Survey`), `plan_nodes` decides here without touching anything, `apply.py` does. Every refusal comes
from here, before the first node is written. Rules: the Ignition specification, `storage.{directories,files,links}`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Place, StageError
from ignition_py.spec.tables import Directory, File, Link, Node, Resource, Storage
from ignition_py.system.rootfs import shown

FILE, DIRECTORY, SYMLINK, PIPE, SOCKET, DEVICE = "file", "directory", "symlink", "named pipe", "socket", "device"
DIRECTORY_MODE = 0o755
FILE_MODE = 0o644


class Seen(Record):
    """What is at a path now. `ours` tells that an interrupted run of this stage put it there."""

    kind: str
    _: KW_ONLY
    identity: tuple[int, int] = (0, 0)  # device and inode
    target: str = ""  # text of a symlink
    base: int = 0  # size in bytes of a regular file before this stage ever appended to it
    ours: bool = False


class Survey(Record):
    """What inspecting found.

    `where`: path of the config -> path after following symlinks. `seen`: the latter -> what is there, None for nothing.
    """

    where: Mapping[str, str]
    seen: Mapping[str, Seen | None]


class NodeOp(Record):
    """One step of the plan. `replace` permits to remove what is at `where`, with all that is below it.

    `fresh`: nothing was at `where` before this stage first ran. `mode` None leaves what is there, or comes with creating.
    """

    node: Node
    where: str
    _: KW_ONLY
    mode: int | None = None
    replace: bool = False
    fresh: bool = False

    verb = ""

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def user(self) -> int | str | None:
        """Id or name of the owner; None leaves what is there, or comes with creating."""
        return self.node.user.id if self.node.user.id is not None else self.node.user.name or None

    @property
    def group(self) -> int | str | None:
        """Id or name of the owning group; None as for `user`."""
        return self.node.group.id if self.node.group.id is not None else self.node.group.name or None

    @property
    def place(self) -> Place | None:
        """Where the entry stands in the config; worked out only for an error, since it takes reading the config again."""
        return self.node.place()

    def describe(self) -> str:
        through = "" if self.where == self.path else f" (which is {shown(self.where)})"
        return f"{self.verb} {shown(self.path)}{through}"


class MakeDirectory(NodeOp):
    """Makes a directory, or sets owner and mode of the one that is there."""

    ours: bool

    verb = "directory"


class WriteFile(NodeOp):
    """Writes a new file: `sources` one after the other, behind the first `base` bytes of the file that is there.

    `base` is None where the file that is there, if any, is replaced.
    """

    sources: tuple[Resource, ...]
    base: int | None

    verb = "file"


class SetPermissions(NodeOp):
    """Sets owner and mode of a file that is there and keeps its contents."""

    verb = "permissions of file"


class MakeSymlink(NodeOp):
    node: Link

    verb = "symbolic link"

    @property
    def target(self) -> str:
        return self.node.target or ""


class MakeHardlink(NodeOp):
    node: Link

    verb = "hard link"

    @property
    def target(self) -> str:
        return self.node.target or ""


def depth(path: str) -> int:
    return sum(1 for part in path.split("/") if part)


def plan_nodes(storage: Storage, survey: Survey) -> tuple[NodeOp, ...]:
    """The operations in order: the less deep (after following symlinks) first, hard links last.

    Directories come before files and files before symlinks of the same depth. Raises StageError: two entries that
    lead to one path, or something in the way that the config does not permit to replace.
    """
    _refuse_doubles(storage, survey)
    ops = [*_directories(storage.directories, survey), *_files(storage.files, survey)]
    ops += _symlinks((link for link in storage.links if not link.hard), survey)
    ops.sort(key=lambda op: depth(op.where))
    ops = [op.but(fresh=_is_fresh(survey.seen[op.where])) for op in ops]
    changed = {op.where for op in ops}
    return (*ops, *_hardlinks((link for link in storage.links if link.hard), survey, changed))


def _is_fresh(seen: Seen | None) -> bool:
    return seen is None or seen.ours


def _refuse_doubles(storage: Storage, survey: Survey) -> None:
    first: dict[str, Node] = {}
    for node in (*storage.directories, *storage.files, *storage.links):
        other = first.setdefault(survey.where[node.path], node)
        if other is not node:
            raise StageError(
                f"{shown(node.path)} and {shown(other.path)} are one path in this root: both lead to {shown(survey.where[node.path])}",
                place=node.place(), hint="Take one of the two entries out",
            )  # fmt: skip
    _refuse_below_files(storage, survey)


def _refuse_below_files(storage: Storage, survey: Survey) -> None:
    """A file cannot have anything below it; two links of the image may hide that it would."""
    solid: dict[str, Node] = {survey.where[node.path]: node for node in storage.files}
    solid.update((survey.where[node.path], node) for node in storage.links if node.hard)
    for node in (*storage.directories, *storage.files, *storage.links):
        parts = survey.where[node.path].split("/")
        for end in range(2, len(parts)):
            above = solid.get("/".join(parts[:end]))
            if above is not None:
                raise StageError(
                    f"{shown(node.path)} would lie below {shown(above.path)}, which is not to be a directory",
                    place=node.place(), hint="Take one of the two entries out",
                )  # fmt: skip


def _refuse(node: Node, what: str, kind: str, hint: str = "Set `overwrite: true` to replace it, or choose another `path`") -> StageError:
    return StageError(f"{what} {shown(node.path)}: {kind} is there already", place=node.place(), hint=hint)


def _may_replace(node: Node, seen: Seen | None) -> bool:
    return bool(node.overwrite) or (seen is not None and seen.ours)


def _directories(nodes: tuple[Directory, ...], survey: Survey) -> Iterator[NodeOp]:
    for node in nodes:
        where = survey.where[node.path]
        seen = survey.seen[where]
        ours = seen is not None and seen.ours
        if seen is not None and seen.kind != DIRECTORY and not _may_replace(node, seen):
            raise _refuse(node, "directory", f"a {seen.kind}")
        # A directory that an interrupted run made holds what other entries put there: it is kept unless the config replaces it.
        replace = bool(node.overwrite) or (ours and seen is not None and seen.kind != DIRECTORY)
        yield MakeDirectory(node, where, mode=node.mode, replace=replace, ours=ours)


def _files(nodes: tuple[File, ...], survey: Survey) -> Iterator[NodeOp]:
    for node in nodes:
        where = survey.where[node.path]
        seen = survey.seen[where]
        has_contents = node.contents.source is not None
        if seen is None or _may_replace(node, seen):
            sources = ((node.contents,) if has_contents else ()) + node.append
            mode = FILE_MODE if node.mode is None else node.mode
            yield WriteFile(node, where, mode=mode, sources=sources, base=None, replace=seen is not None)
        elif seen.kind != FILE:
            raise _refuse(node, "file", f"a {seen.kind}")
        elif has_contents:
            raise _refuse(node, "file", "a file", "Set `overwrite: true` to replace it, or take `contents` out to keep it")
        elif node.append:
            yield WriteFile(node, where, mode=node.mode, sources=node.append, base=seen.base)
        else:
            yield SetPermissions(node, where, mode=node.mode)


def _symlinks(nodes: Iterator[Link], survey: Survey) -> Iterator[NodeOp]:
    for node in nodes:
        where = survey.where[node.path]
        seen = survey.seen[where]
        if seen is None or _may_replace(node, seen):
            yield MakeSymlink(node, where, replace=seen is not None)
        elif seen.kind != SYMLINK:
            raise _refuse(node, "symbolic link", f"a {seen.kind}")
        elif clean(seen.target) != clean(node.target or ""):
            raise _refuse(node, "symbolic link", f"a symlink to {shown(seen.target)} (not {shown(node.target or '')})")


def _hardlinks(nodes: Iterator[Link], survey: Survey, changed: Container[str]) -> Iterator[NodeOp]:
    """`changed`: where the config changes something; a link that is there to such a file is made again, since the file may be a copy
    of what it was."""
    for node in nodes:
        where = survey.where[node.path]
        seen = survey.seen[where]
        target = survey.seen[survey.where[node.target or ""]]
        if seen is None or _may_replace(node, seen):
            yield MakeHardlink(node, where, replace=seen is not None)
        elif target is None:
            raise StageError(
                f"hard link {shown(node.path)}: its target {shown(node.target or '')} does not exist",
                place=node.place(), hint="Make the target with an entry of this config, or correct `target`",
            )  # fmt: skip
        elif seen.identity != target.identity:
            raise _refuse(node, "hard link", f"a {seen.kind} that is not {shown(node.target or '')}")
        elif survey.where[node.target or ""] in changed:
            yield MakeHardlink(node, where, replace=True)


def clean(path: str) -> str:
    """The shortest path with the same meaning, `.` and `..` worked out by text alone, as links are compared."""
    parts: list[str] = []
    absolute = path.startswith("/")
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part == ".." and absolute:
            continue
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts) or "."
