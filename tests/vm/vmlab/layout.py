"""See ignition_py/rehearsal/layout.py."""

from __future__ import annotations

from ignition_py.rehearsal.layout import MIB, offset

__all__ = ["MIB", "offset"]
