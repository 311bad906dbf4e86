"""Ignition in Python: provisions a machine from its config at first boot.

Nothing of ours is imported here; every stage is a process of its own and imports what it needs. Start reading at `cli.py`.
"""

from __future__ import annotations

import sys
from types import ModuleType

__version__ = "0.1.0"
# The release of the reference whose command line, config language and behaviour this one follows.
COMPATIBLE = "2.27.0"


def module(name: str) -> ModuleType:
    """Imports a module that is chosen by its name. Importing importlib would take 1.5 million instructions of a start."""
    __import__(name)
    return sys.modules[name]


def version_text() -> str:
    """What `--version` prints."""
    return f"Ignition {COMPATIBLE} (ignition-py {__version__})"
