"""Inventories as CSV: the first row names the variables, each other row is a host, whose name is in the column `name` or `host`.

Cells are text that the declared type reads; for a list of scalars items are separated by `;`. An empty cell gives nothing. The
column `groups` names the groups of a host. Blanks around a cell that is not quoted do not count. Source: RFC 4180.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from butane_py.fleet.inventory.document import Document, refused
from butane_py.fleet.inventory.hosts_list import GROUPS, NAMES
from butane_py.fleet.inventory.model import Inventory, give, join
from butane_py.yaml.source import SCALAR, Node

TITLE = "CSV"
SUFFIX = ".csv"
_CELL = re.compile(r'[ \t]*"((?:[^"]|"")*)"[ \t]*|([^,"\r\n]*)')
_BREAK = re.compile(r"\r\n|\r|\n")


class _Table(Document):
    """The text of a table. `cells`: those of each column, by its name."""

    __slots__ = ("cells",)

    def _compose(self) -> Node | None:
        self.cells: dict[str, list[Node]] = {}
        return None

    def named(self, names: Collection[str]) -> Iterator[Node]:
        """The cells of the columns of these names."""
        for name in names:
            yield from self.cells.get(name, ())


def read(name: str, data: bytes, inventory: Inventory) -> None:
    """Adds the hosts of the file; errors go to the inventory's report. Raises ConfigError where the text is no CSV."""
    document = _Table(data, name)
    inventory.files.append(document)
    rows = _rows(document)
    header = next(rows, [])
    columns = _columns(document, header, inventory)
    key = next((index for index, column in columns.items() if column in NAMES), None)
    if key is None:
        found = ", ".join(cell.value for cell in header) or "nothing"
        hint = "cells are separated by commas" if ";" in found or "\t" in found else ""
        raise refused(document.error("inventory-syntax", f"the first row has no column `name` or `host`; there is {found}", None, hint))
    seen: dict[str, Node] = {}
    for row in rows:
        _host(document, row, columns, key, seen, inventory)


def _host(
    document: _Table, row: list[Node], columns: dict[int, str], key: int, seen: dict[str, Node], inventory: Inventory
) -> None:
    if len(row) > len(columns):
        inventory.error(document, "inventory-syntax", f"the row has {len(row)} cells, the first row {len(columns)}", row[len(columns)])
        return
    if key >= len(row) or not row[key].value:
        inventory.error(document, "inventory-name", f"the row has nothing in the column {columns[key]}", row[min(key, len(row) - 1)])
        return
    cell = row[key]
    first = seen.setdefault(cell.value, cell)
    if first is not cell:
        inventory.twice(document, "inventory-host-twice", cell, first)
        return
    host = inventory.host(document, cell.value, cell)
    if host is None:
        return
    for index, node in enumerate(row):
        if index == key or not node.value:
            continue
        if columns[index] == GROUPS:
            for name in filter(None, (part.strip() for part in node.value.split(";"))):
                join(host, inventory.group(name))
        else:
            document.cells.setdefault(columns[index], []).append(node)
            give(host, columns[index], node, document, loose=True)


def _columns(document: Document, header: list[Node], inventory: Inventory) -> dict[int, str]:
    """The name of each column by its number."""
    first: dict[str, Node] = {}
    for cell in header:
        if first.setdefault(cell.value, cell) is not cell and cell.value:
            inventory.twice(document, "inventory-syntax", cell, first[cell.value])
    return {index: cell.value for index, cell in enumerate(header)}


def _rows(document: Document) -> Iterator[list[Node]]:
    """The rows that are not empty, a node each cell. Raises ConfigError."""
    try:
        text = document.text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = document.text.count(b"\n", 0, error.start) + 1
        node = Node(SCALAR, line, error.start - document.text.rfind(b"\n", 0, error.start))
        raise refused(document.error("inventory-syntax", "the text is not UTF-8", node, "save it as CSV UTF-8")) from None
    line, start, at = 1, 0, 0  # the line of `at`, and where it begins
    while at < len(text):
        row: list[Node] = []
        while True:
            found = _CELL.match(text, at)
            assert found is not None  # it matches nothing too
            row.append(_cell(found, line, start))
            for skipped in _BREAK.finditer(text, at, found.end()):
                line, start = line + 1, skipped.end()
            at = found.end()
            if text[at : at + 1] != ",":
                break
            at += 1
        ending = _BREAK.match(text, at)
        if ending is None and at < len(text):
            node = Node(SCALAR, line, at - start + 1)
            raise refused(document.error("inventory-syntax", "a quote inside of a cell", node, 'quote the whole cell, and write " as ""'))
        if len(row) > 1 or row[0].value:
            yield row
        if ending is not None:
            at, line, start = ending.end(), line + 1, ending.end()


def _cell(found: re.Match[str], line: int, start: int) -> Node:
    quoted = found[1] is not None
    text = found[1].replace('""', '"') if quoted else found[2].strip()
    column = found.start(1) if quoted else found.start(2) + len(found[2]) - len(found[2].lstrip())
    node = Node(SCALAR, line, column - start + 1, text, "", plain=not quoted)
    node.end = found.end(1) if quoted else column + len(text)
    return node
