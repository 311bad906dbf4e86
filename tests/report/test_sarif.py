"""SARIF: what the standard requires of a log, and what code-scanning services need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from ignition_py.report.catalog import load
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
    assert place["physicalLocation"]["region"] == {"startLine": 6, "startColumn": 13, "endLine": 6, "endColumn": 16}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "$.storage.files.0.mode"
    assert {name: result["level"] for name, result in results.items()} == {"unused-key": "warning", "mode-decimal": "warning", "path-relative": "error"}


def test_rules_have_texts(log: Any) -> None:
    rules = {rule["id"]: rule for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    for rule in rules.values():
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert "```yaml" in rule["help"]["markdown"]
        assert rule["helpUri"] == "https://coreos.github.io/butane/config-fcos-v1_6/"
    assert rules["mode-decimal"]["defaultConfiguration"] == {"level": "warning"}
    assert rules["path-relative"]["defaultConfiguration"] == {"level": "error"}


def test_fixes(log: Any) -> None:
    results = {result["ruleId"]: result for result in log["runs"][0]["results"]}
    (fix,) = results["mode-decimal"]["fixes"]
    assert fix["description"]["text"] == "write 0444"
    (change,) = fix["artifactChanges"]
    assert change["replacements"] == [
        {"deletedRegion": {"startLine": 6, "startColumn": 13, "endLine": 6, "endColumn": 16}, "insertedContent": {"text": "0444"}}
    ]
    assert "fixes" not in results["unused-key"]


def test_fingerprints_survive_moved_lines_and_differ_for_twins() -> None:
    def fingerprints(text: bytes) -> list[str]:
        report = compile_source(text, "a.bu", Options()).report
        return [each["partialFingerprints"]["codeAndPath/v1"] for each in json.loads(sarif([("a.bu", report)]))["runs"][0]["results"]]

    assert fingerprints(TEXT) == fingerprints(b"# a comment\n" + TEXT)
    twice = fingerprints(TEXT.replace(b"x: y", b"x: y\n      x2: y")) + fingerprints(TEXT)
    assert len(set(twice)) == 4
    report = compile_source(TEXT, "a.bu", Options()).report
    doubled = json.loads(sarif([("a.bu", report), ("a.bu", report)]))["runs"][0]["results"]
    assert len({each["partialFingerprints"]["codeAndPath/v1"] for each in doubled}) == 6


def test_related_locations() -> None:
    text = b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n    - path: /a\n"
    (result,) = json.loads(sarif([("a.bu", compile_source(text, "a.bu", Options()).report)]))["runs"][0]["results"]
    (related,) = result["relatedLocations"]
    assert related["message"]["text"] == "first given here"
    assert related["physicalLocation"]["region"]["startLine"] == 5


def test_every_example_of_the_catalogue_fits_the_schema_of_sarif() -> None:
    schema = json.loads((Path(__file__).parents[2] / "testdata" / "sarif" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    reports = [(f"{code.name}.bu", compile_source(code.example(code.wrong).encode(), f"{code.name}.bu", Options()).report) for code in load().values()]
    document = json.loads(sarif(reports))
    assert len(document["runs"][0]["results"]) > 100
    assert [error.message for error in Draft4Validator(schema).iter_errors(document)] == []


@pytest.mark.subprocess
def test_command_line_writes_one_document(tmp_path: Path) -> None:
    for name in ("a.bu", "b.bu"):
        (tmp_path / name).write_bytes(TEXT)
    argv = [sys.executable, "-m", "butane_py", "--format", "sarif", "--output-dir", str(tmp_path / "out"), str(tmp_path)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert len(json.loads(ran.stdout)["runs"][0]["results"]) == 6
