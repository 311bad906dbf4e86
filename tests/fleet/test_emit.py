"""`--emit butane`: plain Butane of what a build makes, which compiles to the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

import butane_py
from butane_py.compilation import Options
from butane_py.fleet.emit import emitted
from butane_py.fleet.program import Program, build_host
from butane_py.linter.facts import unpacked
from ignition_py.report.diag import ConfigError
from tests.conformance.recorded import cases, make_files
from tests.fleet.reference import BUTANE, compiled_by_reference
from tests.helpers.fleet import HEAD, build, var, write

CASES = cases("butane.jsonl.gz")


@pytest.mark.subprocess
def test_every_recorded_config_comes_back(tmp_path: Path) -> None:
    make_files(tmp_path)
    differ, count = [], 0
    for case in CASES[::1 if BUTANE else 3]:
        args = case["args"]
        flags = [flag for flag in ("--pretty", "--raw") if flag in args]
        options = Options(str(tmp_path) if "-d" in args else None, pretty="--pretty" in args, raw="--raw" in args)
        result = build_host(Program("config.bu", case["input"].encode(), options), {})
        if result.output is None:
            continue
        count += 1
        text = emitted(result)
        again = butane_py.compile(text, pretty=options.pretty, raw=options.raw).output
        if again != result.output or (BUTANE and compiled_by_reference(text, *flags) != f"{again}\n"):
            differ.append(case["id"])
    assert (differ, count > 100) == ([], True)


def test_it_holds_everything_in_one_text() -> None:
    write({"node.bu": HEAD + "vars: {x: string}\ninclude: [m]\nstorage: {trees: [{local: t, path: /t}]}\n", "t/a": "in a tree\n",
           "m/module.bu": "vars: {x: string}\nstorage: {files: [{path: '/${{ x }}', contents: {local: c, interpolate: true}}]}\n", "m/c": "${{ x }} $${{ y }}"})  # fmt: skip
    text = emitted(build(values={"x": var("value")}, files_dir="."), "n1")
    assert text.splitlines()[0] == "# Written by butane-py build from node.bu for n1."
    assert 'inline: "value ${{ y }}"' in text
    assert "in a tree" in text
    assert not any(word in text for word in ("vars:", "include:", "local:", "interpolate"))


def test_packed_contents_stay_as_they_are() -> None:
    write({"node.bu": HEAD + "storage: {files: [{path: /a, contents: {local: a}}]}\n", "a": "line\n" * 500})
    result = build(files_dir=".")
    assert "compression: gzip" in emitted(result)
    assert result.compilation is not None
    assert unpacked(result.compilation.output.storage.files[0].contents) == b"line\n" * 500


def test_a_config_with_errors_is_none() -> None:
    write({"node.bu": HEAD + "storage: {files: [{path: a}]}\n"})
    with pytest.raises(ConfigError):
        emitted(build())
