"""Every config in the documentation compiles: fenced YAML blocks, and what the README's console sessions show with `cat`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)
_SHOWN = re.compile(r"^\$ cat \S+\.bu\n(.*?)(?=^\$ |\Z)", re.M | re.S)


def _examples() -> Iterator[tuple[str, str]]:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        if path.name == "codes.md":  # half of its examples are wrong on purpose; tests/report/test_codes.py compiles them
            continue
        for found in _FENCE.finditer(path.read_text(encoding="utf-8")):
            texts = _SHOWN.findall(found[2]) if found[1] == "console" else [found[2]] if found[1] in ("yaml", "yml") else []
            for text in texts:
                if re.search(r"^variant:", text, re.M):
                    yield f"{path.name}-{found.start()}", text


EXAMPLES = dict(_examples())


def test_there_are_examples() -> None:
    assert any(name.startswith("README.md") for name in EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_compiles(name: str) -> None:
    result = compile_source(EXAMPLES[name].encode(), name, Options())
    problems = [entry.raw() for entry in result.report if entry.code not in ("no-files-dir",)]
    assert problems == []


def test_configs_in_testdata_compile() -> None:
    paths = sorted((ROOT / "testdata").rglob("*.bu"))
    assert paths
    for path in paths:
        result = compile_source(path.read_bytes(), path.name, Options(str(path.parent)))
        assert result.output is not None, [entry.raw() for entry in result.report]
