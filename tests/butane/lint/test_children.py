"""Local files of a config and its size: links, children, user data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.linter.settings import Settings
from butane_py.pipeline import compile_source

HEAD = "variant: fcos\nversion: 1.6.0\n"


def codes(text: str, files: Path | None = None, *, lint: bool = True, select: tuple[str, ...] = ()) -> list[str]:
    settings = Settings(select, ignore=("lint-no-login", "lint-old-version"))
    result = compile_source((HEAD + text).encode(), "x", Options(str(files) if files else None, lint=lint, settings=settings))
    assert result.output is not None, [entry.raw() for entry in result.report]
    return [entry.code for entry in result.report]


def test_links_out_of_the_files_directory(tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "tree").mkdir(parents=True)
    (files / "real").write_text("a")
    (files / "near").symlink_to("real")
    (tmp_path / "far").write_text("b")
    (files / "away").symlink_to("../far")
    (files / "tree-link").symlink_to(tmp_path)
    assert codes("storage:\n  files: [{path: /a, contents: {local: near}}]\n  trees: [{local: tree}]\n", files) == []
    assert codes("storage:\n  files: [{path: /a, contents: {local: away}}]\n", files) == ["lint-local-link"]
    assert codes("passwd:\n  users: [{name: core, ssh_authorized_keys_local: [real, away]}]\n", files, select=("lint-local-link",)) == ["lint-local-link"]
    assert codes("systemd:\n  units: [{name: a.service, enabled: false, contents_local: away}]\n", files)[:1] == ["lint-local-link"]


@pytest.mark.parametrize(
    ("child", "warned"),
    [
        ('{"ignition": {"version": "3.5.0"}}', False),
        ('{"ignition": {"version": "3.1.0"}}', False),
        ('{"ignition": {"version": "3.5.0"}', True),
        ('{"ignition": {"version": "9.0.0"}}', True),
        ('{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "a"}]}}', True),
        ("variant: fcos\nversion: 1.6.0\n", True),
        ("", True),
    ],
)
def test_children(child: str, warned: bool, tmp_path: Path) -> None:
    (tmp_path / "child.ign").write_text(child)
    text = "ignition:\n  config:\n    merge: [{local: child.ign}]\n"
    assert codes(text, tmp_path) == (["lint-child-config"] if warned else [])
    assert codes(text, tmp_path, lint=False) == []


@pytest.mark.parametrize(("size", "platforms"), [(1_000, []), (20_000, ["aws"]), (60_000, ["aws", "openstack", "azure"]), (400_000, ["aws", "gcp"])])
def test_size(size: int, platforms: list[str], tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(os.urandom(size))
    text = HEAD + "storage:\n  files: [{path: /a, contents: {local: data}}]\n"
    settings = Settings(select=("lint-user-data-size",))
    report = compile_source(text.encode(), "x", Options(str(tmp_path), lint=True, settings=settings)).report
    message = " ".join(entry.message for entry in report)
    assert all(name in message for name in platforms)
    assert bool(len(report)) is bool(platforms)
