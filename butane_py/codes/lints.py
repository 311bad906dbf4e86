"""Codes of --lint: what compiles, and is still likely to go wrong."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_, unit

_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n    [Install]\n    WantedBy=multi-user.target\n"

declare(
    "lint-local-link",
    title="A symbolic link leads out of the files directory",
    why="What is embedded is not in the files directory, so another machine embeds something else, or nothing.",
    wrong=file_("contents:\n  local: outside"),
    right=file_("contents:\n  local: a.txt"),
    severity=WARNING,
    local=True,
    lint=True,
)

declare(
    "lint-child-config",
    title="A local child config is broken",
    why="The file that ignition.config.merge or replace embeds would be refused at boot.",
    wrong="ignition:\n  config:\n    merge:\n      - local: a.txt\n",
    right="ignition:\n  config:\n    merge:\n      - local: child.ign\n",
    severity=WARNING,
    local=True,
    lint=True,
)

declare(
    "lint-unit-not-started",
    title="Nothing starts a unit",
    why="The unit is written, and neither enabled nor named by another unit of this config.",
    wrong=unit(f"contents: {_TEXT}"),
    right=unit(f"enabled: true\ncontents: {_TEXT}"),
    severity=WARNING,
    lint=True,
)

declare(
    "lint-user-data-size",
    title="The config is larger than user data may be",
    why="Platforms limit the size of user data. Store the config elsewhere and "
    "hand the machine a small one that names it with ignition.config.replace.source.",
    wrong=file_("contents:\n  compression: ''\n  local: random.bin"),
    right=file_("contents:\n  local: a.txt"),
    severity=WARNING,
    local=True,
    lint=True,
)
