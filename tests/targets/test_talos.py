"""talos: the documents of a patch, what Talos cannot say at its line, and its checks beyond the schema."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from butane_py.compilation import Options
from butane_py.pipeline import compiled
from butane_py.targets import choose, emit
from butane_py.targets.model import Chosen
from tests.helpers.targets import FCOS, codes, emitted

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
DISK = "/dev/disk/by-id/virtio-disk1"
ON_DISK = f'"{DISK}" in disk.symlinks'
MACHINE = f"""machine:
  hostname: node1.example.com
  time_servers: [ntp1.example.com, 192.0.2.1]
  sysctl: {{net.ipv4.ip_forward: 1}}
  kernel_modules: [{{name: br_netfilter}}, {{name: dummy, parameters: [numdummies=2]}}]
  ca_certificates: [{{name: corp, inline: {json.dumps(CERTIFICATE)}}}]
  proxy: {{http: "http://proxy:3128", no_proxy: [localhost, .example.com]}}
  registry_mirrors:
    - {{registry: docker.io, endpoints: [https://mirror.example.com]}}
    - {{registry: "*", endpoints: ["http://all:5000"], skip_fallback: true}}
"""
FACTS = [
    {"kind": "HostnameConfig", "auto": "off", "hostname": "node1.example.com"},
    {"kind": "TimeSyncConfig", "ntp": {"servers": ["ntp1.example.com", "192.0.2.1"]}},
    {"kind": "SysctlConfig", "params": {"net.ipv4.ip_forward": "1"}},
    {"kind": "KernelModuleConfig", "name": "br_netfilter"},
    {"kind": "KernelModuleConfig", "name": "dummy", "parameters": ["numdummies=2"]},
    {"kind": "TrustedRootsConfig", "name": "corp", "certificates": CERTIFICATE},
    {"kind": "EnvironmentConfig", "variables": {"http_proxy": "http://proxy:3128", "no_proxy": "localhost,.example.com"}},
    {"kind": "RegistryMirrorConfig", "name": "docker.io", "endpoints": [{"url": "https://mirror.example.com"}]},
    {"kind": "RegistryMirrorConfig", "name": "*", "endpoints": [{"url": "http://all:5000"}], "skipFallback": True},
]

def documents(text: str, target: str = "talos", *, head: str | None = None, warnings: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The documents of a patch without what is the same in all of a kind; the report has these warnings and no errors."""
    result = emitted(text, target, **({"head": head} if head else {}))
    assert [entry.code for entry in result.report] == list(warnings), [entry.raw() for entry in result.report]
    return read(result.output or "")


def read(text: str) -> list[dict[str, Any]]:
    """The documents of a text; YAML 1.1 reads the same but for octal numbers."""
    made = [dict(each) for each in YAML(typ="safe", pure=True).load_all(StringIO(text))]
    for each in made:
        if "kind" in each:
            assert each.pop("apiVersion") == "v1alpha1"
    return made


def storage(text: str) -> str:
    return "storage:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def disk(*partitions: str, device: str = DISK) -> str:
    return f"disks:\n  - {{device: {device}, partitions: [{', '.join(f'{{{part}}}' for part in partitions)}]}}\n"


def test_facts() -> None:
    assert documents(MACHINE) == FACTS
    result = emitted(MACHINE, "talos")
    text = (result.output or "").splitlines()
    assert text[0] == "# Made by butane-py from node.bu for talos. Do not edit."
    assert 'auto: "off"' in text  # a boolean to readers of YAML 1.1
    assert '  net.ipv4.ip_forward: "1"' in text


def test_facts_1_13() -> None:
    made = documents(MACHINE, "talos@1.13")
    assert made[0] == {
        "machine": {
            "sysctls": {"net.ipv4.ip_forward": "1"},
            "kernel": {"modules": [{"name": "br_netfilter"}, {"name": "dummy", "parameters": ["numdummies=2"]}]},
        }
    }
    assert [each["kind"] for each in made[1:]] == [
        each["kind"] for each in FACTS if each["kind"] not in ("SysctlConfig", "KernelModuleConfig")
    ]


def test_files() -> None:
    text = storage(
        "files:\n"
        '  - {path: /etc/nfsmount.conf, mode: 0600, contents: {inline: "[x]\\n"}}\n'
        '  - {path: /etc/multipath/a.conf, contents: {inline: "a"}}\n'
        '  - {path: /etc/hosts, contents: {inline: "127.0.0.1 localhost\\n# c\\n10.0.0.1 a b # x\\nfd00::1\\tc\\n10.0.0.1 d a\\n"}}\n'
        '  - {path: /etc/udev/rules.d/1.rules, contents: {inline: "# c\\nA, \\\\\\nB\\n\\n"}}\n'
        '  - {path: /etc/udev/rules.d/2.rules, contents: {inline: "C\\n"}}\n'
    )
    assert documents(text) == [
        {"kind": "EtcFileConfig", "name": "nfsmount.conf", "mode": 0o600, "contents": "[x]\n"},
        {"kind": "EtcFileConfig", "name": "multipath/a.conf", "mode": 0o644, "contents": "a"},
        {"kind": "StaticHostConfig", "name": "10.0.0.1", "hostnames": ["a", "b", "d"]},
        {"kind": "StaticHostConfig", "name": "fd00::1", "hostnames": ["c"]},
        {"kind": "UdevRulesConfig", "rules": ["A, B", "C"]},
    ]
    assert "mode: 0o600\n" in (emitted(text, "talos").output or "")


def test_files_1_13() -> None:
    text = storage(
        'files:\n  - {path: /var/lib/x, mode: 0600, contents: {inline: "x"}}\n'
        '  - {path: /etc/udev/rules.d/1.rules, contents: {inline: "A\\n"}}\n'
    )
    assert documents(text, "talos@1.13") == [
        {
            "machine": {
                "files": [{"content": "x", "permissions": 0o600, "path": "/var/lib/x", "op": "create"}],
                "udev": {"rules": ["A"]},
            }
        }
    ]


def test_volumes() -> None:
    text = storage(
        disk("label: data, size_mib: 2048", "label: secret, size_mib: 1024", "label: swap, size_mib: 512", "label: raw, number: 4")
        + "luks:\n  - {name: vault, device: /dev/disk/by-partlabel/secret, clevis: {tpm2: true}, discard: true}\n"
        "filesystems:\n"
        "  - {device: /dev/disk/by-partlabel/data, format: ext4, path: /var/mnt/data, label: data,"
        " mount_options: [noatime, nofail], with_mount_unit: true}\n"
        "  - {device: /dev/mapper/vault, format: xfs, path: /var/mnt/vault, mount_options: [nosuid, nodev, noexec]}\n"
        "  - {device: /dev/disk/by-partlabel/swap, format: swap, with_mount_unit: true}\n"
        "  - {device: /dev/disk/by-id/other, format: btrfs, path: /var/mnt/other}\n"
    )
    selector = {"diskSelector": {"match": ON_DISK}}
    made = documents(text)
    assert made == [
        {"kind": "RawVolumeConfig", "name": "raw", "provisioning": {**selector, "minSize": "300MiB", "grow": True}},
        {
            "kind": "UserVolumeConfig",
            "name": "data",
            "provisioning": {**selector, "minSize": "2048MiB", "maxSize": "2048MiB"},
            "filesystem": {"type": "ext4"},
            "mount": {"disableAccessTime": True},
        },
        {
            "kind": "UserVolumeConfig",
            "name": "vault",
            "provisioning": {**selector, "minSize": "1024MiB", "maxSize": "1024MiB"},
            "filesystem": {"type": "xfs"},
            "encryption": {"provider": "luks2", "keys": [{"slot": 0, "tpm": {}}], "allowDiscards": True},
            "mount": {"secure": True},
        },
        {"kind": "SwapVolumeConfig", "name": "swap", "provisioning": {**selector, "minSize": "512MiB", "maxSize": "512MiB"}},
        {
            "kind": "UserVolumeConfig",
            "name": "other",
            "volumeType": "disk",
            "provisioning": {"diskSelector": {"match": '"/dev/disk/by-id/other" in disk.symlinks'}},
            "filesystem": {"type": "btrfs"},
        },
    ]


def test_array() -> None:
    text = storage(
        disk("label: a, size_mib: 512")
        + f"  - {{device: {DISK}2, partitions: [{{label: b, size_mib: 512}}]}}\n"
        + "raid:\n  - {name: data, level: raid1, devices: [/dev/disk/by-partlabel/a, /dev/disk/by-partlabel/b]}\n"
        "  - {name: whole, level: raid1, devices: [/dev/disk/by-id/x, /dev/disk/by-id/y]}\n"
    )
    made = documents(text)
    assert [each["kind"] for each in made] == ["RawVolumeConfig", "RawVolumeConfig", "RAIDArrayConfig", "RAIDArrayConfig"]
    matches = [each["provisioning"]["volumeSelector"]["match"] for each in made[2:]]
    assert matches == [
        'volume.partition_label == "r-a" || volume.partition_label == "r-b"',
        '"/dev/disk/by-id/x" in disk.symlinks || "/dev/disk/by-id/y" in disk.symlinks',
    ]


def test_name_of_the_kernel_is_told_once() -> None:
    text = storage(
        disk("label: a, size_mib: 512", "label: b, size_mib: 512", device="/dev/sdb")
        + "filesystems:\n  - {device: /dev/disk/by-partlabel/a, format: xfs}\n"
    )
    made = documents(text, warnings=("target-device",))
    assert {each["provisioning"]["diskSelector"]["match"] for each in made} == {'disk.dev_path == "/dev/sdb"'}
    assert [each["name"] for each in made] == ["b", "a"]


QUADLET = """[Unit]
Description=App
After=network-online.target
Wants=network-online.target
[Container]
Image=quay.io/app@sha256:0
Exec=serve --name "a b" 100%%
Entrypoint=["/app", "-x"]
WorkingDir=/srv
User=1000
Group=100
Environment=A=1 "B=x y"
Environment=C=3
Volume=/var/mnt/data:/data
Volume=/etc/app:/etc/app:ro,Z
Tmpfs=/tmp:size=64M
Network=host
AddCapability=CAP_NET_ADMIN sys_time
DropCapability=all
PodmanArgs=--privileged
Memory=512M
[Service]
Restart=always
[Install]
WantedBy=multi-user.target
"""


def quadlet(text: str, name: str = "app.container") -> str:
    return f"systemd:\n  quadlets:\n    - name: {name}\n      rootful: true\n      contents: {json.dumps(text)}\n"


def test_container() -> None:
    assert documents(quadlet(QUADLET)) == [
        {
            "kind": "ContainerConfig",
            "name": "app",
            "dependsOn": {"networks": ["connectivity"]},
            "image": "quay.io/app@sha256:0",
            "args": ["serve", "--name", "a b", "100%"],
            "entrypoint": ["/app", "-x"],
            "workingDir": "/srv",
            "runAs": {"uid": 1000, "gid": 100},
            "environment": ["A=1", "B=x y", "C=3"],
            "mounts": [
                {"userVolume": {"name": "data", "destination": "/data", "options": ["rw"]}},
                {"hostPath": {"source": "/etc/app", "destination": "/etc/app", "options": ["ro"]}},
                {"tmpfs": {"destination": "/tmp", "size": "64M"}},
            ],
            "network": {"mode": "host"},
            "security": {"capabilities": {"add": ["NET_ADMIN", "SYS_TIME"], "drop": ["ALL"]}, "profile": "privileged"},
            "resources": {"limits": {"memory": "512M"}},
        }
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("PublishPort=8080:80", "PublishPort= of [Container]"),
        ("Network=web.network", "networks host and none"),
        ("Exec=run %n", "specifier"),
        ("Exec=run $HOME", "variable"),
        ("Exec=run 'x", "told apart"),
        ("User=app", "numbers"),
        ("Volume=data:/data", "not a path of the machine"),
        ("Volume=/a:/b:U", "mounts with the options"),
        ("Tmpfs=/tmp:mode=1", "size= only"),
        ("Environment=1A=2", "NAME=VALUE"),
        ("PodmanArgs=--privileged --init", "--privileged alone"),
        ("Entrypoint=[1]", "list of texts"),
        ("ContainerName=other", "called app"),
        ("Image=x.build", "another quadlet"),
        ("Pull=never", "Pull=never"),
    ],
)
def test_container_says_what_talos_cannot(line: str, words: str) -> None:
    result = emitted(quadlet(f"[Container]\nImage=x@sha256:0\n{line}\n"), "talos")
    assert result.output is None
    (entry,) = [entry for entry in result.report if entry.severity == "error"]
    assert (entry.code, entry.place.line) == ("target-value", 5)
    assert entry.message.startswith("line 3 of app.container: ")
    assert words in entry.message
    assert "targets.talos.skip: [systemd.quadlets.app.container]" in entry.hint


def test_container_by_a_tag() -> None:
    documents(quadlet("[Container]\nImage=quay.io/app:1\n"), warnings=("target-image-tag",))


ERRORS = {  # text -> (code, line)
    "machine: {timezone: Europe/Berlin}\n": ("target-no-timezone", 3),
    "passwd: {users: [{name: core}]}\n": ("target-no-users", 3),
    "passwd: {groups: [{name: core}]}\n": ("target-no-groups", 3),
    "kernel_arguments: {should_not_exist: [quiet]}\n": ("target-no-karg-removal", 3),
    "machine: {kernel_modules: [{name: sctp, blocked: true}]}\n": ("target-value", 3),
    "systemd: {units: [{name: a.service, enabled: true}]}\n": ("target-no-units", 3),
    'systemd: {units: [{name: a.service, contents: "[Service]\\nExecStart=/x\\n"}]}\n': ("target-no-units", 3),
    "systemd: {units: [{name: a.service, mask: true}]}\n": ("target-no-units", 3),
    quadlet("[Container]\nImage=x@sha256:0\n", "app.volume"): ("target-value", 5),
    quadlet("[Container]\nImage=x@sha256:0\n", "App.container"): ("target-value", 5),
    quadlet("[Container]\n"): ("target-value", 5),
    **{
        storage(text): (code, 5)
        for text, code in {
            "directories:\n  - {path: /var/x}\n": "target-no-directories",
            "links:\n  - {path: /var/x, target: y}\n": "target-no-links",
            "links:\n  - {path: /var/x, target: /y, hard: true}\n": "target-no-links",
            "files:\n  - {path: /var/x, contents: {inline: x}}\n": "target-path",
            "files:\n  - {path: /etc/resolv.conf, contents: {inline: x}}\n": "target-path",
            "files:\n  - {path: /etc/ssl/x, contents: {inline: x}}\n": "target-path",
            "files:\n  - {path: /etc/.x, contents: {inline: x}}\n": "target-path",
            "files:\n  - {path: /etc/x, append: [{inline: x}]}\n": "target-no-append",
            "files:\n  - {path: /etc/x, user: {id: 1}, contents: {inline: x}}\n": "target-no-owner",
            "files:\n  - {path: /etc/x, mode: 04755, contents: {inline: x}}\n": "target-value",
            'files:\n  - {path: /etc/x, contents: {source: "data:;base64,AAH/"}}\n': "target-value",
            "files:\n  - {path: /etc/x, contents: {source: http://x/y}}\n": "target-no-remote",
            "files:\n  - {path: /etc/hosts, contents: {inline: no address here}}\n": "target-value",
            f"disks:\n  - {{device: {DISK}, partitions: [{{number: 1, size_mib: 1}}]}}\n": "target-value",
            f"disks:\n  - {{device: {DISK}, partitions: [{{label: a_b, size_mib: 1}}]}}\n": "target-value",
            f"disks:\n  - {{device: {DISK}, partitions: [{{label: a, start_mib: 1}}]}}\n": "target-no-disks",
            f"disks:\n  - {{device: {DISK}, partitions: [{{label: a, size_mib: 1, resize: true}}]}}\n": "target-no-disks",
            "filesystems:\n  - {device: /dev/disk/by-id/a, format: xfs, path: /var/lib/data}\n": "target-mountpoint",
            "filesystems:\n  - {device: /dev/disk/by-id/a, format: xfs, path: /var/mnt/a/b}\n": "target-mountpoint",
            "filesystems:\n  - {device: /dev/disk/by-id/a, format: vfat, path: /var/mnt/a}\n": "target-value",
            "filesystems:\n  - {device: /dev/disk/by-id/a, format: xfs, path: /var/mnt/a, mount_options: [nosuid]}\n": "target-value",
            "filesystems:\n  - {device: /dev/disk/by-id/a, format: xfs, path: /var/mnt/a, options: [-K]}\n": "target-value",
            "filesystems:\n  - {device: /dev/disk/by-partlabel/a, format: xfs}\n": "target-no-disks",
            "filesystems:\n  - {device: /dev/disk/by-id/a, format: swap}\n": "target-no-disks",
            "luks:\n  - {name: a, device: /dev/disk/by-id/a, key_file: {inline: x}}\n": "target-no-luks",
            "luks:\n  - {name: a, device: /dev/disk/by-id/a}\n": "target-no-luks",
            "luks:\n  - {name: a, device: /dev/disk/by-id/a, clevis: {tang: [{url: http://t, thumbprint: x}]}}\n": "target-no-luks",
            "luks:\n  - {name: a, device: /dev/disk/by-id/a, clevis: {tpm2: true}, options: [--pbkdf]}\n": "target-value",
            "raid:\n  - {name: a, level: raid0, devices: [/dev/disk/by-id/a, /dev/disk/by-id/b]}\n": "target-no-raid",
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors_stand_at_their_line(text: str) -> None:
    result = emitted(text, "talos")
    assert result.output is None
    assert [entry.hint for entry in result.report if entry.severity == "error" and not entry.hint] == []
    assert [found for found, entry in zip(codes(result), result.report, strict=True) if entry.severity == "error"] == [ERRORS[text]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (storage("files:\n  - {path: /etc/x, contents: {inline: x}}\n"), "target-path"),
        (storage("raid:\n  - {name: a, level: raid1, devices: [/dev/disk/by-id/a, /dev/disk/by-id/b]}\n"), "target-no-raid"),
        (storage("filesystems:\n  - {device: /dev/disk/by-id/a, format: btrfs, path: /var/mnt/a}\n"), "target-value"),
        (quadlet(QUADLET), "target-no-units"),
    ],
)
def test_1_13_cannot(text: str, code: str) -> None:
    assert emitted(text, "talos").output is not None
    result = emitted(text, "talos@1.13")
    assert [entry.code for entry in result.report] == [code]


def test_all_losses_are_told_at_once() -> None:
    text = "machine: {timezone: UTC}\n" + storage(
        "files:\n  - {path: /var/x, user: {id: 1}, contents: {inline: x}}\n"
        "filesystems:\n  - {device: /dev/disk/by-id/a, format: xfs, path: /x}\n"
    )
    assert {entry.code for entry in emitted(text, "talos").report} == {
        "target-no-timezone", "target-no-owner", "target-path", "target-mountpoint",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["talos", "nixos"])
@pytest.mark.parametrize(("more", "refused"), [("", False), ("storage: {links: [{path: /opt/l, target: /opt/m}], luks: [{name: d, device: /dev/vdb, clevis: {tpm2: true, threshold: 2}}]}\n", True)])
def test_a_target_is_written_once(name: str, more: str, refused: bool) -> None:
    """Also where its cells refuse a field: what writing reports is in the same report."""
    chosen = choose(name)
    calls = []

    def write(*given: Any) -> dict[str, bytes]:
        calls.append(given)
        return chosen.target.write(*given)

    work = compiled(("variant: fcos\nversion: 1.5.0\n" + more).encode(), "n.bu", Options())
    emission = emit(work, chosen.but(target=chosen.target.but(write=write)))
    assert (len(calls), emission.outputs == {}) == (1, emission.report.fatal)
    assert not refused or emission.report.fatal


def test_wiping_is_lost() -> None:
    text = storage(
        f"disks:\n  - {{device: {DISK}, wipe_table: true, partitions: [{{label: a, size_mib: 512}}]}}\n"
        "luks:\n  - {name: v, device: /dev/disk/by-partlabel/a, wipe_volume: true, clevis: {tpm2: true}}\n"
        "filesystems:\n  - {device: /dev/mapper/v, format: xfs, wipe_filesystem: true}\n"
    )
    result = emitted(text, "talos")
    assert codes(result) == [("target-lost-wipe", 5), ("target-lost-wipe", 7), ("target-lost-wipe", 9)]
    assert result.output is not None


def test_kernel_arguments() -> None:
    text = 'kernel_arguments: {should_exist: ["console=ttyS0,115200n8", quiet]}\n'
    result = emitted(text, "talos")
    assert [entry.code for entry in result.report] == ["target-lost"]
    schematic = YAML(typ="safe").load(result.outputs["schematic.yaml"])
    assert schematic == {"customization": {"extraKernelArgs": ["console=ttyS0,115200n8", "quiet"]}}
    old = emitted(text, "talos@1.13")
    assert read(old.output or "") == [{"machine": {"install": {"extraKernelArgs": ["console=ttyS0,115200n8", "quiet"]}}}]


def test_patches_are_merged_over_documents_of_their_name() -> None:
    text = MACHINE + (
        "targets:\n  talos:\n    install: {installer: {image: i}, provisioning: {wipe: true}}\n    patches:\n"
        "      - {apiVersion: v1alpha1, kind: HostnameConfig, hostname: other}\n"
        "      - {apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: quay.io, endpoints: [{url: http://q}]}\n"
        "      - {machine: {type: worker}}\n"
    )
    made = documents(text)
    assert made[0] == {"kind": "HostnameConfig", "auto": "off", "hostname": "other"}
    assert made[-3:] == [
        {"kind": "UnattendedInstallConfig", "installer": {"image": "i"}, "provisioning": {"wipe": True}},
        {"kind": "RegistryMirrorConfig", "name": "quay.io", "endpoints": [{"url": "http://q"}]},
        {"machine": {"type": "worker"}},
    ]
    assert len(made) == len(FACTS) + 3


def test_old_and_native_first_document_are_one() -> None:
    text = "machine: {sysctl: {a.b: 1}}\ntargets:\n  talos: {patches: [{machine: {type: worker, sysctls: {c.d: '2'}}}]}\n"
    assert documents(text, "talos@1.13") == [{"machine": {"sysctls": {"a.b": "1", "c.d": "2"}, "type": "worker"}}]


def test_a_patch_that_is_no_document() -> None:
    result = emitted("targets:\n  talos: {patches: [1]}\n", "talos")
    assert [entry.code for entry in result.report] == ["target-option"]


def test_fcos_config() -> None:
    """Facts are lifted out of the files of another system."""
    text = storage(
        'files:\n  - {path: /etc/hostname, contents: {inline: "n1\\n"}}\n'
        '  - {path: /etc/sysctl.d/90.conf, contents: {inline: "vm.swappiness = 1\\n"}}\n'
    )
    assert documents(text, head=FCOS) == [
        {"kind": "HostnameConfig", "auto": "off", "hostname": "n1"},
        {"kind": "SysctlConfig", "params": {"vm.swappiness": "1"}},
    ]


def test_host_name_that_talos_refuses() -> None:
    text = storage(f"files:\n  - {{path: /etc/hostname, contents: {{inline: {'a' * 64}}}}}\n")
    assert codes(emitted(text, "talos", head=FCOS)) == [("target-value", 5)]


def test_versions() -> None:
    from butane_py.targets.registry import choose

    chosen: Chosen = choose("talos@1.13")
    assert not chosen.at_least("1.14")
    assert choose("talos").version == "1.14"


@pytest.mark.skipif("TALOS_SCHEMA" not in os.environ, reason="Talos' own schema is not ours to carry: TALOS_SCHEMA names config.schema.json")
def test_documents_hold_to_the_schema_of_talos() -> None:
    """Each document against the definition of its kind; the schema's top level only says that none fits."""
    schema = json.loads(Path(os.environ["TALOS_SCHEMA"]).read_text())
    by_kind = {
        kind: name for name, each in schema["$defs"].items() for kind in each.get("properties", {}).get("kind", {}).get("enum", [])
    }
    text = MACHINE + storage(
        disk("label: data, size_mib: 2048", "label: a, size_mib: 10", "label: sw, size_mib: 10")
        + "filesystems:\n  - {device: /dev/disk/by-partlabel/data, format: ext4, path: /var/mnt/data}\n"
        "  - {device: /dev/disk/by-partlabel/sw, format: swap}\n"
        "raid:\n  - {name: r, level: raid1, devices: [/dev/disk/by-partlabel/a, /dev/disk/by-id/y]}\n"
        'files:\n  - {path: /etc/x, contents: {inline: "x"}}\n  - {path: /etc/hosts, contents: {inline: "10.0.0.1 a"}}\n'
    ) + quadlet(QUADLET)
    for each in YAML(typ="safe", pure=True).load_all(StringIO(emitted(text, "talos").output or "")):
        validator = Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{by_kind[each['kind']]}"})
        problems = [error.message for error in validator.iter_errors(dict(each))]
        assert problems == [], each
