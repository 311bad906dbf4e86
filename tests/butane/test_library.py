"""The library: what compile() takes, what a Result offers, and the typed builders."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import butane_py
from butane_py import config
from butane_py.builders import BUILDERS
from butane_py.mappings import yaml_text
from butane_py.yaml.source import Source
from tests.helpers.programs import run_program
from tools.builders import STUB, stub

ROOT = Path(__file__).parents[2]
HEAD = {"variant": "fcos", "version": "1.6.0"}
MOTD = {**HEAD, "storage": {"files": [{"path": "/etc/motd", "mode": 0o644, "contents": {"inline": "hello"}}]}}
OPENSHIFT = "variant: openshift\nversion: 4.20.0\nmetadata:\n  name: a\n  labels: {machineconfiguration.openshift.io/role: worker}\n"


def typed() -> Any:
    file = config.File(path="/etc/motd", mode=0o644, contents=config.Resource(inline="hello"))
    return config.Config(variant="fcos", version="1.6.0", storage=config.Storage(files=[file]))


def test_text_bytes_mapping_and_builder_compile_alike() -> None:
    text = "variant: fcos\nversion: 1.6.0\nstorage:\n  files: [{path: /etc/motd, mode: 0644, contents: {inline: hello}}]\n"
    outputs = {butane_py.compile(source).output for source in (text, text.encode(), MOTD, typed())}
    assert len(outputs) == 1
    assert None not in outputs


def test_a_result_says_what_it_is() -> None:
    result = butane_py.compile(MOTD)
    assert result
    assert result.ok
    assert (result.variant, result.version) == ("fcos", "1.6.0")
    assert result.output is not None
    assert result.config == json.loads(result.output)
    assert repr(result) == f"Result(fcos 1.6.0, {len(result.output)} characters, Report())"
    assert result == butane_py.compile(MOTD)
    assert result != butane_py.compile(HEAD)
    result.raise_for_errors()


def test_the_config_is_a_copy() -> None:
    result = butane_py.compile(MOTD)
    assert result.config is not None
    result.config["storage"].clear()
    assert result.config["storage"]["files"]


def test_a_machine_config_holds_the_ignition_config() -> None:
    result = butane_py.compile(OPENSHIFT)
    assert result.config is not None
    assert result.config["kind"] == "MachineConfig"
    assert result.config["spec"]["config"]["ignition"]["version"] == "3.5.0"


def test_errors() -> None:
    result = butane_py.compile({**HEAD, "storage": {"files": [{"path": "a"}, {"path": "b"}]}})
    assert not result
    assert (result.output, result.config) == (None, None)
    places = [entry.place for entry in result.report]
    assert [(place.path, place.line, place.column) for place in places] == [(("storage", "files", i, "path"), 0, 0) for i in (0, 1)]
    with pytest.raises(butane_py.CompileError, match=r"^error at \$\.storage\.files\.0\.path: .* \(and 1 more\)$") as caught:
        result.raise_for_errors()
    assert caught.value.report == result.report


@pytest.mark.parametrize("source", ["", "variant: none\nversion: 1.0.0\n", "[", {}])
def test_a_config_that_says_not_what_it_is(source: Any) -> None:
    result = butane_py.compile(source)
    assert not result.ok
    assert (result.variant, result.version) == ("", "")
    assert repr(result).startswith("Result(no known variant, no output, Report(error")


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": b"x"}, TypeError, "a is a bytes, which a config cannot hold"),
        ({"a": [{"b": {1}}]}, TypeError, "a.0.b is a set, which a config cannot hold"),
        ({1: "x"}, TypeError, "the config has the key 1, which is not a string"),
        ({"a": float("nan")}, ValueError, "not JSON compliant"),
        ({"a": "\ud800"}, ValueError, "surrogates not allowed"),
    ],
)
def test_mappings_that_no_text_stands_for(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        butane_py.compile(value)


def test_a_mapping_that_holds_itself() -> None:
    value: dict[str, Any] = {}
    value["a"] = [value]
    with pytest.raises(ValueError, match=r"a\.0 holds itself"):
        butane_py.compile(value)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_survives_the_way_through_yaml(text: str) -> None:
    root = Source(yaml_text({"a": text}).encode(), "").root
    assert root is not None
    assert root.items[0][1].value == text


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: config.File(pth="/a"), "File has no field 'pth'; did you mean path?"),
        (lambda: config.File(path="/a", mode="0644"), "File.mode has to be an integer, not str; write modes as 0o644"),
        (lambda: config.File(path="/a", mode=True), "File.mode has to be an integer, not bool; write modes as 0o644"),
        (lambda: config.File(), "File needs path"),
        (lambda: config.File(path="/a", contents={"inline": "x"}), "File.contents has to be a butane_py.config.Resource, not dict"),
        (lambda: config.Storage(files=config.File(path="/a")), "Storage.files has to be a list, not File"),
        (lambda: config.Storage(files=[config.File(path="/a"), 1]), r"Storage.files\[1\] has to be a butane_py.config.File, not int"),
        (lambda: config.PasswdUser(name="a", groups="wheel"), "PasswdUser.groups has to be a list, not str"),
        (lambda: config.Metadata(labels={"a": 1}), "Metadata.labels has to be a dict of strings"),
        (lambda: setattr(config.File(path="/a"), "mode", "x"), "File.mode has to be an integer"),
    ],
)
def test_wrong_names_and_types(build: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        build()


def test_builders_are_values() -> None:
    file = config.File(path="/a", mode=None, overwrite=False)
    assert file == config.File(path="/a", overwrite=False)
    assert file != config.File(path="/b", overwrite=False)
    assert file.to_data() == {"path": "/a", "overwrite": False}
    assert repr(config.PasswdUser(name="core", password_hash="$6$x")) == "PasswdUser(name='core', password_hash=<hidden>)"


def test_the_published_schema_is_asked() -> None:
    for source in (MOTD, OPENSHIFT):
        butane_py.compile(source).validate()
    with pytest.raises(butane_py.CompileError):
        butane_py.compile({}).validate()
    result = butane_py.compile(MOTD)
    assert result.output is not None
    result.output = result.output.replace("420", '"0644"')
    with pytest.raises(butane_py.SchemaError, match=r"\$\.storage\.files\[0\]\.mode"):
        result.validate()


def test_the_way_back() -> None:
    result = butane_py.compile(MOTD)
    assert result.output is not None
    assert result.config is not None
    for config_ in (result.output, result.output.encode(), result.config):
        assert butane_py.compile(butane_py.decompile(config_)) == result


def test_upgrades() -> None:
    upgraded = butane_py.upgrade("# mine\nvariant: fcos\nversion: 1.4.0\n", "1.6.0")
    assert upgraded.text == "# mine\nvariant: fcos\nversion: 1.6.0\n"
    assert any("fcos 1.6.0" in note for note in upgraded.notes)
    with pytest.raises(ValueError, match="repair it first"):
        butane_py.upgrade("variant: fcos\nversion: 1.4.0\nstorage: []\n")


def test_the_linter_explanations_and_schemas() -> None:
    text = "variant: fcos\nversion: 1.7.0\npasswd:\n  users: [{name: core, password_hash: hunter2}]\n"
    assert [entry.code for entry in butane_py.lint(text)] == ["lint-password-hash-invalid"]
    assert "password_hash" in butane_py.explain("lint-password-hash-invalid")
    with pytest.raises(KeyError):
        butane_py.explain("no-such-code")
    assert "trees" in str(butane_py.schema("fcos", "1.6.0"))


def test_the_stub_is_in_step_with_the_tables() -> None:
    assert STUB.read_text(encoding="utf-8") == stub(), "run python tools/builders.py"
    assert {builder.__name__ for builder in BUILDERS.values()} <= set(config.__all__)


@pytest.mark.subprocess
def test_type_checkers_know_the_builders(tmp_path: Path) -> None:
    right = "from butane_py.config import Config, File, Storage\nc = Config(variant='fcos', version='1.6.0', storage=Storage(files=[File(path='/a', mode=0o644)]))\n"
    wrong = "from butane_py.config import File\nFile(pth='/a')\nFile(path='/a', mode='0644')\n"
    (tmp_path / "right.py").write_text(right)
    (tmp_path / "wrong.py").write_text(wrong)
    assert run_program("-m", "mypy", "--strict", "right.py", cwd=tmp_path).returncode == 0
    shown = run_program("-m", "mypy", "--strict", "wrong.py", cwd=tmp_path).stdout
    assert re.findall(r"wrong\.py:(\d): error: .*\[(.*)\]", shown) == [("2", "call-arg"), ("2", "call-arg"), ("3", "arg-type")] or (
        {line for line, _ in re.findall(r"wrong\.py:(\d): error: .*\[(.*)\]", shown)} == {"2", "3"}
    )


EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.S)


@pytest.mark.subprocess
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_page_run(number: int, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH4Sh8iVzYkqkT8m7tAgd3ctnJ1cVtYgJz3lL9C0m0mF me@example.com"
    (tmp_path / "web.bu").write_text(f"variant: fcos\nversion: 1.6.0\npasswd:\n  users: [{{name: core, ssh_authorized_keys: ['{key}']}}]\n")
    done = run_program("-c", EXAMPLES[number], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), sys.version
    if number == 0:
        assert json.loads((tmp_path / "web.ign").read_text())["ignition"]["version"] == "3.5.0"


def test_there_are_four_examples() -> None:
    assert len(EXAMPLES) == 4
