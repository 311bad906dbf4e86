"""Configs made from the tables: every field of every row is taken, and what comes out holds to the tables again."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py import tables
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.schemas import butane_schema
from butane_py.variants import VARIANTS, Variant
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.schema import ignition_schema
from ignition_py.spec.tables import VERSIONS

ROWS = [row for row in VARIANTS.values() if not row.neutral]
# Characters that stand for themselves in YAML and JSON; how others are read is the business of the YAML tests.
_PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xD7FF, exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=8)
_TEXTS = st.one_of(_PLAIN, st.sampled_from(["/a", "/etc/b", "data:,x", "raid1", "ext4", "gzip", "a.service", "yes", "0644", "~", "1.0", "x: y"]))
_INTS = st.one_of(st.integers(0, 4095), st.integers(-(2**63), 2**63 - 1))


def _value(entry: Field, row: Variant, depth: int) -> st.SearchStrategy[Any]:
    if entry.kind == "str":
        return _TEXTS
    if entry.kind == "int":
        return _INTS
    if entry.kind == "bool":
        return st.booleans()
    if entry.kind == "map":
        return st.dictionaries(_PLAIN, _TEXTS, max_size=3)
    assert entry.struct is not None
    return struct(entry.struct, row, depth + 1)


def struct(cls: type[Struct], row: Variant, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """YAML data of a structure with any of the fields that the row has."""
    fields = {}
    for name, entry in cls.FIELDS.items():
        if not entry.at(row.levels.get(entry.axis, -1)):
            continue
        value = _value(entry, row, depth)
        fields[name] = st.lists(value, max_size=2) if entry.many else value
    if cls is tables.Config:
        fields |= {"variant": st.just(row.name), "version": st.just(row.version)}
        return st.fixed_dictionaries({name: fields.pop(name) for name in ("variant", "version")}, optional=fields)
    return st.fixed_dictionaries({}, optional=fields)


_settings = settings(suppress_health_check=list(HealthCheck), deadline=None)


@_settings
@given(st.sampled_from(ROWS).flatmap(lambda row: st.tuples(st.just(row), struct(tables.Config, row))))
def test_typed_configs_are_decoded(drawn: tuple[Variant, dict[str, Any]]) -> None:
    """JSON is YAML: no field is of a wrong type or unknown, whatever else is wrong with it, and no output breaks its schema."""
    row, data = drawn
    result = compile_source(json.dumps(data, ensure_ascii=False).encode(), "x", Options())
    assert not {entry.code for entry in result.report} & {"wrong-type", "unused-key", "yaml", "internal"}
    if result.output is not None and not result.output.startswith("#"):
        version = next(text for text, minor in VERSIONS.items() if minor == row.spec)
        jsonschema.validate(json.loads(result.output), ignition_schema(version))


@_settings
@given(st.sampled_from(ROWS).flatmap(lambda row: st.tuples(st.just(row), struct(tables.Config, row), st.data())))
def test_schema_and_decoder_agree_on_types(drawn: tuple[Variant, dict[str, Any], st.DataObject]) -> None:
    """What the schema refuses for another reason than an absent field, the decoder refuses or reads as text."""
    row, data, _ = drawn
    validator = jsonschema.Draft202012Validator(butane_schema(row.name, row.version))
    for error in validator.iter_errors(data):
        assert error.validator in ("required", "enum"), error.message


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_wrong_type_is_refused_by_both(row: Variant) -> None:
    data = {"variant": row.name, "version": row.version, "storage": {"files": {"path": "/a"}}}
    assert not jsonschema.Draft202012Validator(butane_schema(row.name, row.version)).is_valid(data)
    assert "wrong-type" in [entry.code for entry in compile_source(json.dumps(data, ensure_ascii=False).encode(), "x", Options()).report]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_strict_schema_refuses_unknown_keys_and_what_the_variant_refuses(row: Variant) -> None:
    data: dict[str, Any] = {"variant": row.name, "version": row.version, "storage": {"fles": []}}
    if row.machine_config:
        data["metadata"] = {"name": "a"}
    assert jsonschema.Draft202012Validator(butane_schema(row.name, row.version)).is_valid(data)
    strict = jsonschema.Draft202012Validator(butane_schema(row.name, row.version, strict=True))
    assert not strict.is_valid(data)
    data["storage"] = {"luks": [], "raid": []} if row.spec >= 2 and row.name in ("r4e", "fiot") else {"files": []}
    assert strict.is_valid(data) is ("files" in data["storage"])
