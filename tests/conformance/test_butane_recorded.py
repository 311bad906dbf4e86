"""The compiler gives the recorded answers of the reference: exit status, output and report places of all 792 configs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import butane_py
from tests.conformance.recorded import cases, make_files, places, same_output

CASES = cases("butane.jsonl.gz")
VARIANTS = sorted({(case["variant"], case["version"]) for case in CASES})


def _wrong(case: dict[str, Any], folder: Path) -> list[str]:
    """What differs from the recorded answer."""
    args = case["args"]
    result = butane_py.compile(
        case["input"], files_dir=str(folder) if "-d" in args else None, pretty="--pretty" in args, raw="--raw" in args
    )
    refused = result.output is None or ("--strict" in args and len(result.report) > 0)
    wrong = [] if refused == (case["rc"] != 0) else [f"exit {int(refused)}, recorded {case['rc']}"]
    found = places(entry.raw() for entry in result.report)
    recorded = {tuple(place) for place in case["reports"]}
    if case["rc"] and not recorded:
        if not any(severity == "error" and line for severity, _, line, _ in found):
            wrong.append("refused without a line")
    elif found != recorded:
        wrong.append(f"places: only recorded {sorted(recorded - found)}, only ours {sorted(found - recorded)}")
    if not case["rc"] and not same_output(case["stdout"], f"{result.output}\n"):
        wrong.append("the output differs")
    return wrong


def test_there_are_all_cases() -> None:
    assert (len(CASES), len(VARIANTS)) == (792, 33)


@pytest.mark.parametrize(("variant", "version"), VARIANTS)
def test_recorded_answers(variant: str, version: str, tmp_path: Path) -> None:
    make_files(tmp_path)
    own = [case for case in CASES if (case["variant"], case["version"]) == (variant, version)]
    wrong = {case["id"]: found for case in own if (found := _wrong(case, tmp_path))}
    assert not wrong
