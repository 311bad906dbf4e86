"""MachineConfigs of OpenShift, YAML or JSON: the Ignition config in `spec.config`, and reports about it led back to the text.

    embedded(data) -> Embedded.data (JSON, for spec/read.py) -> report -> Embedded.led_back(report)

The JSON is written here token by token, so that it is known of each token where its value stands in the MachineConfig.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json import dumps
from typing import TYPE_CHECKING

from ignition_py.record import Record, field
from ignition_py.report.diag import ConfigError, Entry, Place, Report

if TYPE_CHECKING:
    from butane_py.yaml.source import Node

_KIND = re.compile(rb"""^(?:kind|"kind"|'kind')\s*:\s*["']?MachineConfig\b|"kind"\s*:\s*"MachineConfig\"""", re.MULTILINE)
_PATH = ("spec", "config")
_HEAD = 65536  # bytes in which the kind is looked for


def is_machine_config(data: bytes) -> bool:
    """True if the text says that it is a MachineConfig."""
    return _KIND.search(data[:_HEAD]) is not None


class Embedded(Record):
    """The Ignition config of a MachineConfig: JSON on one line, and for its tokens offset -> line and column of the text."""

    data: bytes
    offsets: list[int]
    places: list[tuple[int, int]]

    def led_back(self, report: Report) -> Report:
        """The report with the places of the MachineConfig."""
        return Report(self._led_back(entry) for entry in report)

    def _led_back(self, entry: Entry) -> Entry:
        """The entry without its fix, which is about the JSON."""
        related = tuple(each.but(place=self._place(each.place)) for each in entry.related)
        return entry.but(place=self._place(entry.place), related=related, fix=None)

    def _place(self, place: Place) -> Place:
        at = max(bisect_right(self.offsets, place.column - 1) - 1, 0)
        line, column = self.places[at] if place.line else (0, 0)
        return Place((*_PATH, *place.path), line, column, place.source)


def embedded(data: bytes) -> Embedded | None:
    """The Ignition config of a MachineConfig; None for any other text. Raises ConfigError where there is none in it."""
    if not is_machine_config(data):
        return None
    from butane_py.yaml.source import Source, YamlError

    try:
        root = Source(data, "").root
    except YamlError as error:
        where = f" (line {error.line})" if error.line else ""
        raise ConfigError(f"this MachineConfig is not YAML: {error}{where}") from None
    node = root
    for name in _PATH:
        node = node.child(name) if node is not None else None
    if node is None:
        raise ConfigError("this MachineConfig has no Ignition config: there is no spec.config")
    writer = _Writer()
    writer.value(node)
    return Embedded("".join(writer.pieces).encode("utf-8", "replace"), writer.offsets, writer.places)


class _Writer(Record):
    """Writes YAML nodes as JSON, and notes where each token came from."""

    pieces: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    size: int = 0  # bytes

    def value(self, node: Node) -> None:
        from butane_py.yaml.source import ALIAS, MAPPING, SEQUENCE

        if node.kind == ALIAS:
            raise ConfigError(f"line {node.line}: a MachineConfig with YAML aliases cannot be read; write the value itself")
        if node.kind == MAPPING:
            self._write("{", node)
            for number, (key, below) in enumerate(node.items):
                self._write("," if number else "")
                self._write(dumps(key.value), key)
                self._write(":")
                self.value(below)
            self._write("}")
        elif node.kind == SEQUENCE:
            self._write("[", node)
            for number, below in enumerate(node.items):
                self._write("," if number else "")
                self.value(below)
            self._write("]")
        else:
            self._write(dumps(_scalar(node)), node)

    def _write(self, text: str, node: Node | None = None) -> None:
        if node is not None:
            self.offsets.append(self.size)
            self.places.append((node.line, node.column))
        self.pieces.append(text)
        self.size += len(text.encode("utf-8", "replace"))


def _scalar(node: Node) -> object:
    """The value that Kubernetes reads: plain text may be null, a boolean or a number."""
    from butane_py.yaml.scalars import BOOL, FLOAT, INT, NULL, resolve

    if not node.plain:
        return node.value
    kind, value = resolve(node.value)
    return value if kind in (BOOL, FLOAT, INT, NULL) else node.value
