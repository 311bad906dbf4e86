"""namespace.py: an ordinary user who rehearses. docs/rehearsal.md's commands do so in earnest (tests/docs)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ignition_py import cli
from ignition_py.rehearsal import namespace

pytestmark = pytest.mark.subprocess


def test_the_first_namespace() -> None:
    """Root of the machine is in it, root of another one is not."""
    code = "from ignition_py.rehearsal.namespace import inside; print(inside())"
    printed = [
        subprocess.run([*before, sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for before in ([], ["unshare", "--user", "--map-root-user"])
    ]
    assert printed == ["False\n", "True\n"]


def test_a_user_gets_no_namespace(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what the user lacks before anything is built."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(namespace, "_UNSHARE", ("sh", "-c", "echo 'unshare: no line in /etc/subuid' >&2; exit 1"))
    (tmp_path / "c.ign").write_text('{"ignition": {"version": "3.4.0"}}')
    assert cli.main(["ignition-py", "rehearse", str(tmp_path / "c.ign")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("ignition-py rehearse: there can be no rehearsal: an ordinary user builds our Debian image in a user namespace")
    assert "(unshare: no line in /etc/subuid)" in said
    assert "package uidmap" in said
    assert "--image" in said


def test_the_same_words_are_started_in_the_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "execvp", lambda name, argv: started.append(argv))
    monkeypatch.setattr(namespace, "_UNSHARE", ("env",))
    monkeypatch.setattr(sys, "orig_argv", ["python3", "/usr/bin/ignition-py", "rehearse", "-"])
    before = os.dup(0)
    try:
        namespace.enter(b"what was read")
        assert os.read(0, 100) == b"what was read"
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert started == [["env", "--mount", "--pid", "--fork", "--kill-child", "--", sys.executable, "/usr/bin/ignition-py", "rehearse", "-"]]


def test_root_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not namespace.needed()


def test_a_config_that_is_not_valid_needs_no_namespace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(namespace, "_UNSHARE", ("false",))
    (tmp_path / "c.ign").write_text('{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "relative"}]}}')
    assert cli.main(["ignition-py", "rehearse", str(tmp_path / "c.ign")]) == 1
    assert "is not a valid config" in capsys.readouterr().err
