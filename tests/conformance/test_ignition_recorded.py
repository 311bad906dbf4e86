"""The recorded answers of the reference validator and fetch stage, where the shared folder beside this tree has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "conformance"


@pytest.mark.subprocess
@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded answers are not beside this tree")
def test_every_recorded_answer(tmp_path: Path) -> None:
    program = tmp_path / "ignition"
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom ignition_py.cli import main\nsys.exit(main())\n")
    program.chmod(0o755)
    argv = [sys.executable, str(SHARED / "check_ignition.py"), str(SHARED / "ignition.jsonl.gz"),
            "--validate", f"{program} validate -", "--ignition", str(program), "--show", "3"]  # fmt: skip
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "exit 100.00% reports 100.00%" in ran.stdout
    assert "exit 100.00% merged 100.00%" in ran.stdout
