"""SARIF: what the standard requires of a log, and what code-scanning services need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from ignition_py.report.sarif import sarif

TEXT = b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: a\n      mode: 444\n      x: y\n"


@pytest.fixture
def log() -> Any:
    report = compile_source(TEXT, "configs/a b.bu", Options()).report
    return json.loads(sarif([("configs/a b.bu", report), ("empty.bu", type(report)())]))


def test_required_properties(log: Any) -> None:
    """SARIF 2.1.0: 3.13 (version, runs), 3.14.6 (tool), 3.19.2 (name), 3.27.11 (message), 3.49.3 (rule id)."""
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_places(log: Any) -> None:
    results = {result["ruleId"]: result for result in log["runs"][0]["results"]}
    place = results["mode-decimal"]["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "configs/a%20b.bu"
    assert place["physicalLocation"]["region"] == {"startLine": 6, "startColumn": 13}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "$.storage.files.0.mode"
    assert {name: result["level"] for name, result in results.items()} == {"unused-key": "warning", "mode-decimal": "warning", "path-relative": "error"}


def test_rules_have_texts(log: Any) -> None:
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]


@pytest.mark.subprocess
def test_command_line_writes_one_document(tmp_path: Path) -> None:
    for name in ("a.bu", "b.bu"):
        (tmp_path / name).write_bytes(TEXT)
    argv = [sys.executable, "-m", "butane_py", "--format", "sarif", "--output-dir", str(tmp_path / "out"), str(tmp_path)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert len(json.loads(ran.stderr)["runs"][0]["results"]) == 6
