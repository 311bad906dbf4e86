"""Texts that only a decoder of Go's kind reads right, with the recorded answers of ignition-validate 2.27 (reader_cases.json).

It was built with the first encoding/json, as its releases are; Go 1.27's other one places some syntax errors differently.

Repeated keys, keys of another case, nulls between them, and the places of syntax errors: exit status and report places agree. The
shapes are those in which 11,000 generated texts differed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ignition_py.spec.read import parse

CASES = json.loads((Path(__file__).parent / "reader_cases.json").read_text())
_LINE = re.compile(r"(error|warning|info)(?: at ([^:,]*(?:, line (\d+)(?: col (\d+))?)?))?: ")


def _spots(lines: list[str]) -> set[tuple[str, str, int, int]]:
    found = [_LINE.match(line) for line in lines]
    return {(m[1], (m[2] or "").split(",")[0], int(m[3] or 0), int(m[4] or 0)) for m in found if m}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_status_and_places_are_those_of_the_reference(case: dict[str, Any]) -> None:
    report = parse(case["text"].encode())[2]
    assert _spots([entry.raw() for entry in report]) == {tuple(spot) for spot in case["reports"]}
    assert report.fatal == bool(case["status"])


def test_a_source_map_of_butane_py_is_no_unknown_key() -> None:
    written = '{"ignition": {"version": "3.4.0"}, "sourceMap": {"version": 1, "file": "a.bu", "places": {}}}'
    assert not list(parse(written.encode())[2])
    assert [entry.code for entry in parse(written.encode(), version=4)[2]] == ["unused-key"]  # inside a Butane config


def test_only_the_first_hundred_unknown_keys_are_explained() -> None:
    keys = ", ".join(f'"storge{number}": 1' for number in range(150))
    entries = list(parse(f'{{"ignition": {{"version": "3.4.0"}}, {keys}}}'.encode())[2])
    assert len(entries) == 150
    assert [("did you mean" in entry.message) for entry in entries] == [True] * 100 + [False] * 50
