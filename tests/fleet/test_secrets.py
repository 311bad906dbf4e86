"""No secret leaves a build but in the config: not in reports of any format, maps, pictures of lines, or explanations."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py.emit.source_map import as_text
from butane_py.fleet.result import HostResult
from butane_py.fleet.values import VAR, Layer, Value, of_data
from ignition_py.report import data, sarif, text
from ignition_py.report.diag import Place
from tests.helpers.fleet import HEAD, build, output, write

CONFIG = HEAD + """vars:
  token: {type: string, secret: true}
  derived: {type: string, default: "x-${{ token }}"}
  list: {type: [string], secret: true, default: []}
include: [{path: part.bu, with: {inner: "${{ token }}"}}]
passwd:
  users: [{name: core, password_hash: "${{ token }}", ssh_authorized_keys: ["${{ derived }}"]}]
storage:
  files:
    - path: /a
      contents: {inline: "a ${{ derived | b64 }}"}
    - path: /b
      contents: {local: payload, interpolate: true}
    - path: /c
      contents: {inline: "open"}
  trees: [{local: tree, path: /t, interpolate: ["*"]}]
systemd:
  units: [{name: a.service, contents: "[Service]\\nExecStart=/bin/x ${{ token }}\\n"}]
"""
PART = "vars: {inner: string}\nstorage: {files: [{path: /p, contents: {inline: '${{ inner }}'}}]}\n"


def secret(value: Any) -> Value:
    return of_data(value, Place((), 2, 10, "secrets.yaml"), Layer(VAR))


def shown(result: HostResult) -> str:
    """Everything that a build shows of a result."""
    made = text.raw(result.report) + text.pretty(result.report, CONFIG.encode(), colour=False) + data.json_line("node.bu", result.report)
    return made + sarif.sarif([("node.bu", result.report)]) + (as_text(result.source_map) if result.source_map else "") + repr(result)


def spellings(value: str) -> list[str]:
    found = [value, base64.b64encode(value.encode()).decode(), value.lower(), value.upper(), json.dumps(value)[1:-1], repr(value)[1:-1]]
    return [each for each in found if len(each) >= 4]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=4, max_size=30), st.sampled_from(["", " \n", "$6$", "ExecStart=", "%%", "\\", "'\""]))
def test_no_report_shows_a_secret(word: str, more: str) -> None:
    value = f"Zq{word}{more}9"
    write({"node.bu": CONFIG, "part.bu": PART, "payload": "p ${{ token }}", "tree/f": "${{ derived }}"})
    for lint in (False, True):
        result = build(values={"token": secret(value)}, files_dir=".", lint=lint, source_map=True)
        everything = shown(result)
        assert [each for each in spellings(value) if each in everything] == []
        assert repr(result.variables["derived"]).find(value) < 0


# A value that does not fit, and how a mistake with it would show it.
@pytest.mark.parametrize(
    ("declaration", "use", "value"),
    [
        ("{type: int, secret: true}", "mode: ${{ x }}", "hunter2hunter"),
        ("{type: int, secret: true}", "mode: ${{ x }}", 99999777),
        ("{type: string, secret: true, one_of: [abcdef]}", "mode: 0644", "hunter2hunter"),
        ("{type: string, secret: true, pattern: '[0-9]+'}", "mode: 0644", "hunter2hunter"),
        ("{type: string, secret: true, length: 3}", "mode: 0644", "hunter2hunter"),
        ("{type: ip, secret: true}", "mode: 0644", "hunter2hunter"),
        ("{type: [string], secret: true}", 'contents: {inline: "a ${{ x }}"}', ["hunter2hunter"]),
        ("{type: {\"*\": string}, secret: true}", 'contents: {inline: "${{ x.hunter }}"}', {"hunter2hunter": "hunter2hunter"}),
        ("{type: string, secret: true}", "path: ${{ x }}", "hunter2hunter"),
        ("{type: string, secret: true}", "contents: {source: '${{ x }}'}", "hunter2hunter"),
        ("{type: string, secret: true}", "contents: {source: 'data:,x', verification: {hash: '${{ x }}'}}", "hunter2hunter"),
        ("{type: string, secret: true}", "contents: {local: '${{ x }}'}", "hunter2hunter"),
        ("{type: string, secret: true}", "${{ x }}: 1", "hunter2hunter"),
        ("{type: string, secret: true}", 'contents: {inline: "${{ x | indent(1000) }}"}', "hunter2hunter"),
        ("{type: string, secret: true}", "user: ${{ x }}", "hunter2hunter"),
    ],
)
def test_no_mistake_shows_a_secret(declaration: str, use: str, value: Any) -> None:
    head = "" if use.startswith("path") else "path: /a\n      "
    write({"node.bu": f"{HEAD}vars:\n  x: {declaration}\nstorage:\n  files:\n    - {head}{use}\n"})
    result = build(values={"x": secret(value)}, files_dir=".", lint=True)
    word = "99999777" if isinstance(value, int) else "hunter2"
    assert len(result.report) > 0
    assert word not in shown(result)


def test_a_value_of_a_file_of_secrets_is_secret_whatever_it_is_declared() -> None:
    write({"node.bu": HEAD + "vars: {x: int}\nstorage: {files: [{path: /a, mode: \"${{ x }}\"}]}\n"})
    value = of_data(98765432, Place((), 2, 10, "secrets.yaml"), Layer(VAR), secret=True)
    assert "98765432" not in shown(build(values={"x": value}))


def test_outputs_that_are_made_of_secrets_are_known() -> None:
    write({"node.bu": CONFIG, "part.bu": PART, "payload": "p ${{ token }}", "tree/f": "${{ derived }}"})
    result = build(values={"token": secret("hunter2hunter")}, files_dir=".")
    found = {".".join(map(str, path)) for path in result.secrets if path[-1] != "compression"}
    files = [file["path"] for file in output(result)["storage"]["files"]]
    assert {files[int(path.split(".")[2])] for path in found if path.startswith("storage.files") and path.endswith("source")} == {"/a", "/b", "/p", "/t/f"}
    assert {path for path in found if not path.startswith("storage")} == {
        "passwd.users.0.passwordHash", "passwd.users.0.sshAuthorizedKeys.0", "systemd.units.0.contents",
    }  # fmt: skip


def test_without_secrets_nothing_is_hidden_or_marked() -> None:
    write({"node.bu": HEAD + "vars: {x: string}\nstorage: {files: [{path: \"${{ x }}\"}]}\n"})
    result = build(values={"x": secret("relative")})
    assert "relative" in shown(result)
    write({"node.bu": HEAD + "vars: {x: string}\nstorage: {files: [{path: \"/${{ x }}\"}]}\n"})
    assert build(values={"x": secret("relative")}).secrets == ()
