"""Kairos' cloud-config: stages and installer keys, and each trap of yip. The strict schema of this project holds every output."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from hypothesis import given

from butane_py.targets.kairos import escaped
from tests.helpers.targets import codes, emitted
from tests.helpers.texts import BYTES, TEXTS
from tests.helpers.yip import contents, rendered

ADMIN = "passwd: {users: [{name: ops, admin: true}]}\n"


def config(text: str, target: str = "kairos") -> dict[str, Any]:
    result = emitted(text, target)
    assert result.output is not None, [entry.raw() for entry in result.report]
    assert result.output.startswith("#cloud-config\n# Made by butane-py from node.bu for kairos")
    data: dict[str, Any] = yaml.safe_load(result.output + "\n")
    return data


def steps(text: str, stage: str = "initramfs", target: str = "kairos") -> dict[str, Any]:
    """The steps of a stage by name."""
    return {step["name"]: step for step in config(text, target)["stages"][stage]}


def files(text: str, target: str = "kairos") -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in steps(text, target=target)["butane files"]["files"]}


def errors(text: str, target: str = "kairos") -> set[tuple[str, int]]:
    result = emitted(text, target)
    assert result.output is None
    return {(entry.code, entry.place.line) for entry in result.report if entry.severity == "error"}


def test_facts() -> None:
    text = (
        "machine:\n  hostname: node1.example.com\n  timezone: Europe/Berlin\n  time_servers: [a.example.com, b.example.com]\n"
        '  sysctl: {net.ipv4.ip_forward: "1"}\n  kernel_modules: [{name: br_netfilter}]\n'
        '  ca_certificates: [{name: corp, inline: "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"}]\n' + ADMIN
    )
    found = steps(text)
    assert found["butane users"]["hostname"] == "node1.example.com"
    step = found["butane files"]
    assert step["timesyncd"] == {"NTP": "a.example.com b.example.com"}
    assert step["commands"] == ["rm -rf -- /etc/localtime", "ln -sfT -- ../usr/share/zoneinfo/Europe/Berlin /etc/localtime", "update-ca-certificates || update-ca-trust"]
    assert files(text)["/etc/sysctl.d/90-butane.conf"]["content"] == "net.ipv4.ip_forward = 1\n"
    for flavour, path in (
        ("ubuntu", "/usr/local/share/ca-certificates/corp.crt"),
        ("fedora", "/etc/pki/ca-trust/source/anchors/corp.pem"),
        ("opensuse", "/etc/pki/trust/anchors/corp.pem"),
    ):
        assert path in files(text, f"kairos:{flavour}")


def test_users_come_before_files_and_after_groups() -> None:
    text = (
        "passwd:\n  groups: [{name: apps, gid: 2000}, {name: more}]\n"
        "  users:\n  - {name: ops, admin: true, groups: [apps, wheel], uid: 1234, password_hash: $6$a$b, ssh_authorized_keys: [ssh-ed25519 A], gecos: O}\n"
        "  - {name: nobody2, no_create_home: true}\n  - {name: root, ssh_authorized_keys: [ssh-ed25519 A]}\n"
    )
    found = config(text)["stages"]["initramfs"]
    assert [step["name"] for step in found] == ["butane groups", "butane users"]
    entity = yaml.safe_load(found[0]["ensure_entities"][0]["entity"])
    assert entity == {"kind": "group", "group_name": "apps", "password": "x", "gid": 2000, "users": ""}
    assert "getent group more >/dev/null || groupadd more || addgroup more" in found[0]["commands"]
    assert "getent group wheel >/dev/null || groupadd --system wheel || addgroup wheel" in found[0]["commands"]
    assert found[1]["users"] == {
        "ops": {"passwd": "$6$a$b", "groups": ["apps", "wheel", "admin"], "uid": "1234", "gecos": "O"},
        "nobody2": {"passwd": "*", "no_create_home": True},  # an empty hash would let everybody in
    }
    assert found[1]["authorized_keys"] == {"ops": ["ssh-ed25519 A"], "root": ["ssh-ed25519 A"]}


def test_files_have_modes_owners_and_folders() -> None:
    text = ADMIN + (
        "storage:\n  directories:\n  - {path: /usr/local/a, mode: 0750, group: {id: 7}}\n  - {path: /usr/local/b, group: {name: g}, mode: 0700}\n  - {path: /usr/local/c}\n"
        "  files:\n  - {path: /etc/x/y, contents: {inline: a}}\n  - {path: /etc/z, mode: 0600, user: {name: u}, group: {name: g}, contents: {inline: a}}\n"
        "  - {path: /etc/n, user: {id: 5}, group: {name: g}, contents: {inline: a}}\n  - {path: /etc/s, mode: 04755, contents: {inline: a}}\n"
        "  - {path: /etc/e, mode: 0600}\n  links: [{path: /etc/l, target: a, user: {id: 5}}, {path: /etc/h, target: /etc/s, hard: true}]\n"
    )
    step = steps(text)["butane files"]
    assert step["directories"] == [
        {"path": "/usr/local/a", "permissions": 0o750, "owner": 0, "group": 7},
        {"path": "/usr/local/b", "permissions": 0o700, "owner": 0, "group": 0},
    ]
    found = files(text)
    assert found["/etc/x/y"] == {"path": "/etc/x/y", "permissions": 0o644, "owner": 0, "group": 0, "content": "a"}
    assert found["/etc/z"]["ownerstring"] == "u:g"
    assert found["/etc/s"]["permissions"] == 0o755  # yip loses the other bits
    assert step["commands"] == [
        "chown root:g /usr/local/b",
        "mkdir -p /usr/local/c",
        "chown 5:g /etc/n",
        "chmod 4755 /etc/s",
        "touch /etc/e",
        "chmod 0600 /etc/e",
        "ln -sfT -- a /etc/l",
        "chown -h 5:root /etc/l",
        "ln -fT -- /etc/s /etc/h",
    ]
    assert steps(text)["butane groups"]["commands"][-1] == "umask 022; mkdir -p /etc/x"


@given(BYTES)
def test_templates_never_see_the_braces_of_contents(data: bytes) -> None:
    url = "data:;base64," + base64.b64encode(data).decode()
    entry = files(ADMIN + f"storage: {{files: [{{path: /etc/a, contents: {{source: '{url}'}}}}]}}\n")["/etc/a"]
    assert contents(entry) == data


@given(TEXTS)
def test_escaped_braces_render_as_themselves(text: str) -> None:
    assert rendered(escaped(text)) == text


def test_commands_and_conditions_are_escaped_too() -> None:
    text = ADMIN + (
        "storage:\n  links: [{path: '/etc/{{ a }}', target: '{{ b }}'}]\n"
        "  disks: [{device: /dev/sda, partitions: [{label: '{{', number: 1, size_mib: 5}]}]\n"
    )
    assert steps(text)["butane files"]["commands"] == ["ln -sfT -- '{{\"{{\"}} b }}' '/etc/{{\"{{\"}} a }}'"]
    assert "'/dev/disk/by-partlabel/{{\"{{\"}}'" in next(iter(steps(text, "fs").values()))["if"]


def test_units_are_files_and_never_overrides() -> None:
    text = ADMIN + (
        "systemd:\n  units:\n  - {name: a.service, enabled: true, contents: \"[Service]\\nExecStart=/bin/a\\n\"}\n"
        "  - {name: b.timer, dropins: [{name: x.conf, contents: \"[Timer]\\n\"}]}\n  - {name: c.service, mask: true}\n  - {name: d.service, enabled: false}\n"
    )
    step = steps(text)["butane files"]
    assert step["systemctl"] == {"enable": ["a.service"], "disable": ["d.service"], "mask": ["c.service"]}
    assert set(files(text)) == {"/etc/systemd/system/a.service", "/etc/systemd/system/b.timer.d/x.conf"}
    assert ("target-no-units", 6) in errors(text, "kairos:alpine")


def test_downloads_wait_for_the_network_and_are_checked() -> None:
    digest = "AB" * 32
    text = ADMIN + f"storage: {{files: [{{path: '/opt/a b', mode: 0755, contents: {{source: 'https://e/a', verification: {{hash: sha256-{digest}}}}}}}]}}\n"
    step = steps(text, "network")["butane downloads"]
    assert step["downloads"] == [{"path": "/opt/a b", "url": "https://e/a", "permissions": 0o755, "owner": 0, "group": 0}]
    assert step["commands"] == [f"echo '{digest.lower()}  /opt/a b' | sha256sum -c || rm -f -- '/opt/a b'"]


def test_disks_are_guarded_by_their_first_partition() -> None:
    text = ADMIN + (
        "storage:\n  disks:\n  - device: /dev/vdb\n    wipe_table: true\n    partitions:\n    - {label: data, number: 1, size_mib: 100}\n"
        "    - {label: raw, number: 2, size_mib: 10}\n    - {label: swap, number: 3}\n"
        "  filesystems:\n  - {device: /dev/disk/by-partlabel/data, format: xfs, label: d, path: /var/lib/rancher, with_mount_unit: true}\n"
        "  - {device: /dev/disk/by-partlabel/swap, format: swap, with_mount_unit: true}\n"
    )
    (step,) = steps(text, "fs").values()
    assert step["if"] == "[ ! -e /dev/disk/by-partlabel/data ]"
    assert step["layout"] == {
        "device": {"path": "/dev/vdb", "init_disk": True},
        "add_partitions": [
            {"pLabel": "data", "fsLabel": "d", "size": 100, "filesystem": "xfs"},
            {"pLabel": "raw", "size": 10, "filesystem": "none"},
            {"pLabel": "swap", "fsLabel": "swap", "size": 0, "filesystem": "swap"},
        ],
    }
    assert "var-lib-rancher.mount" in steps(text)["butane files"]["systemctl"]["enable"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("storage:\n  files: [{path: /data/a, contents: {inline: a}}]\n", ("target-path", 5)),
        ("storage:\n  files: [{path: /usr/bin/a, contents: {inline: a}}]\n", ("target-path", 5)),
        ("storage:\n  files: [{path: /etc/a, append: [{inline: a}]}]\n", ("target-no-append", 5)),
        ("storage:\n  files: [{path: /etc/a, contents: {source: 's3://a/b'}}]\n", ("target-value", 5)),
        ("storage:\n  disks: [{device: /dev/a, partitions: [{number: 1, size_mib: 1}]}]\n", ("target-value", 5)),
        ("storage:\n  disks: [{device: /dev/a, partitions: [{label: a, number: 1}, {label: b, number: 2, size_mib: 1}]}]\n", ("target-value", 5)),
        ("storage:\n  filesystems: [{device: /dev/a, format: ext4}]\n", ("target-no-disks", 5)),
        ("storage:\n  raid: [{name: a, level: raid1, devices: [/dev/a, /dev/b]}]\n", ("target-no-raid", 5)),
        ("storage:\n  luks: [{name: a, device: /dev/a}]\n", ("target-no-luks", 5)),
        ("kernel_arguments:\n  should_not_exist: [a]\n", ("target-no-karg-removal", 5)),
    ],
)
def test_what_cannot_be_said(text: str, expected: tuple[str, int]) -> None:
    assert expected in errors(ADMIN + text)


def test_files_below_a_mount_would_be_hidden() -> None:
    text = ADMIN + (
        "storage:\n  disks: [{device: /dev/a, partitions: [{label: a, number: 1}]}]\n"
        "  filesystems: [{device: /dev/disk/by-partlabel/a, format: ext4, path: /var/lib/etcd, with_mount_unit: true}]\n"
        "  files: [{path: /var/lib/etcd/a, contents: {inline: a}}]\n"
    )
    assert ("target-mountpoint", 7) in errors(text)
    assert ("target-mountpoint", 6) in errors(text.replace("/var/lib/etcd", "/data"))


@pytest.mark.parametrize(
    ("path", "lost"), [("/var/lib/app", True), ("/var/lib/rancher/a", False), ("/var/log/a", False), ("/etc/a", False), ("/opt/a", False), ("/var/lib/ranchers", True)]
)
def test_state_that_is_lost_is_a_warning(path: str, lost: bool) -> None:
    found = codes(emitted(f"{ADMIN}storage: {{directories: [{{path: {path}}}]}}\n", "kairos"))
    assert found == ([("target-every-boot", 4)] if lost else [])


def test_names_of_groups_stay_texts() -> None:
    text = ADMIN.replace("passwd: {", "passwd: {groups: [{name: 'yes', gid: 1}, {name: '1', gid: 2}], ")
    entities = steps(text)["butane groups"]["ensure_entities"]
    assert [yaml.safe_load(each["entity"])["group_name"] for each in entities] == ["yes", "1"]


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("machine: {hostname: a}\n", True),
        (ADMIN, False),
        ("passwd: {users: [{name: a, groups: [admin]}]}\n", False),
        ("targets: {kairos: {install: {nousers: true}}}\n", False),
        ("targets: {kairos: {stages: {initramfs: [{users: {a: {groups: [admin], passwd: x}}}]}}}\n", False),
    ],
)
def test_the_installer_wants_an_admin(text: str, warned: bool) -> None:
    assert ("target-no-admin" in [code for code, _ in codes(emitted(text, "kairos"))]) == warned


def test_native_text_is_merged_last_and_checked() -> None:
    text = ADMIN + "targets:\n  kairos:\n    install: {device: auto, grub_options: {saved_entry: cos}}\n    k3s: {enabled: true}\n    stages: {initramfs: [{name: mine, commands: [a]}]}\nkernel_arguments: {should_exist: [a, b=c]}\n"
    made = config(text)
    assert made["install"] == {"grub_options": {"extra_cmdline": "a b=c", "saved_entry": "cos"}, "device": "auto"}
    assert made["k3s"] == {"enabled": True}
    assert [step["name"] for step in made["stages"]["initramfs"]] == ["butane groups", "butane users", "mine"]
    for wrong in ("permsisions: 0644", "owner_string: a", "permissions: '0644'"):
        broken = f"targets:\n  kairos:\n    stages:\n      initramfs:\n      - files:\n        - {{path: /etc/a, permissions: 0644, {wrong}}}\n"
        broken = broken.replace("permissions: 0644, permissions", "permissions")
        assert {code for code, _ in errors(ADMIN + broken)} == {"target-option"}


def test_keys_that_are_fetched_are_told_of() -> None:
    assert ("target-value", 3) in errors("passwd: {users: [{name: a, admin: true, ssh_authorized_keys: ['github:a']}]}\n")
    native = "targets: {kairos: {stages: {network: [{authorized_keys: {a: ['github:a']}}]}}}\n"
    assert codes(emitted(ADMIN + native, "kairos")) == [("target-unverified-key", 4)]
