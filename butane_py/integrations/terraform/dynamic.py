"""Values of Terraform's `dynamic` type: anything that HCL can say, with its type beside it.

On the wire such a value is the pair (type as JSON, value). Numbers that no machine word holds exactly are texts there.
Source: Terraform, docs/plugin-protocol/object-wire-format.md; zclconf/go-cty, cty/msgpack.
"""

from __future__ import annotations

import json
from typing import Any

from tf.types import TfType, Unknown


class Dynamic(TfType):
    """The type of an attribute that takes any value."""

    def encode(self, value: Any) -> Any:
        """The value as it is: state gives back what the config gave."""
        return value

    def decode(self, value: Any) -> Any:
        """The value of Python. Raises ValueError for what is no pair of a type and a value."""
        if value is None or value is Unknown:
            return value
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError("a value of the type dynamic is a pair of a type and a value")
        return _typed(json.loads(value[0]), value[1])

    def tf_type(self) -> bytes:
        """The type as the schema names it."""
        return b'"dynamic"'


def _typed(type_: Any, value: Any) -> Any:
    """A value of the wire by its type."""
    if value is None or value is Unknown:
        return value
    if type_ == "number":
        return _number(value)
    if type_ == "dynamic":
        return Dynamic().decode(value)
    if not isinstance(type_, list):
        return value
    kind, inner = type_[0], type_[1]
    if kind == "object":
        return {name: _typed(inner[name], item) for name, item in value.items()}
    if kind == "tuple":
        return [_typed(each, item) for each, item in zip(inner, value, strict=True)]
    if kind == "map":
        return {name: _typed(inner, item) for name, item in value.items()}
    return [_typed(inner, item) for item in value]


def _number(value: Any) -> Any:
    """A number of the wire: an integer where it is one."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_known(value: Any) -> bool:
    """True if no part of a value of the wire is known only when it is applied."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return value is not Unknown
