"""`storage.trees`: a local directory becomes files, links and (where owners or modes are asked for) directories."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.feature import Feature
from butane_py.features.nodes import Nodes
from butane_py.registry import ButaneFindings, rule
from butane_py.resources import LocalFileError, embedded, inside, no_files
from butane_py.variants import BUILD
from butane_py.yaml.source import Whole
from ignition_py.report.catalog import code
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct, extends, field
from ignition_py.spec.rules.paths import clean

_THREADS_FROM = 1 << 20  # bytes of files from which compressing on all cores pays
_TAKEN = ("node-exists", "the config has something else, or other contents, at {}")


class Tree(Struct):
    """A local directory whose files, directories and symbolic links are embedded."""

    group: spec.NodeGroup = field("Group that owns what is embedded.", since=6)
    local: str = field("Path of the directory, below the files directory.", since=1, required=True)
    path: str | None = field("Where it goes in the new root (default /).", since=1)
    user: spec.NodeUser = field("User that owns what is embedded.", since=6)
    file_mode: int | None = field("Permissions of its files (default 0644, or 0755 for executable ones).", since=6)
    dir_mode: int | None = field("Permissions of its directories (default 0755).", since=6)
    interpolate: tuple[str, ...] = field("Patterns of the files in it in which ${{ }} counts, such as **/*.conf.", axis=BUILD)


@extends
class Storage(base.Storage):
    trees: tuple[Tree, ...] = field("Local directories to embed.", since=1)


@code(
    "tree-local-missing",
    title="A tree names no directory",
    why="A tree embeds a directory of the machine that compiles, which local names; path is only where it goes.",
    fix="Add local, a directory below --files-dir.",
    wrong="storage:\n  trees:\n    - path: /etc\n",
    right="storage:\n  trees:\n    - local: tree\n      path: /etc\n",
    local=True,
)
@rule(Tree)
def tree(it: Tree, find: ButaneFindings) -> None:
    if not it.local:
        find.error("tree-local-missing", "a tree needs local, the directory to embed")


@code(
    "tree-not-directory",
    title="A tree is not a directory",
    why="What local names is a single file, and a tree embeds the contents of a directory.",
    fix="Name a directory, or embed the one file with storage.files and contents.local.",
    wrong="storage:\n  trees:\n    - local: a.txt\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)
def desugar(work: Compilation, output: spec.Config) -> spec.Config:
    """`output` with what is in the trees."""
    storage = work.config.storage
    assert isinstance(storage, Storage)
    if not storage.trees:
        return output
    nodes = Nodes(output)
    origin = None
    for i, tree in enumerate(storage.trees):
        origin = Whole(work.source, ("storage", "trees", i))
        files_dir = work.options.files_dir
        if not files_dir:
            missing = no_files(work.options)
            work.error(missing.code, str(missing), origin.path)
            return output
        try:
            folder = inside(files_dir, tree.local)
            if not stat.S_ISDIR(os.stat(folder).st_mode):
                raise LocalFileError("tree-not-directory", f"{tree.local} is not a directory")
        except LocalFileError as error:
            work.error(error.code, str(error), origin.path)
            continue
        except (OSError, ValueError) as error:
            work.error(
                "local-file", f"{tree.local} cannot be read: {getattr(error, 'strerror', None) or error}", origin.path
            )
            continue
        _Walk(work, nodes, tree, origin).run(folder)
    return nodes.into(output, origin)


class _Walk:
    """One tree on its way into the nodes."""

    def __init__(self, work: Compilation, nodes: Nodes, tree: Tree, origin: Whole) -> None:
        self.work = work
        self.nodes = nodes
        self.tree = tree
        self.origin = origin
        self.owner: dict[str, Any] = {
            name: getattr(tree, name).but(_origin=origin) for name in ("user", "group") if dict(getattr(tree, name).items())
        }
        self.pending: list[tuple[spec.File, str, int, bytes | None]] = []

    def fail(self, code: str, message: str) -> None:
        self.work.error(code, message, self.origin.path)

    def run(self, base: str) -> None:
        target = self.tree.path or "/"
        for path, relative, status in _entries(base, self.fail):
            self.node(path, clean(f"{target}/{relative}"), status, relative)
        self.embed()

    @code(
        "tree-file-type",
        title="A tree holds something that cannot be embedded",
        why="A config can carry files, directories and symbolic links. Pipes, sockets and devices have no contents to embed.",
        fix="Remove it from the directory; a unit or systemd-tmpfiles can create it on the machine.",
        wrong="storage:\n  trees:\n    - local: pipes\n",
        right="storage:\n  trees:\n    - local: tree\n",
        local=True,
    )
    def node(self, path: str, target: str, status: os.stat_result, relative: str) -> None:
        if stat.S_ISDIR(status.st_mode):
            self.directory(target)
        elif stat.S_ISREG(status.st_mode):
            self.file(path, target, status, relative)
        elif stat.S_ISLNK(status.st_mode):
            self.link(path, target)
        else:
            self.fail("tree-file-type", f"{path} is neither a file, a directory nor a symbolic link")

    @code(
        "node-exists",
        title="Something else is at the path already",
        why=(
            "A tree or a quadlet would write to a path where this config has another kind of entry, and only one of them can "
            "be there."
        ),
        fix="Remove one of the two, or change its path.",
        wrong="storage:\n  trees:\n    - local: tree\n  links:\n    - path: /hello\n      target: /etc\n",
        right="storage:\n  trees:\n    - local: tree\n",
        local=True,
    )
    def taken(self, target: str) -> None:
        self.fail(_TAKEN[0], _TAKEN[1].format(target))

    def directory(self, target: str) -> None:
        if self.tree.dir_mode is None and not self.owner:
            return
        if self.nodes.exists(target):
            self.taken(target)
            return
        mode = 0o755 if self.tree.dir_mode is None else self.tree.dir_mode
        self.nodes.put("directories", spec.Directory(self.origin, path=target, mode=mode, **self.owner))

    def file(self, path: str, target: str, status: os.stat_result, relative: str) -> None:
        known = self.nodes.get("files", target)
        if known is None:
            if self.nodes.exists(target):
                self.taken(target)
                return
            known = spec.File(self.origin, path=target, **self.owner)
            self.nodes.put("files", known)
        elif known.contents.source:
            self.taken(target)
            return
        if known.mode is None:
            mode = 0o755 if status.st_mode & 0o111 else 0o644
            mode = mode if self.tree.file_mode is None else self.tree.file_mode
            known = known.but(mode=mode, _sources={**(known._sources or {}), "mode": self.origin})
            self.nodes.put("files", known)
        self.pending.append((known, path, status.st_size, self.interpolated(path, relative)))

    def interpolated(self, path: str, relative: str) -> bytes | None:
        """The contents of a file whose references count; None for one that is embedded as it is."""
        if not self.tree.interpolate or not self.work.interpolates(self.tree.interpolate, relative, self.origin.path):
            return None
        try:
            with open(path, "rb") as stream:
                contents = stream.read()
        except OSError:
            return None  # reported when it is embedded
        return self.work.interpolated(contents, os.path.join(self.tree.local, relative), self.origin.path)

    def link(self, path: str, target: str) -> None:
        known = self.nodes.get("links", target)
        if known is None:
            if self.nodes.exists(target):
                self.taken(target)
                return
            known = spec.Link(self.origin, path=target, **self.owner)
        elif known.target:
            self.taken(target)
            return
        try:
            points_to = os.fsencode(os.readlink(path)).decode("utf-8", "surrogateescape")
        except OSError as error:
            self.fail("local-file", f"{path} cannot be read: {error.strerror}")
            return
        self.nodes.put("links", known.but(target=points_to, _sources={**(known._sources or {}), "target": self.origin}))

    def embed(self) -> None:
        """Reads and encodes the files; on several cores where there is much to compress."""
        if sum(size for _, _, size, _ in self.pending) < _THREADS_FROM:
            results = iter([self.encode(item) for item in self.pending])
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
                results = iter(list(pool.map(self.encode, self.pending)))
        for (file, path, _, _), result in zip(self.pending, results, strict=True):
            if isinstance(result, OSError):
                self.fail("local-file", f"{path} cannot be read: {result.strerror}")
                continue
            url, compression = result
            contents = file.contents if file.has("contents") else spec.Resource(self.origin)
            declared = {} if compression is None else {"compression": compression}
            sources = dict.fromkeys(("source", *declared), self.origin)
            self.nodes.put("files", file.but(contents=contents.but(source=url, **declared, _sources=sources)))

    def encode(self, item: tuple[spec.File, str, int, bytes | None]) -> tuple[str, str | None] | OSError:
        file, path, _, contents = item
        try:
            if contents is None:
                with open(path, "rb") as stream:
                    contents = stream.read()
            return embedded(self.work, contents, file.contents.compression)
        except OSError as error:
            return error


def _entries(base: str, fail: Any) -> Iterator[tuple[str, str, os.stat_result]]:
    """(path, path below `base`, status) of `base` and all below it, a directory before what is in it, names in byte order."""
    stack = [(base, ".")]
    while stack:
        path, relative = stack.pop()
        try:
            status = os.lstat(path)
            yield path, os.fsencode(relative).decode("utf-8", "surrogateescape"), status
            if stat.S_ISDIR(status.st_mode):
                names = sorted(os.listdir(path), key=os.fsencode, reverse=True)
                stack.extend(
                    (os.path.join(path, name), name if relative == "." else f"{relative}/{name}") for name in names
                )
        except OSError as error:
            fail("local-file", f"{path} cannot be read: {error.strerror}")


FEATURE = Feature(desugar=desugar)
