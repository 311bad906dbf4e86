"""Runs every check of a config as it is written: the step between decoding and translating."""

from __future__ import annotations

from butane_py.checks import before, boot_device  # importing them registers their checks
from butane_py.checks.registry import BUTANE, ButaneFindings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py import tables
    from butane_py.variants import Variant
    from ignition_py.spec.rules.registry import Finding

CHECKS = (before, boot_device)


def check_source(config: tables.Config, row: Variant) -> list[Finding]:
    """Everything that is wrong with a config as it is written."""
    find = ButaneFindings(row)
    BUTANE.walk(config, find, keys=False)
    return find.found
