"""The kargs and disks stages refuse what is known to fail later, before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ignition_py.spec.provisioning import problems
from ignition_py.spec.tables import Config
from ignition_py.stages import preflight
from tests.helpers.engine import Machine, config, make_machine

CLASH = {"users": [{"name": "anna", "uid": 2000}, {"name": "bert", "uid": 2000}]}


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    return make_machine(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("stage", ["kargs", "disks"])
@pytest.mark.parametrize(("parts", "words"), [
    ({"passwd": CLASH}, "anna and bert have the same uid, 2000"),
    ({"passwd": {"users": [{"name": "a", "passwordHash": "TOP\0SECRET"}]}}, "the password hash of user a holds a NUL byte"),
    ({"systemd": {"units": [{"name": "*.service", "enabled": True}]}}, "*.service cannot be the name of a unit: it has *"),
    ({"storage": {"files": [{"path": "/f", "user": {"id": -1}}]}}, "user id -1 is out of range"),
    ({"passwd": {"users": [{"name": "a", "groups": ["10", "x,y"]}]}}, "these are: 10 is not a name of a group, but a number ($.passwd.users.0, line 1 col 58"),
])  # fmt: skip
def test_refused(machine: Machine, stage: str, parts: dict[str, Any], words: str) -> None:
    machine.config(config(**parts))
    assert machine("fetch") == 0
    assert machine(stage) == 1
    assert words in machine.sentences
    assert "SECRET" not in machine.output
    assert "Traceback" not in machine.output


def test_a_base_config_counts(machine: Machine) -> None:
    """Clashes between the image's config and the user's are found, too."""
    folder = machine.folder / "VENDOR_dir" / "base.d"
    folder.mkdir(parents=True)
    (folder / "10.ign").write_text('{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "anna", "uid": 2000}]}}')
    machine.config(config(passwd={"users": [{"name": "bert", "uid": 2000}]}))
    assert machine("fetch") == 0
    assert machine("disks") == 1
    assert "have the same uid, 2000" in machine.output


@pytest.mark.parametrize("microos", [False, True])
def test_groups_of_users_where_the_image_makes_none(machine: Machine, monkeypatch: pytest.MonkeyPatch, microos: bool) -> None:
    """openSUSE's users have no group of their own name, unless login.defs says so."""
    if microos:
        monkeypatch.setenv("IGNITION_MICROOS", "1")
    machine.config(config(passwd={"groups": [{"name": "anna"}], "users": [{"name": "anna"}]}))
    assert machine("fetch") == 0
    assert machine("disks") == (0 if microos else 1)


def test_many_are_not_all_told(machine: Machine) -> None:
    machine.config(config(passwd={"users": [{"name": f"u{n}", "uid": 2000} for n in range(100)]}))
    assert machine("fetch") == 0
    assert machine("disks") == 1
    assert "99 entries of the config cannot be carried out" in machine.sentences


def test_nothing_to_refuse_in_an_empty_config() -> None:
    assert list(problems(Config())) == []
    assert "root" in preflight._USUAL
