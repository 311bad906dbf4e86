"""A short run of the fuzzer (fuzz.py runs as long as you like), and the texts that are made to exhaust."""

from __future__ import annotations

from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from tests.butane import fuzz
from tests.butane.sugar_cases import make_files

HEAD = "variant: fcos\nversion: 1.5.0\n"


def test_short_run(tmp_path: Path) -> None:
    make_files(str(tmp_path))
    assert fuzz.run(range(1_500), str(tmp_path)) == []


def test_seeds_are_repeatable() -> None:
    assert [fuzz.made(seed) for seed in range(50)] == [fuzz.made(seed) for seed in range(50)]


def _bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join(lines) + f"\npasswd: {{users: [{{name: a, groups: *a{levels - 1}}}]}}\n"


EXHAUSTING = {
    "alias bomb": _bomb(9, 10),
    "alias bomb of structures": "a: &a {path: /a}\nb: &b [" + ", ".join(["*a"] * 3000) + "]\nstorage: {files: *b, directories: *b, links: *b}\n",
    "merge bomb": "".join(f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 10)}]}}\n" if i else "m0: &m0 {a: b}\n" for i in range(9)) + "<<: *m8\n",
    "deep flow": "x: " + "[" * 100_000,
    "deep closed flow": "x: " + "[" * 9_000 + "]" * 9_000 + "\n",
    "deep flow mappings": "x: " + "{a: " * 9_000 + "}" * 9_000 + "\n",
    "deep blocks": "x:\n" + "- " * 20_000 + "\n",
    "self reference": "storage: &s\n  files: &f [{path: /a, contents: *s}]\n  directories: *f\n",
    "long line": "x: " + "a" * 5_000_000 + "\n",
    "long integer": "storage: {files: [{path: /a, mode: " + "1" * 1_000_000 + "}]}\n",
    "many keys": "".join(f"k{i}: v\n" for i in range(20_000)),
    "many unknown keys": "storage:\n  files:\n    - path: /a\n" + "".join(f"      pathh{i}: v\n" for i in range(300)),
    "colons in flow": "x: [" + ", ".join(["a:b"] * 20_000) + "]\n",
    "many quotes": "x: [" + "'', " * 100_000 + "]\n",
}  # fmt: skip


@pytest.mark.parametrize("name", EXHAUSTING)
def test_exhausting_texts(name: str) -> None:
    before = fuzz.memory_now()
    assert fuzz.checked((HEAD + EXHAUSTING[name]).encode(), None) == ""
    assert fuzz.memory_peak() - before < fuzz.MEMORY


def test_bombs_are_refused_with_a_place() -> None:
    report = compile_source((HEAD + _bomb(9, 10)).encode(), "x", Options()).report
    assert report.fatal
    assert all(entry.place.line for entry in report)


@pytest.mark.parametrize(
    ("text", "taken"),
    [("[" * 10_000 + "]" * 10_000, True), ("[" * 10_001 + "]" * 10_001, False), ("\n " + "- " * 9_998, True), ("\n " + "- " * 10_002, False),
     ("\n" + "".join(" " * i + "a:\n" for i in range(1, 3_000)), True), ("[" * 9_000 + "]" * 9_000 + "\n#" + " " * 1_000_000, False)],
    ids=["flow", "too deep", "block", "too deep block", "large block", "large flow"],
)  # fmt: skip
def test_how_deep_texts_may_be(text: str, taken: bool) -> None:
    assert (compile_source(f"{HEAD}x: {text}\n".encode(), "x", Options()).output is not None) is taken


@pytest.mark.parametrize(
    "text",
    ["m0: &m0 {}\n" + "".join(f"m{i}: &m{i} {{<<: *m{i - 1}}}\n" for i in range(1, 5_000)) + "<<: *m4999\n",
     "<<: " + "{<<: " * 900 + "{}" + "}" * 900 + "\n"],
    ids=["chain", "inside"],
)  # fmt: skip
def test_merges_of_merges_are_refused_with_a_place(text: str) -> None:
    report = compile_source((HEAD + text).encode(), "x", Options()).report
    assert [entry.code for entry in report] == ["yaml"]
    assert next(iter(report)).place.line
