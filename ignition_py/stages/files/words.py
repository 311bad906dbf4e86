"""The text of an OSError for a message."""

from __future__ import annotations

import os

from ignition_py.system.removal import TEMPORARY
from ignition_py.system.rootfs import shown


def about(error: OSError, *named: str) -> str:
    """The system's words and, where they name one that is not in `named`, the path."""
    text = error.strerror or str(error)
    name = error.filename
    if name is None or isinstance(name, int):
        return text
    path = shown(os.fsdecode(name))
    if path in map(shown, named) or TEMPORARY.decode() in path:
        return text
    return f"{text} ({path})"
