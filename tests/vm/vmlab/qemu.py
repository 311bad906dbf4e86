"""See ignition_py/rehearsal/qemu.py."""

from __future__ import annotations

from ignition_py.rehearsal.qemu import QEMU, accelerator, joined

__all__ = ["QEMU", "accelerator", "joined"]
