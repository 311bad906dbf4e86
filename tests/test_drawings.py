"""The drawings of docs/disks.md are what `ignition-py plan` draws now; `python tools/drawings.py` makes them anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.subprocess
def test_drawings_are_in_step_and_shown() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "drawings.py", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    text = (ROOT / "docs" / "disks.md").read_text(encoding="utf-8")
    drawings = sorted((ROOT / "docs" / "drawings").glob("*.svg"))
    assert drawings
    assert all(f"(drawings/{path.name})" in text for path in drawings)
