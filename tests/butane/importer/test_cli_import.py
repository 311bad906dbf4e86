"""`butane-py import cloud-config` as a program: what goes to which stream, and the exit status."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.subprocess
PROGRAM = [sys.executable, "-c", "from butane_py.cli.main import run; run()", "import"]
LOSS = "#cloud-config\nhostname: a\npackages: [x]\n"


def run(*argv: str, text: str = LOSS) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *argv], input=text, capture_output=True, text=True, check=False)


def test_the_config_goes_to_standard_output_and_the_report_to_standard_error() -> None:
    done = run("cloud-config")
    assert done.returncode == 0
    assert done.stdout.startswith("variant: fcos\n")
    assert "warning[import-lost]: packages is not carried over" in done.stderr
    assert "<stdin>:3:1" in done.stderr


@pytest.mark.parametrize(
    ("argv", "text", "status"),
    [
        (["cloud-config", "--strict"], LOSS, 1),
        (["cloud-config"], "#cloud-config\nnothing: 1\n", 1),
        (["cloud-config", "--variant", "rhel"], LOSS, 2),
        (["cloud-config", "/nowhere/a"], LOSS, 1),
        (["cloudconfig"], LOSS, 2),
        ([], LOSS, 2),
    ],
)
def test_refusals(argv: list[str], text: str, status: int) -> None:
    done = run(*argv, text=text)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("style", ["json", "sarif"])
def test_reports_for_programs(style: str, tmp_path: Path) -> None:
    target = tmp_path / "a.bu"
    done = run("cloud-config", "--format", style, "--private", "-o", str(target))
    assert done.returncode == 0
    assert "import-lost" in json.dumps(json.loads(done.stdout))
    assert (target.read_text().startswith("variant: fcos\n"), stat.S_IMODE(target.stat().st_mode)) == (True, 0o600)


def test_the_input_is_not_written_over(tmp_path: Path) -> None:
    source = tmp_path / "user-data"
    source.write_text(LOSS)
    assert run("cloud-config", str(source), "-o", str(source)).returncode == 1
    assert source.read_text() == LOSS
