"""JSON text: parsing as the reference parses it, and positions on demand.

`JsonDocument.parse()` gives plain Python values quickly. Positions are needed only when there is something to report, so
they are found by a second reading of the text then (`tree()`), never kept beside the data of a good config.
Sources: RFC 8259; Go's encoding/json (keys in any case, later duplicates win, objects merge); coreos/vcontext for what a position is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ignition_py import quickjson as json
from ignition_py.report.diag import Path, Place
from ignition_py.spec.jsonnode import JsonNode, decode_text
from ignition_py.spec.model import Field, Origin

_SCANS = 3  # readings for single places; from then on, all are looked up at once


class NeedsExact(Exception):  # a finding, not an error
    """The text gives a key twice or nests deeper than Python's parser goes: spec/exact.py has to read it."""


_NOWHERE = JsonNode(0)  # the tree of a text without places


class _Lines:
    """Line and column of byte offsets. Kept for each block of the text: the line breaks before it, and where the last one is;
    an index of all of them would outweigh a text of nothing else."""

    BITS = 12  # of the size of a block

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.count = [0]
        self.last = [-1]
        size = 1 << self.BITS
        for start in range(0, len(data), size):
            last = data.rfind(b"\n", start, start + size)
            self.count.append(self.count[-1] + data.count(b"\n", start, start + size))
            self.last.append(last if last >= 0 else self.last[-1])

    def position(self, offset: int) -> tuple[int, int]:
        block = offset >> self.BITS
        start = block << self.BITS
        last = self.data.rfind(b"\n", start, offset)
        line = self.count[block] + self.data.count(b"\n", start, offset) + 1
        return line, offset - (last if last >= 0 else self.last[block])


class JsonDocument:
    """One JSON text and the name of where it came from."""

    __slots__ = ("_lines", "_scans", "_tree", "_wanted", "data", "source")

    def __init__(self, data: bytes, source: str = "") -> None:
        self.data = data
        self.source = source
        self._tree: JsonNode | None = None
        self._wanted: dict[str | int, Any] | None = {}  # what the tree knows; None is everything
        self._scans = 0
        self._lines: _Lines | None = None

    def parse(self) -> Any:
        """The value of the text. Raises JsonSyntaxError, and NeedsExact where only spec/exact.py reads it right."""
        try:
            text = decode_text(self.data)
            if text.startswith("\ufeff"):
                raise ValueError
            return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        except (RecursionError, NeedsExact):
            raise NeedsExact from None
        except ValueError:
            from ignition_py.spec.jsonscan import scan_error

            error = scan_error(self.data)
            if error is None:  # a number so long that Python does not take it
                raise NeedsExact from None
            raise error from None

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (in bytes, from 1) of a byte offset; (0, 0) past the end of the text."""
        if offset >= len(self.data):
            return 0, 0
        if self._lines is None:
            self._lines = _Lines(self.data)
        return self._lines.position(offset)

    @property
    def has_places(self) -> bool:
        """Does the reference know places in this text? A number beyond what a float holds keeps it from it."""
        if self._tree is None:
            self._scan(self._wanted)
        return self._tree is not _NOWHERE

    def place_at(self, offset: int, path: Path = ()) -> Place:
        line, column = self.position(offset)
        return Place(path, line, column, self.source, at_end=not line)

    def locate(self, paths: Iterable[Path]) -> None:
        """Finds the places of `paths` in one reading, before they are asked for one by one."""
        if self._wanted is None or (self._scans >= _SCANS and self._tree is not None):
            return self._scan(None)
        wanted = self._wanted
        missing = self._tree is None
        for path in paths:
            level = wanted
            for part in path:
                below = level.get(part)
                if below is None:
                    missing = True
                    below = level[part] = {}
                level = below
        return self._scan(wanted) if missing else None

    def _scan(self, wanted: dict[str | int, Any] | None) -> None:
        if self._tree is not None and self._wanted is None:
            return
        from ignition_py.spec.jsonscan import build_tree

        self._wanted = wanted
        self._scans += 1
        self._tree = build_tree(self.data, wanted) or _NOWHERE

    def tree(self) -> JsonNode:
        """The places of everything."""
        self._scan(None)
        return self._tree or _NOWHERE

    def find(self, path: Path) -> JsonNode | None:
        """The node at exactly `path`."""
        self.locate((path,))
        node = self._tree or _NOWHERE
        for part in path:
            below = node.items.get(part)
            if below is None:
                return None
            node = below
        return node

    def find_anyhow(self, path: Path) -> JsonNode | None:
        """The node at exactly `path`, also where the reference knows no places."""
        from ignition_py.spec.jsonscan import build_tree

        node = build_tree(self.data, huge=True)
        for part in path:
            node = node.items.get(part) if node is not None else None
        return node

    def deepest(self, path: Path) -> JsonNode:
        """The deepest node on the way to `path`."""
        self.locate((path,))
        node = self._tree or _NOWHERE
        for part in path:
            below = node.items.get(part)
            if below is None:
                break
            node = below
        return node

    def place(self, path: Path) -> Place:
        """The place of the value at `path`, or of the nearest value around it."""
        if not self.has_places:
            return Place(path, 0, 0, self.source)
        node = self.deepest(path)
        return self._spanning(self.place_at(node.start, path), node.end)

    def _spanning(self, place: Place, end: int) -> Place:
        """`place` with its end before the byte offset `end`, if that lies behind it."""
        if place.line and end > 0:
            line, column = self.position(end - 1)
            if (line, column) >= (place.line, place.column):
                place.end_line, place.end_column = line, column + 1
        return place

    def key_place(self, path: Path) -> Place:
        """The place of the last key of `path`."""
        self.locate((path,))
        parent = self.deepest(path[:-1])
        return self.place_at(parent.keys.get(str(path[-1]), parent.start), path)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise NeedsExact
    return values


def _constant(name: str) -> Any:
    raise ValueError(name)


class JsonOrigin(Origin):
    """A value of a JSON document."""

    __slots__ = ("document", "path")

    def __init__(self, document: JsonDocument, path: Path) -> None:
        self.document = document
        self.path = path

    def place(self) -> Place:
        return self.document.place(self.path)

    def field(self, entry: Field) -> Origin | None:
        path = (*self.path, entry.json)
        return JsonOrigin(self.document, path) if self.document.find(path) is not None else None

    def item(self, index: int) -> Origin | None:
        path = (*self.path, index)
        return JsonOrigin(self.document, path) if self.document.find(path) is not None else None

    def spelled(self, entry: Field) -> str:
        return entry.json
