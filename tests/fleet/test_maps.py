"""Source maps of builds: several files, and the failure screen that leads to the right one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from butane_py.emit.source_map import as_text, inside
from ignition_py.report.diag import Place
from ignition_py.spec.read import read
from ignition_py.yaml_places import written
from tests.helpers.fleet import HEAD, build, data, write
from tests.test_failure import Machine

FILES = {
    "node.bu": HEAD + """vars:
  names: [string]
include:
  - base.bu
  - {path: each.bu, each: "${{ names }}"}
storage:
  files:
    - path: /etc/own
    - path: /etc/base
      mode: 0600
""",
    "base.bu": "storage:\n  files:\n    - path: /etc/base\n    - path: /etc/there\n",
    "each.bu": "vars: {item: string}\nstorage:\n  directories:\n    - {path: '/srv/${{ item }}'}\n",
}  # fmt: skip


def test_a_map_of_several_files() -> None:
    write(FILES)
    result = build(values={"names": data(["a", "b"])}, source_map=True)
    assert result.source_map is not None
    assert (result.source_map["version"], set(result.source_map["files"])) == (2, {"node.bu", "base.bu", "each.bu"})
    places = {path: (result.source_map["files"][number], *rest) for path, (number, *rest) in result.source_map["places"].items()}
    assert places["$.storage.files.0"] == ("node.bu", 11, 7, "$.storage.files.1")
    assert places["$.storage.files.1"] == ("base.bu", 4, 7)
    assert places["$.storage.files.2"] == ("node.bu", 10, 7, "$.storage.files.0")
    assert places["$.storage.directories.1"] == ("each.bu", 4, 7, "$.storage.directories.0")


def test_a_build_of_one_file_has_the_map_of_the_compiler() -> None:
    write({"node.bu": HEAD + "vars: {x: string}\nstorage:\n  files:\n    - path: /${{ x }}\n"})
    result = build(values={"x": data("a")}, source_map=True)
    assert result.source_map is not None
    assert (result.source_map["version"], result.source_map["file"]) == (1, "node.bu")
    assert result.source_map["places"]["$.storage.files.0"] == [6, 7]


@pytest.mark.parametrize("how", ["inside", "beside"])
def test_the_executor_reads_it(how: str) -> None:
    write(FILES)
    result = build(values={"names": data([])}, source_map=True)
    assert result.output is not None
    assert result.source_map is not None
    if how == "inside":
        Path("c.ign").write_text(inside(result.output, result.source_map))
        _, report = read(Path("c.ign").read_bytes())
        assert list(report) == []
    else:
        write({"c.ign": result.output, "c.ign.map": as_text(result.source_map)})
    assert written(Place(("storage", "files", 1, "path"), source="c.ign")) == Place(("storage", "files", 1, "path"), 4, 7, "base.bu")
    assert written(Place(("storage", "files", 2, "contents"), source="c.ign")) == Place(("storage", "files", 0), 10, 7, "node.bu")


@pytest.mark.parametrize("broken", ['{"version": 2}', '{"version": 2, "files": [], "places": {"$.storage": [0, 1, 1]}}',
                                    '{"version": 3, "files": ["a"], "places": {"$.storage": [0, 1, 1]}}', '{"version": 2, "files": ["a"], "places": {"$.storage": 5}}'])  # fmt: skip
def test_damaged_maps_lead_nowhere(broken: str) -> None:
    write({"c.ign": '{"ignition":{"version":"3.5.0"}}', "c.ign.map": broken})
    assert written(Place(("storage",), source="c.ign")) is None


def test_the_failure_screen_names_the_included_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / "image"))
    (tmp_path / "cmdline").write_text("quiet\n")
    monkeypatch.setenv("IGNITION_KERNEL_CMDLINE_PATH", str(tmp_path / "cmdline"))
    monkeypatch.delenv("IGNITION_CONFIG_FILE", raising=False)
    write({**FILES, "base.bu": FILES["base.bu"] + "      contents: {inline: x}\n"})
    machine = Machine(tmp_path, capsys)
    (tmp_path / "root/etc/there").write_text("old")
    result = build(values={"names": data([])}, source_map=True)
    assert result.output is not None
    assert result.source_map is not None
    Path("config.ign").write_text(inside(result.output, result.source_map))
    assert machine("fetch")[0] == 0
    status, lines = machine("files")
    assert status == 1
    assert "  written as: $.storage.files.1, line 4 col 7 of base.bu" in lines
    assert json.loads(Path("config.ign").read_text())["sourceMap"]["version"] == 2
