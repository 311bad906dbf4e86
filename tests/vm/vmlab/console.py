"""See ignition_py/rehearsal/console.py."""

from __future__ import annotations

from ignition_py.rehearsal.console import FAILURES, Console, plain

__all__ = ["FAILURES", "Console", "plain"]
