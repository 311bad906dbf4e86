"""Programs of machines that this one is not."""

from __future__ import annotations

from pathlib import Path


def program(folder: Path, name: str, script: str = "") -> Path:
    """A program that notes its arguments, then does as the script says; the file of its notes."""
    note = folder / f"{name}.notes"
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$*" >> {note}\n{script}\n')
    path.chmod(0o755)
    return note
