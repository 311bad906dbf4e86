"""nixos: the module and disko's, evaluated by nix-instantiate; what NixOS cannot say at its line."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import nix
from tests.helpers.targets import FCOS, codes, emitted

pytestmark = pytest.mark.subprocess

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
HOSTILE = "# ${HOME} ''x'' $${y} \"z\" \\n {{ .V }} $(id) `id`\n\tk = \"C:\\\\t\"\n"
DISK = "/dev/disk/by-id/virtio-disk1"


def module(text: str, folder: Path, *, head: str | None = None, warnings: tuple[str, ...] = (), part: str = "configuration.nix") -> Any:
    """What a part of the output says; the report has these warnings and no errors."""
    result = emitted(text, "nixos", **({"head": head} if head else {}))
    assert [entry.code for entry in result.report] == list(warnings), [entry.raw() for entry in result.report]
    return nix.module(result.outputs[part], folder)


def storage(text: str) -> str:
    return "storage:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def test_facts(tmp_path: Path) -> None:
    text = f"""machine:
  hostname: node1.example.com
  timezone: Europe/Berlin
  time_servers: [ntp1.example.com, 192.0.2.1]
  sysctl: {{net.ipv4.ip_forward: 1}}
  kernel_modules: [{{name: dummy, parameters: [numdummies=2]}}, {{name: sctp, blocked: true}}]
  ca_certificates: [{{name: corp, inline: {json.dumps(CERTIFICATE * 2)}}}]
  proxy: {{http: "http://proxy:3128", no_proxy: [localhost, .example.com]}}
  registry_mirrors: [{{registry: docker.io, endpoints: [https://mirror.example.com]}}]
kernel_arguments: {{should_exist: ["console=ttyS0,115200n8", 'x="a b"']}}
"""
    assert module(text, tmp_path) == {
        "networking": {
            "hostName": "node1",
            "domain": "example.com",
            "timeServers": ["ntp1.example.com", "192.0.2.1"],
            "proxy": {"httpProxy": "http://proxy:3128", "noProxy": "localhost,.example.com"},
        },
        "time": {"timeZone": "Europe/Berlin"},
        "boot": {
            "kernelParams": ["console=ttyS0,115200n8", 'x="a b"'],
            "kernel": {"sysctl": {"net.ipv4.ip_forward": "1"}},
            "kernelModules": ["dummy"],
            "blacklistedKernelModules": ["sctp"],
            "extraModprobeConfig": "options dummy numdummies=2\nblacklist sctp\ninstall sctp /bin/false\n",
        },
        "security": {"pki": {"certificates": [CERTIFICATE, CERTIFICATE]}},
        "environment": {
            "etc": {
                "containers/registries.conf.d/50-butane-docker.io.conf": {
                    "mode": "0644",
                    "text": '[[registry]]\nlocation = "docker.io"\n\n[[registry.mirror]]\nlocation = "mirror.example.com"\n',
                }
            }
        },
    }


def test_accounts(tmp_path: Path) -> None:
    text = """passwd:
  groups: [{name: apps, gid: 2000}, {name: more}]
  users:
    - {name: ops, uid: 1001, admin: true, groups: [apps], gecos: "O's", home_dir: /srv/ops, shell: /bin/bash, ssh_authorized_keys: [ssh-ed25519 AAAA me]}
    - {name: app, system: true, no_create_home: true, shell: /usr/sbin/nologin}
    - {name: other, system: true, primary_group: apps, shell: /usr/bin/fish}
    - {name: root, ssh_authorized_keys: [ssh-ed25519 AAAA me]}
"""
    made = module(text, tmp_path, warnings=("target-wider",))
    key = {"authorizedKeys": {"keys": ["ssh-ed25519 AAAA me"]}}
    assert made == {
        "security": {"sudo": {"wheelNeedsPassword": False}},
        "users": {
            "groups": {"apps": {"gid": 2000}, "more": {}, "app": {}},
            "users": {
                "ops": {
                    "isNormalUser": True, "uid": 1001, "extraGroups": ["apps", "wheel"], "description": "O's", "home": "/srv/ops",
                    "shell": "bash", "openssh": key,
                },
                "app": {"isSystemUser": True, "group": "app", "createHome": False, "shell": "/store/shadow/bin/nologin"},
                "other": {"isSystemUser": True, "group": "apps", "shell": "fish"},
                "root": {"openssh": key},
            },
        },
    }  # fmt: skip


def test_files(tmp_path: Path) -> None:
    text = storage(
        f"files:\n  - {{path: /etc/app/a, mode: 0640, group: {{name: apps}}, contents: {{inline: {json.dumps(HOSTILE)}}}}}\n"
        "  - {path: /etc/app/b, mode: 04755, user: {id: 5}, group: {id: 6}, contents: {source: 'data:;base64,AAH/'}}\n"
        f"  - {{path: /etc/app/c, contents: {{source: http://x/y, verification: {{hash: sha256-{'ab' * 32}}}}}}}\n"
        f"  - {{path: /var/lib/50%/a, contents: {{inline: {json.dumps(HOSTILE)}}}}}\n"
        "  - {path: /var/lib/b, mode: 0600, user: {id: 5}, group: {name: apps}, contents: {source: 'data:;base64,AAH/'}}\n"
        "directories:\n  - {path: /var/lib/app, mode: 0750, user: {name: ops}}\n"
        "links:\n  - {path: /var/lib/app/l, target: 100%/1}\n"
    )
    made = module(text, tmp_path, warnings=("target-secret", "target-secret"))
    etc = made["environment"]["etc"]
    assert etc["app/a"] == {"mode": "0640", "group": "apps", "text": HOSTILE}
    command = f"echo {base64.b64encode(bytes([0, 1, 255])).decode()} | base64 -d > $out"
    assert etc["app/b"] == {"mode": "4755", "uid": 5, "gid": 6, "source": {"built": "b", "command": command}}
    digest = base64.b64encode(b"\xab" * 32).decode()
    assert etc["app/c"] == {"mode": "0644", "source": {"fetched": {"url": "http://x/y", "hash": f"sha256-{digest}"}}}
    rules = made["systemd"]["tmpfiles"]["settings"]["10-butane"]
    assert rules == {
        "/var/lib/50%%/a": {
            "f+~": {"mode": "0644", "user": "root", "group": "root", "argument": base64.b64encode(HOSTILE.encode()).decode()}
        },
        "/var/lib/b": {"f+~": {"mode": "0600", "user": "5", "group": "apps", "argument": "AAH/"}},
        "/var/lib/app": {"d": {"mode": "0750", "user": "ops", "group": "root"}},
        "/var/lib/app/l": {"L+": {"argument": "100%%/1"}},
    }


def test_units(tmp_path: Path) -> None:
    unit = "[Service]\nExecStart=/run/current-system/sw/bin/true\n[Install]\nWantedBy=multi-user.target a.target\nAlias=b.service\n"
    text = f"""systemd:
  units:
    - {{name: app.service, enabled: true, contents: {json.dumps(unit)}, dropins: [{{name: 2.conf, contents: "B"}}, {{name: 1.conf, contents: "A"}}]}}
    - {{name: off.service, contents: {json.dumps(unit)}}}
    - {{name: sshd.service, dropins: [{{name: 1.conf, contents: "[Service]\\nRestart=always\\n"}}]}}
    - {{name: debug-shell.service, mask: true}}
    - {{name: cups.service, enabled: false}}
  quadlets:
    - {{name: app.container, rootful: true, contents: "[Container]\\nImage=x\\n"}}
"""
    made = module(text, tmp_path)
    assert made["systemd"]["units"] == {
        "app.service": {"text": f"{unit}A\nB\n", "wantedBy": ["multi-user.target", "a.target"], "aliases": ["b.service"]},
        "off.service": {"text": unit},
        "sshd.service": {"overrideStrategy": "asDropin", "text": "[Service]\nRestart=always\n"},
        "debug-shell.service": {"enable": False},
        "cups.service": {"wantedBy": {"force": []}},
    }
    assert made["virtualisation"] == {"podman": {"enable": True}}
    assert made["environment"]["etc"]["containers/systemd/app.container"]["text"] == "[Container]\nImage=x\n"


def test_disko(tmp_path: Path) -> None:
    text = (
        storage(
            f"disks:\n  - device: {DISK}\n    wipe_table: true\n    partitions:\n"
            "      - {number: 1, label: data, size_mib: 2048, start_mib: 1, guid: 11111111-1111-1111-1111-111111111111,"
            " type_guid: 0FC63DAF-8483-4772-8E79-3D69D8477DE4}\n"
            "      - {label: swap, size_mib: 512}\n      - {label: m1, size_mib: 64}\n      - {label: rest}\n"
            "  - {device: /dev/disk/by-path/virtio-disk1, partitions: [{label: m2, size_mib: 64}]}\n"
            "raid:\n  - {name: mirror, level: raid1, devices: [/dev/disk/by-partlabel/m1, /dev/disk/by-partlabel/m2]}\n"
            "luks:\n  - {name: vault, device: /dev/disk/by-partlabel/rest, discard: true}\n"
            "filesystems:\n"
            "  - {device: /dev/disk/by-partlabel/data, format: ext4, path: /srv, label: d, uuid: 22222222-2222-2222-2222-222222222222,"
            " options: [-m, '0'], mount_options: [noatime], with_mount_unit: true}\n"
            "  - {device: /dev/disk/by-partlabel/swap, format: swap, with_mount_unit: true}\n"
            "  - {device: /dev/md/mirror, format: xfs, path: /m, with_mount_unit: true}\n"
            "  - {device: /dev/mapper/vault, format: btrfs}\n"
        )
        + "targets: {nixos: {key_files: {vault: /run/vault.key}}}\n"
    )
    result = emitted(text, "nixos")
    assert [entry.raw() for entry in result.report] == []
    assert nix.module(result.outputs["disko.nix"], tmp_path) == {
        "disko": {
            "devices": {
                "disk": {
                    "virtio-disk1": {
                        "type": "disk", "device": DISK, "destroy": True,
                        "content": {"type": "gpt", "partitions": {
                            "data": {
                                "priority": 1, "label": "data", "size": "2048M", "start": "1M",
                                "type": "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "uuid": "11111111-1111-1111-1111-111111111111",
                                "content": {
                                    "type": "filesystem", "format": "ext4", "mountpoint": "/srv", "mountOptions": ["noatime"],
                                    "extraArgs": ["-m", "0", "-L", "d", "-U", "22222222-2222-2222-2222-222222222222"],
                                },
                            },
                            "swap": {"label": "swap", "size": "512M", "content": {"type": "swap"}},
                            "m1": {"label": "m1", "size": "64M", "content": {"type": "mdraid", "name": "mirror"}},
                            "rest": {"label": "rest", "size": "100%", "content": {
                                "type": "luks", "name": "vault", "settings": {"keyFile": "/run/vault.key", "allowDiscards": True},
                                "content": {"type": "filesystem", "format": "btrfs"},
                            }},
                        }},
                    },
                    "virtio-disk1-2": {
                        "type": "disk", "device": "/dev/disk/by-path/virtio-disk1", "destroy": False,
                        "content": {"type": "gpt", "partitions": {
                            "m2": {"label": "m2", "size": "64M", "content": {"type": "mdraid", "name": "mirror"}}}},
                    },
                },
                "mdadm": {"mirror": {
                    "type": "mdadm", "level": 1, "metadata": "1.2",
                    "content": {"type": "filesystem", "format": "xfs", "mountpoint": "/m"},
                }},
            }
        }
    }  # fmt: skip


def test_existing_partitions(tmp_path: Path) -> None:
    text = storage(
        "filesystems:\n  - {device: /dev/sdb1, format: ext4, path: /srv, mount_options: [noatime], with_mount_unit: true}\n"
        "  - {device: /dev/sdb2, format: swap, with_mount_unit: true}\n"
    )
    assert module(text, tmp_path) == {
        "fileSystems": {"/srv": {"device": "/dev/sdb1", "fsType": "ext4", "autoFormat": True, "options": ["noatime"]}},
        "swapDevices": [{"device": "/dev/sdb2"}],
    }


def test_native(tmp_path: Path) -> None:
    text = "machine: {timezone: UTC}\ntargets: {nixos: {imports: ['\"/x.nix\"'], extra: '{ services.a = 1; }', state_version: '26.05', ec2: true}}\n"
    result = emitted(text, "nixos")
    output = result.output or ""
    assert output.splitlines()[0] == "### https://nixos.org/channels/nixos-26.05 nixos"
    replaced = output.replace("<nixpkgs/nixos/modules/virtualisation/amazon-image.nix>", '"/amazon.nix"')
    assert nix.module(replaced.encode(), tmp_path) == {
        "imports": ["/amazon.nix", "/x.nix"],
        "config": {"merge": [{"time": {"timeZone": "UTC"}, "system": {"stateVersion": "26.05"}}, {"services": {"a": 1}}]},
    }


def test_empty(tmp_path: Path) -> None:
    assert module("", tmp_path) == {}


def _unit(text: str) -> str:
    return f"systemd: {{units: [{{name: a.service, enabled: true, contents: {json.dumps(text)}}}]}}\n"


ERRORS = {  # text -> (code, line)
    "machine: {hostname: 'a.b'}\nkernel_arguments: {should_exist: [a b]}\n": ("target-value", 4),
    "kernel_arguments: {should_not_exist: [quiet]}\n": ("target-no-karg-removal", 3),
    "passwd: {users: [{name: a, should_exist: false}]}\n": ("target-no-users", 3),
    "passwd: {groups: [{name: a, should_exist: false}]}\n": ("target-no-groups", 3),
    "passwd: {users: [{name: a, shell: /bin/ksh}]}\n": ("target-value", 3),
    "systemd: {units: [{name: a.service, enabled: true}]}\n": ("target-unit-unknown", 3),
    _unit("[Service]\nExecStart=/run/x\n[Install]\nWantedBy=a.target\nAlso=b.service\n"): ("target-value", 3),
    **{
        storage(text): (code, 5)
        for text, code in {
            "files:\n  - {path: /etc/fstab, contents: {inline: x}}\n": "target-path",
            "files:\n  - {path: /etc/systemd/system/a.service, contents: {inline: x}}\n": "target-path",
            "links:\n  - {path: /etc/ssl/a, target: b}\n": "target-path",
            "links:\n  - {path: /a, target: /b, hard: true}\n": "target-no-links",
            "files:\n  - {path: /etc/a, append: [{inline: x}]}\n": "target-no-append",
            "files:\n  - {path: /etc/a, contents: {source: http://x/y}}\n": "target-no-verification",
            f"files:\n  - {{path: /var/a, contents: {{source: http://x/y, verification: {{hash: sha256-{'0' * 64}}}}}}}\n": "target-value",
            "disks:\n  - {device: /dev/vdb, partitions: [{label: a, size_mib: 1, resize: true}]}\n": "target-no-disks",
            "disks:\n  - {device: /dev/vdb, partitions: [{label: a}, {label: b, number: 2}]}\n": "target-value",
            "raid:\n  - {name: a, level: linear, devices: [/dev/vdb, /dev/vdc]}\n": "target-no-raid",
            "raid:\n  - {name: a, level: raid1, devices: [/dev/disk/by-partlabel/a, /dev/vdc]}\n": "target-no-disks",
            "luks:\n  - {name: a, device: /dev/vdb}\n": "target-no-disks",
            "filesystems:\n  - {device: /dev/vdb1, format: ext4, path: /x}\n": "target-mountpoint",
            "filesystems:\n  - {device: /dev/vdb1, format: ext4, path: /x, options: [-K], with_mount_unit: true}\n": "target-value",
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors_stand_at_their_line(text: str) -> None:
    result = emitted(text, "nixos")
    assert result.output is None
    found = [(code, entry.hint) for code, entry in zip(codes(result), result.report, strict=True) if entry.severity == "error"]
    assert [code for code, _ in found] == [ERRORS[text]]
    assert all(hint for _, hint in found)


def test_volume_without_a_key_file() -> None:
    text = storage("disks:\n  - {device: /dev/vdb, partitions: [{label: a}]}\nluks:\n  - {name: v, device: /dev/disk/by-partlabel/a}\n")
    result = emitted(text, "nixos")
    assert codes(result) == [("target-no-luks", 7)]
    assert "key_files: {v: " in result.report.entries[0].hint


@pytest.mark.parametrize("program", ["/usr/bin/sleep 1", "-/bin/sleep 1", "@/opt/x y"])
def test_programs_that_nixos_has_not(program: str) -> None:
    result = emitted(_unit(f"[Service]\nExecStart={program}\n[Install]\nWantedBy=a.target\n"), "nixos")
    assert codes(result) == [("target-fhs", 3)]
    assert result.output is not None


def test_facts_of_another_system(tmp_path: Path) -> None:
    text = storage(
        'files:\n  - {path: /etc/hostname, contents: {inline: "n1\\n"}}\n'
        '  - {path: /etc/sysctl.d/90.conf, contents: {inline: "vm.swappiness = 1\\n"}}\n'
    )
    assert module(text, tmp_path, head=FCOS) == {
        "networking": {"hostName": "n1"},
        "boot": {"kernel": {"sysctl": {"vm.swappiness": "1"}}},
    }


FULL = """machine: {hostname: node1.example.com, timezone: UTC, sysctl: {a.b: 1}, kernel_modules: [{name: dummy, parameters: [a=1]}]}
passwd:
  groups: [{name: apps, gid: 2000}]
  users: [{name: ops, groups: [apps], ssh_authorized_keys: [ssh-ed25519 AAAA me]}, {name: app, system: true}]
storage:
  files: [{path: /etc/a, mode: 0644, contents: {inline: a}}, {path: /var/a, contents: {inline: a}}]
  directories: [{path: /var/lib/a}]
  links: [{path: /var/lib/b, target: a}]
  disks:
    - device: /dev/disk/by-id/virtio-disk1
      wipe_table: true
      partitions: [{number: 1, label: data, size_mib: 2048, start_mib: 1}, {label: swap, size_mib: 512}, {label: m1, size_mib: 64}, {label: rest}]
    - {device: /dev/disk/by-path/virtio-disk1, partitions: [{label: m2, size_mib: 64}]}
  raid: [{name: mirror, level: raid1, devices: [/dev/disk/by-partlabel/m1, /dev/disk/by-partlabel/m2]}]
  luks: [{name: vault, device: /dev/disk/by-partlabel/rest, discard: true}]
  filesystems:
    - {device: /dev/disk/by-partlabel/data, format: ext4, path: /srv, label: d, mount_options: [noatime], with_mount_unit: true}
    - {device: /dev/disk/by-partlabel/swap, format: swap, with_mount_unit: true}
    - {device: /dev/md/mirror, format: xfs, path: /m, with_mount_unit: true}
    - {device: /dev/mapper/vault, format: btrfs, path: /v, with_mount_unit: true}
systemd:
  units: [{name: a.service, enabled: true, contents: "[Service]\\nExecStart=/run/x\\n[Install]\\nWantedBy=a.target\\n"}, {name: b.service, mask: true}]
targets: {nixos: {key_files: {vault: /run/vault.key}}}
"""


@pytest.mark.skipif("NIXPKGS_LIB" not in os.environ, reason="nixpkgs.lib is not ours to carry: NIXPKGS_LIB names a copy of its folder")
def test_options_have_their_types(tmp_path: Path) -> None:
    made = nix.checked(emitted(FULL, "nixos").outputs["configuration.nix"], tmp_path, "check.nix", lib=f"import {os.environ['NIXPKGS_LIB']}")
    assert made["hostName"] == "node1"
    assert set(made["units"]) == {"a.service", "b.service"}


@pytest.mark.skipif(
    not {"NIXPKGS_LIB", "DISKO"} <= set(os.environ), reason="disko is not ours to carry: DISKO and NIXPKGS_LIB name copies of their folders"
)
def test_disko_takes_its_file(tmp_path: Path) -> None:
    given = {"lib": f"import {os.environ['NIXPKGS_LIB']}", "disko": os.environ["DISKO"]}
    made = nix.checked(emitted(FULL, "nixos").outputs["disko.nix"], tmp_path, "disko-check.nix", **given)
    assert {path: each["fsType"] for path, each in made["fileSystems"].items()} == {"/srv": "ext4", "/m": "xfs", "/v": "btrfs"}
    assert len(made["swapDevices"]) == 1
