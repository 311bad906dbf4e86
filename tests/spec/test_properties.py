"""Laws of upgrading and merging."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ignition_py.spec.encode import to_data
from ignition_py.spec.merge import merge
from ignition_py.spec.read import parse, read
from ignition_py.spec.tables import Config
from ignition_py.spec.upgrade import upgrade
from tests.helpers.strategies import Data, configs, is_valid

_CALM = settings(suppress_health_check=list(HealthCheck))
NEWEST = 7


def _read(data: Data) -> Config:
    config, report = read(json.dumps(data).encode())
    assert config is not None, [entry.raw() for entry in report]
    return config


@_CALM
@given(configs())
def test_upgraded_it_is_valid(data: Data) -> None:
    assert is_valid(to_data(_read(data), NEWEST), NEWEST)


@_CALM
@given(configs())
def test_upgrading_twice_changes_nothing(data: Data) -> None:
    config = _read(data)
    assert upgrade(config, NEWEST) == config
    again = _read(to_data(config, NEWEST))
    assert to_data(again, NEWEST) == to_data(config, NEWEST)


@_CALM
@given(configs())
def test_what_is_written_reads_the_same(data: Data) -> None:
    config, version, _ = parse(json.dumps(data).encode())
    assert config is not None
    again, _, report = parse(json.dumps(to_data(config, version)).encode())
    assert again is not None, [entry.raw() for entry in report]
    assert to_data(again, version) == to_data(config, version)


def _apart(data: Data) -> Data:
    """Takes out where the reference is not associative either: headers without a value, which remove those of the parent
    wherever they are merged, and a path or an argument that changes from one list of a namespace to another."""
    for name in ("files", "directories", "links"):
        for each in data.get("storage", {}).get(name, ()):
            each["path"] = f"/{name}{each['path']}"
    data.get("kernelArguments", {}).pop("shouldNotExist", None)
    _fill_headers(data)
    return data


def _fill_headers(value: Any) -> None:
    if isinstance(value, dict):
        for each in value.get("httpHeaders", ()):
            each.setdefault("value", "v")
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            _fill_headers(below)


_PARTS = configs().map(_apart)


@_CALM
@given(_PARTS, _PARTS, _PARTS)
def test_merging_is_associative(a: Data, b: Data, c: Data) -> None:
    first, second, third = _read(a), _read(b), _read(c)
    left = merge(merge(first, second), third)
    right = merge(first, merge(second, third))
    assert to_data(left, NEWEST) == to_data(right, NEWEST)


@_CALM
@given(configs())
def test_merging_with_itself_or_nothing_keeps_what_has_keys(data: Data) -> None:
    config = _read(data)
    nothing = Config(ignition=config.ignition.__class__(version=config.ignition.version))
    assert to_data(merge(config, nothing), NEWEST) == to_data(config, NEWEST)
    assert to_data(merge(nothing, config), NEWEST) == to_data(config, NEWEST)
    twice = merge(config, config)
    assert [each.path for each in twice.storage.files] == [each.path for each in config.storage.files]
    assert [each.name for each in twice.systemd.units] == [each.name for each in config.systemd.units]


@_CALM
@given(configs(), st.sampled_from([None, 1, "\t"]))
def test_origins_point_at_the_entries(data: Data, indent: Any) -> None:
    text = json.dumps(data, indent=indent)
    config, _, _ = parse(text.encode())
    assert config is not None
    lines = text.split("\n")
    for each in config.storage.files:
        assert each._origin is not None
        place = each._origin.place()
        at = sum(len(line.encode()) + 1 for line in lines[: place.line - 1]) + place.column - 1
        assert text.encode()[at - 1 : at] == b"{"
