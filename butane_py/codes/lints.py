"""Codes of --lint: rules declare their own; this declares those that no rule reports."""

from __future__ import annotations

from butane_py.lint import every
from ignition_py.report.catalog import declare
from ignition_py.report.diag import INFO
from ignition_py.report.examples import file_

RULES = every.RULES

declare(
    "lint-unused-ignore",
    title="A comment silences nothing",
    why="No report of that code is made there any more, so the comment hides the next one.",
    fix="Take the comment away, or put it on the line of the report.",
    wrong="# butane-py: ignore-file[lint-crlf]\n" + file_("mode: 0644\n"),
    right=file_("mode: 0644\n"),
    severity=INFO,
    lint=True,
)

declare(
    "lint-settings",
    title="Settings of the linter cannot be used",
    why="A butane-py.toml or [tool.butane-py] of a pyproject.toml has an unknown name or a wrong type, or rules of others cannot be loaded.",
    fix="Mend the file that the message names; docs/lint.md lists the settings.",
    lint=True,
)
