"""Where other programs are: looked for before a stage begins, so that a missing one is told before anything is done."""

from __future__ import annotations

import os

DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")


def search_path() -> list[str]:
    """The directories that programs are looked for in."""
    return [folder for folder in os.environ.get("PATH", ":".join(DIRECTORIES)).split(":") if folder]


def which(tool: str) -> str:
    """The path of a program on PATH, "" where there is none."""
    for folder in search_path():
        path = os.path.join(folder, tool)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return ""
