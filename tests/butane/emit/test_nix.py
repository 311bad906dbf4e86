"""Nix text evaluates to the data that it was made of. Many values are evaluated at once: a start of nix-instantiate takes 0.3 s."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from butane_py.emit.nix import INT_MAX, Expression, attribute, expression, string
from tests.helpers.nix import evaluated
from tests.helpers.texts import PLAIN

SCALARS = st.one_of(PLAIN, st.integers(-INT_MAX, INT_MAX), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(PLAIN, below, max_size=4)),
    max_leaves=8,
)
A_FEW = settings(max_examples=8, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nix")


@pytest.mark.subprocess
@A_FEW
@given(texts=st.lists(PLAIN, min_size=60, max_size=60))
def test_strings(folder: Path, texts: list[str]) -> None:
    assert evaluated(f"[ {' '.join(map(string, texts))} ]", folder) == texts
    assert evaluated(expression(texts), folder) == texts
    assert evaluated(expression({"x": {"y": texts, "z": "a"}}), folder) == {"x": {"y": texts, "z": "a"}}


@pytest.mark.subprocess
@A_FEW
@given(values=st.lists(VALUES, min_size=30, max_size=30))
def test_values(folder: Path, values: list[Any]) -> None:
    assert evaluated(expression(values), folder) == values


def test_nul_and_lone_surrogates_are_refused() -> None:
    for text in ("a\0b", "a\0b\n", "\udc80", "\udc80\n"):
        with pytest.raises(ValueError):
            expression(text)
    with pytest.raises(ValueError, match="64 bits"):
        expression(1 << 63)
    with pytest.raises(TypeError):
        expression(1.5)


def test_text_for_people() -> None:
    value: Any = {
        "networking": {"hostName": "node1"},
        "environment": {"etc": {"a/b.conf": {"text": "one\n  two ${x}\n\n", "mode": "0640"}}},
        "lists": [],
        "shell": Expression("pkgs.bashInteractive"),
        "packages": [Expression("pkgs.a"), Expression("lib.mkForce [ ]"), -1],
    }
    assert expression(value) == (
        "{\n"
        '  networking.hostName = "node1";\n'
        '  environment.etc."a/b.conf" = {\n'
        "    text = ''\n"
        "      one\n"
        "        two ''${x}\n"
        "\n"
        "    '';\n"
        '    mode = "0640";\n'
        "  };\n"
        "  lists = [ ];\n"
        "  shell = pkgs.bashInteractive;\n"
        "  packages = [\n"
        "    pkgs.a\n"
        "    (lib.mkForce [ ])\n"
        "    (-1)\n"
        "  ];\n"
        "}"
    )
    assert [attribute(name) for name in ("a-b'", "if", "1a", "a.b", "")] == ["a-b'", '"if"', '"1a"', '"a.b"', '""']
