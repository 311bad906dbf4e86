"""`butane-py --source-map` and what the failure screen makes of it: from the machine back to the line of the YAML."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import butane_py
from butane_py.cli.main import main as butane
from ignition_py import cli
from ignition_py.report.diag import Place
from ignition_py.spec.read import MAP_SUFFIX, read
from ignition_py.spec.schema import ignition_schema
from ignition_py.yaml_places import written
from tests.test_failure import Machine

YAML = """variant: fcos
version: 1.5.0
storage:
  files:
    - path: /fine
  trees:
    - local: tree
systemd:
  units:
    - name: a.service
      contents_local: a.service
"""


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / "image"))
    (tmp_path / "cmdline").write_text("quiet\n")
    monkeypatch.setenv("IGNITION_KERNEL_CMDLINE_PATH", str(tmp_path / "cmdline"))
    monkeypatch.delenv("IGNITION_CONFIG_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files" / "tree" / "etc").mkdir(parents=True)
    (tmp_path / "files" / "tree" / "etc" / "there").write_text("new")
    (tmp_path / "files" / "a.service").write_text("[Unit]\n")
    made = Machine(tmp_path, capsys)
    (tmp_path / "root/etc/there").write_text("old")
    return made


def compiled(text: str, *flags: str, to: str = "config.ign") -> None:
    Path("web.bu").write_text(text)
    assert butane(["butane-py", "-d", "files", *flags, "-o", to, "web.bu"]) == 0


def screen(machine: Machine, stage: str = "files") -> list[str]:
    status, lines = machine(stage)
    assert status == 1
    return lines[lines.index(f"Ignition failed in stage {stage}") :]


def test_without_a_map_the_screen_names_the_json(machine: Machine) -> None:
    compiled(YAML)
    assert "sourceMap" not in Path("config.ign").read_text()
    assert machine("fetch")[0] == 0
    assert not [line for line in screen(machine) if "web.bu" in line]
    assert machine.json()["written"] is None


@pytest.mark.parametrize("pretty", [(), ("--pretty",)])
def test_a_map_inside_names_the_yaml(machine: Machine, pretty: tuple[str, ...]) -> None:
    compiled(YAML, "--source-map=inline", *pretty)
    assert machine("fetch")[0] == 0
    lines = screen(machine)
    assert lines[1] == "  file /etc/there: a file is there already"
    assert lines[2].startswith("  asked for by: $.storage.files.1, line ")
    assert lines[3] == "  written as: $.storage.trees.0, line 7 col 7 of web.bu"
    assert machine.json()["written"] == {"entry": "$.storage.trees.0", "source": "web.bu", "line": 7, "column": 7}


def test_the_map_of_a_merged_config_is_that_of_the_child(machine: Machine) -> None:
    compiled(YAML, "--source-map=inline", to="child.ign")
    child = base64.b64encode(Path("child.ign").read_bytes()).decode()
    compiled(f"variant: fcos\nversion: 1.5.0\nignition: {{config: {{merge: [{{source: 'data:;base64,{child}'}}]}}}}\n", "--source-map=inline")
    Path("web.bu").rename("outer.bu")
    assert machine("fetch")[0] == 0
    assert screen(machine)[3] == "  written as: $.storage.trees.0, line 7 col 7 of web.bu"


def test_errors_found_while_fetching_name_the_yaml(machine: Machine) -> None:
    compiled(YAML, "--source-map=inline")
    config = json.loads(Path("config.ign").read_text())
    config["storage"]["files"][0]["path"] = "relative"  # as a machine of another version might find
    machine.config(json.dumps(config))
    lines = screen(machine, "fetch")
    assert lines[2].startswith("  asked for by: $.storage.files.0.path, line 1 col ")
    assert lines[3] == "  written as: $.storage.files.0.path, line 5 col 7 of web.bu"


def test_butane_that_is_compiled_at_boot_names_its_own_lines(machine: Machine) -> None:
    machine.config(
        "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n    - path: /etc/there\n      contents: {inline: x}\n"
    )
    assert machine("fetch")[0] == 0
    assert screen(machine)[2] == "  asked for by: $.storage.files.1, line 6 col 7 of file"


def test_a_map_beside_a_local_config(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(YAML, "--source-map", to="local.ign")
    assert (machine.folder / "local.ign.map").exists()
    assert cli.main(["ignition-apply", "--root", "root", "--offline", "local.ign"]) == 1
    assert "written as: $.storage.trees.0, line 7 col 7 of web.bu" in capsys.readouterr().out


def test_a_fragment_of_the_image_with_its_map_inside(machine: Machine) -> None:
    (machine.folder / "image" / "base.d").mkdir(parents=True)
    compiled(YAML, "--source-map=inline", to="image/base.d/10.ign")
    machine.config('{"ignition": {"version": "3.4.0"}}')
    assert machine("fetch")[0] == 0
    assert "  written as: $.storage.trees.0, line 7 col 7 of web.bu" in screen(machine)


@pytest.mark.parametrize(
    "damage",
    ["", "null", "[]", "{}", '{"version": 2}', '{"version": 1, "file": "a", "places": []}', '{"version": 1, "file": "a", "places": {"$.storage": 5}}',
     '{"version": 1, "file": "a", "places": {"$.storage": ["x", "y"]}}', '{"version": 1, "places": {"$.storage": [1, 2]}}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_map_is_no_second_failure(damage: str, tmp_path: Path) -> None:
    config = tmp_path / "a.ign"
    config.write_text('{"ignition": {"version": "3.4.0"}}')
    (tmp_path / f"a.ign{MAP_SUFFIX}").write_text(damage)
    assert written(Place(("storage", "files", 0), 1, 1, str(config))) is None
    assert written(Place(("storage",), 1, 1, "x"), f'{{"sourceMap": {damage or "7"}}}'.encode()) is None


def test_the_map_changes_nothing_else(machine: Machine) -> None:
    compiled(YAML)
    plain = Path("config.ign").read_bytes()
    compiled(YAML, "--source-map")
    assert Path("config.ign").read_bytes() == plain
    compiled(YAML, "--source-map=inline")
    marked = Path("config.ign").read_bytes()
    assert marked.startswith(plain[:-2] + b',"sourceMap":{')
    config, report = read(marked, "x")
    assert list(report) == []
    assert config == read(plain, "x")[0]
    jsonschema.validate(json.loads(marked), ignition_schema("3.4.0"))


def test_every_place_of_the_map_is_in_the_yaml_and_in_the_json() -> None:
    result = butane_py.compile(YAML.replace("  trees:\n    - local: tree\n", "").replace("contents_local: a.service", "contents: x"), source_map=True)
    assert result.output is not None
    assert result.source_map is not None
    assert result.source_map["places"]["$.systemd.units.0"] == [8, 7]
    for path in result.source_map["places"]:
        value: Any = json.loads(result.output)
        for part in path.split(".")[1:]:
            value = value[int(part) if part.isdecimal() else part]
    assert butane_py.compile(YAML).source_map is None


def test_where_a_map_cannot_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    role = "metadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n"
    Path("a.bu").write_text(f"variant: openshift\nversion: 4.14.0\n{role}")
    assert butane(["butane-py", "--source-map=inline", "-o", "out", "a.bu"]) == 1
    assert "source-map-inline" in capsys.readouterr().err
    assert not os.path.exists("out")
    assert butane(["butane-py", "--source-map=inline", "--raw", "-o", "out", "a.bu"]) == 0
    assert butane(["butane-py", "--source-map", "-o", "beside", "a.bu"]) == 0
    assert sorted(os.listdir()) == ["a.bu", "beside", "beside.map", "out"]
    assert butane(["butane-py", "--source-map", "a.bu"]) == 2
    assert butane(["butane-py", "--source-map=nowhere", "a.bu"]) == 2


def test_maps_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(f"{name}.bu").write_text("variant: fcos\nversion: 1.5.0\n")
    assert butane(["butane-py", "--source-map", "--output-dir", "out", "a.bu", "b.bu"]) == 0
    assert sorted(os.listdir("out")) == ["a.ign", "a.ign.map", "b.ign", "b.ign.map"]
    assert json.loads(Path("out/a.ign.map").read_text())["file"] == "a.bu"
