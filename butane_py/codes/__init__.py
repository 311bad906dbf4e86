"""The catalogue of report codes: what each means, and a config that gets it beside one that does not.

Codes are stable: tools may rely on them. `butane-py explain CODE` shows an entry, docs/codes.md lists all, SARIF carries titles and texts.
A test compiles the examples and holds that every code of the source is here.
"""

from __future__ import annotations

from butane_py.codes.code import Code
from butane_py.codes.config import CONFIG
from butane_py.codes.disks import DISKS
from butane_py.codes.fedora_coreos import FEDORA_COREOS
from butane_py.codes.lints import LINTS
from butane_py.codes.nodes import NODES
from butane_py.codes.sources import SOURCES
from butane_py.codes.units import UNITS
from butane_py.codes.variants import VARIANT_RULES

__all__ = ["CODES", "Code"]

CODES: dict[str, Code] = {
    code.name: code
    for group in (CONFIG, NODES, SOURCES, DISKS, UNITS, FEDORA_COREOS, VARIANT_RULES, LINTS)
    for code in group
}
