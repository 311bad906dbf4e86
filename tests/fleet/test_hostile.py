"""Inventories and files of variables from whoever: a report or hosts come of them, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py.cli import build
from butane_py.fleet import outside
from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.precedence import host_values
from ignition_py.report.diag import ConfigError

_WORDS = st.sampled_from([
    "all", "hosts", "children", "vars", "_meta", "hostvars", "name", "host", "groups", "ansible_group_priority", "n[1:3]", "n[1:", "a:22",
    "../x", "..", "", "a/b", "<<", "*a", "&a", "!vault", "!unsafe", "sensitive", "type", "value", "butane_source", "plugin", "x" * 300, "\u202e", "A", "a",
])  # fmt: skip
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=4), inner, max_size=4),
    max_leaves=25,
)
_PIECES = st.lists(_WORDS | st.sampled_from([": ", "\n", "\n  ", "\n    ", "- ", "{", "}", "[", "]", ",", '"', "'", "#", "|", "\t", ";", "\r"]), max_size=40)
_SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)


def read(path: Path, name: str) -> None:
    """Reads a file as an inventory, with all values of all hosts, and as a file of variables."""
    try:
        found = read_inventories([name])
        for host in found.hosts.values():
            assert os.path.basename(host.name) == host.name not in ("", ".", "..")
            assert host.name.isprintable()
            dict(host_values(found, host, ()))
    except ConfigError as error:
        assert [entry.raw() for entry in error.report if not entry.message] == []
    try:
        variables, _ = outside.of_file(str(path))
        for given_ in variables.values():
            given_[-1].value()
    except ConfigError:
        pass


@given(_DATA, st.sampled_from(["hosts.json", "hosts.json#x", "hosts.json#all"]))
@_SETTINGS
def test_data_of_any_shape(tmp_path: Path, data: object, name: str) -> None:
    (tmp_path / "hosts.json").write_text(json.dumps(data))
    read(tmp_path / "hosts.json", str(tmp_path / name))


@given(_PIECES, st.sampled_from(["hosts.yaml", "hosts.csv", "hosts"]))
@_SETTINGS
def test_text_of_any_shape(tmp_path: Path, pieces: list[str], name: str) -> None:
    (tmp_path / name).write_text("".join(pieces), newline="")
    read(tmp_path / name, str(tmp_path / name))


@given(st.binary(max_size=60), st.sampled_from(["hosts.yaml", "hosts.csv"]))
@_SETTINGS
def test_bytes_of_any_kind(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    read(tmp_path / name, str(tmp_path / name))


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped", "..", ".", "", "x\0y", "con\nsole", "\u202egni.x", "-o", "a" * 300])
def test_no_host_is_written_outside_of_the_folder(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "node.bu").write_text("variant: fcos\nversion: 1.6.0\n")
    (tmp_path / "in" / "hosts.json").write_text(json.dumps({name: {}, "good": {}}))
    before = {path for path in tmp_path.rglob("*") if "out" not in path.parts}
    arguments = [str(tmp_path / "in" / "node.bu"), "-i", str(tmp_path / "in" / "hosts.json"), "--output-dir", str(tmp_path / "out")]
    assert build.main("butane-py build", arguments) == 1
    assert "inventory-name" in capfd.readouterr().err
    assert {path for path in tmp_path.rglob("*") if "out" not in path.parts} == before
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("path", ["\ud800", "a\0b", "x" * 5000, "a/" * 3000])
def test_values_that_no_path_can_have(tmp_path: Path, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = 'variant: fcos\nversion: 1.6.0\nvars: {part: string, butane_source: {type: string, default: x}}\ninclude: ["${{ part }}"]\n'
    (tmp_path / "node.bu").write_text(text)
    arguments = [str(tmp_path / "node.bu"), "-i", str(tmp_path / "hosts.json"), "--check"]
    for name in ("part", "butane_source"):
        (tmp_path / "hosts.json").write_text(json.dumps({"n1": {"part": "x", name: path}}))
        assert build.main("butane-py build", arguments) == 1
        assert "error[" in capfd.readouterr().err
