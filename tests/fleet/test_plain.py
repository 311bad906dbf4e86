"""A config without `vars:` and `include:` is to a build what it is to the compiler: all recorded configs, through both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from butane_py.compilation import Options
from butane_py.fleet.program import Program, build_host
from butane_py.pipeline import compile_source
from ignition_py.report.diag import Entry
from tests.conformance.recorded import cases, make_files

CASES = cases("butane.jsonl.gz")


def _shown(entry: Entry) -> tuple[object, ...]:
    return entry.raw(), entry.code, entry.hint, entry.place.path, entry.fix


@pytest.mark.parametrize("lint", [False, True])
def test_a_build_gives_what_the_compiler_gives(tmp_path: Path, lint: bool) -> None:
    make_files(tmp_path)
    differ = []
    for case in CASES[:: 6 if lint else 1]:
        args: list[str] = case["args"]
        options = Options(str(tmp_path) if "-d" in args else None, pretty="--pretty" in args, raw="--raw" in args, lint=lint, source_map=True)
        text = case["input"].encode()
        plain = compile_source(text, "config.bu", options)
        built = build_host(Program("config.bu", text, options), {})
        same: Any = (plain.output, plain.source_map, list(map(_shown, plain.report))) == (
            built.output, built.source_map, list(map(_shown, built.report)),
        )  # fmt: skip
        differ += [] if same else [case["id"]]
    assert differ == []


def test_references_of_a_file_without_vars_are_text(tmp_path: Path) -> None:
    text = b"variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /etc/${{ x }}\n      contents: {inline: '${{ y'}\n"
    built = build_host(Program("config.bu", text, Options()), {})
    assert built.output == compile_source(text, "config.bu", Options()).output
    assert built.output is not None
    assert "/etc/${{ x }}" in built.output
