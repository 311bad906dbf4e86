"""Bottlerocket's user data: what becomes which setting, and what is refused where. Its own schema holds every output."""

from __future__ import annotations

import base64
import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from butane_py.targets.host_containers import Container, container_of
from butane_py.targets.registry import load
from tests.helpers.targets import codes, emitted

PEM = (Path(__file__).parent / "corp.pem").read_text()
FILES = "storage:\n  files: [{path: /var/lib/a, mode: 0640, user: {id: 1000}, contents: {inline: \"a\\n\"}}]\n"


def settings(text: str, target: str = "bottlerocket") -> dict[str, Any]:
    result = emitted(text, target)
    assert result.output is not None, [entry.raw() for entry in result.report]
    data = tomllib.loads(result.output)
    assert list(data) == ["settings"]
    found: dict[str, Any] = data["settings"]
    return found


def errors(text: str, target: str = "bottlerocket") -> list[tuple[str, int]]:
    """Code and line of the errors; the first line below the head is 3."""
    result = emitted(text, target)
    assert result.output is None
    return [(entry.code, entry.place.line) for entry in result.report if entry.severity == "error"]


def test_facts_are_settings() -> None:
    made = settings(
        "machine:\n"
        "  hostname: node1.example.com\n"
        "  time_servers: [a.example.com]\n"
        '  sysctl: {net.ipv4.ip_forward: "1", vm.max_map_count: 262144}\n'
        "  kernel_modules: [{name: br_netfilter}, {name: sctp, blocked: true}, {name: dummy, parameters: [numdummies=2, x]}]\n"
        f"  ca_certificates: [{{name: corp, inline: {json.dumps(PEM)}}}]\n"
        "  proxy: {http: 'http://p:1', https: 'http://p:1', no_proxy: [localhost, .a]}\n"
        "  registry_mirrors: [{registry: docker.io, endpoints: [https://m.example.com]}]\n"
        "kernel_arguments: {should_exist: [console=tty0, quiet, 'console=ttyS0,115200n8', a=b=c]}\n"
    )
    assert made == {
        "network": {"hostname": "node1.example.com", "https-proxy": "http://p:1", "no-proxy": ["localhost", ".a"]},
        "ntp": {"time-servers": ["a.example.com"]},
        "kernel": {
            "sysctl": {"net.ipv4.ip_forward": "1", "vm.max_map_count": "262144"},
            "modules": {
                "br_netfilter": {"allowed": True, "autoload": True},
                "sctp": {"allowed": False},
                "dummy": {"allowed": True, "autoload": True},
            },
        },
        "boot": {
            "reboot-to-reconcile": True,
            "kernel-parameters": {
                "console": ["tty0", "ttyS0,115200n8"],
                "quiet": [],
                "a": ["b=c"],
                "dummy.numdummies": ["2"],
                "dummy.x": [],
            },
        },
        "pki": {"corp": {"data": base64.b64encode(PEM.encode()).decode(), "trusted": True}},
        "container-registry": {"mirrors": [{"registry": "docker.io", "endpoint": ["https://m.example.com"]}]},
    }


def test_keys_of_all_users_go_to_the_admin_container() -> None:
    text = "passwd:\n  users:\n  - {name: a, ssh_authorized_keys: [ssh-ed25519 A], admin: true}\n  - {name: b, ssh_authorized_keys: [ssh-ed25519 B]}\n"
    admin = settings(text)["host-containers"]["admin"]
    assert admin["enabled"] is True
    assert json.loads(base64.b64decode(admin["user-data"])) == {"ssh": {"authorized-keys": ["ssh-ed25519 A", "ssh-ed25519 B"]}}
    assert codes(emitted(text, "bottlerocket")) == [("target-lost", 5)]


def test_a_table_is_written_once_and_keys_with_dots_are_quoted() -> None:
    output = emitted('machine: {sysctl: {a.b: "1"}}\ntargets: {bottlerocket: {settings: {kernel: {lockdown: integrity}}}}\n', "bottlerocket").output
    assert output is not None
    assert output.startswith("# Made by butane-py from node.bu for bottlerocket. Do not edit.\n")
    assert output.count("[settings.kernel") == 2
    assert '"a.b" = "1"' in output
    assert 'lockdown = "integrity"' in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("machine:\n  timezone: UTC\n", [("target-no-timezone", 4)]),
        ("machine:\n  proxy: {http: 'http://a', https: 'http://b'}\n", [("target-value", 4)]),
        ("machine:\n  proxy: {http: 'http://a'}\n", [("target-value", 4)]),
        ("machine:\n  registry_mirrors: [{registry: a.io, endpoints: ['https://m'], skip_fallback: true}]\n", [("target-value", 4)]),
        ('machine:\n  sysctl: {"net/*": "1"}\n', [("target-value", 4)]),
        (f"machine:\n  ca_certificates: [{{name: a, inline: {json.dumps(PEM.replace('MIIB', 'MIIC'))}}}]\n", [("target-value", 4)]),
        ("storage:\n  files: [{path: /etc/hostname, contents: {inline: \"Node1\\n\"}}]\n", [("target-path", 4)]),  # not lifted
        ("kernel_arguments:\n  should_exist: ['a b=c']\n", [("target-value", 4)]),
        ("kernel_arguments:\n  should_exist: ['a=é']\n", [("target-value", 4)]),
        ("kernel_arguments:\n  should_not_exist: [quiet]\n", [("target-no-karg-removal", 4)]),
        ("passwd:\n  users:\n  - name: a\n", [("target-no-users", 5)]),
        ("passwd:\n  users:\n  - name: a\n    ssh_authorized_keys: [k]\n    shell: /bin/sh\n", [("target-no-users", 7)]),
        ("passwd:\n  users:\n  - name: a\n    ssh_authorized_keys: [k]\n    password_hash: $6$a\n", [("target-no-password", 7)]),
        ("passwd:\n  groups: [{name: a}]\n", [("target-no-groups", 4)]),
        (FILES, [("target-no-files", 4)]),
        ("storage:\n  directories: [{path: /var/a}]\n", [("target-no-directories", 4)]),
        ("storage:\n  links: [{path: /var/a, target: b}]\n", [("target-no-links", 4)]),
        ("systemd:\n  units: [{name: a.service, enabled: true}]\n", [("target-no-units", 4)]),
        ("storage:\n  disks: [{device: /dev/sda, wipe_table: true}]\n", [("target-no-disks", 4)]),
        ("storage:\n  filesystems: [{device: /dev/sda, format: ext4, path: /a, with_mount_unit: true}]\n", [("target-no-disks", 4)]),
        ("storage:\n  luks: [{name: a, device: /dev/sda}]\n", [("target-no-luks", 4)]),
        ("ignition:\n  config: {merge: [{source: 'https://a'}]}\n", [("target-no-merge", 4)]),
    ],
)
def test_what_cannot_be_said(text: str, expected: list[tuple[str, int]]) -> None:
    assert errors(text) == expected


@pytest.mark.parametrize("bootstrap", ["once", "always"])
@pytest.mark.subprocess
def test_files_by_a_bootstrap_container(bootstrap: str, tmp_path: Path) -> None:
    made = settings(
        "storage:\n"
        "  directories: [{path: /var/lib/b, mode: 0750}]\n"
        "  files:\n"
        "  - {path: /var/lib/b/text, mode: 0640, contents: {inline: \"it's ${HOME}\\n\"}}\n"
        "  - {path: /mnt/bytes, mode: 04755, contents: {source: 'data:;base64,AAEC/w=='}}\n"
        "  links: [{path: /opt/link, target: ../var}, {path: /var/hard, target: /mnt/bytes, hard: true}]\n"
        f"targets: {{bottlerocket: {{bootstrap: {bootstrap}}}}}\n"
    )
    container = made["bootstrap-containers"]["butane-files"]
    assert (container["mode"], container["essential"], "source" in container) == (bootstrap, True, False)
    script = base64.b64decode(container["user-data"]).decode()
    assert "chown 0:0" in script
    script = script.replace("/.bottlerocket/rootfs", str(tmp_path)).replace("chown 0:0", ":").replace('chown "$3"', ": ")
    for _ in range(2):  # what runs on every boot does the same again
        done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "var/lib/b").stat().st_mode & 0o7777 == 0o750
    text, data = tmp_path / "var/lib/b/text", tmp_path / "mnt/bytes"
    assert (text.read_text(), text.stat().st_mode & 0o7777) == ("it's ${HOME}\n", 0o640)
    assert (data.read_bytes(), data.stat().st_mode & 0o7777) == (b"\0\1\2\xff", 0o4755)
    assert (tmp_path / "opt/link").readlink() == Path("../var")
    assert (tmp_path / "var/hard").samefile(data)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("  files: [{path: /etc/a, contents: {inline: a}}]\n", "target-path"),
        ("  files: [{path: /var, contents: {inline: a}}]\n", "target-path"),
        ("  files: [{path: /variable/a, contents: {inline: a}}]\n", "target-path"),
        ("  files: [{path: /var/a, user: {name: app}, contents: {inline: a}}]\n", "target-no-owner"),
        ("  files: [{path: /var/a, append: [{inline: a}]}]\n", "target-no-append"),
        ("  files: [{path: /var/a, contents: {source: 'https://a'}}]\n", "target-no-remote"),
    ],
)
def test_files_that_no_bootstrap_container_writes(text: str, code: str) -> None:
    assert (code, 4) in errors(f"storage:\n{text}targets: {{bottlerocket: {{bootstrap: always}}}}\n")


@pytest.mark.parametrize(
    ("native", "line"),
    [
        ("{bootstrap: off}", 3),
        ("{settings: {ecs: {cluster: a}}}", 3),
        ("{settings: {motd: 1}}", 3),
        ("{settings: {kubernetes: {cluster-name: null}}}", 3),
        ("{settings: {network: {hostname: UPPER}}}", 3),
        ("{settings: {kernel: {sysctl: {a: 1}}}}", 3),
        ("{settings: {host_containers: {}}}", 3),
        ("{setting: {}}", 3),
    ],
)
def test_native_text_is_checked_at_the_desk(native: str, line: int) -> None:
    assert set(errors(f"targets: {{bottlerocket: {native}}}\n")) == {("target-option", line)}


def test_messages_about_native_text_hold_no_values() -> None:
    result = emitted("targets: {bottlerocket: {settings: {motd: [secret]}}}\n", "bottlerocket")
    assert "secret" not in "".join(entry.raw() for entry in result.report)


def test_flavours_have_groups_of_their_own() -> None:
    ecs = "targets: {bottlerocket: {settings: {ecs: {cluster: a}}}}\n"
    assert settings(ecs, "bottlerocket:aws-ecs") == {"ecs": {"cluster": "a"}}
    assert load("bottlerocket").flavours[0] == "aws-k8s"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.container", "[Container]\nImage=r.io/a:1\nExec=b 'c d'\n", Container("a", "r.io/a:1", ["b", "c d"])),
        ("a.container", "[Unit]\nDescription=x\n# c\n[Container]\nImage=r.io/a:1\n[Install]\nWantedBy=multi-user.target\n", Container("a", "r.io/a:1", [])),
        ("a.container", "[Container]\nImage=a\nPublishPort=80:80\n", "PublishPort"),
        ("a.container", "[Container]\nExec=a\n", "no Image"),
        ("a.container", "[Container]\nImage=a\nExec=%n\n", "specifiers"),
        ("a.container", "[Container]\nImage=a\nExec='b\n", "quote"),
        ("admin.container", "[Container]\nImage=a\n", "admin"),
        ("a_b.container", "[Container]\nImage=a\n", "name"),
        ("a.volume", "[Volume]\n", "volume"),
    ],
)
def test_quadlets(name: str, text: str, expected: Container | str) -> None:
    found = container_of(name, text)
    assert found == expected if isinstance(expected, Container) else expected in str(found)
    quadlets = f"systemd: {{quadlets: [{{name: {name}, rootful: true, contents: {json.dumps(text)}}}]}}\n"
    result = emitted(quadlets, "bottlerocket")
    assert (result.output is None) == isinstance(found, str)


def test_commands_of_host_containers_need_a_version() -> None:
    text = 'systemd: {quadlets: [{name: a.container, rootful: true, contents: "[Container]\\nImage=a\\nExec=b\\n"}]}\n'
    assert settings(text)["host-containers"]["a"] == {"source": "a", "enabled": True, "superpowered": False, "command": ["b"]}
    assert errors(text, "bottlerocket@1.33") == [("target-value", 3)]
