"""Fixtures of the files stage's tests; see `files_machine.py`."""

from tests.stages.files.files_machine import machine

__all__ = ["machine"]
