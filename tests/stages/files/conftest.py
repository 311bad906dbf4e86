"""Fixtures of the files stage's tests; see `files_machine.py`."""

from files_machine import machine

__all__ = ["machine"]
