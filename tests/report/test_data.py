"""Reports as JSON, and the page that describes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from ignition_py.report.data import VERSION, json_line

TEXT = b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      mode: 644\n    - path: /a\n"


def test_a_line_of_json() -> None:
    line = json_line("a.bu", compile_source(TEXT, "a.bu", Options()).report)
    assert line.endswith("}\n") and line.count("\n") == 1
    document = json.loads(line)
    assert (document["version"], document["file"]) == (VERSION, "a.bu")
    decimal, duplicate = document["reports"]
    span = {"path": "$.storage.files.0.mode", "file": "a.bu", "line": 6, "column": 13, "end_line": 6, "end_column": 16}
    assert decimal == {
        "severity": "warning",
        "code": "mode-decimal",
        "message": "mode 644 is decimal and means 01204",
        "hint": "write 0644",
        **span,
        "related": [],
        "fix": {"title": "write 0644", "replacement": "0644", **span},
    }
    assert duplicate["fix"] is None
    assert [(each["message"], each["line"], each["end_line"]) for each in duplicate["related"]] == [("first given here", 5, 6)]


def test_the_page_names_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    document = json.loads(json_line("a.bu", compile_source(TEXT, "a.bu", Options()).report))
    fields = {*document, *document["reports"][0], *document["reports"][0]["fix"], *document["reports"][1]["related"][0]}
    assert fields - named == set()
