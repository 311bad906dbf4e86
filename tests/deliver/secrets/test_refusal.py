"""Secrets in user data: refused where others can read it, each entry at its line with its value's place and without the value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from butane_py.cli import build as command
from butane_py.compilation import Options
from butane_py.deliver.ladder import Wish
from butane_py.deliver.platforms import PLATFORMS
from butane_py.deliver.recipients import choose, names
from butane_py.deliver.secrets.jwe import TangServer
from butane_py.deliver.secrets.modes import Keeping
from butane_py.fleet.outcomes import HostBuilder, Subject
from butane_py.fleet.program import Program
from tests.helpers.fleet import HEAD, write

CONFIG = HEAD + """vars:
  token: {type: string, secret: true}
  open: {type: string, default: word}
kernel_arguments: {should_exist: ["key=${{ token }}", "quiet"]}
passwd:
  users:
    - name: core
      ssh_authorized_keys: ["${{ open }}"]
      password_hash: "${{ token }}"
storage:
  files:
    - {path: /open, contents: {inline: "${{ open }}"}}
    - path: /token
      contents: {inline: "a ${{ token }}"}
      append: [{inline: "${{ token }}"}]
    - path: /local
      contents: {local: payload, interpolate: true}
    - path: /x
      contents: {source: "https://example.com/x", http_headers: [{name: Authorization, value: "${{ token }}"}]}
  luks: [{name: data, device: /dev/vdb, key_file: {inline: "${{ token }}"}}]
  trees: [{local: tree, interpolate: ["*"]}]
systemd:
  units:
    - {name: a.service, dropins: [{name: b.conf, contents: "[Service]\\nEnvironment=T=${{ token }}\\n"}]}
"""
# Line and name of each entry with secrets.
EXPECTED = {
    (6, "kernel_arguments.should_exist.0"), (11, "users core"), (16, "files /token"), (19, "files /local"), (21, "files /x"), (22, "luks data"),
    (23, "files /f"), (26, "units a.service"),
}  # fmt: skip
SECRET = "correct-horse"
MACHINE_CONFIG = """variant: openshift
version: 4.18.0
metadata: {name: x, labels: {machineconfiguration.openshift.io/role: worker}}
vars: {token: {type: string, secret: true, default: correct-horse}}
storage:
  files:
    - {path: /etc/a, mode: 0600, contents: {inline: "${{ token }}"}}
"""


@pytest.fixture(autouse=True)
def _files() -> None:
    write({"node.bu": CONFIG, "payload": "p ${{ token }}", "tree/f": "${{ token }}", "secrets.yaml": f"token: {SECRET}\n"})


def build(*argv: str) -> Any:
    result = CliRunner().invoke(command.run, ["node.bu", "--vars", "secrets.yaml", "-d", ".", *argv])
    assert SECRET not in result.stderr
    return result


def reports(*argv: str) -> list[dict[str, Any]]:
    result = build(*argv, "--format", "json", "-o", "out.ign")
    found = [each for line in result.output.splitlines() for each in json.loads(line)["reports"]]
    return [each for each in found if each["code"] == "secret-in-user-data"]


def test_each_entry_is_named_at_its_line_with_the_place_of_the_value() -> None:
    found = reports("--for", "aws")
    assert {(each["line"], each["message"].partition(" is made of a secret")[0]) for each in found} == EXPECTED
    assert len(found) == len(EXPECTED)
    assert {each["severity"] for each in found} == {"error"}
    places = {(each["related"][0]["file"], each["related"][0]["line"]) for each in found if each["related"]}
    assert places == {("secrets.yaml", 1)}


@pytest.mark.parametrize("name", names())
def test_what_others_can_read_is_refused_and_the_rest_warned_of_by_lint(name: str) -> None:
    platform = next((each for each in PLATFORMS if each.name == name), None)
    refused = platform is not None and platform.readable != "" and name != "metal"
    assert [each["severity"] for each in reports("--for", name)] == (["error"] * len(EXPECTED) if refused else [])
    linted = {each["severity"] for each in reports("--for", name, "--lint")}
    assert linted == ({"error"} if refused else {"warning"})


def test_metadata_services_are_all_refused() -> None:
    """Those whose documentation has a metadata service that every process of the machine can ask."""
    services = {"akamai", "aliyun", "aws", "azure", "cloudstack", "digitalocean", "exoscale", "gcp", "hetzner", "openstack", "oraclecloud", "vultr", "vmware"}
    assert {name for name in services if not reports("--for", name)} == set()
    assert {name for name in ("metal", "qemu", "file") if reports("--for", name)} == set()


def test_inline_leaves_secrets_in_the_user_data() -> None:
    assert reports("--for", "aws", "--secrets", "inline") == []
    assert SECRET in build("--for", "aws", "--secrets", "inline").stdout


def test_a_config_without_secrets_is_not_refused() -> None:
    write({"node.bu": CONFIG.replace(", secret: true", "")})
    assert reports("--for", "aws", "--lint") == []


@pytest.mark.parametrize(("mode", "message"), [("split", "merges no other config"), ("tang", "has no links")])
def test_a_machine_config_cannot_do_without_its_secrets(mode: str, message: str) -> None:
    write({"node.bu": MACHINE_CONFIG})
    keeping = Keeping(mode, salt=b"s" * 32, server=TangServer("http://tang", {}))
    wish = Wish(choose("openshift:4.18"), secrets=keeping, address=lambda part: part.name)
    program = Program.load("node.bu", Options())
    [outcome] = map(HostBuilder({"": program}, None, [], wish=wish), [Subject("", "")])
    assert outcome.output is None
    [entry] = outcome.result.report
    assert message in entry.message
    assert (entry.place.line, entry.hint) == (7, "keep the secret in a Secret of the cluster, or give --raw")


def test_without_for_nothing_is_refused() -> None:
    assert reports() == []
