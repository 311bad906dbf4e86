"""Codes of the compiler that are not declared where they are reported yet. Importing this declares them, and all of the checks."""

from __future__ import annotations

from butane_py.codes import config, disks, fedora_coreos, lints, nodes, sources, units, variants

MODULES = (config, disks, fedora_coreos, lints, nodes, sources, units, variants)
