"""A version is a row: an imaginary spec 3.8.0 with one new field, compiled, validated, upgraded and executed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.programs import run_program

# All that a new version takes: its row, its field, and a variant that compiles to it.
NEXT_VERSION = """
from butane_py.variants import VARIANTS, Variant
from ignition_py.spec.model import field
from ignition_py.spec.tables import VERSIONS, File

VERSIONS["3.8.0"] = 8
File.grow("immutable", "bool | None", field("Whether nobody may change the file.", since=8))
VARIANTS["fcos", "1.9.0"] = Variant("fcos", "1.9.0", spec=8, fcos=9)
"""

BUTANE = """variant: fcos
version: {version}
storage:
  files:
    - path: /etc/motd
      mode: 0644
      immutable: true
      contents:
        inline: hello
"""


def with_next_version(program: str) -> str:
    done = run_program("-c", f"{NEXT_VERSION}\n{program}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.subprocess
def test_compiles_and_validates() -> None:
    text = BUTANE.format(version="1.9.0")
    program = f"""
import butane_py
from ignition_py.spec.read import parse
result = butane_py.compile({text!r})
assert result.output is not None and not len(result.report), [e.raw() for e in result.report]
config, version, report = parse(result.output.encode())
assert version == 8 and not len(report) and config.storage.files[0].immutable is True
print(result.output)
"""
    data = json.loads(with_next_version(program))
    assert data["ignition"]["version"] == "3.8.0"
    assert data["storage"]["files"][0]["immutable"] is True


@pytest.mark.subprocess
def test_the_field_is_unknown_before() -> None:
    text = BUTANE.format(version="1.7.0")
    program = f"import butane_py\nprint(*(e.raw() for e in butane_py.compile({text!r}).report))"
    assert "unknown key `immutable` in storage.files: it came with fcos 1.9.0" in with_next_version(program)
    config = json.dumps({"ignition": {"version": "3.6.0"}, "storage": {"files": [{"path": "/a", "immutable": True}]}})
    program = f"from ignition_py.spec.read import parse\nprint(*(e.raw() for e in parse({config.encode()!r})[2]))"
    assert "warning at $.storage.files.0.immutable" in with_next_version(program)


@pytest.mark.subprocess
def test_older_configs_upgrade_to_it() -> None:
    config = json.dumps({"ignition": {"version": "3.0.0"}, "storage": {"links": [{"path": "/a", "target": "b"}]}})
    program = f"""
from ignition_py.spec.encode import to_data, to_json
from ignition_py.spec.read import read
config, report = read({config.encode()!r})
print(to_json(to_data(config, 8)))
"""
    assert json.loads(with_next_version(program))["ignition"]["version"] == "3.8.0"


@pytest.mark.subprocess
@pytest.mark.root
def test_executes(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in ("etc", "run"):
        (root / folder).mkdir(parents=True)
    config = {"ignition": {"version": "3.8.0"}, "storage": {"files": [{"path": "/etc/motd", "immutable": True,
              "mode": 420, "contents": {"source": "data:,hello"}}]}}  # fmt: skip
    (tmp_path / "config.ign").write_text(json.dumps(config))
    shared = ["-platform", "file", "-root", str(root), "-log-to-stdout", "-config-cache", str(tmp_path / "cache.json"),
              "-neednet", str(tmp_path / "neednet"), "-state-file", str(tmp_path / "state")]  # fmt: skip
    for stage in ("fetch", "files"):
        program = f"""
import os
from ignition_py.cli import main
os.chdir({str(tmp_path)!r})
raise SystemExit(main(["ignition", "-stage", {stage!r}, *{shared!r}]))
"""
        with_next_version(program)
    assert (root / "etc/motd").read_text() == "hello"
    assert json.loads((tmp_path / "cache.json").read_text())["storage"]["files"][0]["immutable"] is True
