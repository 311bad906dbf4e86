"""fcos, flatcar and microos: what the section `machine` becomes on each, and configs of one for another."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from butane_py.targets.model import Takes
from butane_py.targets.registry import load
from ignition_py.spec.dataurl import decode
from tests.helpers.targets import FCOS, codes, emitted, ignition

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
MACHINE = f"""machine:
  hostname: node1.example.com
  timezone: Europe/Berlin
  time_servers: [ntp1.example.com, 192.0.2.1]
  sysctl: {{net.ipv4.ip_forward: 1, kernel.core_pattern: "|/bin/false"}}
  kernel_modules:
    - {{name: br_netfilter}}
    - {{name: dummy, parameters: [numdummies=2, x=y]}}
    - {{name: sctp, blocked: true}}
  ca_certificates:
    - {{name: corp, inline: {json.dumps(CERTIFICATE)}}}
  proxy: {{http: "http://proxy:3128", https: "http://proxy:3128/50%", no_proxy: [localhost, .example.com]}}
  registry_mirrors:
    - {{registry: docker.io, endpoints: [https://mirror.example.com, http://other:5000/hub]}}
passwd:
  users: [{{name: o.ps, groups: [wheel], admin: true}}]
"""
COMMON = {
    "/etc/hostname": "node1.example.com\n",
    "/etc/sysctl.d/90-butane.conf": "net.ipv4.ip_forward = 1\nkernel.core_pattern = |/bin/false\n",
    "/etc/modules-load.d/butane.conf": "br_netfilter\ndummy\n",
    "/etc/modprobe.d/butane.conf": "options dummy numdummies=2 x=y\nblacklist sctp\ninstall sctp /bin/false\n",
    "/etc/systemd/system.conf.d/10-butane-proxy.conf": '[Manager]\nDefaultEnvironment="http_proxy=http://proxy:3128" '
    '"https_proxy=http://proxy:3128/50%%" "no_proxy=localhost,.example.com"\n',
}
PODMAN = (
    '[[registry]]\nlocation = "docker.io"\n\n[[registry.mirror]]\nlocation = "mirror.example.com"\n'
    '\n[[registry.mirror]]\nlocation = "other:5000/hub"\ninsecure = true\n'
)
CHRONY = "server ntp1.example.com iburst\nserver 192.0.2.1 iburst\n"
OWN = {
    "fcos": {
        "/etc/chrony.conf": f"{CHRONY}driftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n",
        "/etc/pki/ca-trust/source/anchors/corp.pem": CERTIFICATE,
        "/etc/containers/registries.conf.d/50-butane-docker.io.conf": PODMAN,
    },
    "flatcar": {"/etc/systemd/timesyncd.conf": "[Time]\nNTP=ntp1.example.com 192.0.2.1\n", "/etc/ssl/certs/corp.pem": CERTIFICATE},
    "microos": {
        "/etc/chrony.d/butane.conf": CHRONY,
        "/etc/pki/trust/anchors/corp.pem": CERTIFICATE,
        "/etc/containers/registries.conf.d/50-butane-docker.io.conf": PODMAN,
        "/etc/sudoers.d/90-butane-o-ps": "o.ps ALL=(ALL) NOPASSWD: ALL\n",
    },
}


def texts(config: dict[str, Any]) -> dict[str, str]:
    """The files of a config by path."""
    found = {}
    for file in config["storage"].get("files", []):
        data = decode(file["contents"]["source"])
        found[file["path"]] = (zlib.decompress(data, 31) if file["contents"].get("compression") else data).decode()
    return found


@pytest.mark.parametrize("target", OWN)
def test_what_the_section_becomes(target: str) -> None:
    config = ignition(MACHINE, target)
    files = texts(config)
    docker = json.loads(files.pop("/etc/docker/daemon.json", "{}"))
    assert files == {**COMMON, **OWN[target]}
    assert docker == ({} if target == "microos" else {"registry-mirrors": ["https://mirror.example.com", "http://other:5000/hub"]})
    assert [(link["path"], link["target"]) for link in config["storage"]["links"]] == [("/etc/localtime", "../usr/share/zoneinfo/Europe/Berlin")]
    assert config["passwd"]["users"][0]["groups"] == ["wheel", *(["sudo"] if target != "microos" else [])]
    units = [unit["name"] for unit in config.get("systemd", {}).get("units", [])]
    assert units == (["butane-ca-certificates.service"] if target == "flatcar" else [])


def test_a_config_for_its_own_system_stays_as_it_is() -> None:
    text = """storage:
  files:
    - {path: /etc/chrony.conf, mode: 0600, overwrite: true, contents: {inline: "server a iburst\\n"}}
    - {path: /etc/sysctl.d/10-x.conf, contents: {inline: "a.b = 1\\n"}}
systemd: {units: [{name: a.service, enabled: true, contents: "[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n"}]}
"""
    assert ignition(text, "fcos", head=FCOS) == json.loads(emitted(text, "", head=FCOS).output or "")


def test_files_that_another_system_reads_elsewhere_move() -> None:
    text = f"""storage:
  files:
    - {{path: /etc/chrony.conf, contents: {{inline: "pool a iburst\\nrtcsync\\n"}}}}
    - {{path: /etc/pki/ca-trust/source/anchors/corp_1.pem, contents: {{inline: {json.dumps(CERTIFICATE)}}}}}
    - {{path: /etc/sysctl.d/10-x.conf, contents: {{inline: "a.b = 1\\n"}}}}
"""
    assert texts(ignition(text, "flatcar", head=FCOS)) == {
        "/etc/sysctl.d/10-x.conf": "a.b = 1\n",
        "/etc/systemd/timesyncd.conf": "[Time]\nNTP=a\n",
        "/etc/ssl/certs/corp-1.pem": CERTIFICATE,
    }


def test_a_proxy_with_a_password_is_for_root_alone() -> None:
    config = ignition("machine: {proxy: {http: 'http://user:pass@proxy:3128'}}\n", "fcos")
    assert [file["mode"] for file in config["storage"]["files"]] == [0o600]


def test_without_fallback_the_mirror_takes_the_place_of_the_registry() -> None:
    text = "machine: {registry_mirrors: [{registry: quay.io, endpoints: [http://m:5000], skip_fallback: true}]}\n"
    files = texts(ignition(text, "microos"))
    assert files == {
        "/etc/containers/registries.conf.d/50-butane-quay.io.conf": '[[registry]]\nprefix = "quay.io"\nlocation = "m:5000"\ninsecure = true\n'
    }


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("machine: {registry_mirrors: [{registry: quay.io, endpoints: [https://m]}]}\n", "flatcar", [("target-value", 3)]),
        ("machine: {registry_mirrors: [{registry: '*', endpoints: [https://m]}]}\n", "fcos", [("target-value", 3)]),
        ("storage: {files: [{path: /a, mode: 04755}]}\n", "fcos@3.5.0", [("special-bits", 3)]),
        ("targets:\n  fcos: {config: {storage: {files: [{path: a}]}}}\n", "fcos", [("target-option", 4)]),
        ("targets:\n  fcos: {config: {storage: []}}\n", "fcos", [("target-option", 4)]),
        ("targets:\n  fcos: [a]\n", "fcos", [("target-option", 4)]),
        ("targets:\n  fcos: {skip: a}\n", "fcos", [("target-option", 4)]),
    ],
)
def test_refused(text: str, target: str, expected: list[tuple[str, int]]) -> None:
    result = emitted(text, target)
    assert codes(result) == expected
    assert result.outputs == {} and result.output is None


def test_newer_versions_take_what_older_ones_do_not() -> None:
    assert ignition("storage: {files: [{path: /a, mode: 04755}]}\n", "fcos@3.6.0")["storage"]["files"] == [{"path": "/a", "mode": 0o4755}]


def test_native_text_is_merged_last() -> None:
    text = """storage: {files: [{path: /a, mode: 0644}]}
targets:
  fcos: {config: {storage: {files: [{path: /a, mode: 384}, {path: /b}]}, kernelArguments: {shouldExist: [quiet]}}}
  flatcar: {config: {storage: {files: [{path: /c}]}}}
"""
    config = ignition(text, "fcos")
    assert [(file["path"], file.get("mode")) for file in config["storage"]["files"]] == [("/a", 0o600), ("/b", None)]
    assert config["kernelArguments"] == {"shouldExist": ["quiet"]}


def test_every_field_of_ignition_is_native() -> None:
    for name in ("fcos", "flatcar", "microos"):
        refused = [field for field, cell in load(name).support.items() if not isinstance(cell, Takes)]
        assert refused == (["luks.clevis", "luks.cex"] if name == "flatcar" else [])
