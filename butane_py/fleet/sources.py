"""The file that a host's config is compiled from: the variable `butane_source`, else the operand of the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence

from butane_py.fleet.include import may_exist
from butane_py.fleet.inventory.document import refused
from butane_py.fleet.inventory.model import Host, Inventory, Variables
from butane_py.fleet.precedence import host_values
from butane_py.fleet.values import TEXT
from ignition_py.report.diag import ERROR, Entry

VARIABLE = "butane_source"


def main_file(host: Host, inventory: Inventory, outside: Sequence[Variables], operand: str) -> str:
    """The main file of a host. `butane_source` is relative to the file that gives it, and stays below that file's folder or the
    current one. Raises ConfigError for a file elsewhere, and where nothing names one."""
    values = host_values(inventory, host, outside)
    if VARIABLE not in values:
        if operand:
            return operand
        message = f"no file is given to compile {host.name} from"
        raise refused(Entry(ERROR, "inventory-syntax", message, host.place, f"name it behind the options, or set {VARIABLE}"))
    value = values[VARIABLE]
    folder = os.path.dirname(value.place.source) if value.place.line else ""
    path = os.path.normpath(os.path.join(folder, value.text)) if value.kind == TEXT and value.text else "\0"
    if not may_exist(path) or os.path.isabs(value.text) or not any(_below(path, each) for each in (folder or ".", ".")):
        message = f"{VARIABLE} of {host.name} is not a path to a file below {folder or 'the current folder'}"
        raise refused(Entry(ERROR, "inventory-syntax", message, value.place, "write a relative path without .."))
    return path


def _below(path: str, folder: str) -> bool:
    top = os.path.realpath(folder)
    return os.path.realpath(path).startswith(os.path.join(top, ""))
