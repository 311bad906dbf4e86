"""Readable YAML is the same data to PyYAML (YAML 1.1, as cloud-init and Kairos' examples are read) and to ruamel.yaml (YAML 1.2)."""

from __future__ import annotations

from typing import Any

import pytest
import ruamel.yaml
import yaml
from hypothesis import given
from hypothesis import strategies as st

from butane_py.emit.document import Octal, document
from tests.helpers.texts import TEXTS

SCALARS = st.one_of(TEXTS, st.integers(), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(TEXTS, below, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_reads_the_same_in_both_versions_of_yaml(data: dict[str, Any]) -> None:
    text = document(data)
    assert yaml.safe_load(text) == (data or None)
    # Without data there is no document; ruamel 1.2 is what Talos' and Kubernetes' readers come closest to.
    assert ruamel.yaml.YAML(typ="safe", pure=True).load(text) == (data or None)


def test_order_is_kept_and_lists_lie_in_lists() -> None:
    data = {"runcmd": [["ln", "-s", "a"], "x"], "a": 1}
    assert document(data) == 'runcmd:\n  -\n    - ln\n    - "-s"\n    - a\n  - x\na: 1\n'


@pytest.mark.parametrize(("mode", "text"), [(0o644, "0644"), (0o4755, "04755"), (0, "0")])
def test_modes_are_octal_to_readers_of_yaml_1_1(mode: int, text: str) -> None:
    assert document({"mode": Octal(mode)}) == f"mode: {text}\n"
    assert yaml.safe_load(f"mode: {text}") == {"mode": mode}
