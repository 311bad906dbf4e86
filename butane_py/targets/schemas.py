"""What a target makes, native text included, held against the schema of the system's format.

The schemas in data/ are written for this project from the documentation and the programs of each system. Messages name keys, never values.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.report.diag import Path

_MOST = 20  # reports of one document
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


@cache
def schema(name: str) -> dict[str, Any]:
    """One of the schemas: bottlerocket, kairos."""
    import json
    from importlib.resources import files

    text = files("butane_py.targets").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def hold(document: Any, plan: Plan, findings: Findings, root: Path = ()) -> None:
    """Reports what of a document the schema of the plan's target refuses, at the native text where that says it.

    `root` is the path in the document that native text begins at.
    """
    from jsonschema import Draft202012Validator

    target = plan.chosen.target
    assert plan.native_where is not None
    for error in list(Draft202012Validator(schema(target.name)).iter_errors(document))[:_MOST]:
        path = tuple(error.absolute_path)
        native = path[len(root) :] if path[: len(root)] == root else ()
        name = ".".join(map(str, path)) or "the config"
        findings.error(
            "target-option" if _is_native(plan.native, native) else "target-value",
            f"{target.title} refuses {name}: {_reason(error)}",
            plan.native_where(native),
        )


def _is_native(native: Any, path: Path) -> bool:
    """True if the path is in the native text."""
    for part in path:
        if not isinstance(native, dict) or part not in native:
            return isinstance(native, list)
        native = native[part]
    return True


def _reason(error: Any) -> str:
    """Why a value is refused, without the value."""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        patterns = error.schema.get("patternProperties", {})
        unknown = [key for key in error.instance if key not in known]
        return f"unknown {'name' if patterns else 'key'} {', '.join(map(repr, unknown[:3]))}"
    if error.validator == "type":
        return f"it has to be {_TYPES.get(error.validator_value, error.validator_value)}"
    if error.validator == "enum":
        return f"it has to be one of {', '.join(map(str, error.validator_value))}"
    if error.validator == "required":
        return f"it needs {', '.join(error.validator_value)}"
    return "it has another form" if error.validator == "pattern" else f"it does not hold to {error.validator}"
