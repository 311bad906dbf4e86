"""Files of a build, read and parsed once for all hosts: the main file, includes, local files with references."""

from __future__ import annotations

import os
import stat

from butane_py.fleet.evaluation import Lookup
from butane_py.fleet.include import Entry as IncludeEntry
from butane_py.fleet.include import entries
from butane_py.fleet.interpolation import Expander, Template, misplaced
from butane_py.fleet.variables import VARS, declared
from butane_py.yaml.source import MAPPING, SCALAR, Node, Source
from ignition_py.report.diag import ERROR, Report

INCLUDE = "include"
_MOST = 64 << 20  # bytes of a file that is read


class ParsedFile:
    """One config: its nodes, its variables, its includes. Raises YamlError for a text that is none.

    name: what reports call it. path: with symbolic links resolved. files_dir: where its local files come from. roots: the directories that
    its includes stay in. report: what is wrong whatever the host is. interpolates: True if it has `vars:`; only then references count.
    """

    def __init__(self, name: str, path: str, text: bytes, files_dir: str | None, roots: tuple[str, ...]) -> None:
        self.name = name
        self.path = path
        self.files_dir = files_dir
        self.roots = roots
        self.source = Source(text, name)
        self.report = Report()
        vars_ = self._section(VARS)
        include = self._section(INCLUDE)
        self.interpolates = vars_ is not None
        self.template: Template | None = Template(self.source) if self.interpolates else None
        self.declarations, errors = declared(self.source, vars_) if vars_ is not None else ({}, [])
        self.report.entries += errors
        if self.template is not None:
            self.report.entries += misplaced(self.template)
        self.includes: list[IncludeEntry] = entries(self, include) if include is not None else []
        self.own = self._without_sections() if vars_ is not None or include is not None else self.source.root

    def _section(self, key: str) -> Node | None:
        root = self.source.root
        pair = root.entry(key) if root is not None and root.kind == MAPPING else None
        return pair[1] if pair is not None else None

    def _without_sections(self) -> Node:
        """The root without the keys that only a build knows."""
        root = self.source.root
        assert root is not None
        made = Node(root.kind, root.line, root.column, "", root.tag)
        made.end = root.end
        made.items = [pair for pair in root.items if pair[0].kind != SCALAR or pair[0].value not in (VARS, INCLUDE)]
        return made

    def expander(self, lookup: Lookup, report: Report) -> Expander:
        """What expands the nodes of this file for one host."""
        return Expander(self.template, lookup, report)

    def expanded(self, expander: Expander) -> Node | None:
        """The nodes of the config itself for one host."""
        root = self.own
        if root is None or self.template is None or root.kind != MAPPING:
            return root
        made = Node(root.kind, root.line, root.column, "", root.tag)
        made.end = root.end
        pairs = [(key, expander.node(value, (key.value,))) for key, value in root.items]
        made.items = [pair for pair in pairs if pair[1] is not None]
        return made

    @property
    def fatal(self) -> bool:
        """True if something is wrong with the file whatever the host is."""
        return any(entry.severity == ERROR for entry in self.report)


def read_regular(path: str) -> bytes:
    """The contents of a regular file. Raises OSError for what is none, and ValueError for a name that cannot be one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "is a directory", path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
            raise OSError(22, "is not a regular file, or a very large one", path)
        return file.read()
