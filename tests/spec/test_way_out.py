"""The way out that rules name: hints, fixes and other places, for each kind of mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from ignition_py.report.diag import Entry
from ignition_py.spec.read import parse

S256, S512 = "ab" * 32, "cd" * 64


def _entries(config: dict[str, Any], version: str = "3.5.0") -> list[Entry]:
    text = json.dumps({"ignition": {"version": version}, **config})
    return list(parse(text.encode(), "a.ign")[2])


def _only(config: dict[str, Any], code: str, version: str = "3.5.0") -> Entry:
    (entry,) = [each for each in _entries(config, version) if each.code == code]
    return entry


def _file(**fields: Any) -> dict[str, Any]:
    return {"storage": {"files": [{"path": "/a", **fields}]}}


def _source(source: str) -> dict[str, Any]:
    return _file(contents={"source": source})


def _unit(name: str, **fields: Any) -> dict[str, Any]:
    return {"systemd": {"units": [{"name": name, **fields}]}}


@pytest.mark.parametrize(
    ("hash_", "code", "better"),
    [
        (S256, "hash-malformed", f"sha256-{S256}"),
        (S512, "hash-malformed", f"sha512-{S512}"),
        (S256.upper(), "hash-malformed", f"sha256-{S256}"),
        (f"sha256:{S256}", "hash-malformed", f"sha256-{S256}"),
        (f"SHA256-{S256}", "hash-unknown", f"sha256-{S256}"),
        (f"sha-256-{S256}", "hash-unknown", f"sha256-{S256}"),
        (f"sha512-{S256}", "hash-size", None),  # the function and the length contradict each other
        (f"md5-{S256}", "hash-unknown", f"sha256-{S256}"),
        (S256[:-1], "hash-malformed", None),
        (S256[:-1] + "g", "hash-malformed", None),
        ("", "hash-malformed", None),
    ],
)
def test_hashes(hash_: str, code: str, better: str | None) -> None:
    entry = _only(_file(contents={"source": "https://x/a", "verification": {"hash": hash_}}), code)
    assert entry.hint
    assert (json.loads(entry.fix.replacement) if entry.fix else None) == better


def test_a_hash_of_a_newer_function_is_not_suggested_to_an_older_version() -> None:
    config = _file(contents={"source": "https://x/a", "verification": {"hash": S256}})
    assert _only(config, "hash-malformed", "3.0.0").fix is None


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("example.com/a", "write https://example.com/a"),
        ("example.com:8080/a", "write https://example.com:8080/a"),
        ("example.com/a?signature=secret", "write https:// before it"),  # no secret in a report
        ("user:password@example.com/a", "serve it over https"),
        ("/etc/motd", "embed a local file with local, and -d for its directory"),
        ("./motd", "embed a local file with local, and -d for its directory"),
        ("file:///etc/motd", "embed the file with local, and -d for its directory"),
        ("ftp://example.com/a", "serve it over https"),
    ],
)
def test_urls(source: str, hint: str) -> None:
    entry = _only(_source(source), "url-scheme")
    assert entry.hint == hint
    assert "secret" not in entry.message + entry.hint and "password" not in entry.message + entry.hint


def test_a_scheme_of_a_newer_version() -> None:
    assert _only(_source("gs://a/b"), "url-scheme", "3.1.0").hint == "gs came with spec 3.2.0; this config is of 3.1.0"


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("hello", "hello.service"),
        ("hello.servise", "hello.service"),
        ("hello.tim", "hello.timer"),
        ("my.app", "my.app.service"),
        ("hello.", "hello.service"),
        ("web.container", None),
        ("10-override.conf", None),
    ],
)
def test_unit_names(name: str, fix: str | None) -> None:
    entry = _only(_unit(name), "unit-name")
    assert (json.loads(entry.fix.replacement) if entry.fix else None) == fix
    assert entry.hint


def test_a_quadlet_among_units() -> None:
    entry = _only(_unit("web.container"), "unit-name")
    assert entry.message == "web.container is a quadlet, not a systemd unit"
    assert "systemd.quadlets" in entry.hint and "/etc/containers/systemd/web.container" in entry.hint


@pytest.mark.parametrize(
    ("name", "target"), [("a.service", "multi-user"), ("a.timer", "timers"), ("a.socket", "sockets"), ("a.mount", "local-fs")]
)
def test_the_install_section_that_is_missing(name: str, target: str) -> None:
    entry = _only(_unit(name, enabled=True, contents="[Unit]\nDescription=x\n"), "unit-no-install")
    assert entry.hint == f"add two lines to the unit: `[Install]` and `WantedBy={target}.target`"
    assert [each.message for each in entry.related] == ["enabled here"]


@pytest.mark.parametrize(
    ("guid", "fix"),
    [
        ("0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"),
        ("{01234567-89ab-cdef-0123-456789abcdef}", "01234567-89ab-cdef-0123-456789abcdef"),
        ("0123", None),
        ("g1234567-89ab-cdef-0123-456789abcdef", None),
    ],
)
def test_guids(guid: str, fix: str | None) -> None:
    entry = _only({"storage": {"disks": [{"device": "/dev/sda", "partitions": [{"number": 1, "guid": guid}]}]}}, "guid-malformed")
    assert (json.loads(entry.fix.replacement) if entry.fix else None) == fix


@pytest.mark.parametrize(
    ("device", "fix"), [("sda", "/dev/sda"), ("dev/sda", "/dev/sda"), ("disk/by-id/x", "/disk/by-id/x"), ("./sda", "/sda")]
)
def test_relative_devices(device: str, fix: str) -> None:
    entry = _only({"storage": {"disks": [{"device": device, "wipeTable": True}]}}, "path-relative")
    assert entry.fix is not None and json.loads(entry.fix.replacement) == fix


@pytest.mark.parametrize(
    ("target", "path"), [("/opt/app", "/opt/app/x"), ("../opt/app", "/opt/app/x"), ("app2", "/etc/app2/x"), ("../../..", "/x")]
)
def test_paths_below_a_link(target: str, path: str) -> None:
    config = {"storage": {"links": [{"path": "/etc/app", "target": target}], "files": [{"path": "/etc/app/x"}]}}
    entry = _only(config, "below-link")
    assert entry.hint == f"write the path that the link leads to: {path}"
    assert [each.message for each in entry.related] == ["the link"]


@pytest.mark.parametrize("links", [2, 8, 9])
def test_paths_below_several_links(links: int) -> None:
    """The two ways of looking for them give the same."""
    config = {
        "storage": {
            "links": [{"path": f"/l{i}", "target": f"/t{i}"} for i in range(links)],
            "directories": [{"path": "/l1/x"}],
            "files": [{"path": "/l0/x"}, {"path": "/l00/x"}],
        }
    }
    entries = [each for each in _entries(config) if each.code == "below-link"]
    assert sorted(each.hint.rpartition(" ")[2] for each in entries) == ["/t0/x", "/t1/x"]


def test_related_places_are_where_the_other_value_is() -> None:
    text = b"""variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/sda
      wipe_table: true
      partitions:
        - number: 1
          label: a
        - {number: 1, label: b, size_mib: 1, start_mib: 1}
  files:
    - path: /a
    - path: /b
    - path: /a
systemd:
  units:
    - name: a.service
      contents: "[Unit]"
    - name: a.service
"""
    report = compile_source(text, "a.bu", Options()).report
    related = {entry.code + str(entry.place.line): [each.place.line for each in entry.related] for entry in report}
    assert related == {"partition-number-twice10": [8], "duplicate14": [12], "duplicate19": [17]}
    lines = [entry.raw() for entry in report]
    assert lines[-1] == "error at $.systemd.units.1, line 19 col 7: 'a.service' is given twice (first given here: line 17)"


def test_what_sugar_made_has_no_fix() -> None:
    """The name of a quadlet's drop-in becomes a path; a fix of the path must not be written over the name."""
    text = b"""variant: fcos
version: 1.8.0-experimental
systemd:
  quadlets:
    - name: a.container
      contents: "[Container]"
      dropins:
        - name: x//y.conf
          contents: "[Container]"
"""
    report = compile_source(text, "a.bu", Options()).report
    assert [entry.fix for entry in report] == [None] * len(report)


def test_a_tree_with_a_wrong_path_has_no_fix(tmp_path: Path) -> None:
    """The paths of its files are wrong, and none of them stands in the text."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "hello").write_text("hello")
    text = b"variant: fcos\nversion: 1.6.0\nstorage: {trees: [{local: tree, path: etc}]}\n"
    (entry,) = compile_source(text, "a.bu", Options(str(tmp_path))).report
    assert (entry.code, entry.fix) == ("path-relative", None)


def test_machine_configs_point_at_the_yaml() -> None:
    text = b"""variant: openshift
version: 4.18.0
metadata:
  name: x
  labels: {machineconfiguration.openshift.io/role: worker}
storage:
  files:
    - path: /a
      contents: {inline: x}
    - path: /a
      contents: {inline: x}
"""
    (entry,) = compile_source(text, "a.bu", Options()).report
    assert (entry.code, entry.place.line, [each.place.line for each in entry.related]) == ("duplicate", 10, [8])
