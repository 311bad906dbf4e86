"""A report in SARIF as annotations of a GitHub job: `python -m butane_py.integrations.github REPORT.sarif`, for action.yml.

Annotations are shown at the lines of a pull request, in repositories without code scanning too; GitHub shows ten of each level in a step.
Source: GitHub, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from ignition_py.system import streams

_LEVELS = {"error": "error", "warning": "warning"}  # of SARIF; what else there is is a notice
_IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_TEXT, ":": "%3A", ",": "%2C"}


def workflow_commands(report: dict[str, Any]) -> Iterator[str]:
    """The workflow command of each result of a report in SARIF, without a line feed."""
    for run in report["runs"]:
        for result in run["results"]:
            physical = result["locations"][0]["physicalLocation"]
            region = physical.get("region", {})
            properties = {
                "file": unquote(physical["artifactLocation"]["uri"]),
                "line": region.get("startLine"),
                "col": region.get("startColumn"),
                "title": result["ruleId"],
            }
            given = ",".join(f"{name}={_escaped(str(value), _IN_PROPERTY)}" for name, value in properties.items() if value is not None)
            yield f"::{_LEVELS.get(result['level'], 'notice')} {given}::{_escaped(result['message']['text'], _IN_TEXT)}"


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(char, char) for char in text)


def main() -> int:
    """Prints the annotations of the report that the command line names; the exit status. Raises OSError."""
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    streams.write_stdout("".join(f"{each}\n" for each in workflow_commands(report)))
    return 0


if __name__ == "__main__":
    sys.exit(streams.last_door("butane_py.integrations.github", main))
