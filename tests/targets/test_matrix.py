"""The cells of every target: complete, and what the errors, the command and the page of docs/ are made from."""

from __future__ import annotations

import json

import pytest

from butane_py.cli.targets import run
from butane_py.targets.fields import FIELDS
from butane_py.targets.matrix import mark
from butane_py.targets.model import No, TargetError
from butane_py.targets.registry import MODULES, NAMES, choose, load
from ignition_py.report.catalog import load as load_codes
from tools.targets_matrix import PAGE, filled


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_complete(name: str) -> None:
    target = load(name)
    assert target.name == name and target.outputs
    assert list(target.support) == [*FIELDS] or set(target.support) == set(FIELDS)
    assert (target.default_version in target.versions) if target.versions else target.default_version == ""
    known = load_codes()
    for cell in target.support.values():
        if isinstance(cell, No):
            assert cell.code in known, cell
            assert cell.sentence and not cell.sentence.endswith("."), cell


@pytest.mark.parametrize("name", MODULES)
def test_facts_as_files_need_a_layout(name: str) -> None:
    target = load(name)
    facts = ("hostname", "timezone", "time_servers", "sysctl", "kernel_modules", "ca_certificates", "proxy", "registry_mirrors", "users.admin")
    as_files = [field for field in facts if mark(target.support[field]).strip("()") == "F"]
    assert not as_files or target.layout is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nope", "there is no target 'nope'"),
        ("flatca", "did you mean flatcar?"),
        ("fcos@9.9.9", "no version '9.9.9'; it has 3.3.0"),
        ("fcos:x", "it has no flavours"),
        ("", "there is no target ''"),
    ],
)
def test_names_that_are_wrong(text: str, words: str) -> None:
    with pytest.raises(TargetError, match="target") as caught:
        choose(text)
    assert words in str(caught.value)


def test_the_name_of_a_choice_is_the_shortest() -> None:
    assert str(choose("fcos")) == str(choose("fcos@3.5.0")) == "fcos"
    assert str(choose("fcos@3.6.0")) == "fcos@3.6.0"


def test_the_command_lists_every_target(capfd: pytest.CaptureFixture[str]) -> None:
    assert run.run([], "butane-py targets") == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == list(NAMES)
    assert run.run(["--format", "json"], "butane-py targets") == 0
    data = json.loads(capfd.readouterr().out)
    assert [target["name"] for target in data["targets"]] == list(NAMES)
    assert all(set(target["fields"]) == set(FIELDS) for target in data["targets"])
    assert run.run(["--matrix"], "butane-py targets") == 0
    table = capfd.readouterr().out.split("\n\n")[0].splitlines()
    assert [line[: line.index("  ")] for line in table[1:]] == [field.title for field in FIELDS.values()]
    assert run.run(["nope"], "butane-py targets") == 2
    assert run.run(["--matrix", "--format", "markdown", "fcos"], "butane-py targets") == 0
    assert "| field | fcos |" in capfd.readouterr().out


def test_the_page_has_the_matrix() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run tools/targets_matrix.py"
