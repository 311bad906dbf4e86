"""Upgrading by example: which versions lose special mode bits and advertisements, and which texts become empty ones."""

from __future__ import annotations

from typing import Any

import pytest

from ignition_py.spec.tables import VERSIONS, latest
from ignition_py.spec.upgrade import upgrade
from tests.spec.examples import Data, config, data_of

OLD = [version for version, minor in VERSIONS.items() if minor < 6]
NEW = [version for version, minor in VERSIONS.items() if minor >= 6]
ADVERTISED = [version for version, minor in VERSIONS.items() if minor >= 4]


def upgraded(data: Data, version: str, **settings: Any) -> Data:
    return data_of(upgrade(config(data, version), VERSIONS[version], **settings))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_result_says_the_newest_version(version: str) -> None:
    assert upgrade(config({}, version), VERSIONS[version]).ignition.version == latest()


@pytest.mark.parametrize("kind", ["files", "directories"])
@pytest.mark.parametrize(("versions", "kept"), [(OLD, 0o755), (NEW, 0o7755)], ids=["until 3.5", "from 3.6"])
def test_special_mode_bits(kind: str, versions: list[str], kept: int) -> None:
    for version in versions:
        data = {"storage": {kind: [{"path": "/a", "mode": 0o7755}]}}
        assert upgraded(data, version)["storage"][kind] == [{"path": "/a", "mode": kept}], version


@pytest.mark.parametrize("version", ADVERTISED)
@pytest.mark.parametrize("lossless", [False, True])
def test_advertisements_are_lost_at_3_4_alone(version: str, lossless: bool) -> None:
    tang = {"url": "http://t.example", "thumbprint": "t", "advertisement": "{}"}
    data = {"storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": {"tang": [tang]}}]}}
    (found,) = upgraded(data, version, lossless=lossless)["storage"]["luks"][0]["clevis"]["tang"]
    assert ("advertisement" in found) == (version != "3.4.0" or lossless)


@pytest.mark.parametrize(("version", "target"), [("3.0.0", ""), ("3.2.0", ""), ("3.3.0", None), (latest(), None)])
def test_a_link_without_a_target(version: str, target: str | None) -> None:
    """Texts that 3.3 made optional are filled in with what an older config meant."""
    (link,) = upgraded({"storage": {"links": [{"path": "/a"}]}}, version)["storage"]["links"]
    assert link.get("target") == target
