"""Configs inside a config are read as the validator reads them."""

from __future__ import annotations

import json

import pytest

import butane_py

GOOD = '{"ignition": {"version": "3.4.0"}}'


@pytest.mark.parametrize(
    ("inner", "reports"),
    [
        (GOOD, []),
        ("", [("error", "child-invalid", ""), ("error", "child-invalid", "ignition.config.merge.0.inline")]),
        ("[]", [("error", "child-invalid", ""), ("error", "child-invalid", "ignition.config.merge.0.inline")]),
        ('{"a": 1, "a"', [("error", "child-invalid", ""), ("error", "child-invalid", "ignition.config.merge.0.inline")]),
        ("null", [("error", "version-unknown", "ignition.version"), ("warning", "null-object", "")]),
        ('{"ignition": {"version": "3.5.0"}}', [("warning", "child-version", "ignition.config.merge.0.version")]),
        ('{"ignition": {"version": "x"}}', [("error", "version-unknown", "ignition.version")]),
        ('{"ignition": {"version": "3.4.0"}, "storage": null}', [("warning", "null-object", "storage")]),
        ('{"ignition": {"version": "3.4.0"}, "storge": {}}', [("warning", "unused-key", "storge")]),
        ('{"ignition": {"version": "3.4.0"}, "sourceMap": {"version": 1, "places": {}}}', [("warning", "unused-key", "sourceMap")]),
        ('{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "path": "b"}]}}',
         [("error", "path-relative", "storage.files.0.path")]),
        ('{"ignition": {"version": "3.4.0"}, "x": %s%s}' % ("[" * 5000, "]" * 5000), [("warning", "unused-key", "x")]),
    ],
)  # fmt: skip
def test_reports_are_those_of_the_inner_config(inner: str, reports: list[tuple[str, str, str]]) -> None:
    text = f"variant: fcos\nversion: 1.5.0\nignition:\n  config:\n    merge:\n      - inline: {json.dumps(inner)}\n"
    found = [(entry.severity, entry.code, ".".join(map(str, entry.place.path))) for entry in butane_py.compile(text).report]
    assert found == reports
