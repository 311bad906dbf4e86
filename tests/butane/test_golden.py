"""Every piece of sugar at every version that has it gives what it gave when it was compared with the reference."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from tests.butane.sugar_cases import CASES, config, make_files, rows, unpacked

REFERENCE = os.environ.get("REFERENCE_BUTANE", "")  # a program to compare with; the golden outputs are what it gave
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("files"))
    make_files(folder)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_output_is_golden(name: str, files: str) -> None:
    case = CASES[name]
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert list(golden) == [str(row) for row in rows(case)]
    for row in rows(case):
        result = compile_source(config(case, row), "golden", Options(files))
        assert result.output is not None
        assert unpacked(result.output) == golden[str(row)]["output"], row
        assert [entry.code for entry in result.report] == golden[str(row)]["warnings"], row


def test_no_golden_output_without_a_case() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == sorted(CASES)


if REFERENCE:

    @pytest.mark.peer
    @pytest.mark.parametrize("name", CASES)
    def test_reference_agrees(name: str, files: str) -> None:
        case = CASES[name]
        for row in rows(case):
            text = config(case, row)
            ran = subprocess.run([REFERENCE, "-d", files], input=text, capture_output=True, check=True)
            ours = compile_source(text, "golden", Options(files)).output
            assert ours is not None
            assert unpacked(ran.stdout.decode()) == unpacked(ours) + "\n"
