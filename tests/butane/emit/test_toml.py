"""TOML that tomli-w writes is the data that tomllib reads: what Bottlerocket's user data and bootc's files need of it."""

from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.texts import TEXTS

SCALARS = st.one_of(TEXTS, st.integers(-(1 << 63), (1 << 63) - 1), st.booleans())
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(TEXTS, below, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_reads_back_the_same(data: dict[str, Any]) -> None:
    assert tomllib.loads(tomli_w.dumps(data)) == data


def test_a_table_is_written_once() -> None:
    data = {"settings": {"kernel": {"sysctl": {"a.b": "1"}, "lockdown": "none"}, "boot": {"x": {"y": []}}}}
    assert tomli_w.dumps(data).count("[settings.kernel]") == 1
