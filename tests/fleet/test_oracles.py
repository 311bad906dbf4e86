"""Builds against what they stand for: configs with values written out, merging at boot, plain Butane; for generated configs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import butane_py
from butane_py.compilation import Options
from butane_py.decompiler import Writer
from butane_py.emit.document import document
from butane_py.fleet.emit import emitted
from butane_py.fleet.program import Program, build_host
from butane_py.fleet.result import HostResult
from butane_py.fleet.values import Value
from butane_py.pipeline import compile_source
from butane_py.variants import VARIANTS
from ignition_py.programs.render import Fetching, render
from ignition_py.report.diag import ConfigError
from ignition_py.spec.read import parse
from ignition_py.spec.tables import Config
from tests.fleet.reference import BUTANE, compiled_by_reference
from tests.helpers.fleet import HEAD, build, contents, data, output, write
from tests.helpers.strategies import configs

ROWS = {0: "1.0.0", 1: "1.1.0", 2: "1.3.0", 3: "1.4.0", 4: "1.5.0", 5: "1.6.0", 6: "1.7.0"}
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
PEER = os.environ.get("IGNITION_PEER") or "/usr/lib/dracut/modules.d/30ignition/ignition"


def as_butane(config: dict[str, Any], version: int) -> dict[str, Any]:
    """An Ignition config as the data of a Butane config of fcos."""
    config = json.loads(json.dumps(config))
    for name in ("config", "security"):  # what fetching needs, and a bundle that is none
        config["ignition"].pop(name, None)
    found, _, report = parse(json.dumps(config).encode(), "x")
    assume(found is not None and not report.fatal)
    assert found is not None
    written = Writer(VARIANTS["fcos", ROWS[version]], None, unpack=True).config(found)
    assume(compile_source(document(written).encode(), "x", Options()).output is not None)
    return written


def escaped(text: str, behind: str = "") -> str:
    """A text that stands for itself in front of `behind`."""
    doubled = re.sub(r"\$+(?=\{\{)", lambda found: found[0] * 2, text + behind)
    return doubled.removesuffix(behind)


class Replaced:
    """Takes values out of a config and puts references in their places."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.declared: dict[str, Any] = {}
        self.values: dict[str, Any] = {}

    def value(self, found: Any) -> Any:
        """A part of a config, with some of its values replaced."""
        if isinstance(found, dict):
            return {key: self.value(below) for key, below in found.items()}
        if isinstance(found, list):
            if found and all(isinstance(item, str) for item in found) and self.draw(st.booleans()):
                return self.variable(found, ["string"])
            return [self.value(item) for item in found]
        how = self.draw(st.integers(0, 3))
        if how == 0 or found is None:
            return escaped(found) if isinstance(found, str) else found
        if isinstance(found, str) and how == 1:
            start, end = sorted((self.draw(st.integers(0, len(found))), self.draw(st.integers(0, len(found)))))
            middle = self.variable(found[start:end], "string")
            return escaped(found[:start], "{{") + middle + escaped(found[end:])
        return self.variable(found, "bool" if isinstance(found, bool) else "int" if isinstance(found, int) else "string")

    def variable(self, value: Any, type_: Any) -> str:
        name = f"v{len(self.declared)}"
        if self.draw(st.booleans()):
            default = [escaped(item) for item in value] if isinstance(value, list) else value
            self.declared[name] = {"type": type_, "default": escaped(default) if isinstance(default, str) else default}
        else:
            self.declared[name] = {"type": type_}
            self.values[name] = value
        return f"${{{{ {name} }}}}"


def templated(draw: Any, written: dict[str, Any]) -> tuple[str, dict[str, Value]]:
    """The text of a config with variables in the place of values, and the values."""
    taken = Replaced(draw)
    head = {name: written[name] for name in ("variant", "version")}
    body = taken.value({name: each for name, each in written.items() if name not in head})
    return document({**head, "vars": taken.declared, **body}), {name: data(each) for name, each in taken.values.items()}


@pytest.mark.subprocess
@FEW
@given(st.data())
def test_variables_are_what_their_values_are(source: st.DataObject) -> None:
    version = source.draw(st.sampled_from(sorted(ROWS)))
    written = as_butane(source.draw(configs(version)), version)
    plain = compile_source(document(written).encode("utf-8", "surrogatepass"), "node.bu", Options())
    text, values = templated(source.draw, written)
    program = Program("node.bu", text.encode("utf-8", "surrogatepass"), Options())
    built = build_host(program, values)
    assert [entry.raw() for entry in built.report if entry.severity == "error"] == []
    assert built.output == plain.output
    assert sorted(entry.code for entry in built.report) == sorted(entry.code for entry in plain.report)
    with suppress(ConfigError):
        assert butane_py.compile(emitted(built)).output == built.output
        emitted_again(built)


def emitted_again(built: HostResult) -> None:
    """Compares with the reference, where it is installed."""
    if BUTANE:
        assert compiled_by_reference(emitted(built)) == f"{built.output}\n"


def rendered(name: str) -> Config:
    """A config of the current folder as a machine would have it."""
    config, _ = render(name, Fetching(offline=True))
    return config


def fragments(source: st.DataObject, most: int) -> list[str]:
    """The texts of three Butane configs, the last of the newest version; also written as Ignition configs 0.ign ... and merge.ign."""
    versions = sorted(source.draw(st.lists(st.integers(0, most), min_size=3, max_size=3)))
    texts = [document(as_butane(source.draw(configs(version)), version)) for version in versions]
    merged = []
    for number, text in enumerate(texts):
        compiled = compile_source(text.encode("utf-8", "surrogatepass"), f"{number}.bu", Options()).output
        assert compiled is not None
        from base64 import b64encode

        merged.append({"source": "data:;base64," + b64encode(compiled.encode("utf-8", "replace") + b" " * number).decode()})
    write({"merge.ign": json.dumps({"ignition": {"version": "3.0.0", "config": {"merge": merged}}})})
    return texts


def built_of(texts: list[str]) -> HostResult:
    """The build of the last text, which includes the others."""
    first, second, main = texts
    write({"a.bu": first, "b.bu": second, "node.bu": f"include: [a.bu, b.bu]\n{main}"})
    return build()


@FEW
@given(st.data())
def test_includes_are_what_merging_at_boot_is(source: st.DataObject) -> None:
    result = built_of(fragments(source, 6))
    assume(result.output is not None)  # the whole may have what each part alone has not
    write({"node.ign": result.output or ""})
    assert rendered("node.ign") == rendered("merge.ign")


@pytest.mark.peer
@pytest.mark.subprocess
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_includes_are_what_merging_by_the_reference_is(source: st.DataObject) -> None:
    result = built_of(fragments(source, 3))
    assume(result.output is not None)
    write({"node.ign": result.output or ""})
    ours, theirs = peer("node.ign"), peer("merge.ign")
    assume(theirs is not None)
    assert ours == theirs


def peer(name: str, stage: str = "fetch-offline") -> Any:
    """The config as Debian's Ignition renders it, None where it is refused."""
    Path("root").mkdir(exist_ok=True)
    flags = ["--platform=file", f"--stage={stage}", "--root=root", "--config-cache=cache", "--neednet=neednet", "--state-file=state", "--log-to-stdout"]
    Path("cache").unlink(missing_ok=True)
    done = subprocess.run([PEER, *flags], env={"IGNITION_CONFIG_FILE": name, "PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=False)
    if done.returncode or not Path("cache").exists():
        return None
    made = json.loads(Path("cache").read_text())
    made["ignition"].pop("config", None)
    return made


EVERYWHERE = HEAD + """vars: {x: string}
passwd:
  users:
    - {name: core, gecos: "${{ x }}", ssh_authorized_keys: ["a", "${{ x }}", "b"]}
storage:
  files:
    - path: /a
      contents: {inline: "${{ x }}"}
    - path: /b
      contents:
        inline: |
          first ${{ x }}
          second
    - path: /c
      contents: {local: c, interpolate: true}
  links:
    - {path: /l, target: "/${{ x }}"}
systemd:
  units:
    - name: a.service
      contents: |
        [Unit]
        Description=${{ x }}
"""


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every single value of an output, by its path."""
    if isinstance(value, dict):
        return {key: each for name, below in value.items() for key, each in leaves(below, f"{path}.{name}").items()}
    if isinstance(value, list):
        return {f"{path}#": len(value), **{key: each for i, below in enumerate(value) for key, each in leaves(below, f"{path}.{i}").items()}}
    return {path: value}


def built_with(text: str) -> HostResult:
    write({"node.bu": EVERYWHERE, "c": "x ${{ x }}\n"})
    return build(values={"x": data(text)}, files_dir=".")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.sampled_from(['x"\nusers:\n  - name: root  # ${{ keys }} & | \\', "}}", "${{ x }}", "- a", "a: b", "'", "!!int 5", "*x", "&x", "\x00", "{", "[", "|\n a", "---\n", "null", "~", "yes", "0644"]),
))  # fmt: skip
def test_a_value_changes_nothing_but_the_texts_that_it_stands_in(text: str) -> None:
    result, other = built_with(text), built_with("x")
    if result.output is None:  # a link has no NUL in its target, for one: refused, with the place of the use
        assert all(entry.place.line for entry in result.report)
        return
    ours, theirs = leaves(output(result)), leaves(output(other))
    used = {".passwd.users.0.gecos", ".passwd.users.0.sshAuthorizedKeys.1", ".storage.links.0.target", ".systemd.units.0.contents"}
    used |= {f".storage.files.{i}.contents.{key}" for i in range(3) for key in ("source", "compression")}
    assert ours.keys() == theirs.keys()
    assert {key for key in ours if ours[key] != theirs[key]} <= used
    assert (contents(result, "/a"), contents(result, "/c")) == (text, f"x {text}\n")
    assert ours[".passwd.users.0.gecos"] == text
