"""Small things that many tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ignition_py.system import host


def run_program(*argv: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """Runs this interpreter with `argv` and returns what it printed."""
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False, **kwargs)


def only_programs_in(monkeypatch: pytest.MonkeyPatch, folder: Path | str) -> None:
    """Hides every program of this machine but those in `folder`."""
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(host, "ALWAYS_SEARCHED", ())
