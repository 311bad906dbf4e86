"""`explain` of both programs: one entry, the list, JSON, a code that does not exist."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ignition_py.programs.cli.group import program as ignition_py
from ignition_py.programs.explain import run as explain
from ignition_py.report.catalog import load
from ignition_py.report.explain import as_data, explained, markdown

CODES = load()


def test_an_entry_says_all() -> None:
    assert explained(CODES["source-missing"]).startswith(
        "source-missing: A source is missing\n\nThis is an error: nothing is written, from Ignition 3.1.0 on.\n\n"
    )
    text = explained(CODES["tree-local-missing"])
    assert "To fix it: Add local" in text
    assert "Reported with --files-dir:\n\n    variant: fcos\n    version: 1.6.0\n    storage:\n" in text
    assert "Not reported:\n\n    variant: fcos\n" in text


def test_a_warning_says_that_it_is_one() -> None:
    assert "This is a warning: the config is usable." in explained(CODES["mode-decimal"])
    assert "with --lint only" in explained(CODES["lint-no-login"])


@pytest.mark.parametrize("command", [explain, ignition_py])
def test_both_programs(command: object) -> None:
    words = ["explain"] if command is ignition_py else []
    runner = CliRunner()
    ran = runner.invoke(command, [*words, "path-missing", "mode-range"])  # type: ignore[arg-type]  # a click command
    assert ran.exit_code == 0
    assert ran.output == explained(CODES["path-missing"]) + "\n" + explained(CODES["mode-range"])
    ran = runner.invoke(command, [*words, "--format", "json", "path-missing"])  # type: ignore[arg-type]
    assert json.loads(ran.output) == [as_data(CODES["path-missing"])]
    assert runner.invoke(command, [*words, "--list"]).output.count("\n") == len(CODES)  # type: ignore[arg-type]
    assert len(json.loads(runner.invoke(command, [*words, "--format", "json"]).output)) == len(CODES)  # type: ignore[arg-type]
    ran = runner.invoke(command, [*words, "path-mising"])  # type: ignore[arg-type]
    assert ran.exit_code == 1
    assert "there is no code 'path-mising'; did you mean path-missing" in ran.output


@pytest.mark.parametrize("name", CODES)
def test_markdown_has_whole_examples(name: str) -> None:
    assert markdown(CODES[name]).count("```") == (4 if CODES[name].wrong else 0)
