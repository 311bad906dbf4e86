"""`butane-py build --target`: variables, includes and inventories with targets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from butane_py.cli.main import main
from tests.helpers.targets import MACHINE

BASE = f"""{MACHINE}machine:
  time_servers: [ntp.example.com]
  sysctl: {{a.b: 1, c.d: 1}}
targets: {{cloud-init: {{packages: [vim], skip: [kernel_arguments]}}}}
"""
NODE = f"""{MACHINE}vars:
  address: {{type: string}}
  token: {{type: string, secret: true, default: hunter2}}
include: [base.bu]
machine:
  hostname: ${{{{ host.name }}}}
  sysctl: {{c.d: 2}}
kernel_arguments: {{should_exist: [quiet]}}
storage:
  files:
    - {{path: /etc/address, contents: {{inline: "${{{{ address }}}}"}}}}
    - {{path: /etc/token, mode: 0600, contents: {{inline: "${{{{ token }}}}"}}}}
targets: {{cloud-init: {{packages: [git]}}}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (tmp_path / "base.bu").write_text(BASE)
    (tmp_path / "node.bu").write_text(NODE)
    (tmp_path / "hosts.yaml").write_text("all: {hosts: {n1: {address: 192.0.2.1}, n2: {address: 192.0.2.2}}}\n")
    return tmp_path


def build(fleet: Path, *flags: str) -> int:
    return main(["butane-py", "build", str(fleet / "node.bu"), "--inventory", str(fleet / "hosts.yaml"), *flags])


def test_every_host_for_every_target(fleet: Path) -> None:
    assert build(fleet, "--target", "cloud-init", "--target", "flatcar", "--output-dir", str(fleet / "out")) == 0
    for name, address in (("n1", "192.0.2.1"), ("n2", "192.0.2.2")):
        path = fleet / "out" / "cloud-init" / f"{name}.cloud-init.yaml"
        data = yaml.safe_load(path.read_text())
        assert path.stat().st_mode & 0o777 == 0o600  # of a secret
        assert (data["hostname"], data["ntp"]["servers"], data["packages"]) == (name, ["ntp.example.com"], ["vim", "git"])
        files = {file["path"]: file["content"] for file in data["write_files"]}
        assert files["/etc/address"] == address and files["/etc/sysctl.d/90-butane.conf"] == "a.b = 1\nc.d = 2\n"
        assert json.loads((fleet / "out" / "flatcar" / f"{name}.flatcar.ign").read_text())["kernelArguments"] == {"shouldExist": ["quiet"]}
    manifest = json.loads((fleet / "out" / "flatcar" / "manifest.json").read_text())
    assert manifest["hosts"]["n1"]["file"] == "n1.flatcar.ign"


def test_what_a_target_cannot_say_stands_in_the_file_that_says_it(fleet: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (fleet / "base.bu").write_text(BASE.replace("skip: [kernel_arguments]", "skip: []"))
    assert build(fleet, "--target", "cloud-init", "--check", "--host", "n1") == 1
    err = capfd.readouterr().err
    assert "error[target-no-kargs]" in err and "node.bu:10:" in err and "hunter2" not in err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--target", "nope"), "there is no target"),
        (("--target", "fcos", "--target", "flatcar"), "several targets need --output-dir"),
        (("--target", "fcos", "--emit", "butane"), "does not go with --target"),
    ],
)
def test_wrong_usage(flags: tuple[str, ...], words: str, fleet: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert build(fleet, *flags) == 2
    assert words in capfd.readouterr().err
