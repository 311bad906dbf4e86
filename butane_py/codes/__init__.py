"""Codes of the compiler that are not declared where they are reported. Importing this declares them, and the lint rules."""

from __future__ import annotations

from butane_py.codes import config, lints

MODULES = (config, lints)
