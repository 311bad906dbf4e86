"""The table of platforms: complete, and every limit held to the byte."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from butane_py.cli.platforms import run
from butane_py.deliver.consumers import CONSUMERS
from butane_py.deliver.ladder import Wish
from butane_py.deliver.platforms import (
    BASE64,
    BY_NAME,
    CONFIDENCE,
    COUNTED,
    ENCODED,
    LIKELY,
    PLATFORMS,
    SURE,
    UNKNOWN,
    base64_length,
    in_base64,
)
from butane_py.deliver.recipients import Recipient, choose
from ignition_py.providers import PLATFORMS as PROVIDERS
from ignition_py.report.diag import WARNING
from tests.deliver.lab import address, delivery, outcome, sized

LIMITED = [platform.name for platform in PLATFORMS if platform.limit is not None]
# Bytes of a config, as the platforms' documentation has them; those that count base64 by what it has room for.
EDGES = {
    "akamai": 16_384, "aliyun": 32_768, "aws": 16_384, "azure": 65_535, "azurestack": 65_535, "brightbox": 16_384, "cloudstack": 24_576,
    "digitalocean": 65_536, "exoscale": 24_576, "gcp": 262_144, "hetzner": 32_768, "ibmcloud": 65_536, "kubevirt": 2_048, "nutanix": 24_576,
    "openstack": 49_149, "oraclecloud": 24_000, "powervs": 48_384, "scaleway": 127_998, "upcloud": 65_535, "virtualbox": 1_024,
    "vmware": 49_152,
}  # fmt: skip


def test_every_platform_of_ignition_has_a_row() -> None:
    assert set(BY_NAME) == set(PROVIDERS)
    assert len(PLATFORMS) == len(BY_NAME) == 31


def test_limits_are_those_of_the_documentation() -> None:
    assert {name: BY_NAME[name].most for name in LIMITED} == EDGES


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_a_row_tells_where_its_limit_is_from(platform: object) -> None:
    row = BY_NAME[platform.name]  # type: ignore[attr-defined]
    assert row.confidence in CONFIDENCE
    assert row.counted in COUNTED
    assert row.source
    assert (row.confidence == UNKNOWN) == row.source.startswith("none")
    assert not (row.sure and row.limit is not None) or row.url.startswith("https://")


@pytest.mark.parametrize("name", LIMITED)
def test_exactly_the_limit_is_plain_and_a_byte_more_is_wrapped(name: str) -> None:
    wish = Wish(choose(name))
    exact = delivery(sized(EDGES[name], wish), wish)
    assert (exact.form, len(exact.user_data)) == ("plain", EDGES[name])
    assert wish.counted(exact) <= (wish.limit or 0)
    more = delivery(sized(EDGES[name] + 1, wish), wish)
    assert more.form == "wrapped"
    assert wish.counted(more) <= (wish.limit or 0)


@pytest.mark.parametrize("name", LIMITED)
def test_what_does_not_fit_packed_is_a_pointer_or_refused(name: str) -> None:
    """Random letters of base64 do not get smaller: the ladder ends."""
    wish = Wish(choose(name))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = sized(EDGES[name] + 1, wish, letters)
    published = delivery(text, wish.but(address=address))
    assert published.form == "pointer"
    alone = outcome(text, wish)
    codes = {entry.code: entry for entry in alone.result.report}
    if BY_NAME[name].sure:
        assert (alone.delivery, alone.output) == (None, None)
        assert len(codes["pack-too-large"].related) == 1
        assert codes["pack-too-large"].related[0].message.endswith("/etc/text")
        assert codes["pack-too-large"].related[0].place.line == 3
    else:
        assert codes["pack-limit-unsure"].severity == WARNING
        assert alone.delivery is not None


@pytest.mark.parametrize("size", range(12))
def test_base64_comes_in_fours(size: int) -> None:
    most = in_base64(size)
    assert base64_length(most) <= size < base64_length(most + 1)


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - set(LIMITED)))
def test_platforms_without_a_limit_take_a_config_as_it_is(name: str) -> None:
    wish = Wish(choose(name))
    assert delivery(sized(300_000, wish), wish).form == "plain"


def test_forms_of_emit_have_limits_of_their_own() -> None:
    from butane_py.deliver.wishes import wished

    secret, volume = wished("kubevirt", "", "secret"), wished("kubevirt", "", "kubevirt")
    text = sized(40_000, secret)
    assert delivery(text, secret).form == "plain"
    assert outcome(text, volume).delivery is None
    packed, plain = wished("vmware", "", "gzip+base64"), wished("vmware", "", "base64")
    text = sized(60_000, packed)
    assert delivery(text, packed).form == "plain"  # hexadecimal digits become half
    assert delivery(text, plain).form == "wrapped"


def test_readers_of_user_data_are_named() -> None:
    private = {name for name, row in BY_NAME.items() if not row.readable}
    assert private == {"applehv", "file", "hyperv", "nvidiabluefield", "qemu", "zvm"}


def test_the_command_prints_both_tables() -> None:
    text = CliRunner().invoke(run, []).stdout
    assert "openstack        65,535     base64      sure\n" in text
    data = json.loads(CliRunner().invoke(run, ["--format", "json"]).stdout)
    assert [row["name"] for row in data["platforms"]] == list(BY_NAME)
    assert {row["confidence"] for row in data["platforms"]} == {SURE, LIKELY, UNKNOWN}
    assert {row["counted"] for row in data["platforms"]} == {"raw", BASE64, ENCODED}
    assert next(row for row in data["platforms"] if row["name"] == "openstack")["most_bytes"] == 49_149
    debian = next(row for row in data["consumers"] if row["name"] == "debian")
    assert debian["releases"] == [{"version": "12", "spec": "3.3.0", "source": "the package: Ignition 2.14.0", "confidence": "sure"}]
    assert [row["name"] for row in data["consumers"]] == [consumer.name for consumer in CONSUMERS]


def test_a_recipient_without_a_limit_counts_bytes() -> None:
    assert (Recipient("").limit(Wish(Recipient("")).emit), Recipient("").unit) == (None, "bytes")
