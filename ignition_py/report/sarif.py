"""Reports as SARIF 2.1.0, for annotations in CI. One document for all files of a run.

Source: OASIS "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import json
import os

from ignition_py.report.diag import ERROR, INFO, WARNING, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ignition_py.report.diag import Entry, Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {ERROR: "error", WARNING: "warning", INFO: "note"}


def sarif(reports: Iterable[tuple[str, Report]]) -> str:
    """The SARIF document of (file name, report) pairs, with a final newline."""
    from ignition_py import __version__
    from ignition_py.report.catalog import load

    codes = load()

    results = [_result(name, entry) for name, report in reports for entry in report]
    rules = []
    for code in sorted({result["ruleId"] for result in results}):
        known = codes.get(code)
        rule: dict[str, Any] = {"id": code}
        if known is not None:
            rule["shortDescription"] = {"text": known.title}
            rule["fullDescription"] = {"text": known.why}
        rules.append(rule)
    numbers = {rule["id"]: i for i, rule in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = numbers[result["ruleId"]]
    driver = {"name": "butane-py", "semanticVersion": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False) + "\n"


def _result(name: str, entry: Entry) -> dict[str, Any]:
    place = entry.place
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(name)}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": max(place.column, 1)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.path:
        location["logicalLocations"] = [{"fullyQualifiedName": path_text(place.path)}]
    text = f"{entry.message}. {entry.hint}" if entry.hint else entry.message
    return {"ruleId": entry.code, "level": _LEVELS[entry.severity], "message": {"text": text}, "locations": [location]}


def _uri(name: str) -> str:
    """A file name as a URI reference: relative names stay relative, for the CI to resolve."""
    from urllib.parse import quote

    if name == "<stdin>":
        return "stdin"
    return ("file://" if os.path.isabs(name) else "") + quote(name.removeprefix("./"))
