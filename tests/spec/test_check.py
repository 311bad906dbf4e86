"""The small schema reader agrees with jsonschema, on what is right and on what is broken."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ignition_py.spec.check import SchemaViolation, accepts, check_output, schema_for
from ignition_py.spec.schema import ignition_schema
from ignition_py.spec.tables import VERSIONS as NAMES
from tests.helpers.strategies import VERSIONS, Data, configs, mutated

_CALM = settings(suppress_health_check=list(HealthCheck))
_TEXT_OF = {minor: text for text, minor in NAMES.items()}


@cache
def _strict(version: int) -> dict[str, Any]:
    return ignition_schema(_TEXT_OF[version], strict=True)


def _whole_floats(value: Any) -> bool:
    """JSON Schema takes 1.0 for an integer, which neither the language nor `accepts` does."""
    if isinstance(value, dict | list):
        return any(_whole_floats(below) for below in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


def _agree(data: Data, schema: dict[str, Any]) -> None:
    if not _whole_floats(data):
        assert accepts(data, schema, schema) == jsonschema.Draft202012Validator(schema).is_valid(data)


@_CALM
@given(configs(), st.sampled_from(VERSIONS), st.booleans())
def test_on_valid_configs_of_any_version(data: Data, version: int, strict: bool) -> None:
    _agree(data, _strict(version) if strict else schema_for(version))


@_CALM
@given(mutated(configs()), st.sampled_from(VERSIONS), st.booleans())
def test_on_broken_configs(data: Data, version: int, strict: bool) -> None:
    _agree(data, _strict(version) if strict else schema_for(version))


@_CALM
@given(st.data())
def test_a_valid_config_holds_to_its_schema(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(VERSIONS))
    config = data.draw(configs(version))
    assert accepts(config, schema_for(version), schema_for(version))
    assert jsonschema.Draft202012Validator(_strict(version)).is_valid(config)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"ignition": {}},
        {"ignition": {"version": 3}},
        {"ignition": {"version": "3.4.0"}, "storage": []},
        {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mode": True}]}},
        {"ignition": {"version": "3.4.0"}, "storage": {"files": {"path": "/a"}}},
        {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": {"compression": "xz"}}]}},
    ],
)
def test_what_is_refused_is_explained(data: Data) -> None:
    assert not accepts(data, schema_for(4), schema_for(4))
    with pytest.raises(SchemaViolation, match=r"^\$"):
        check_output(data, 4)
