"""Every config in the documentation compiles: fenced YAML blocks, and what the README's console sessions show with `cat`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.targets.registry import NAMES
from ignition_py.report.diag import WARNING
from tests.helpers import console

ROOT = Path(__file__).parents[2]


def _examples() -> Iterator[tuple[str, str]]:
    """Configs by page and line; those that the page calls wrong (```yaml wrong) are left out."""
    for path in console.pages(ROOT):
        if path.name == "codes.md":  # half of its examples are wrong on purpose; tests/report/test_codes.py compiles them
            continue
        for block in console.blocks(path.read_text(encoding="utf-8")):
            shown = [(command.line, command.output + "\n") for command in block.commands if re.fullmatch(r"cat \S+\.bu", command.text)]
            if block.language in ("yaml", "yml") and "wrong" not in block.words:
                shown.append((block.line, block.body))
            plain = [each for each in shown if not re.search(r"^(?:vars|include):", each[1], re.M)]  # else the page builds it
            yield from ((f"{path.name}-{line}", text) for line, text in plain if re.search(r"^variant:", text, re.M))


EXAMPLES = dict(_examples())


def test_there_are_examples() -> None:
    assert any(name.startswith("README.md") for name in EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_compiles(name: str) -> None:
    text = EXAMPLES[name]
    page = name.partition(".")[0]
    several = NAMES if "variant: machine" in text else ("",)  # one for several systems is for the one of its page, or for any
    found = [_problems(text, name, target) for target in ((page,) if page in several else several)]
    assert [] in found, found[0]


def _problems(text: str, name: str, target: str) -> list[str]:
    """What is wrong with an example for a target, "" for none; warnings count where there is none."""
    report = compile_source(text.encode(), name, Options(target=target)).report
    return [
        entry.raw() for entry in report if entry.code != "no-files-dir" and not (target and entry.severity == WARNING)
    ]


def test_configs_in_testdata_compile() -> None:
    paths = sorted((ROOT / "testdata").rglob("*.bu"))
    assert paths
    for path in paths:
        result = compile_source(path.read_bytes(), path.name, Options(str(path.parent)))
        assert result.output is not None, [entry.raw() for entry in result.report]
