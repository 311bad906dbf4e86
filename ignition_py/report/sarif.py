"""Reports as SARIF 2.1.0, for annotations in CI. One document for all files of a run.

Source: OASIS "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ignition_py.report.diag import ERROR, INFO, WARNING, Entry, Fix, Place, Report, path_text

if TYPE_CHECKING:
    from ignition_py.report.catalog import Code

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {ERROR: "error", WARNING: "warning", INFO: "note"}
_FINGERPRINT = "codeAndPath/v1"


def sarif(reports: Iterable[tuple[str, Report]], tool: str = "butane-py") -> str:
    """The SARIF document of (file name, report) pairs, with a final newline. `tool` is the program that reports."""
    from ignition_py import __version__
    from ignition_py.report.catalog import load

    codes = load()
    results = [_result(name, entry) for name, report in reports for entry in report]
    _count_twins(results)
    rules = [_rule(name, codes.get(name)) for name in sorted({result["ruleId"] for result in results})]
    numbers = {rule["id"]: i for i, rule in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = numbers[result["ruleId"]]
    driver = {"name": tool, "semanticVersion": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False) + "\n"


def _rule(name: str, code: Code | None) -> dict[str, Any]:
    if code is None:
        return {"id": name}
    from ignition_py.report.explain import markdown

    text = f"{code.why} {code.fix}".strip()
    return {
        "id": name,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": text, "markdown": markdown(code)},
        "helpUri": _language_page(code.row),
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _language_page(row: str) -> str:
    """The address of the reference's documentation of a variant and version, such as `fcos 1.6.0`."""
    variant, _, version = row.partition(" ")
    number, _, experimental = version.partition("-")
    short = "_".join(number.split(".")[:2]) + ("-exp" if experimental else "")
    return f"https://coreos.github.io/butane/config-{variant}-v{short}/"


def _result(name: str, entry: Entry) -> dict[str, Any]:
    text = f"{entry.message}. {entry.hint}" if entry.hint else entry.message
    name = entry.place.source or name  # a report of several files has entries of each
    location = _location(name, entry.place)
    # Lines move when a file is edited; the path of a value seldom does.
    identity = f"{_uri(name)}\0{entry.code}\0{path_text(entry.place.path)}"
    result: dict[str, Any] = {
        "ruleId": entry.code,
        "level": _LEVELS[entry.severity],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {_FINGERPRINT: hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]},
    }
    if entry.related:
        related = [(each.message, _related(name, each.place)) for each in entry.related]
        result["relatedLocations"] = [
            {"id": i, "message": {"text": message}, **place} for i, (message, place) in enumerate(related, 1)
        ]
    if entry.fix is not None:
        result["fixes"] = [_fix(name, entry.fix)]
    return result


def _related(name: str, place: Place) -> dict[str, Any]:
    """The location of a related place; empty where it is no place of a file, such as --var."""
    return _location(place.source or name, place) if place.line or place.path else {}


def _location(name: str, place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(name)}}
    if place.line:
        physical["region"] = _region(place)
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.path:
        location["logicalLocations"] = [{"fullyQualifiedName": path_text(place.path)}]
    return location


def _region(place: Place) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": max(place.column, 1)}
    if place.end_line:
        region.update(endLine=place.end_line, endColumn=place.end_column)
    return region


def _fix(name: str, fix: Fix) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.place), "insertedContent": {"text": fix.replacement}}
    change = {"artifactLocation": {"uri": _uri(name)}, "replacements": [replacement]}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}


def _count_twins(results: list[dict[str, Any]]) -> None:
    """Appends a number to fingerprints that several results share."""
    seen: dict[str, int] = {}
    for result in results:
        prints = result["partialFingerprints"]
        base = prints[_FINGERPRINT]
        seen[base] = seen.get(base, 0) + 1
        prints[_FINGERPRINT] = f"{base}:{seen[base]}"


def _uri(name: str) -> str:
    """A file name as a URI reference: relative names stay relative, for the CI to resolve."""
    from urllib.parse import quote

    if name == "<stdin>":
        return "stdin"
    return ("file://" if os.path.isabs(name) else "") + quote(name.removeprefix("./"))
