"""The strategies themselves: they reach every field of the language, and what they call valid is."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from ignition_py.spec import tables
from ignition_py.spec.model import Struct
from ignition_py.spec.read import parse
from tests.helpers.strategies import Data, configs, structs


def _reachable(cls: type[Struct], found: dict[str, type[Struct]]) -> dict[str, type[Struct]]:
    found[cls.__name__] = cls
    for entry in cls.FIELDS.values():
        if entry.struct is not None and entry.struct.__name__ not in found:
            _reachable(entry.struct, found)
    return found


@pytest.mark.parametrize("cls", _reachable(tables.Config, {}).values(), ids=lambda cls: cls.__name__)
def test_every_field_is_drawn(cls: type[Struct]) -> None:
    seen: set[str] = set()

    @settings(max_examples=200, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(structs(cls, 7))
    def walk(data: Data) -> None:
        seen.update(data)

    walk()
    # hard links are taken out: whether one is valid depends on the rest of the config
    assert set(cls.BY_JSON) - seen <= ({"hard"} if cls is tables.Link else set())


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(configs())
def test_configs_are_valid(data: Data) -> None:
    config, _, report = parse(json.dumps(data).encode())
    assert config is not None
    assert not report.fatal, [entry.raw() for entry in report]
