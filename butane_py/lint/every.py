"""All rules of butane-py: importing this registers them, in the order in which docs/lint.md lists them."""

from __future__ import annotations

from butane_py.lint import children, local_links, size, started
from butane_py.lint.rule import RULES

__all__ = ["MODULES", "RULES"]

MODULES = (started, children, local_links, size)
