"""See ignition_py/rehearsal/machine.py."""

from __future__ import annotations

from ignition_py.rehearsal.machine import UP_SECONDS, Answer, Boot, BootFailed, Image, Machine

__all__ = ["UP_SECONDS", "Answer", "Boot", "BootFailed", "Image", "Machine"]
