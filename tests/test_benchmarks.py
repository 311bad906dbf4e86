"""benchmarks/stages_guest.py: no figure comes of a stage that failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from stages_guest import STAGES, STARTS, Executor, Failed, starts

pytestmark = pytest.mark.subprocess


def program(folder: Path, script: str) -> str:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_figures(tmp_path: Path) -> None:
    executor = Executor("stand-in", program(tmp_path, "exit 0"))
    starts(executor, str(tmp_path / "run"))
    assert list(executor.starts) == list(STAGES)
    assert all(len(figures) == STARTS and min(figures) > 0 for figures in executor.starts.values())


def test_a_stage_that_fails(tmp_path: Path) -> None:
    executor = Executor("stand-in", program(tmp_path, 'echo no policy; [ "$2" != mount ]'))
    with pytest.raises(Failed, match=r"(?s)stand-in: stage mount failed \(exit status 1\):\n.*no policy"):
        starts(executor, str(tmp_path / "run"))
    assert executor.starts["mount"] == []
