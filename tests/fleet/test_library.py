"""`butane_py.build()`: builds from Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import butane_py
from tests.helpers.fleet import HEAD, spots, write

CONFIG = HEAD + """vars:
  address: {type: cidr, unique: true}
  admins: {type: [string], default: []}
  mode: {type: int, default: 0644}
  token: {type: string, secret: true, default: null}
passwd: {users: [{name: core, ssh_authorized_keys: "${{ admins }}"}]}
storage: {files: [{path: /etc/address, mode: "${{ mode }}", contents: {inline: "${{ address.ip }} ${{ host.name }}"}}]}
"""
HOSTS = "all:\n  children:\n    web:\n      vars: {mode: 0600}\n      hosts: {n1: {address: 10.0.0.1/24}, n2: {address: 10.0.0.2/24}}\n  hosts: {db: {address: 10.0.0.3/24}}\n"


def test_one_config() -> None:
    write({"node.bu": CONFIG.replace(" ${{ host.name }}", "")})
    build = butane_py.build("node.bu", vars={"address": "10.0.0.9/8", "admins": ["ssh-ed25519 AAAA"]}, pretty=True)
    build.raise_for_errors()
    assert (build.ok, list(build), build.result.variant, build.result.variables["address"].data) == (True, [""], "fcos", "10.0.0.9/8")
    assert build.result.config is not None
    assert build.result.config["passwd"]["users"][0]["sshAuthorizedKeys"] == ["ssh-ed25519 AAAA"]
    build.result.validate()
    assert repr(build).startswith("Build(1 results, Report(")


def test_all_hosts_of_an_inventory() -> None:
    write({"node.bu": CONFIG, "hosts.yaml": HOSTS, "more.json": '{"db": {"mode": 256}}', "v.yaml": "admins: [k]\n"})
    build = butane_py.build(Path("node.bu"), inventory="hosts.yaml", vars_files=["v.yaml"])
    assert (build.ok, sorted(build)) == (True, ["db", "n1", "n2"])
    assert {name: json.loads(result.output or "")["storage"]["files"][0]["mode"] for name, result in build.items()} == {"db": 0o644, "n1": 0o600, "n2": 0o600}
    assert sorted(butane_py.build("node.bu", inventory="hosts.yaml", limit="web:!n2")) == ["n1"]
    assert sorted(butane_py.build("node.bu", inventory="hosts.yaml", hosts=["db"])) == ["db"]
    more = butane_py.build("node.bu", inventory=["hosts.yaml", "more.json"])
    assert json.loads(more["db"].output or "")["storage"]["files"][0]["mode"] == 256
    with pytest.raises(ValueError, match="3 results"):
        _ = more.result


def test_what_is_wrong_is_in_the_report() -> None:
    write({"node.bu": CONFIG, "hosts.yaml": HOSTS.replace("10.0.0.2", "10.0.0.1"), "none.yaml": "all: {hosts: {}}\n"})
    assert spots(butane_py.build("node.bu", inventory="hosts.yaml").report) == [("var-not-unique", "hosts.yaml:5:57", "hosts.yaml:5:29")]
    for build, code in (
        (butane_py.build("gone.bu"), "input-file"),
        (butane_py.build("node.bu", inventory="gone.yaml"), "inventory-syntax"),
        (butane_py.build("node.bu", vars_files=["gone.yaml"]), "vars-file"),
        (butane_py.build("node.bu", inventory="hosts.yaml", hosts=["n9"]), "host-unknown"),
        (butane_py.build("node.bu", inventory="hosts.yaml", limit="~("), "host-unknown"),
        (butane_py.build("node.bu", inventory="none.yaml"), "inventory-syntax"),
        (butane_py.build("node.bu", inventory="hosts.yaml", vars={"adress": 1}), "var-unknown"),
    ):
        assert (build.ok, code in [entry.code for entry in build.report]) == (False, True)
        with pytest.raises(butane_py.CompileError):
            build.raise_for_errors()
    with pytest.raises(TypeError):
        butane_py.build("node.bu", vars={"address": object()})


@pytest.mark.subprocess
def test_importing_a_submodule_does_not_hide_the_function() -> None:
    program = "import butane_py.fleet.program, butane_py; print(callable(butane_py.build), callable(butane_py.compile))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(Path(butane_py.__file__).parents[1])})
    assert done.stdout == "True True\n"
