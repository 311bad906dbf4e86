"""The validator and the fetch stage give the recorded answers of the reference: 320 verdicts with places, 320 merged trees of configs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ignition_py.cli import main
from ignition_py.spec.read import EmptyConfig, parse
from tests.conformance.recorded import cases, places, without_empty

CASES = cases("ignition.jsonl.gz")
CHECKED = [case for case in CASES if case["kind"] == "validate"]
RENDERED = [case for case in CASES if case["kind"] == "render"]


def test_there_are_all_cases() -> None:
    assert (len(CHECKED), len(RENDERED)) == (320, 320)


def test_verdicts() -> None:
    wrong: dict[str, Any] = {}
    for case in CHECKED:
        try:
            report = parse(case["input"].encode(), "config.ign")[2]
        except EmptyConfig:  # what programs tell in a line of their own
            assert case["rc"] and not case["reports"]
            continue
        found = places(entry.raw() for entry in report)
        recorded = {tuple(place) for place in case["reports"]}
        same = found == recorded or bool(case["rc"] and not recorded and len(report))
        if report.fatal != bool(case["rc"]) or not same:
            wrong[case["id"]] = (report.fatal, recorded ^ found)
    assert not wrong


@pytest.mark.parametrize("part", range(8))
def test_merged_configs(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every eighth case: `config.ign` in the working directory, whose children are data URLs, through the fetch stage."""
    monkeypatch.chdir(tmp_path)
    for kind in ("", "RUNTIME_", "LOCAL_"):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{kind}CONFIG_DIR", str(tmp_path / "none"))
    argv = ["ignition", "-platform", "file", "-stage", "fetch", "-root", ".", "-log-to-stdout"]
    argv += ["-config-cache", "cache.json", "-neednet", "neednet", "-state-file", "state"]
    wrong: dict[str, Any] = {}
    for case in RENDERED[part::8]:
        Path("config.ign").write_text(case["input"])
        Path("cache.json").unlink(missing_ok=True)
        status = main(argv)
        output = capsys.readouterr().out
        if (status == 0) != (case["rc"] == 0):
            wrong[case["id"]] = output[-1000:]
        elif status == 0 and without_empty(json.loads(Path("cache.json").read_text())) != without_empty(case["merged"]):
            wrong[case["id"]] = "the merged config differs"
    assert not wrong
