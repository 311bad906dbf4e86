"""Which value counts: every pair of the levels that a value can come from, and the chain that explains it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from butane_py.cli import build

# From the weakest to the strongest. outer holds inner; early, late and zoe are side by side in it.
LEVELS = ("default", "all", "outer", "early", "inner", "zoe", "late", "host", "later file", "vars", "second vars", "env", "var", "second var", "with")
INVENTORY: dict[str, Any] = {
    "all": {"vars": {}, "children": {"outer": None}},
    "outer": {"vars": {}, "children": {"early": None, "inner": None, "late": None, "zoe": None}},
    "early": {"vars": {"ansible_group_priority": -1}, "hosts": {"n1": None}},
    "inner": {"vars": {}, "hosts": {"n1": None}},
    "zoe": {"vars": {}, "hosts": {"n1": None}},
    "late": {"vars": {"ansible_group_priority": 7}, "hosts": {"n1": {}}},
}


def arranged(folder: Path, levels: tuple[str, ...]) -> list[str]:
    """Writes files in which these levels give `x` their own names; the command line."""
    inventory = json.loads(json.dumps(INVENTORY))
    arguments = []
    for level in levels:
        if level in inventory:
            inventory[level]["vars"]["x"] = level
        elif level == "host":
            inventory["late"]["hosts"]["n1"]["x"] = level
    # The including file has no say in a value that with: gives; its own default only keeps it whole.
    default = next((f", default: {text}" for level, text in (("default", "default"), ("with", "none")) if level in levels), "")
    given = ", with: {x: with}" if "with" in levels else ""
    (folder / "node.bu").write_text(
        f"variant: fcos\nversion: 1.6.0\nvars: {{x: {{type: string{default}}}}}\ninclude: [{{path: part.bu{given}}}]\n"
    )
    (folder / "part.bu").write_text('vars: {x: string}\nstorage: {files: [{path: "/${{ x }}"}]}\n')
    (folder / "hosts.json").write_text(json.dumps(inventory))
    arguments += ["-i", "hosts.json"]
    if "later file" in levels:
        (folder / "later.csv").write_text("name,x\nn1,later file\n")
        arguments += ["-i", "later.csv"]
    for number, level in enumerate(("vars", "second vars")):
        if level in levels:
            (folder / f"vars{number}.yaml").write_text(f"x: {level}\n")
            arguments += ["--vars", f"vars{number}.yaml"]
    if "env" in levels:
        arguments += ["--env", "BU_"]
    for level in ("var", "second var"):
        if level in levels:
            arguments += ["--var", f"x={level}"]
    return ["node.bu", *arguments, "--host", "n1"]


@pytest.mark.parametrize(("weak", "strong"), list(itertools.combinations(LEVELS, 2)))
def test_the_later_level_counts(
    tmp_path: Path, weak: str, strong: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BU_x", "env")
    assert build.main("butane-py build", arranged(tmp_path, (weak, strong))) == 0
    assert f'"path":"/{strong}"' in capfd.readouterr().out


def test_the_chain_has_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BU_x", "env")
    assert build.main("butane-py build", [*arranged(tmp_path, LEVELS[:-1]), "--explain-var", "x", "--format", "json"]) == 0
    chain = json.loads(capfd.readouterr().out)["chain"]
    assert [step["value"] for step in chain] == list(reversed(LEVELS[:-1]))
    assert [step["layer"] for step in chain] == [
        "var", "var", "env", "vars", "vars", "host", "host", "group", "group", "group", "group", "group", "all", "default"
    ]  # fmt: skip
    assert all(step["file"] for step in chain)
