"""Rules of others: the example distribution, installed as pip leaves it, and distributions that are broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "lint-rules"
CONFIG = """\
variant: fcos
version: 1.8.0-experimental
systemd:
  quadlets:
    - name: web.container
      contents: |
        [Container]
        Image=quay.io/a/web:1
        [Install]
        WantedBy=default.target
"""

pytestmark = pytest.mark.subprocess


def _installed(folder: Path, module: str, source: str) -> Path:
    """A folder as pip leaves it: the module, and its metadata with the entry point."""
    site = folder / "site"
    info = site / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (site / f"{module}.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[butane_py.lints]\nexample = {module}\n")
    return site


def _lint(folder: Path, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "a.bu").write_text(CONFIG)
    command = [sys.executable, "-m", "butane_py", "--check", *words, "a.bu"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": f"{ROOT}:{site}"})


def test_the_example(tmp_path: Path) -> None:
    site = _installed(tmp_path, "example_lint_rules", (EXAMPLE / "example_lint_rules.py").read_text())
    done = _lint(tmp_path, site, "--select=example-image-registry")
    assert done.returncode == 0
    assert "warning[example-image-registry]: quay.io/a/web:1 is not from our registry" in done.stderr and "a.bu:8:9" in done.stderr
    assert "example-image" not in _lint(tmp_path, site, "--lint", "--ignore=example").stderr
    assert "example-image" in _lint(tmp_path, site, "--lint", "--strict").stderr


def test_the_example_names_its_module_as_an_entry_point() -> None:
    import tomllib

    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"butane_py.lints": {"example": "example_lint_rules"}}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import not_there", "cannot be loaded: ModuleNotFoundError"),
        ("from butane_py.linter.rule import lint\n@lint('lint-crlf', title='A')\ndef a(facts, find): pass\n", "cannot be loaded: ValueError"),
        ("from butane_py.linter.rule import lint\n@lint('mine-a', title='A')\ndef a(facts, find): 1 / 0\n", "the lint rule mine-a of broken failed: ZeroDivisionError"),
    ],
)
def test_broken_rules(source: str, words: str, tmp_path: Path) -> None:
    done = _lint(tmp_path, _installed(tmp_path, "broken", source), "--lint")
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr
