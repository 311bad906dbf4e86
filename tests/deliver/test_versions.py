"""Configs that are newer than what reads them: converted down, or refused with the field, the line and the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from butane_py.deliver.consumers import CONSUMERS, Consumer, Release, version_key
from butane_py.deliver.forms import BY_NAME
from butane_py.deliver.ladder import Wish
from butane_py.deliver.model import DeliveryError
from butane_py.deliver.recipients import Recipient, choose
from butane_py.deliver.versions import NAMES, fitted
from ignition_py.report.diag import ERROR, WARNING
from ignition_py.spec import tables
from ignition_py.spec.decode import Decoder
from ignition_py.spec.jsontext import JsonDocument
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.read import read
from tests.deliver.lab import delivery, outcome

LUKS = """\
variant: fcos
version: 1.7.0
storage:
  luks:
    - name: data
      device: /dev/vdb
      discard: true
"""
PLAIN = "variant: fcos\nversion: 1.7.0\nstorage: {files: [{path: /etc/a, contents: {inline: hello}}]}\n"


def _fields(struct: type[Struct], path: tuple[str, ...] = (), since: int = 0) -> Iterator[tuple[tuple[str, ...], Field, int]]:
    """Path, field and first version of every field; what lies in a newer field is as new."""
    for entry in struct.FIELDS.values():
        first = max(since, entry.since)
        yield (*path, entry.json), entry, first
        if entry.struct is not None:
            yield from _fields(entry.struct, (*path, entry.json, *(("0",) if entry.many else ())), first)


NEWER = [(".".join(path), entry, since) for path, entry, since in _fields(tables.Config) if since > 0]


def _value(entry: Field) -> Any:
    """A value that says something."""
    if entry.struct is not None:
        below = next(each for each in entry.struct.FIELDS.values() if each.struct is None)
        return {below.json: [_value(below)] if below.many else _value(below)}
    return entry.name != "should_exist" if entry.kind == "bool" else {"int": 7}.get(entry.kind, "x")


def _config(path: str, entry: Field, since: int) -> dict[str, Any]:
    """A config of version `since` that has just the field, at `path`."""
    value = _value(entry)
    value = [value] if entry.many else value
    for part in reversed(path.split(".")):
        value = [value] if part == "0" else {part: value}
    value.setdefault("ignition", {})["version"] = NAMES[since]
    return dict(value)


@pytest.mark.parametrize(("path", "entry", "since"), NEWER, ids=[path for path, _, _ in NEWER])
def test_each_field_of_a_newer_version_is_refused_by_name(path: str, entry: Field, since: int) -> None:
    """The tables are walked: every field that came after 3.0. The rest of the config is not valid, which conversion does not mind."""
    document = JsonDocument(json.dumps(_config(path, entry, since), indent=1).encode(), "n.ign")
    config = Decoder(document, since).whole(tables.Config, document.parse())
    _, spec, report = fitted(config, since, Recipient("r", reader="reader 1.0", spec=since - 1))
    own = [each for each in report if f"needs Ignition {NAMES[since]}" in each.message]
    assert own, [each.message for each in report]
    assert path.startswith(own[0].message.partition(" ")[0])
    assert own[0].message.endswith(f"; reader 1.0 reads up to {NAMES[since - 1]}")
    assert all(each.severity == ERROR and each.code == "spec-too-new" and each.place.line > 1 for each in own)
    assert spec == since


def test_there_are_fields_of_every_version() -> None:
    assert {since for _, _, since in NEWER} == {1, 2, 3, 4, 5}  # 3.6 brought values, 3.7 has no field yet


def test_a_value_of_a_newer_version_is_refused() -> None:
    """3.6.0 brought special mode bits, and no field."""
    text = PLAIN.replace("path: /etc/a", "path: /etc/a, mode: 04755")
    (entry,) = outcome(text, Wish(choose("coreos-installer"))).result.report
    assert entry.message == "storage.files.0.mode needs Ignition 3.6.0; coreos-installer 0.26.0 reads up to 3.5.0"
    assert (entry.place.line, entry.place.column) == (3, 40)


def test_the_line_of_the_yaml_is_named() -> None:
    (entry,) = outcome(LUKS, Wish(choose("debian:12"))).result.report
    assert entry.message == "storage.luks.0.discard needs Ignition 3.4.0; debian 12 reads up to 3.3.0"
    assert (entry.place.source, entry.place.line, entry.place.column) == ("node.bu", 7, 16)


def test_what_loses_nothing_is_converted_down() -> None:
    found = delivery(PLAIN, Wish(choose("debian")))
    assert json.loads(found.user_data)["ignition"] == {"version": "3.3.0"}
    assert found.spec == "3.3.0"
    config, report = read(found.user_data, "n.ign")
    assert config is not None
    assert len(report) == 0


def test_a_config_that_is_old_enough_keeps_its_version() -> None:
    text = PLAIN.replace("1.7.0", "1.1.0")
    assert delivery(text, Wish(choose("debian"))).spec == "3.1.0"


def test_what_is_packed_is_converted_too_where_the_machine_reads_it() -> None:
    wrapped = delivery(PLAIN, Wish(choose("debian"), form="wrapped"))
    assert wrapped.spec == "3.3.0"
    assert outcome(LUKS, Wish(choose("debian"), form="wrapped")).delivery is None


def test_a_consumer_that_reads_the_outer_config_only_takes_newer_ones_wrapped() -> None:
    assert outcome(LUKS, Wish(choose("ct:0.10.0"))).delivery is None
    assert delivery(LUKS, Wish(choose("ct:0.10.0"), form="wrapped")).spec == "3.6.0"


def test_a_platform_and_what_runs_on_it() -> None:
    for text in ("aws+debian:12", "debian:12+aws"):
        found = choose(text)
        assert (found.name, found.reader, found.spec, found.limit(BY_NAME["ignition"])) == ("aws with debian 12", "debian 12", 3, 16_384)
        assert delivery(PLAIN, Wish(found)).spec == "3.3.0"
    (entry,) = outcome(LUKS, Wish(choose("aws+debian"))).result.report
    assert entry.message.endswith("; debian 12 reads up to 3.3.0")
    unsure = choose("brightbox+debian")
    assert (unsure.sure, unsure.reads_surely) == (False, True)


def test_an_uncertain_ceiling_warns() -> None:
    found = outcome(LUKS, Wish(choose("fcos:36.20230101")))
    assert found.delivery is not None
    assert [(entry.severity, entry.code) for entry in found.result.report] == [(WARNING, "spec-too-new")]
    assert found.delivery.spec == "3.6.0"


def test_ignition_2_0_takes_no_wrapped_config() -> None:
    """3.0.0 has no `compression` in ignition.config.replace."""
    text = PLAIN.replace("1.7.0", "1.0.0")
    wish = Wish(choose("ignition:2.0.0"), address=lambda part: f"https://example.com/{part.name}")
    assert delivery(text, wish.but(form="plain")).spec == "3.0.0"
    pointer = json.loads(delivery(text, wish.but(form="pointer")).user_data)
    assert pointer["ignition"]["version"] == "3.0.0"


@pytest.mark.parametrize(
    ("text", "spec", "sure"),
    [
        ("coreos-installer:0.22.0", 4, True), ("coreos-installer:0.26.1", 5, True), ("coreos-installer", 5, True), ("matchbox", 4, True),
        ("fcos:43.20260217.3.1", 5, True), ("fcos:44.20260510.1.3", 6, False), ("flatcar:3510.3.2", 3, True), ("ignition:v2.14.0", 3, True),
        ("openshift:4.13", 2, True), ("openshift:4.22.1", 5, True), ("ignition:3.0.0", 6, True),
    ],
)  # fmt: skip
def test_a_version_between_two_releases_reads_what_the_older_one_reads(text: str, spec: int, sure: bool) -> None:
    found = choose(text)
    assert (found.spec, found.reads_surely) == (spec, sure)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("awss", "there is no platform or consumer 'awss'; did you mean aws?"),
        ("aws:2", "platform aws has no versions: give --for aws"),
        ("aws+gcp", "aws+gcp is not a platform and a consumer, such as aws+flatcar:3510.2.0"),
        ("aws+fcos+debian", "aws+fcos+debian is not a platform and a consumer, such as aws+flatcar:3510.2.0"),
        ("aws+", "there is no platform or consumer ''; there are"),
        ("matchbox:1", "matchbox is known without versions: give --for matchbox"),
        ("fcos:stable", "'stable' is no version of fcos; write it as in fcos:34.20210711"),
        ("debian:11", "debian 11 is not known: the oldest release that is known is 12"),
    ],
)
def test_names_that_are_not_known(text: str, message: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        choose(text)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.name)
def test_releases_are_in_order(consumer: Consumer) -> None:
    releases: tuple[Release, ...] = consumer.releases
    assert [each.key for each in releases] == sorted(each.key for each in releases)
    assert [each.spec for each in releases] == sorted(each.spec for each in releases)
    assert all(each.source for each in releases)
    assert consumer.release("") == releases[-1]
    assert version_key("") == ()


def test_a_machine_config_goes_to_its_operator_only() -> None:
    text = (
        "variant: openshift\nversion: 4.19.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n"
        "storage: {files: [{path: /etc/a, contents: {inline: hello}}]}\n"
    )
    found = delivery(text, Wish(choose("openshift:4.14")))
    assert b"version: 3.4.0\n" in found.user_data
    assert found.user_data.startswith(b"# Generated by Butane; do not edit\n")
    same = delivery(text, Wish(choose("openshift")))
    assert b"version: 3.5.0\n" in same.user_data
    (entry,) = outcome(text, Wish(choose("aws"))).result.report
    assert entry.code == "delivery-machine-config"
