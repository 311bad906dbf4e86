"""Between 3.x versions: up loses nothing, down refuses completely."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ignition_py.report.diag import path_text
from ignition_py.spec.downgrade import convert
from ignition_py.spec.encode import to_data
from ignition_py.spec.read import parse, read
from ignition_py.spec.tables import Config
from tests.helpers.strategies import VERSIONS, Data, configs, is_valid

_CALM = settings(suppress_health_check=list(HealthCheck))


def _parsed(data: Data) -> tuple[Config, int]:
    config, version, _ = parse(json.dumps(data).encode())
    assert config is not None
    return config, version


@_CALM
@given(configs(), st.sampled_from(VERSIONS))
def test_up_and_down_again_is_the_same(data: Data, target: int) -> None:
    config, version = _parsed(data)
    assume(target > version)
    raised, report = convert(config, version, target)
    assert raised is not None, [entry.raw() for entry in report]
    assert not report.fatal
    assert is_valid(to_data(raised, target), target)
    back, report = convert(raised, target, version)
    assert back is not None, [entry.raw() for entry in report]
    assert to_data(back, version) == to_data(config, version)


@_CALM
@given(configs(), st.sampled_from(VERSIONS))
def test_down_is_valid_and_means_the_same(data: Data, target: int) -> None:
    config, version = _parsed(data)
    assume(target < version)
    lowered, report = convert(config, version, target)
    if lowered is None:
        assert report.fatal
        return
    text = json.dumps(to_data(lowered, target)).encode()
    again, report = read(text)
    assert again is not None, [entry.raw() for entry in report]
    assert not [entry for entry in report if entry.code == "unused-key"]


def test_every_reason_is_named() -> None:
    data = {
        "ignition": {"version": "3.6.0", "config": {"merge": [{"source": "arn:aws:s3:::b/k"}]}},
        "kernelArguments": {"shouldExist": ["a"]},
        "passwd": {"users": [{"name": "a", "shouldExist": False}, {"name": "b", "shouldExist": True}]},
        "storage": {
            "files": [
                {
                    "path": "/a",
                    "mode": 0o4755,
                    "contents": {"source": "gs://b/k", "verification": {"hash": "sha256-" + "0" * 64}},
                }
            ],
            "filesystems": [{"device": "/dev/a", "format": "none"}],
            "luks": [{"name": "a", "device": "/dev/b", "discard": True}],
        },
    }
    config, version = _parsed(data)
    lowered, report = convert(config, version, 0)
    assert lowered is None
    assert {(entry.code, path_text(entry.place.path)) for entry in report} == {
        ("newer-field", "$.kernelArguments"),
        ("newer-field", "$.passwd.users.0.shouldExist"),
        ("newer-field", "$.storage.luks"),
        ("special-bits", "$.storage.files.0.mode"),
        ("url-scheme", "$.ignition.config.merge.0.source"),
        ("url-scheme", "$.storage.files.0.contents.source"),
        ("hash-unknown", "$.storage.files.0.contents.verification.hash"),
        ("format-unknown", "$.storage.filesystems.0.format"),
    }


@pytest.mark.parametrize(("target", "mode"), [(5, 0o4755), (6, 0o755)])
def test_special_bits_get_no_effect_that_they_had_not(target: int, mode: int) -> None:
    config, version = _parsed(
        {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mode": 0o4755}]}}
    )
    raised, _ = convert(config, version, target)
    assert raised is not None
    assert raised.storage.files[0].mode == mode


def test_the_advertisement_stays_where_the_reference_loses_it() -> None:
    tang = {"url": "http://t", "thumbprint": "x", "advertisement": "{}"}
    luks = {"name": "a", "device": "/dev/a", "clevis": {"tang": [tang]}}
    data = {"ignition": {"version": "3.4.0"}, "storage": {"luks": [luks]}}
    config, version = _parsed(data)
    raised, _ = convert(config, version, 6)
    assert raised is not None
    assert raised.storage.luks[0].clevis.tang[0].advertisement == "{}"
    upgraded, _ = read(json.dumps(data).encode())
    assert upgraded is not None
    assert upgraded.storage.luks[0].clevis.tang[0].advertisement is None
