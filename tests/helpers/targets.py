"""Configs for targets, in tests: compile a text for a target, and what came of that."""

from __future__ import annotations

from typing import Any

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.result import Result

MACHINE = "variant: machine\nversion: 1.0.0-experimental\n"
FCOS = "variant: fcos\nversion: 1.6.0\n"


def emitted(text: str, target: str, *, head: str = MACHINE, files_dir: str | None = None) -> Result:
    """The result of a config for a target; `head` names its variant."""
    return compile_source(f"{head}{text}".encode("utf-8", "surrogateescape"), "node.bu", Options(files_dir, target=target))


def ignition(text: str, target: str, *, head: str = MACHINE) -> dict[str, Any]:
    """The Ignition config that a target makes of a config without a report."""
    result = emitted(text, target, head=head)
    assert [entry.raw() for entry in result.report] == []
    import json

    data: dict[str, Any] = json.loads(result.output or "")
    return data


def codes(result: Result) -> list[tuple[str, int]]:
    """Code and line of every report."""
    return [(entry.code, entry.place.line) for entry in result.report]
