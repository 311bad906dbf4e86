"""Small things that many tests share."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def run_program(*argv: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """Runs this interpreter with `argv` and returns what it printed."""
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False, **kwargs)
