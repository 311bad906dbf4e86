"""Rules of files, contents, URLs, secrets, kernel arguments, templates and versions."""

from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path

import pytest

from tests.butane.lint.linted import codes, entries, file, unit

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
SCRIPT = "#!/bin/bash\ntrue"
SUM = hashlib.sha256(b"hello\n").hexdigest()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (file("/etc/hosts", "a"), ["lint-file-in-image"]),
        (file("/etc/hosts", "a", "overwrite: true"), []),
        ("storage:\n  files: [{path: /etc/hosts, append: [{inline: a}]}]\n", []),
        ("storage:\n  files: [{path: /etc/hosts, mode: 0600}]\n", []),
        ("storage:\n  links: [{path: /etc/nsswitch.conf, target: /a}]\n", ["lint-file-in-image"]),
        (file("/etc/hostname", "a"), []),
        (file("/usr/bin/a", "a"), ["lint-path-read-only"]),
        (file("/usr/local/bin/a", "a"), []),
        (file("/proc/a", "a"), ["lint-path-read-only"]),
        (file("/usrlocal/a", "a"), []),
        (file("/run/a", "a"), ["lint-path-volatile"]),
        (file("/tmp/a", "a"), ["lint-path-volatile"]),
        (file("/boot/a", "a"), ["lint-path-volatile"]),
        (file("/var/tmp/a", "a"), []),
        ("grub:\n  users: [{name: root, password_hash: grub.pbkdf2.sha512.1.A.B}]\n", []),
        (file("/opt/a", SCRIPT), ["lint-script-not-executable"]),
        (file("/opt/a", SCRIPT, "mode: 0755"), []),
        (file("/opt/a", SCRIPT, "mode: 0644"), ["lint-script-not-executable"]),
        (file("/opt/a", "text"), []),
        (file("/etc/profile.d/a.sh", SCRIPT), []),
        (file("/opt/a", SCRIPT) + unit("a.service", "[Service]\nExecStart=/bin/bash -e /opt/a\n[Install]\nWantedBy=multi-user.target"), []),
        (file("/etc/key", KEY), ["lint-private-key-readable"]),
        (file("/etc/key", KEY, "mode: 0600"), []),
        (file("/etc/key", KEY, "mode: 0640"), []),
        (file("/etc/key", KEY.replace("PRIVATE", "PUBLIC")), []),
        (file("/etc/key", KEY.replace("BEGIN", "BEGIN EC")), ["lint-private-key-readable"]),
        (file("/etc/sudoers.d/ops", "a", "mode: 0440"), []),
        (file("/etc/sudoers.d/ops.conf", "a", "mode: 0440"), ["lint-sudoers-file"]),
        (file("/etc/sudoers.d/ops~", "a", "mode: 0440"), ["lint-sudoers-file"]),
        (file("/etc/sudoers.d/ops", "a", "mode: 0666"), ["lint-sudoers-file"]),
        (file("/etc/hostname", "web-1.example.com"), []),
        (file("/etc/hostname", "# mine\nweb"), []),
        (file("/etc/hostname", "web\ndb"), ["lint-hostname-invalid"]),
        (file("/etc/hostname", "my_host"), ["lint-hostname-invalid"]),
        (file("/etc/hostname", "-web"), ["lint-hostname-invalid"]),
        (file("/etc/hostname", "a" * 65), ["lint-hostname-invalid"]),
        (file("/etc/hostname", "a" * 64), []),
        ("storage:\n  files: [{path: /etc/hostname, contents: {source: 'data:,'}}]\n", ["lint-hostname-invalid"]),
        (file("/etc/NetworkManager/system-connections/a.nmconnection", "a"), ["lint-nmconnection-readable"]),
        (file("/etc/NetworkManager/system-connections/a.nmconnection", "a", "mode: 0600"), []),
        ('storage:\n  files: [{path: /opt/a, mode: 0755, contents: {inline: "#!/bin/sh\\r\\n"}}]\n', ["lint-crlf"]),
        ('storage:\n  files: [{path: /opt/a, contents: {inline: "a\\r\\n"}}]\n', []),
        ('systemd:\n  units: [{name: a.service, enabled: false, contents: "[Service]\\r\\nExecStart=/a\\r\\n"}]\n', ["lint-crlf"]),
        ("storage:\n  links: [{path: /etc/systemd/system/a.target.wants/sshd.service, target: /b}]\n", ["lint-wants-link"]),
        ("storage:\n  links: [{path: /etc/systemd/system/a.service, target: /b}]\n", []),
        ("storage:\n  links: [{path: /etc/systemd/system/a.target.wants/b.service, target: ../b.service}]\n"
         + unit("b.service", "[Service]\nExecStart=/bin/true", enabled=None), []),
        ("storage:\n  luks: [{name: a, device: /dev/disk/by-id/a, key_file: {inline: secret}}]\n", ["lint-luks-key-inline"]),
        ("storage:\n  luks: [{name: a, device: /dev/disk/by-id/a, clevis: {tpm2: true}}]\n", []),
    ],
)  # fmt: skip
def test_files(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_sudoers_that_all_may_read_are_information() -> None:
    assert [entry.severity for entry in entries(file("/etc/sudoers.d/ops", "a"))] == ["info"]


def test_what_a_filesystem_of_the_config_is_mounted_over() -> None:
    text = "storage:\n  filesystems: [{device: /dev/disk/by-id/a, format: ext4, path: /boot}]\n"
    assert codes(text + file("/boot/a", "a").removeprefix("storage:\n")) == []


def test_a_mode_that_is_written_gets_a_fix() -> None:
    (found,) = entries(file("/opt/a", SCRIPT, "mode: 0644"))
    assert found.fix is not None and found.fix.replacement == "0755"
    assert (found.fix.place.column, found.fix.place.end_column) == (13, 17)


def test_files_of_flatcar() -> None:
    head = "variant: flatcar\nversion: 1.1.0\n"
    assert codes(head + file("/etc/flatcar/update.conf", "a")) == ["lint-file-in-image"]
    assert codes(head + file("/etc/bashrc", "a")) == []
    assert codes(head + file("/usr/share/oem/grub.cfg", "a")) == []


def _source(source: str, *more: str) -> str:
    lines = "".join(f"        {line}\n" for line in more)
    return f"storage:\n  files:\n    - path: /opt/a\n      contents:\n        source: {source}\n{lines}"


def _data(contents: bytes) -> str:
    return "data:;base64," + base64.b64encode(contents).decode()


PACKED = gzip.compress(b"hello\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_source(_data(PACKED), "compression: gzip"), []),
        (_source(_data(PACKED)), ["lint-gzip-undeclared"]),
        (_source(_data(PACKED)).replace("/opt/a", "/opt/a.tar.gz"), []),
        (_source(_data(b"hello\n"), "compression: gzip"), ["lint-gzip-invalid"]),
        (_source(_data(PACKED[:-5]), "compression: gzip"), ["lint-gzip-invalid"]),
        (_source(_data(PACKED + PACKED), "compression: gzip"), []),
        (_source("https://example.com/a", "compression: gzip", f"verification: {{hash: sha256-{SUM}}}"), []),
        (_source(_data(b"hello\n"), f"verification: {{hash: sha256-{SUM}}}"), []),
        (_source(_data(b"hello\n"), f"verification: {{hash: sha256-{SUM.upper()}}}"), []),
        (_source(_data(PACKED), "compression: gzip", f"verification: {{hash: sha256-{SUM}}}"), []),
        (_source(_data(b"hullo\n"), f"verification: {{hash: sha256-{SUM}}}"), ["lint-hash-mismatch"]),
        (_source(_data(b"hello\n"), f"verification: {{hash: sha512-{'0' * 128}}}"), ["lint-hash-mismatch"]),
        (_source("http://example.com/a"), ["lint-http-unverified"]),
        (_source("HTTP://example.com/a"), ["lint-http-unverified"]),
        (_source("tftp://example.com/a"), ["lint-http-unverified"]),
        (_source("http://example.com/a", f"verification: {{hash: sha256-{SUM}}}"), []),
        (_source("https://example.com/a"), ["lint-remote-unverified"]),
        (_source("s3://bucket/a"), ["lint-remote-unverified"]),
        (_source("data:,a"), []),
        (_source("https://u:secret@example.com/a", f"verification: {{hash: sha256-{SUM}}}"), ["lint-url-password"]),
        (_source("https://u@example.com/a", f"verification: {{hash: sha256-{SUM}}}"), []),
        ("ignition:\n  proxy: {https_proxy: 'https://u:secret@proxy'}\n", ["lint-url-password"]),
    ],
)
def test_contents(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_local_files_are_hashed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello\n")
    text = "storage:\n  files: [{path: /opt/a, contents: {local: a, verification: {hash: sha256-%s}}}]\n"
    assert codes(text % SUM, tmp_path) == []
    (found,) = entries(text % ("0" * 64), tmp_path)
    assert found.code == "lint-hash-mismatch" and f"sha256-{SUM}" in found.hint


def test_secrets_are_in_no_message() -> None:
    texts = ("https://u:hunter2@example.com/a",)
    for text in texts:
        assert not any("hunter2" in entry.message + entry.hint for entry in entries(_source(text)))
    assert not any("hunter2" in entry.message + entry.hint for entry in entries("passwd:\n  users: [{name: core, password_hash: hunter2}]\n"))


@pytest.mark.parametrize(
    ("argument", "wrong"),
    [
        ("quiet", False), ("console=ttyS0,115200", False), ("root=UUID=1234", False), ('dyndbg="file a.c +p"', False), ("a.b=c", False), ("set=1", False),
        ("set linux_append=quiet", True), ("linux_append=$linux_append quiet", True), ("a=$b", True), ("a=${b}", True), ("quiet splash", True),
        ("'quiet'", True), ("", True), ("append a", True),
    ],
)  # fmt: skip
def test_kernel_arguments(argument: str, wrong: bool) -> None:
    quoted = '"' + argument.replace('"', '\\"') + '"'
    expected = ["lint-kernel-argument"] if wrong else []
    assert codes(f"kernel_arguments:\n  should_exist: [{quoted}]\n", select=("lint-kernel",)) == expected
    openshift = "variant: openshift\nversion: 4.18.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n"
    assert codes(f"{openshift}openshift:\n  kernel_arguments: [{quoted}]\n", select=("lint-kernel",)) == expected


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("${NAME}", True), ("{{ name }}", True), ("%%NAME%%", True), ("@NAME@", True), ("__NAME__", True), ("%{ if a }", True), ("<your name>", True),
        ("a@b.example", False), ("name", False), ("__init__.py", False), ("$NAME", False), ("a{b}c", False), ("user@HOST", False), ("%i", False),
    ],
)  # fmt: skip
def test_placeholders(value: str, found: bool) -> None:
    text = f"passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: ['{value}']\n"
    assert codes(text, select=("lint-placeholder",)) == (["lint-placeholder"] if found else [])


def test_what_follows_from_a_placeholder_is_not_reported() -> None:
    user = "passwd:\n  users:\n    - name: core\n      password_hash: ${HASH}\n      ssh_authorized_keys: ['${KEY}']\n"
    assert codes(user) == ["lint-placeholder"] * 2


def test_braces_of_contents_are_their_own() -> None:
    text = file("/opt/a", "${X} {{ y }} @Z@") + unit("a.service", "[Service]\nExecStart=/bin/a ${X} {{y}} @Z@")
    assert codes(text, select=("lint-placeholder",)) == []


MOUNT = "storage:\n  filesystems: [{device: /dev/disk/by-label/a, format: ext4, path: %s, with_mount_unit: true}]\n"


@pytest.mark.parametrize(
    ("version", "path", "named"),
    [("1.5.0", "/data", "fcos 1.6.0"), ("1.3.0", "/data", "fcos 1.6.0"), ("1.5.0", "/var/data", ""), ("1.8.0-experimental", "/var/data", "")],
)
def test_what_newer_versions_refuse(version: str, path: str, named: str) -> None:
    found = entries(f"variant: fcos\nversion: {version}\n{MOUNT % path}", select=("lint-newer",))
    assert [entry.message.startswith(named) for entry in found] == ([True] if named else [])


@pytest.mark.parametrize(
    ("head", "old"),
    [("fcos\nversion: 1.0.0", True), ("fcos\nversion: 1.7.0", False), ("fcos\nversion: 1.8.0-experimental", False), ("flatcar\nversion: 1.0.0", True),
     ("flatcar\nversion: 1.1.0", False), ("fiot\nversion: 1.0.0", False)],
)  # fmt: skip
def test_old_versions(head: str, old: bool) -> None:
    found = entries(f"variant: {head}\n", select=("lint-old-version",))
    assert [entry.severity for entry in found] == (["info"] if old else [])
