"""See ignition_py/rehearsal/initramfs.py."""

from __future__ import annotations

from ignition_py.rehearsal.initramfs import initramfs, inside, python_sources

__all__ = ["initramfs", "inside", "python_sources"]
