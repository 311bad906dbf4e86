"""benchmarks/stages_guest.py: no figure comes of a stage that failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from stages_guest import STAGES, Executor, Failed, Run, starts

pytestmark = pytest.mark.subprocess


def program(folder: Path, script: str) -> str:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_figures(tmp_path: Path) -> None:
    executor = Executor("it", program(tmp_path, "echo a line; echo another"))
    starts(executor, str(tmp_path / "run"))
    assert list(executor.starts) == list(STAGES)
    assert all(figure["first"] > 0 for figures in executor.starts.values() for figure in figures)


def test_a_stage_that_fails(tmp_path: Path) -> None:
    executor = Executor("it", program(tmp_path, 'echo no policy; [ "$2" != mount ]'))
    with pytest.raises(Failed, match=r"it: stage mount failed \(exit status 1\):\nno policy"):
        starts(executor, str(tmp_path / "run"))
    assert executor.starts["mount"] == []


def test_a_stage_that_fails_behind_its_first_line(tmp_path: Path) -> None:
    run = Run(Executor("it", program(tmp_path, "echo a line; exit 3")), str(tmp_path / "run"), {})
    with pytest.raises(Failed, match=r"exit status 3"):
        run.first_line("kargs")


def test_a_stage_without_a_line(tmp_path: Path) -> None:
    run = Run(Executor("it", program(tmp_path, "exit 0")), str(tmp_path / "run"), {})
    with pytest.raises(Failed, match="ended without a line"):
        run.first_line("kargs")
