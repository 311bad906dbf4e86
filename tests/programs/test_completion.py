"""ignition-py completes its own words in a real bash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ignition_py.programs.cli.group import COMMANDS

pytestmark = pytest.mark.subprocess

BASH = """
source <(ignition-py completion bash)
COMP_WORDS=(ignition-py {words} '{last}')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMPREPLY=()
_ignition_py_completion ignition-py
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "last", "wanted"),
    [
        ("", "", {*COMMANDS, "completion"}),
        ("", "re", {"receive", "render", "rehearse"}),
        ("convert --to", "3.7", {"3.7.0-experimental"}),
        ("plan", "--s", {"--sector-size"}),
        ("fetch --platform", "vm", {"vmware"}),
        ("initrd", "", {"build", "install", "size"}),
        ("initrd build --compress", "z", {"zstd"}),
        ("analyze", "c", {"critical-path"}),
        ("explain", "mode-d", {"mode-decimal"}),
    ],
)
def test_bash(tmp_path: Path, words: str, last: str, wanted: set[str]) -> None:
    program = tmp_path / "ignition-py"
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom ignition_py.cli import run\nsys.exit(run())\n")
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["bash", "-c", BASH.format(words=words, last=last)], env=env, capture_output=True, text=True, check=False)
    assert (set(done.stdout.split()), done.stderr) == (wanted, "")
