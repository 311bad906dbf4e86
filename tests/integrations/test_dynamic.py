"""Values of Terraform's `dynamic` type, as they come over the wire (docs/plugin-protocol/object-wire-format.md of Terraform)."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("tf")

from tf.types import Unknown

from butane_py.integrations.terraform.dynamic import Dynamic, is_known


@pytest.mark.parametrize(
    ("type_", "value", "data"),
    [
        ("string", "1", "1"),
        ("bool", True, True),
        ("number", 9000, 9000),
        ("number", 1500.0, 1500),  # a float that is an integer
        ("number", 0.5, 0.5),
        ("number", "0.1", 0.1),  # no machine word holds it exactly
        ("number", "18446744073709551617", 18446744073709551617),
        ("number", "1e+21", 10**21),
        (["list", "number"], ["0.1", 2], [0.1, 2]),
        (["set", "string"], ["a"], ["a"]),
        (["map", "number"], {"a": "0.1"}, {"a": 0.1}),
        (["tuple", ["string", "number"]], ["1", "0.1"], ["1", 0.1]),
        (["object", {"a": ["object", {"b": "number"}], "c": "string"}], {"a": {"b": "0.1"}, "c": None}, {"a": {"b": 0.1}, "c": None}),
        (["object", {"a": "dynamic"}], {"a": [b'"number"', "0.1"]}, {"a": 0.1}),
        (["object", {"a": "number"}], {"a": Unknown}, {"a": Unknown}),
    ],
)
def test_values_have_the_types_of_the_wire(type_: Any, value: Any, data: Any) -> None:
    assert Dynamic().decode([json.dumps(type_).encode(), value]) == data


def test_nothing_and_what_is_not_known() -> None:
    assert Dynamic().decode(None) is None
    assert Dynamic().decode(Unknown) is Unknown
    assert is_known({"a": [1, {"b": None}]}) and not is_known({"a": [1, {"b": Unknown}]})


@pytest.mark.parametrize("value", ["text", [b'"string"'], 1, [b"no json", "a"]])
def test_what_is_no_pair_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"pair|Expecting value"):
        Dynamic().decode(value)
