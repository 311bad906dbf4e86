"""Configs of the newest spec, written as data, for tests by example."""

from __future__ import annotations

import json
from typing import Any

from ignition_py.spec.encode import to_data
from ignition_py.spec.read import parse
from ignition_py.spec.tables import VERSIONS, Config, latest

NEWEST = VERSIONS[latest()]
Data = dict[str, Any]


def config(data: Data, version: str = "") -> Config:
    """`data` as a config at `version`, by default the newest; no rule is checked."""
    ignition = {"version": version or latest(), **data.get("ignition", {})}
    found, _, report = parse(json.dumps({**data, "ignition": ignition}).encode())
    assert found is not None, [entry.raw() for entry in report]
    return found


def data_of(found: Config, minor: int = NEWEST) -> Data:
    """The config as data at a minor version, without the version itself."""
    data = to_data(found, minor)
    data["ignition"].pop("version")
    if not data["ignition"]:
        data.pop("ignition")
    return data
