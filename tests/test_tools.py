"""tools/*.sh: what a newcomer runs first."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import throwaway

TOOLS = Path(__file__).parents[1] / "tools"
pytestmark = pytest.mark.subprocess


@pytest.mark.parametrize("name", ["demo.sh", "setup.sh", "test.sh"])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(name: str, flag: str) -> None:
    """Help is printed and nothing else is done."""
    done = subprocess.run([TOOLS / name, flag], capture_output=True, text=True, check=True)
    assert f"tools/{name} --help" in done.stdout
    assert "set -" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(("name", "argument"), [("demo.sh", "config.bu"), ("setup.sh", "tests")])
def test_a_wrong_argument(name: str, argument: str) -> None:
    done = subprocess.run([TOOLS / name, argument], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1


def test_tests_run_as_a_newcomer_runs_them(tmp_path: Path) -> None:
    """The caller's Python settings and colours do not reach the tests; PYTHON, which names an interpreter, does."""
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOLS / "test.sh", tmp_path / "tools")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for path in ("tools/setup.sh", ".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/python"):
        (tmp_path / path).write_text("#!/bin/sh\nenv\n")
        (tmp_path / path).chmod(0o755)
    hidden = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONWARNINGS", "NO_COLOR", "FORCE_COLOR")
    environment = {**os.environ, **dict.fromkeys(hidden, "1"), "PYTHON": "python9"}
    printed = subprocess.run([tmp_path / "tools/test.sh"], env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.count("PYTHON=python9\n") == 6
    assert [name for name in hidden if f"{name}=" in printed] == []


@pytest.mark.root
@pytest.mark.sockets
def test_no_source_of_packages_is_reached(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    clone = str(TOOLS.parent)
    with throwaway.machine(tmp_path / "upper", None, "", folder=clone, shared=[clone]) as machine:
        machine.must("root", "dpkg --purge --force-depends swtpm >/dev/null 2>&1; rm -rf /var/lib/apt/lists /etc/apt/sources.list.d/*")
        machine.must("root", "echo 'deb http://127.0.0.1:9/debian bookworm main' >/etc/apt/sources.list")
        status, output = machine.run("root", "tools/setup.sh vm")
    assert status == 1
    assert "could not reach all of its sources:\nFailed to fetch http://127.0.0.1:9/" in output
    assert output.splitlines()[-1].startswith("setup: the packages could not be installed: check the network")
