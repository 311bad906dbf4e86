"""systemd units, crypttab, the result file and SELinux labels."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Clevis, ClevisCustom, Luks, Tang
from ignition_py.stages.files import crypttab, result, units
from ignition_py.stages.files.touched import Touched
from ignition_py.system import selinux
from ignition_py.system.log import WARNING
from ignition_py.system.rootfs import Root
from ignition_py.system.run import CommandError
from tests.helpers.programs import only_programs_in
from tests.stages.files.files_machine import Machine, config_of, install

pytestmark = pytest.mark.subprocess

PRESET = "/etc/systemd/system-preset/20-ignition.preset"
TEXT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def planned(*parts: dict[str, Any]) -> list[str]:
    return [preset.line() for preset in units.plan_presets(config_of(systemd={"units": list(parts)}).systemd.units)]


def test_presets_are_sorted_and_instances_share_a_line() -> None:
    assert planned(
        {"name": "z.service", "enabled": True}, {"name": "echo@b.service", "enabled": True}, {"name": "a.service", "enabled": False},
        {"name": "echo@a.service", "enabled": True}, {"name": "echo@c.service", "enabled": False}, {"name": "none.service"},
    ) == ["disable a.service", "disable echo@.service c", "enable echo@.service b a", "enable z.service"]  # fmt: skip


def test_template_without_an_instance() -> None:
    assert planned({"name": "echo@.service", "enabled": True}) == ["enable echo@.service "]


def test_instance_with_dots() -> None:
    assert planned({"name": "echo@a.b.service", "enabled": True}) == ["enable echo@.service a.b"]


def test_files_of_units() -> None:
    config = config_of(systemd={"units": [
        {"name": "a.service", "contents": TEXT, "dropins": [{"name": "x.conf", "contents": ""}, {"name": "y.conf"}]},
        {"name": "b.service", "contents": ""},
    ]})  # fmt: skip
    assert [(file.path, file.text) for file in units.plan_files(config.systemd.units)] == [
        ("/etc/systemd/system/a.service.d/x.conf", ""),
        ("/etc/systemd/system/a.service", TEXT),
    ]


@pytest.mark.parametrize("name", ["../a.service", "a/b.service", "a\nenable evil.service"])
def test_names_that_would_write_elsewhere(name: str) -> None:
    config = config_of(systemd={"units": [{"name": name, "contents": TEXT}]})
    with pytest.raises(StageError, match="cannot be the name"):
        units.plan_files(config.systemd.units)


@pytest.mark.root
class TestUnits:
    def test_all_of_it(self, machine: Machine) -> None:
        machine.write("/usr/lib/systemd/system/image.service", TEXT)
        os.makedirs(machine.path("/etc/systemd/system"))
        os.symlink("/dev/null", machine.path("/etc/systemd/system/unmasked.service"))
        os.symlink("/dev/null", machine.path("/etc/systemd/system/written.service"))
        machine.run(systemd={"units": [
            {"name": "new.service", "contents": TEXT, "enabled": True, "dropins": [{"name": "10.conf", "contents": "[Service]\n"}]},
            {"name": "image.service", "mask": True},
            {"name": "unmasked.service", "mask": False},
            {"name": "written.service", "contents": TEXT},
        ]})  # fmt: skip
        assert machine.read("/etc/systemd/system/new.service") == TEXT and machine.mode("/etc/systemd/system/new.service") == 0o644
        assert machine.read("/etc/systemd/system/new.service.d/10.conf") == "[Service]\n"
        assert os.readlink(machine.path("/etc/systemd/system/image.service")) == "/dev/null"
        assert not os.path.lexists(machine.path("/etc/systemd/system/unmasked.service"))
        assert machine.read("/etc/systemd/system/written.service") == TEXT
        assert machine.read(PRESET) == "enable new.service\n" and machine.mode(PRESET) == 0o644

    def test_image_presets_are_kept(self, machine: Machine) -> None:
        machine.write(PRESET, "enable image.service\n", 0o600)
        machine.run(systemd={"units": [{"name": "a.service", "enabled": True}]})
        assert machine.read(PRESET) == "enable image.service\nenable a.service\n" and machine.mode(PRESET) == 0o600

    @pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl decides what is enabled")
    def test_disabling(self, machine: Machine) -> None:
        for name in ("on", "off"):
            machine.write(f"/usr/lib/systemd/system/{name}.service", TEXT)
        os.makedirs(machine.path("/etc/systemd/system/multi-user.target.wants"))
        os.symlink("/usr/lib/systemd/system/on.service", machine.path("/etc/systemd/system/multi-user.target.wants/on.service"))
        machine.run(systemd={"units": [{"name": f"{name}.service", "enabled": False} for name in ("on", "off", "nowhere")]})
        assert machine.read(PRESET) == "disable on.service\n"
        assert not os.path.lexists(machine.path("/etc/systemd/system/multi-user.target.wants/on.service"))

    def test_disabling_without_systemctl(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        only_programs_in(monkeypatch, "/nowhere")
        machine.run(systemd={"units": [{"name": "a.service", "enabled": False}]})
        assert machine.read(PRESET) == "disable a.service\n"

    def test_enabled_units_that_are_nowhere_are_reported(self, machine: Machine) -> None:
        machine.write("/usr/lib/systemd/system/echo@.service", TEXT)
        machine.run(systemd={"units": [{"name": "nowhere.service", "enabled": True}, {"name": "echo@x.service", "enabled": True}]})
        warnings = [line for priority, line in machine.log.lines if priority == WARNING]
        assert len(warnings) == 1 and "nowhere.service" in warnings[0]

    @pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl makes the links")
    def test_enabling_by_links(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """For images whose machines have an ID at the first boot, so that systemd does not look at presets."""
        wants = "/etc/systemd/system/multi-user.target.wants"
        machine.write("/usr/lib/systemd/system/image.service", TEXT)
        machine.write("/usr/lib/systemd/system/echo@.service", TEXT)
        wanted: list[dict[str, Any]] = [
            {"name": "new.service", "contents": TEXT, "enabled": True},
            {"name": "image.service", "enabled": True},
            {"name": "echo@x.service", "enabled": True},
            {"name": "static.service", "contents": "[Service]\nExecStart=/a\n", "enabled": True},
            {"name": "masked.service", "mask": True, "enabled": True},
            {"name": "nowhere.service", "enabled": True},
        ]
        machine.run(systemd={"units": wanted})
        assert not os.path.exists(machine.path(wants))
        monkeypatch.setenv("IGNITION_ENABLE_UNITS_BY_LINKS", "true")
        for _ in range(2):
            machine.run(systemd={"units": wanted})
            found = {name: os.readlink(machine.path(f"{wants}/{name}")).removeprefix("/usr") for name in os.listdir(machine.path(wants))}
            assert found == {
                "new.service": "/etc/systemd/system/new.service",
                "image.service": "/lib/systemd/system/image.service",
                "echo@x.service": "/lib/systemd/system/echo@.service",
            }
        assert machine.read(PRESET).startswith("enable echo@.service x\n")
        monkeypatch.setenv("IGNITION_ENABLE_UNITS_BY_LINKS", "maybe")
        with pytest.raises(StageError, match="IGNITION_ENABLE_UNITS_BY_LINKS is 'maybe'"):
            machine.run(systemd={"units": wanted})

    def test_a_directory_in_the_way(self, machine: Machine) -> None:
        os.makedirs(machine.path("/etc/systemd/system/a.service"))
        with pytest.raises(StageError, match=r"a\.service.*Is a directory"):
            machine.run(systemd={"units": [{"name": "a.service", "contents": TEXT}]})
        machine.run(systemd={"units": [{"name": "a.service", "mask": True}]})
        assert os.readlink(machine.path("/etc/systemd/system/a.service")) == "/dev/null"


# The result file


def test_result_text() -> None:
    text = result.result("id", "date", True, None)
    assert text == '{\n  "provisioningBootID": "id",\n  "provisioningDate": "date",\n  "userConfigProvided": true\n}\n'
    assert json.loads(result.result("id", "date", False, {"x": "<&>"}))["previousReport"] == {"x": "<&>"}
    assert "\\u003c\\u0026\\u003e" in result.result("id", "date", False, {"x": "<&>"})


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC0", "1970-01-01T00:00:00Z"), ("EST5", "1969-12-31T19:00:00-05:00"), ("IST-5:30", "1970-01-01T05:30:00+05:30")],
)
def test_rfc3339(zone: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert result.rfc3339(0) == expected
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.root
def test_result_file(machine: Machine) -> None:
    from ignition_py.state import FetchedConfig

    machine.state.fetched_configs = [FetchedConfig("base", "system"), FetchedConfig("user", "data:")]
    machine.run()
    found = json.loads(machine.read(result.PATH))
    with open("/proc/sys/kernel/random/boot_id") as file:
        assert found["provisioningBootID"] == file.read().strip()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", found["provisioningDate"])
    assert found["userConfigProvided"] is True and "previousReport" not in found
    assert machine.mode(result.PATH) == 0o600


@pytest.mark.root
def test_result_of_an_earlier_provisioning(machine: Machine) -> None:
    machine.write(result.PATH, '{"provisioningBootID": "old"}')
    machine.run()
    found = json.loads(machine.read(result.PATH))
    assert found["previousReport"] == {"provisioningBootID": "old"} and found["userConfigProvided"] is False
    assert any("provisioned before" in line for _, line in machine.log.lines)
    machine.write(result.PATH, "{")
    os.unlink(machine.path("/etc/.ignition-files.json"))
    with pytest.raises(StageError, match="damaged"):
        machine.run()


# LUKS


@pytest.mark.parametrize(
    ("clevis", "expected"),
    [
        ({}, "/etc/luks/v luks,x-initrd.attach"),
        ({"threshold": 1}, "none luks,x-initrd.attach"),
        ({"tpm2": True}, "none luks,x-initrd.attach"),
        ({"tang": (Tang(url="http://x"),)}, "none luks,_netdev,x-initrd.attach"),
        ({"custom": ClevisCustom(pin="p", needs_network=True)}, "none luks,_netdev,x-initrd.attach"),
        ({"custom": ClevisCustom(pin="p")}, "none luks,x-initrd.attach"),
        ({"custom": ClevisCustom(needs_network=True)}, "/etc/luks/v luks,x-initrd.attach"),
    ],
)
def test_crypttab_line(clevis: dict[str, Any], expected: str) -> None:
    assert crypttab.line(Luks(name="v", device="/dev/x", clevis=Clevis(**clevis)), "1234") == f"v UUID=1234 {expected}\n"


@pytest.fixture
def volume() -> Iterator[tuple[str, str]]:
    """A real LUKS volume in a file, and its UUID."""
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(32 << 20)
        uuid = "0b9ebd0c-7c8d-4a4c-9d3a-0d8f0f7a7c11"
        subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                        "--uuid", uuid, file.name, "-"], input=b"key", check=True)  # fmt: skip
        yield file.name, uuid


@pytest.mark.root
@pytest.mark.skipif(shutil.which("cryptsetup") is None, reason="cryptsetup makes and reads the volume")
def test_crypttab(machine: Machine, volume: tuple[str, str]) -> None:
    device, uuid = volume
    machine.write("/etc/crypttab", "image UUID=1 none luks\n", 0o644)
    key = base64.b64encode(b"secret key").decode()
    luks = {"storage": {"luks": [{"name": "v", "device": device}]}}
    for _ in range(2):
        machine.state.luks_persist_key_files = {"v": f"data:;base64,{key}"}
        machine.run(**luks)
        assert machine.read("/etc/crypttab") == f"image UUID=1 none luks\nv UUID={uuid} /etc/luks/v luks,x-initrd.attach\n"
        assert machine.read("/etc/luks/v") == "secret key"
        assert [machine.mode(p) for p in ("/etc/crypttab", "/etc/luks/v", "/etc/luks")] == [0o600, 0o600, 0o700]
        assert machine.state.luks_persist_key_files == {}
    machine.run(**luks)  # the key is in its place
    os.unlink(machine.path("/etc/luks/v"))
    with pytest.raises(StageError, match="no key for LUKS volume v"):
        machine.run(**luks)
    assert "secret key" not in machine.log.text and key not in machine.log.text


# SELinux


def test_outermost() -> None:
    touched = Touched()
    for path in ("/a/b/c", "/a/b", "/a-b", "/a/bc", "/d"):
        touched.add(path)
    assert touched.outermost() == ["/a/b", "/a/bc", "/a-b", "/d"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, None),
        ("SELINUX=disabled\nSELINUXTYPE=mine\n", None),
        ("SELINUX=enforcing\nSELINUXTYPE=mine\n", "/etc/selinux/mine/contexts/files/file_contexts"),
        ("# SELINUXTYPE=other\nSELINUXTYPE=mine \n", "/etc/selinux/mine/contexts/files/file_contexts"),
        ("SELINUXTYPE=absent\n", None),
    ],
)
def test_policy(machine: Machine, config: str | None, expected: str | None) -> None:
    machine.write("/etc/selinux/mine/contexts/files/file_contexts", "")
    if config is not None:
        machine.write("/etc/selinux/config", config)
    with Root(machine.root) as root:
        assert selinux.policy(root) == expected


@pytest.mark.parametrize("config", ["SELINUXTYPE=\n", "SELINUXTYPE=../../x\n"])
def test_unusable_policy(machine: Machine, config: str) -> None:
    machine.write("/etc/selinux/config", config)
    with Root(machine.root) as root, pytest.raises(StageError, match="SELINUXTYPE"):
        selinux.policy(root)


CONTEXTS = """\
/.* system_u:object_r:default_t:s0
/etc(/.*)? system_u:object_r:etc_t:s0
/home/[^/]+/\\.ssh(/.*)? system_u:object_r:ssh_home_t:s0
/srv/link -l system_u:object_r:link_t:s0
"""


def label(machine: Machine, path: str) -> str | None:
    try:
        return os.getxattr(machine.path(path), "security.selinux", follow_symlinks=False).rstrip(b"\0").decode().split(":")[2]
    except OSError:
        return None


@pytest.mark.root
@pytest.mark.skipif(shutil.which("setfiles") is None, reason="setfiles (policycoreutils) sets the labels")
def test_labels(machine: Machine) -> None:
    machine.write("/etc/selinux/config", "SELINUXTYPE=mine\n")
    machine.write("/etc/selinux/mine/contexts/files/file_contexts", CONTEXTS)
    machine.write("/untouched/file")
    machine.run(
        passwd={"users": [{"name": "new", "sshAuthorizedKeys": ["k"]}]},
        storage={"files": [{"path": "/srv/a/new\nline"}, {"path": "/untouched/new"}],
                 "links": [{"path": "/srv/link", "target": "/nowhere/../x"}]},
        systemd={"units": [{"name": "a.service", "contents": TEXT, "enabled": True}]},
    )
    expected = {
        "/home": "default_t", "/home/new": "default_t", "/home/new/.ssh/authorized_keys.d/ignition": "ssh_home_t", "/srv": "default_t",
        "/srv/a": "default_t", "/srv/a/new\nline": "default_t", "/srv/link": "link_t", "/untouched": None, "/untouched/file": None,
        "/untouched/new": "default_t", "/etc": None, "/etc/passwd": "etc_t", "/etc/login.defs": None, "/etc/systemd": "etc_t",
        "/etc/systemd/system/a.service": "etc_t", PRESET: "etc_t", result.PATH: "etc_t", "/etc/.ignition-files.json": "etc_t",
    }  # fmt: skip
    assert {path: label(machine, path) for path in expected} == expected


@pytest.mark.root
@pytest.mark.skipif(shutil.which("setfiles") is None, reason="setfiles (policycoreutils) sets the labels")
@pytest.mark.parametrize("proc", ["directory", "link", None])
def test_labels_by_the_setfiles_of_the_new_root(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proc: str | None) -> None:
    """It finds what it is to label through /proc, which nobody has mounted there yet; afterwards nothing is mounted there."""
    machine.write("/etc/selinux/config", "SELINUXTYPE=mine\n")
    machine.write("/etc/selinux/mine/contexts/files/file_contexts", CONTEXTS)
    install("setfiles", machine.root)
    if proc == "directory":
        os.mkdir(machine.path("/proc"))
    elif proc == "link":
        os.symlink(tmp_path, machine.path("/proc"))
    for name in ("mount", "umount", "chroot"):
        os.symlink(shutil.which(name) or "", tmp_path / name)
    only_programs_in(monkeypatch, tmp_path)
    storage = {"files": [{"path": "/srv/a/file"}], "links": [{"path": "/srv/link", "target": "/nowhere"}]}
    if proc == "directory":
        machine.run(storage=storage)
        assert [label(machine, path) for path in ("/srv/a", "/srv/a/file", "/srv/link", result.PATH)] == ["default_t", "default_t", "link_t", "etc_t"]
    else:  # no image is like that; it is told, and nothing is mounted elsewhere
        with pytest.raises(CommandError, match="setfiles"):
            machine.run(storage=storage)
    with open("/proc/self/mounts") as file:
        mounted = file.read()
    assert machine.root not in mounted and str(tmp_path) not in mounted


@pytest.mark.root
def test_no_setfiles_anywhere(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    only_programs_in(monkeypatch, "/nowhere")
    machine.write("/etc/selinux/config", "SELINUXTYPE=mine\n")
    machine.write("/etc/selinux/mine/contexts/files/file_contexts", CONTEXTS)
    with pytest.raises(StageError, match="no setfiles"):
        machine.run(storage={"files": [{"path": "/f"}]})
