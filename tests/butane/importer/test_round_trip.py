"""What the target cloud-init writes, an import reads again: the facts, accounts, files and units are those of the config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from butane_py.importer import Wanted, cloud_config
from butane_py.targets.lift import lift
from butane_py.targets.report import Findings
from ignition_py.spec.read import read
from tests.butane.importer.test_cloud_config import compiled
from tests.helpers.targets import emitted

CERTIFICATE = (Path(__file__).parents[2] / "targets/corp.pem").read_text()
CONFIG = f"""
machine:
  hostname: node1.example.com
  timezone: Europe/Berlin
  time_servers: [a.example.com, b.example.com]
  sysctl: {{net.ipv4.ip_forward: "1", vm.max_map_count: "262144"}}
  kernel_modules: [{{name: br_netfilter}}, {{name: dummy, parameters: [numdummies=2]}}, {{name: sctp, blocked: true}}]
  proxy: {{http: "http://proxy:3128", https: "http://proxy:3128", no_proxy: [localhost]}}
  registry_mirrors: [{{registry: quay.io, endpoints: ["https://mirror.example.com"]}}]
  ca_certificates: [{{name: corp, inline: {json.dumps(CERTIFICATE)}}}]
passwd:
  groups: [{{name: apps}}]
  users:
    - {{name: ops, uid: 4000, gecos: Ops, shell: /bin/bash, groups: [apps], password_hash: "$6$x$y", ssh_authorized_keys: ["ssh-ed25519 A"]}}
    - {{name: bare, no_create_home: true}}
storage:
  files:
    - {{path: /etc/app/a, mode: 0640, group: {{name: apps}}, contents: {{inline: "# ${{HOME}} {{{{ x }}}}\\n"}}}}
    - {{path: /opt/bytes, mode: 0600, contents: {{source: "data:;base64,AAEC/w=="}}}}
    - {{path: /opt/fetched, contents: {{source: "https://example.com/a", http_headers: [{{name: A, value: b}}]}}}}
systemd:
  units:
    - {{name: app.service, contents: "[Service]\\nExecStart=/bin/a\\n"}}
    - {{name: sshd.service, dropins: [{{name: 10-a.conf, contents: "[Service]\\nRestart=always\\n"}}]}}
"""


@pytest.fixture(scope="module")
def back() -> dict[str, Any]:
    """The Ignition config of what comes back."""
    result = emitted(CONFIG, "cloud-init")
    assert result.output is not None, [entry.raw() for entry in result.report]
    made = cloud_config(result.output.encode() + b"\n", "a", Wanted("fcos"))
    return compiled(made)


def test_facts(back: dict[str, Any]) -> None:
    made = cloud_config((emitted(CONFIG, "cloud-init").output or "").encode() + b"\n", "a")
    from butane_py import compile as compile_butane

    config, _ = read((compile_butane(made.text or "").output or "").encode(), "a")
    assert config is not None
    facts = lift(config, lambda field, path: True, Findings("fcos")).facts
    assert (facts.hostname and facts.hostname.value, facts.timezone and facts.timezone.value) == ("node1.example.com", "Europe/Berlin")
    assert [server.value for server in facts.time_servers] == ["a.example.com", "b.example.com"]
    assert {setting.key: setting.value for setting in facts.sysctl} == {"net.ipv4.ip_forward": "1", "vm.max_map_count": "262144"}
    assert {module.name: (module.loaded, module.parameters, module.blocked) for module in facts.modules} == {
        "br_netfilter": (True, (), False),
        "dummy": (True, ("numdummies=2",), False),
        "sctp": (False, (), True),
    }
    assert facts.proxy is not None and facts.proxy.http is not None
    assert (facts.proxy.http.value, facts.proxy.no_proxy) == ("http://proxy:3128", ("localhost",))
    assert [(mirror.registry, mirror.endpoints) for mirror in facts.mirrors] == [("quay.io", ("https://mirror.example.com",))]
    assert [each.text for each in facts.certificates] == [CERTIFICATE]


def test_accounts(back: dict[str, Any]) -> None:
    assert back["passwd"]["groups"] == [{"name": "apps"}]
    assert back["passwd"]["users"] == [
        {
            "name": "ops",
            "gecos": "Ops",
            "shell": "/bin/bash",
            "uid": 4000,
            "groups": ["apps"],
            "passwordHash": "$6$x$y",
            "sshAuthorizedKeys": ["ssh-ed25519 A"],
        },
        {"name": "bare", "noCreateHome": True},
    ]


def test_files_and_units(back: dict[str, Any]) -> None:
    files = {file["path"]: file for file in back["storage"]["files"]}
    assert (files["/etc/app/a"]["mode"], files["/etc/app/a"]["group"], files["/etc/app/a"]["contents"]) == (0o640, {"name": "apps"}, b"# ${HOME} {{ x }}\n")
    assert (files["/opt/bytes"]["mode"], files["/opt/bytes"]["contents"]) == (0o600, b"\0\1\2\xff")
    assert files["/opt/fetched"]["contents"] == {"source": "https://example.com/a", "httpHeaders": [{"name": "A", "value": "b"}]}
    units = {unit["name"]: unit for unit in back["systemd"]["units"]}
    assert units["app.service"]["contents"] == "[Service]\nExecStart=/bin/a\n"
    assert units["sshd.service"]["dropins"] == [{"name": "10-a.conf", "contents": "[Service]\nRestart=always\n"}]
