"""systemd credentials: which there are, and that systemd's own programs read them."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from tests.helpers.targets import codes, emitted

CONFIG = """machine:
  timezone: Europe/Berlin
  sysctl: {net.ipv4.ip_forward: "1"}
passwd:
  groups: [{name: apps, gid: 2000}]
  users:
  - {name: ops, uid: 4000, groups: [apps], password_hash: $6$a$b, ssh_authorized_keys: [ssh-ed25519 A]}
  - {name: root, password_hash: $6$c$d, ssh_authorized_keys: [ssh-ed25519 R]}
storage:
  directories: [{path: /var/lib/a b, mode: 0750, group: {id: 2000}}]
  files: [{path: "/etc/a%b", mode: 0644, contents: {source: "data:;base64,AAEC/w=="}}, {path: /etc/empty, contents: {inline: ""}}]
  links: [{path: /etc/link, target: "a %b"}]
systemd:
  units:
  - {name: app.service, enabled: true, contents: "[Service]\\nExecStart=/bin/a\\n[Install]\\nWantedBy=multi-user.target"}
  - {name: sshd.service, dropins: [{name: a.conf, contents: "[Service]\\nRestart=always\\n"}, {name: b.conf, contents: "[Unit]\\nAfter=a"}]}
  - {name: x.service, mask: true}
"""


def credentials(text: str, target: str = "systemd-credentials") -> dict[str, str]:
    result = emitted(text, target)
    assert result.output is not None, [entry.raw() for entry in result.report]
    return {name: data.decode() for name, data in result.outputs.items()}


def test_every_credential_has_its_name() -> None:
    found = credentials(CONFIG)
    tmpfiles = found.pop("tmpfiles.extra")
    assert "L+ /etc/systemd/system/x.service - - - - /dev/null\n" in tmpfiles
    assert found == {
        "firstboot.timezone": "Europe/Berlin",
        "sysctl.extra": "net.ipv4.ip_forward = 1\n",
        "sysusers.extra": "g apps 2000\nu ops 4000 - /home/ops /bin/bash\nm ops apps\n",
        "passwd.hashed-password.ops": "$6$a$b",
        "passwd.hashed-password.root": "$6$c$d",
        "ssh.authorized_keys.root": "ssh-ed25519 R\n",
        "systemd.extra-unit.app.service": "[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=multi-user.target\n",
        "systemd.unit-dropin.multi-user.target": "[Unit]\nWants=app.service\n",
        "systemd.unit-dropin.sshd.service": "[Service]\nRestart=always\n[Unit]\nAfter=a\n",
    }


def test_other_forms_carry_the_same() -> None:
    files = credentials(CONFIG)
    smbios = credentials(CONFIG, "systemd-credentials:smbios")["smbios"]
    prefix = "io.systemd.credential.binary:"
    pairs = [line.removeprefix(prefix).partition("=") for line in smbios.splitlines() if line.startswith(prefix)]
    assert {name: base64.b64decode(data).decode() for name, _, data in pairs} == files
    words = credentials(CONFIG, "systemd-credentials:cmdline")["cmdline"].split()
    named = [word.removeprefix("systemd.set_credential_binary=").partition(":") for word in words]
    assert {name: base64.b64decode(data).decode() for name, _, data in named} == files


@pytest.mark.parametrize(
    ("text", "target", "code"),
    [
        ("systemd: {units: [{name: a.service, contents: \"[Service]\\n\"}]}\n", "systemd-credentials@252", "target-no-units"),
        ("systemd: {units: [{name: a.service, enabled: true}]}\n", "systemd-credentials", "target-no-units"),
        ("passwd: {users: [{name: ../a, system: true, password_hash: $6$a}]}\n", "systemd-credentials", "target-value"),
        ("systemd: {units: [{name: a.service, enabled: true, contents: \"[Install]\\nWantedBy=../../a\"}]}\n", "systemd-credentials", "target-value"),
        ("passwd: {users: [{name: a}]}\n", "systemd-credentials", "target-value"),
        ("storage: {files: [{path: /a, append: [{inline: a}]}]}\n", "systemd-credentials", "target-no-append"),
        ("storage: {links: [{path: /a, target: /b, hard: true}]}\n", "systemd-credentials", "target-value"),
        ("kernel_arguments: {should_exist: [a]}\n", "systemd-credentials", "target-no-kargs"),
        ("storage: {files: [{path: /a, mode: 0600, contents: {inline: a}}]}\n", "systemd-credentials", "target-secret"),
    ],
)
def test_what_credentials_cannot_say(text: str, target: str, code: str) -> None:
    assert codes(emitted(text, target)) == [(code, 3)]


def test_the_host_name_of_the_first_boot_needs_a_version() -> None:
    text = "machine: {hostname: node1}\n"
    assert credentials(text, "systemd-credentials@260") == {"firstboot.hostname": "node1"}
    assert credentials(text)["tmpfiles.extra"].startswith("f+~ /etc/hostname 0644 root root - ")


@pytest.mark.root
@pytest.mark.subprocess
def test_systemd_makes_of_the_lines_what_the_config_says(tmp_path: Path) -> None:
    found = credentials(CONFIG)
    (tmp_path / "etc").mkdir()
    for name, lines in (("systemd-sysusers", found["sysusers.extra"]), ("systemd-tmpfiles", found["tmpfiles.extra"])):
        create = ["--create"] if name == "systemd-tmpfiles" else []
        done = subprocess.run([name, f"--root={tmp_path}", *create, "-"], input=lines, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "ops:x:4000:4000::/home/ops:/bin/bash" in (tmp_path / "etc/passwd").read_text()
    assert (tmp_path / "etc/a%b").read_bytes() == b"\0\1\2\xff"
    assert (tmp_path / "etc/empty").read_bytes() == b""
    assert (tmp_path / "etc/link").readlink() == Path("a %b")
    folder = tmp_path / "var/lib/a b"
    assert (folder.stat().st_mode & 0o7777, folder.stat().st_gid) == (0o750, 2000)
    keys = tmp_path / "home/ops/.ssh/authorized_keys"
    assert (keys.read_text(), keys.stat().st_mode & 0o7777, keys.stat().st_uid) == ("ssh-ed25519 A\n", 0o600, 4000)
