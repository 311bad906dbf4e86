"""The Ansible collection, built and installed by ansible-galaxy, in playbooks that ansible-playbook runs on localhost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ignition_py
from tests.helpers.fleet import HEAD

pytest.importorskip("ansible")
yaml = pytest.importorskip("yaml")
pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]

ROOT = Path(__file__).parents[2]
COLLECTION = ROOT / "tools/ansible_collections/butane/butane"
NODE = HEAD + """vars:
  name: hostname
  mtu: {type: int, default: 1500}
  token: {type: string, secret: true, default: none-given}
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents: {inline: "${{ name }} ${{ mtu }}"}
    - path: /etc/token
      mode: 0600
      contents: {inline: "${{ token }}"}
"""
SECRET = "hunter2hunter2"


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that the collection is installed to."""
    folder = tmp_path_factory.mktemp("ansible")
    ran = tool(folder, folder, "ansible-galaxy", "collection", "install", str(COLLECTION), "-p", str(folder), "--offline")
    assert ran.returncode == 0, ran.stdout
    yield folder


def tool(folder: Path, collections: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of Ansible; its output with what it says of errors."""
    environment = {
        **os.environ, "HOME": str(collections), "ANSIBLE_COLLECTIONS_PATH": str(collections), "PYTHONPATH": str(ROOT), "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    command = [str(Path(sys.executable).with_name(name)), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def play(folder: Path, collections: Path, tasks: str, inventory: str = "localhost,", node: str = NODE) -> subprocess.CompletedProcess[str]:
    """Runs a play with these tasks, `node.bu` beside it."""
    (folder / "node.bu").write_text(node)
    head = f"- hosts: all\n  connection: local\n  gather_facts: false\n  vars: {{ansible_python_interpreter: {sys.executable}}}\n  tasks:\n"
    (folder / "play.yml").write_text(head + tasks)
    return tool(folder, collections, "ansible-playbook", "-i", inventory, "play.yml")


def test_a_config_for_each_host(tmp_path: Path, collections: Path) -> None:
    """Names and types of an inventory's variables reach the config; those that it does not declare are ignored."""
    hosts = "all:\n  hosts:\n    n1: {name: n1.example.com, mtu: 9000, other: '{{ nowhere }}'}\n    n2: {name: '{{ inventory_hostname }}'}\n"
    (tmp_path / "hosts.yml").write_text(hosts)
    ran = play(tmp_path, collections, """
    - copy:
        content: "{{ lookup('file', 'node.bu') | butane.butane.butane(host_vars=hostvars[inventory_hostname], snippets=[snippet]) }}"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.ign"
      vars:
        snippet: "storage: {links: [{path: /l, target: /etc/motd}]}"
    """, "hosts.yml")  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    for host, contents in {"n1": "data:,n1.example.com%209000", "n2": "data:,n2%201500"}.items():
        config = json.loads((tmp_path / f"{host}.ign").read_text())
        assert (config["storage"]["files"][0]["contents"]["source"], config["storage"]["links"][0]["path"]) == (contents, "/l")


def test_mistakes_fail_the_task_with_their_lines(tmp_path: Path, collections: Path) -> None:
    """Each task of a play that goes on after failures, and what it says."""
    (tmp_path / "relative.bu").write_text(NODE.replace("/etc/token", "etc/token"))
    (tmp_path / "decimal.bu").write_text(NODE.replace("0644", "644"))
    said = {
        ("relative", "{'name': 'n1'}, name='relative.bu'"): ("error[path-relative]", "relative.bu:12:13"),
        ("decimal", "{'name': 'n1'}, name='decimal.bu'"): ("[WARNING]: decimal.bu:10:13: mode 644 is decimal",),
        ("decimal", "{'name': 'n1'}, strict=true"): ("error[mode-decimal]",),
        ("node", "{'name': 'n1'}, stict=true"): ("there is no parameter 'stict'",),
        ("node", "{'name': 'n1'}, platform='mars'"): ("there is no platform or consumer 'mars'",),
        ("node", "{'nme': 'n1'}"): ("no file declares the variable nme", "did you mean name?"),
    }
    task = "    - debug: {{msg: \"{{{{ lookup('file', '{}.bu') | butane.butane.butane({}) }}}}\"}}\n      ignore_errors: true\n"
    ran = play(tmp_path, collections, "".join(task.format(*words) for words in said))
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count("fatal: [localhost]: FAILED!") == len(said) - 1  # a warning is no failure
    for sentences in said.values():
        assert all(sentence in ran.stdout for sentence in sentences), ran.stdout


@pytest.mark.parametrize("no_log", [True, False])
def test_secrets_stay_out_of_what_ansible_says(tmp_path: Path, collections: Path, no_log: bool) -> None:
    """With no_log nothing is shown; a mistake in a secret value is told without it in either case."""
    tasks = f"""
    - copy:
        content: "{{{{ lookup('file', 'node.bu') | butane.butane.butane({{'name': 'n1'}}, secret_vars={{'token': token}}) }}}}"
        dest: "{{{{ playbook_dir }}}}/out.ign"
        mode: "0600"
      no_log: {str(no_log).lower()}
      diff: true
      vars: {{token: {SECRET}}}
    """
    if no_log:
        ran = play(tmp_path, collections, tasks)
        assert ran.returncode == 0, ran.stdout
        assert SECRET not in ran.stdout and SECRET in (tmp_path / "out.ign").read_text()
    ran = play(tmp_path, collections, tasks, node=NODE.replace("path: /etc/token", 'path: "${{ token }}"'))
    assert ran.returncode == 2 and SECRET not in ran.stdout
    assert no_log or "the value is secret" in ran.stdout


def test_valid_butane_in_an_assertion(tmp_path: Path, collections: Path) -> None:
    tasks = "    - assert: {that: \"lookup('file', 'node.bu') is butane.butane.valid_butane(vars={'name': 'n1'}, name='node.bu')\"}\n"
    ran = play(tmp_path, collections, tasks)
    assert ran.returncode == 0, ran.stdout
    ran = play(tmp_path, collections, tasks, node=NODE.replace("/etc/motd", "etc/motd"))
    assert ran.returncode == 2
    assert "Assertion failed" in ran.stdout and "[WARNING]: node.bu:9:13:" in ran.stdout


def test_ignition_pack(tmp_path: Path, collections: Path) -> None:
    """At the limit as it is, one byte more wrapped: VirtualBox takes 1,024 bytes."""

    def config(size: int) -> str:
        empty = json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:,"}}]}}, separators=(",", ":"))
        return empty.replace("data:,", "data:," + "a" * (size - len(empty)))

    (tmp_path / "fits.ign").write_text(config(1024))
    (tmp_path / "large.ign").write_text(config(1025))
    tasks = "".join(f"    - copy: {{content: \"{{{{ lookup('file', '{name}.ign') | butane.butane.ignition_pack('virtualbox') }}}}\", dest: '{{{{ playbook_dir }}}}/{name}'}}\n" for name in ("fits", "large"))  # fmt: skip
    ran = play(tmp_path, collections, tasks)
    assert ran.returncode == 0, ran.stdout
    assert json.loads((tmp_path / "fits").read_text()) == json.loads(config(1024))
    wrapped = json.loads((tmp_path / "large").read_text())
    assert wrapped["ignition"]["config"]["replace"]["compression"] == "gzip"
    (tmp_path / "fits.ign").write_text('{"ignition": {"version": "3.3.0"},\n "storage": {"files": [{"path": "a"}]}}')
    ran = play(tmp_path, collections, tasks)
    assert ran.returncode == 2
    assert "is not a valid Ignition config" in ran.stdout and "line 2 col" in ran.stdout


def test_documentation(collections: Path) -> None:
    """ansible-doc prints each plugin, with the parameters that it has."""
    for kind, name in (("filter", "butane"), ("filter", "ignition_pack"), ("test", "valid_butane")):
        ran = tool(collections, collections, "ansible-doc", "--json", "-t", kind, f"butane.butane.{name}")
        assert ran.returncode == 0, ran.stdout
        plugin = json.loads(ran.stdout[ran.stdout.index("{") :])[f"butane.butane.{name}"]
        assert plugin["doc"]["short_description"] and plugin["examples"] and plugin["return"]
        assert "_input" in plugin["doc"]["options"]


def test_the_version_is_that_of_the_compiler() -> None:
    assert yaml.safe_load((COLLECTION / "galaxy.yml").read_text())["version"] == ignition_py.__version__
