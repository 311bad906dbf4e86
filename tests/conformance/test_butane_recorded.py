"""The recorded answers of the reference compiler, where the shared folder beside this tree has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "conformance"


@pytest.mark.subprocess
@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded answers are not beside this tree")
def test_every_recorded_answer() -> None:
    program = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from butane_py.cli.main import run; run()"]
    argv = [sys.executable, str(SHARED / "check_butane.py"), "--show", "3", str(SHARED / "butane.jsonl.gz"), *program]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "exit 100.00%  output 100.00%  reports 100.00%" in ran.stdout
