"""The target cloud-init: what each field becomes, held against `cloud-init schema` of Debian, and of a newer one where its schema is given.

BUTANE_CLOUD_INIT_SCHEMA names schema-cloud-config-v1.json of a newer cloud-init (its sources, cloudinit/config/schemas/).
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.helpers.targets import FCOS, codes, emitted
from tests.targets.test_tree import CONFIG

NEWER = os.environ.get("BUTANE_CLOUD_INIT_SCHEMA", "")
DISKS = """
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions:
        - {number: 1, label: 'a"b', size_mib: 100, start_mib: 2, guid: 5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6}
        - {label: swap, type_guid: 0657FD6D-A4AB-43C4-84E5-0933C84B4F4F}
    - {device: /dev/vdc, partitions: [{number: 2, label: data, size_mib: 10}, {label: more}]}
  filesystems:
    - {device: /dev/disk/by-partlabel/data, format: xfs, path: /var/data, label: d, uuid: 4ad32ac3-3a1a-4e5b-9a5c-4f2f1c5a0c11, options: [-b, size=4096], mount_options: [noatime], with_mount_unit: true}
    - {device: /dev/disk/by-partlabel/efi, format: vfat, label: E, wipe_filesystem: true}
    - {device: /dev/disk/by-partlabel/swap, format: swap, with_mount_unit: true}
  files: [{path: /var/data/a, contents: {inline: a}}]
"""


def cloud_config(text: str, target: str = "cloud-init", **more: Any) -> dict[str, Any]:
    """The cloud-config of a config without errors, as cloud-init's own reader has it."""
    result = emitted(text, target, **more)
    assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
    output = next(iter(result.outputs.values()))
    assert output.startswith(b"#cloud-config\n# Made by butane-py")
    data: dict[str, Any] = yaml.safe_load(output)
    assert json.loads(json.dumps(YAML(typ="safe").load(output))) == data
    return data


def valid(data: bytes, folder: Path) -> None:
    """Holds a cloud-config against the programs and schemas that are at hand."""
    path = folder / "user-data"
    path.write_bytes(data)
    if shutil.which("cloud-init"):
        done = subprocess.run(["cloud-init", "schema", "-c", str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    if NEWER:
        jsonschema.Draft4Validator(json.loads(Path(NEWER).read_text())).validate(yaml.safe_load(data))


@pytest.mark.subprocess
@pytest.mark.parametrize("text", [CONFIG, DISKS, "machine: {hostname: a, time_servers: [b]}\n", "storage: {files: [{path: /a, contents: {inline: 'yes'}}]}\n"])
@pytest.mark.parametrize("target", ["cloud-init", "cloud-init:bootc"])
def test_outputs_hold_to_the_schema(text: str, target: str, tmp_path: Path) -> None:
    result = emitted(text, target)
    assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
    valid(next(iter(result.outputs.values())), tmp_path)


def test_facts() -> None:
    data = cloud_config("machine: {hostname: node1.example.com, timezone: UTC, time_servers: [a, 192.0.2.1]}\n")
    assert data == {
        "hostname": "node1",
        "fqdn": "node1.example.com",
        "prefer_fqdn_over_hostname": True,
        "timezone": "UTC",
        "ntp": {"enabled": True, "servers": ["a", "192.0.2.1"]},
    }
    assert cloud_config("machine: {hostname: node1}\n") == {"hostname": "node1"}


def test_facts_lifted_out_of_files() -> None:
    text = """storage:
  files:
    - {path: /etc/hostname, contents: {inline: "node1\\n"}}
    - {path: /etc/chrony.conf, contents: {inline: "server a iburst\\n"}}
    - {path: /etc/systemd/timesyncd.conf, contents: {inline: "[Time]\\nNTP=b\\nFallbackNTP=c\\n"}}
    - {path: /etc/sysctl.d/10.conf, contents: {inline: "a.b = 1\\n"}}
  links: [{path: /etc/localtime, target: ../usr/share/zoneinfo/Europe/Berlin}]
"""
    result = emitted(text, "cloud-init", head=FCOS)
    assert codes(result) == [("target-lost", 7)]
    data = cloud_config(text, head=FCOS)
    assert (data["hostname"], data["timezone"], data["ntp"]["servers"]) == ("node1", "Europe/Berlin", ["b", "a"])
    assert [file["path"] for file in data["write_files"]] == ["/etc/sysctl.d/10.conf"]


def test_images_of_bootc_install_nothing() -> None:
    data = cloud_config(CONFIG + "", "cloud-init:bootc")
    assert "ntp" not in data and "ca_certs" not in data
    assert ["update-ca-trust"] in data["runcmd"]
    assert "/etc/pki/ca-trust/source/anchors/corp.pem" in [file["path"] for file in data["write_files"]]


def test_disks() -> None:
    data = cloud_config(DISKS)
    wipe, add, wipefs = data["bootcmd"]
    assert wipe[:5] == ["cloud-init-per", "instance", "butane-disk-0", "sh", "-ec"]
    assert 'label: gpt\n1 : start=2MiB, size=100MiB, name="a\\x22b", uuid=5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6\n' in wipe[5]
    assert 'name="swap", type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F\n' in wipe[5]
    assert "if [ ! -e /dev/disk/by-partlabel/data ]; then" in add[5] and "-N 2 /dev/vdc" in add[5] and "--append /dev/vdc" in add[5]
    assert wipefs[3:] == ["wipefs", "--all", "/dev/disk/by-partlabel/efi"]
    assert data["mounts"] == [
        ["/dev/disk/by-partlabel/data", "/var/data", "xfs", "noatime", "0", "2"],
        ["/dev/disk/by-partlabel/swap", "none", "swap", "sw", "0", "0"],
    ]
    assert data["fs_setup"][0]["extra_opts"] == ["-b", "size=4096", "-m", "uuid=4ad32ac3-3a1a-4e5b-9a5c-4f2f1c5a0c11"]
    assert data["fs_setup"][1] == {"device": "/dev/disk/by-partlabel/efi", "filesystem": "vfat", "overwrite": True, "extra_opts": ["-n", "E"]}
    assert data["write_files"] == [{"path": "/var/data/a", "permissions": "0644", "defer": True, "content": "a"}]
    assert "runcmd" not in data  # the mount unit is the filesystem's


@pytest.mark.subprocess
def test_the_scripts_make_the_tables(tmp_path: Path) -> None:
    """sfdisk itself, on disk images; udev and partprobe are left out."""
    scripts = [command[5] for command in cloud_config(DISKS)["bootcmd"][:2]]
    for index, name in enumerate(("vdb", "vdc")):
        image = tmp_path / name
        image.write_bytes(b"")
        os.truncate(image, 256 << 20)
        text = "".join(f"{line}\n" for line in scripts[index].splitlines() if not line.startswith(("udevadm", "partprobe")))
        for _ in range(2 if index else 1):  # with the table there already, partitions are added
            subprocess.run(["sh", "-ec", text.replace(f"/dev/{name}", str(image)).replace("--no-reread", "")], check=True, capture_output=True)
    table = json.loads(subprocess.run(["sfdisk", "--json", tmp_path / "vdb"], check=True, capture_output=True).stdout)["partitiontable"]
    assert table["label"] == "gpt"
    assert next((part["name"], part["start"], part["size"]) for part in table["partitions"]) == ('a"b', 4096, 100 * 2048)
    table = json.loads(subprocess.run(["sfdisk", "--json", tmp_path / "vdc"], check=True, capture_output=True).stdout)["partitiontable"]
    assert {part.get("name") for part in table["partitions"]} >= {"data"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kernel_arguments: {should_exist: [a], should_not_exist: [b]}\n", [("target-no-kargs", 3), ("target-no-karg-removal", 3)]),
        ("passwd: {users: [{name: a, should_exist: false}]}\n", [("target-no-users", 3)]),
        ("passwd: {users: [{name: a, system: true, ssh_authorized_keys: [ssh-ed25519 AAAA]}]}\n", [("target-value", 3)]),
        ("storage: {files: [{path: /a, contents: {source: 'tftp://a/b'}}]}\n", [("target-value", 3)]),
        ("storage: {luks: [{name: a, device: /dev/a, clevis: {tpm2: true}}]}\n", [("target-no-luks", 3)]),
        ("storage: {raid: [{name: a, level: raid1, devices: [/dev/a, /dev/b]}]}\n", [("target-no-raid", 3)]),
        ("storage:\n  disks: [{device: /dev/a, partitions: [{number: 1, resize: true, size_mib: 1}]}]\n", [("target-no-disks", 4)]),
        ("storage:\n  filesystems: [{device: /dev/a, format: ext4, path: /d}]\n  files: [{path: /d/a}]\n", [("target-mountpoint", 4)]),
        ("ignition: {config: {replace: {source: 'https://a/b'}}}\n", [("target-no-merge", 3)]),
    ],
)
def test_what_it_cannot_say(text: str, expected: list[tuple[str, int]]) -> None:
    result = emitted(text, "cloud-init")
    assert codes(result) == expected
    assert all(entry.hint for entry in result.report)


def test_native_text_is_merged_last() -> None:
    text = """passwd: {users: [{name: ops}]}
systemd: {units: [{name: a.service, enabled: true}]}
targets:
  cloud-init: {packages: [vim], runcmd: [[echo, hi]], default_user: false, users: [{name: own}], power_state: {mode: reboot}}
"""
    data = cloud_config(text)
    assert [user["name"] for user in data["users"]] == ["ops", "own"]
    assert data["runcmd"] == [["systemctl", "enable", "--now", "a.service"], ["echo", "hi"]]
    assert data["packages"] == ["vim"] and data["power_state"] == {"mode": "reboot"}


def test_files_that_the_boot_has_read_already_are_read_again() -> None:
    """Modules come before the sysctl keys that they bring; a folder that only looks like one of them is not one."""
    paths = ("/etc/sysctl.d/a.conf", "/usr/local/lib/modules-load.d/b.conf", "/usr/lib/udev/rules.d/c.rules", "/etc/modprobe.d/d.conf", "/etc/sysctl.d.old/e")
    made = cloud_config("storage:\n  files:\n" + "".join(f"    - {{path: {path}, contents: {{inline: x}}}}\n" for path in paths))
    assert made["runcmd"] == [
        ["systemctl", "restart", "systemd-modules-load.service"], ["sysctl", "--system"],
        ["udevadm", "control", "--reload"], ["udevadm", "trigger"],
    ]  # fmt: skip


def test_units_that_start_early_are_not_started_late() -> None:
    text = """systemd:
  units:
    - {name: early.service, enabled: true, contents: "[Install]\\nWantedBy=sysinit.target\\n"}
    - {name: late.service, enabled: true, contents: "[Install]\\nWantedBy=multi-user.target\\n"}
    - {name: a@.service, enabled: true, contents: "[Install]\\nDefaultInstance=b\\nWantedBy=multi-user.target\\n"}
    - {name: off.service, enabled: false}
    - {name: masked.service, mask: true, enabled: true, contents: "[Service]"}
  quadlets:
    - {name: web.container, rootful: true, contents: "[Container]\\nImage=a\\n[Install]\\nWantedBy=default.target\\n"}
    - {name: net.network, rootful: true, contents: "[Network]\\n"}
"""
    data = cloud_config(text)
    assert data["runcmd"] == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "mask", "masked.service"],
        ["systemctl", "disable", "off.service"],
        ["systemctl", "enable", "early.service"],
        ["systemctl", "enable", "--now", "late.service"],
        ["systemctl", "enable", "a@.service"],
        ["systemctl", "start", "web.service"],
    ]
    assert not any("masked" in file["path"] for file in data["write_files"])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_contents_come_back(contents: bytes) -> None:
    url = "data:;base64," + base64.b64encode(contents).decode()
    (file,) = cloud_config(f"storage: {{files: [{{path: /a, contents: {{source: '{url}'}}}}]}}\n")["write_files"]
    readers = {"": str.encode, "b64": base64.b64decode, "gz+b64": lambda text: gzip.decompress(base64.b64decode(text))}
    assert readers[file.get("encoding", "")](file["content"]) == contents
