"""Every example of a target compiles for it without an error; its own schema is held by the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source

EXAMPLES = Path(__file__).parents[2] / "examples"
CASES = [(target, path) for target in ("kairos", "bottlerocket", "bootc", "systemd-credentials") for path in sorted((EXAMPLES / target).glob("*.bu"))]


def test_there_are_examples_of_each() -> None:
    assert [target for target, _ in CASES] == ["kairos"] * 3 + ["bottlerocket"] * 3 + ["bootc", "systemd-credentials"]


@pytest.mark.parametrize(("target", "path"), CASES, ids=lambda value: getattr(value, "stem", value))
def test_example(target: str, path: Path) -> None:
    result = compile_source(path.read_bytes(), path.name, Options(str(path.parent), target=target))
    assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
    assert result.output
