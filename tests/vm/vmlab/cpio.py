"""See ignition_py/rehearsal/cpio.py."""

from __future__ import annotations

from ignition_py.rehearsal.cpio import archive

__all__ = ["archive"]
