"""A config in two: merged as Ignition merges them they are the whole, each is valid alone, and nothing secret is in the public one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from butane_py.deliver.secrets.split import NotSplitError, split
from ignition_py.report.diag import Path
from ignition_py.spec.decode import Decoder
from ignition_py.spec.encode import to_data
from ignition_py.spec.jsontext import JsonDocument
from ignition_py.spec.merge import merge
from ignition_py.spec.rules.all import validate
from ignition_py.spec.tables import VERSIONS, Config
from ignition_py.spec.upgrade import upgrade
from tests.helpers.strategies import configs

SALT = bytes(32)
NEWEST = max(VERSIONS.values())


def config_of(data: dict[str, Any], spec: int) -> Config:
    config = Decoder(JsonDocument(b"{}"), spec).struct(Config, data, ())
    assert isinstance(config, Config)
    return config


def texts(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all texts in the JSON of a config."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from texts(item, (*path, key))
        elif isinstance(item, str) and (*path, key) != ("ignition", "version"):
            yield (*path, key)


def at(data: Any, path: Path) -> Any:
    """What is at a path, None where nothing is."""
    for part in path:
        if isinstance(data, dict) if isinstance(part, str) else isinstance(data, list) and part < len(data):
            data = data.get(part) if isinstance(data, dict) else data[part]
        else:
            return None
    return data


def merged(public: Config, private: Config, spec: int) -> Any:
    """The configs merged as a machine merges them."""
    return to_data(merge(upgrade(public, spec), upgrade(private, spec)), NEWEST)


def same(one: Any, other: Any) -> bool:
    """True if two configs differ at most in the order of entries."""
    return json.dumps(ordered(one), sort_keys=True) == json.dumps(ordered(other), sort_keys=True)


def ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: ordered(item) for key, item in value.items()}
    return sorted(map(ordered, value), key=lambda item: json.dumps(item, sort_keys=True)) if isinstance(value, list) else value


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(sorted(VERSIONS.values())))
def test_both_are_valid_and_merge_to_the_whole(data: st.DataObject, spec: int) -> None:
    raw = data.draw(configs(spec, children=False))
    paths = sorted(texts(raw), key=str)
    assume(paths)
    secrets = data.draw(st.sets(st.sampled_from(paths), min_size=1, max_size=6))
    config = config_of(raw, spec)
    try:
        found = split(config, secrets, spec)
    except NotSplitError:
        assume(False)
    assert found.private is not None
    for each in (found.public, found.private):
        assert [entry for entry in validate(each, spec) if entry.severity == "error"] == []
    assert same(merged(found.public, found.private, spec), to_data(upgrade(config, spec), NEWEST))
    left = list(texts(to_data(found.public, spec)))
    shown = {at(to_data(found.public, spec), path) for path in left}
    alone = {at(raw, path) for path in secrets} - {at(raw, path) for path in paths if path not in secrets}
    assert alone & shown == set()  # a text that is nowhere but in secrets is nowhere in public
