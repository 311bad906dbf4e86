"""Secrets: which entries of an output are made of them, and reports that do not show them.

A value is secret if it is declared so, comes from a file of secrets, or is made of a secret value; nodes, texts and local files know the
values that they are made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from butane_py.compilation import Compilation
from butane_py.fleet.compile import HostBuild
from butane_py.fleet.interpolation import Grafted
from butane_py.fleet.linting import UNFILTERED
from butane_py.yaml.source import At, Node, Source, Whole
from ignition_py.report.catalog import title, way_out
from ignition_py.report.diag import Entry, Path, Report
from ignition_py.spec.model import Field, Origin, Struct

_SHORTEST = 4  # characters; shorter secrets are hidden where they are the value that is reported, not wherever they occur
_MOST_NODES = 10_000
_OF_LOCAL_FILES = ("source", "compression", "contents")  # the fields that the contents of a local file go to


class Taint:
    """The secrets of one host."""

    def __init__(self, build: HostBuild) -> None:
        self.build = build
        self._texts = _spellings(build.state.secrets)
        self._paths: dict[int, set[Path]] = {}  # of keys that name local files with secrets, by source
        for work in build.works:
            uses = work.payloads.uses.items() if work.payloads is not None else ()
            paths = {path for path, each in uses if any(use.value.secret for use in each)}
            if paths:
                self._paths[id(work.source)] = paths
        self.any = bool(build.state.secrets)

    def hidden(self, report: Report) -> Report:
        """The report without secrets: an entry that would show one says what is wrong, not with what."""
        if not self.any:
            return report
        return Report([self._hidden(entry) for entry in report])

    def _hidden(self, entry: Entry) -> Entry:
        said = [entry.message, entry.hint, *(each.message for each in entry.related)]
        said += [entry.fix.title, entry.fix.replacement] if entry.fix is not None else []
        shows = any(secret in text for secret in self._texts for text in said)
        if not shows and not self._is_secret(entry):
            return entry
        message = title(entry.code) or "something is wrong with a value"
        related = tuple(each for each in entry.related if not any(secret in each.message for secret in self._texts))
        message = f"{message[:1].lower()}{message[1:]} (the value is secret)"
        return entry.but(message=message, hint=way_out(entry.code), related=related, fix=None)

    def _is_secret(self, entry: Entry) -> bool:
        """True if the value at the place of the entry is a secret, or a text with one in it."""
        if entry.code.startswith(("var-", "include-", "secret-", UNFILTERED)):
            return False  # their sentences hide secrets themselves
        path, name = entry.place.path, entry.place.source
        for work in self.build.works:
            if work.name == name and path and hasattr(work, "source"):
                node = work.source.deepest(path)
                if (isinstance(node, Grafted) and node.secret) or any(path[: len(each)] == each for each in self._of(work.source)):
                    return True
        return False

    def _of(self, source: Source) -> set[Path]:
        return self._paths.get(id(source), set())

    def outputs(self, work: Compilation) -> Iterator[Path]:
        """The paths in the JSON of the values that are made of secrets."""
        if self.any:
            prefix: Path = ("spec", "config") if work.wraps else ()
            yield from self._below(work.output, prefix, work.output._origin)

    def _below(self, struct: Struct, path: Path, around: Origin | None) -> Iterator[Path]:
        origin = struct._origin or around
        for entry, value in struct.items():
            here = (*path, entry.json)
            source = (struct._sources or {}).get(entry.name) or (origin.field(entry) if origin is not None else None)
            if entry.struct is not None:
                for index, item in enumerate(value) if entry.many else [(-1, value)]:
                    yield from self._below(item, (*here, index) if entry.many else here, source)
            elif entry.many:
                yield from ((*here, index) for index in range(len(value)) if self._made_of(source.item(index) if source else None, entry))
            elif self._made_of(source, entry):
                yield here

    def _made_of(self, origin: Origin | None, entry: Field) -> bool:
        """True if the value of a field, which stands at an origin, is made of a secret."""
        if not isinstance(origin, At):
            return False
        path = origin.path
        if entry.name in _OF_LOCAL_FILES and any(path[: len(each)] == each for each in self._of(origin.source)):
            return True
        if isinstance(origin, Whole) and path and isinstance(path[-1], str) and len(path) > 1:
            path = path[:-1]  # sugar works on the whole entry
        node = origin.source.deepest(path)
        if node is None or origin.source.find(path[:1]) is None:
            return False
        return _holds_secret(node) if isinstance(origin, Whole) else isinstance(node, Grafted) and node.secret


def _holds_secret(node: Node) -> bool:
    """True if a secret is in the node or below it."""
    waiting: list[Any] = [node]
    for _ in range(_MOST_NODES):
        if not waiting:
            return False
        each = waiting.pop()
        if isinstance(each, Grafted) and each.secret:
            return True
        waiting += [below[1] if isinstance(below, tuple) else below for below in each.items]
    return True


def _spellings(secrets: set[str]) -> list[str]:
    """The texts that no report may have in it: each secret, as it is and as Python and JSON write it, and its longer lines."""
    found: set[str] = set()
    for secret in secrets:
        for text in (secret, *(line for line in secret.splitlines() if len(line) > _SHORTEST)):
            found.update((text, repr(text)[1:-1]))
    return [text for text in found if len(text) >= _SHORTEST]
