"""Unknown keys are answered from the tables, and headers that name no row by what was probably meant."""

from __future__ import annotations

import pytest

import butane_py
from ignition_py.spec.read import parse

FILE = "storage:\n  files:\n    - path: /a\n"
USER = "passwd:\n  users:\n    - name: core\n"


@pytest.mark.parametrize(
    ("row", "text", "said"),
    [
        ("fcos 1.6.0", FILE + "      contnets: {}\n", "unknown key `contnets` in storage.files; did you mean `contents`?"),
        ("fcos 1.6.0", FILE + "      permissions: 1\n", "unknown key `permissions` in storage.files"),
        ("fcos 1.6.0", FILE + "      contents:\n        mode: 0644\n",
         "unknown key `mode` in storage.files.contents; it belongs one level up, in storage.files"),
        ("fcos 1.6.0", FILE + "      inline: a\n", "unknown key `inline` in storage.files; it belongs one level down, in `contents`"),
        ("fcos 1.6.0", "files: []\n", "unknown key `files` at the top level; it belongs one level down, in `storage`"),
        ("fcos 1.6.0", "storage:\n  systemd: {}\n", "unknown key `systemd` in storage; it belongs one level up, at the top level"),
        ("fcos 1.6.0", FILE + "      contents:\n        disks: []\n",
         "unknown key `disks` in storage.files.contents; it belongs 2 levels up, in storage"),
        ("fcos 1.6.0", "systemd:\n  quadlets: []\n",
         "unknown key `quadlets` in systemd: it came with fcos 1.8.0-experimental; this config is 1.6.0"),
        ("fcos 1.4.0", USER + "      sshAuthorizedKeysLocal: []\n",
         "unknown key `sshAuthorizedKeysLocal` in passwd.users: it came with fcos 1.5.0; this config is 1.4.0"),
        ("flatcar 1.1.0", "boot_device: {}\n", "unknown key `boot_device` at the top level: it is a key of fcos and openshift, not of flatcar"),
        ("fcos 1.6.0", "openshift: {}\n", "unknown key `openshift` at the top level: it is a key of openshift, not of fcos"),
        ("fcos 1.6.0", USER + "      sshAuthorizedKeys: []\n",
         "unknown key `sshAuthorizedKeys` in passwd.users; it is spelled `ssh_authorized_keys`"),
        ("fcos 1.6.0", USER + "      no-create-home: true\n", "unknown key `no-create-home` in passwd.users; it is spelled `no_create_home`"),
        ("fcos 1.6.0", f"storage:\n  {'x' * 300}: 1\n", f"unknown key `{'x' * 100}…` in storage"),
        ("fcos 1.6.0", "ignition:\n  version: 3.0.0\n", "unknown key `version` in ignition: the compiler writes it"),
    ],
)  # fmt: skip
def test_the_cause_is_named(row: str, text: str, said: str) -> None:
    variant, _, version = row.partition(" ")
    entries = list(butane_py.compile(f"variant: {variant}\nversion: {version}\n{text}").report)
    assert [(entry.severity, entry.message) for entry in entries if entry.code == "unused-key"] == [("warning", said)]


@pytest.mark.parametrize(
    ("key", "column", "end"), [("mdoe", 7, 11), ("Mode", 7, 11), ('"mdoe"', 8, 12), ("'mdoe'", 8, 12)]
)
def test_the_fix_covers_the_key(key: str, column: int, end: int) -> None:
    entry = next(iter(butane_py.compile(f"variant: fcos\nversion: 1.6.0\n{FILE}      {key}: 0644\n").report))
    assert entry.fix is not None
    span = entry.fix.place
    assert (span.line, span.column, span.end_line, span.end_column, entry.fix.replacement) == (6, column, 6, end, "mode")


def test_a_key_that_is_not_written_as_it_is_read_has_no_fix() -> None:
    entry = next(iter(butane_py.compile(f'variant: fcos\nversion: 1.6.0\n{FILE}      "m\\x64oe": 0644\n').report))
    assert ("mode" in entry.message, entry.fix) == (True, None)


def test_many_unknown_keys_are_all_reported() -> None:
    keys = "".join(f"key{i}: 1\n" for i in range(300))
    assert len(butane_py.compile(f"variant: fcos\nversion: 1.6.0\n{keys}").report) == 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"storage": {"luks": []}', "unknown key `luks` in storage: it came with spec 3.2.0; this config is 3.1.0"),
        ('"storage": {"files": [{"path": "/a", "Mode": 1}]}', "the key `Mode` in storage.files is taken for `mode`, which is how it is spelled"),
        ('"storage": {"disks": [{"device": "/a", "wipe_table": true}]}', "unknown key `wipe_table` in storage.disks; it is spelled `wipeTable`"),
        ('"files": []', "unknown key `files` at the top level; it belongs one level down, in `storage`"),
        ('"storge": {}', "unknown key `storge` at the top level; did you mean `storage`?"),
    ],
)
def test_ignition_configs_get_the_same_answers(text: str, said: str) -> None:
    report = parse(f'{{"ignition": {{"version": "3.1.0"}}, {text}}}'.encode())[2]
    assert [entry.message for entry in report] == [said]


@pytest.mark.parametrize(
    ("header", "code", "said", "hint"),
    [
        ("variant: fcos\nversion: 1.6.0\nversion: 1.6.0\n", "key-repeated", "in line 2", ""),
        ("variant: [fcos]\nversion: 1.6.0\n", "wrong-type", "variant is a list", ""),
        ("variant: fcos\nversion: 1.6.0\nstorage: {}\nstorage: {}\n", "key-repeated", "'storage'", ""),
        ("variant: fedora-coreos\nversion: 1.6.0\n", "variant-unknown", "did you mean fcos?", "variant: fcos and version: 1.7.0"),
        ("variant: Fedora_IoT\nversion: 1.0.0\n", "variant-unknown", "did you mean fiot?", "variant: fiot and version: 1.0.0"),
        ("variant: rhel-edge\nversion: 1.0.0\n", "variant-unknown", "did you mean r4e?", "version: 1.1.0"),
        ("variant: rhcos\nversion: 4.12.0\n", "variant-unknown", "did you mean openshift?", "version: 4.22.0"),
        ("variant: fcso\nversion: 1.6.0\n", "variant-unknown", "did you mean fcos?", "version: 1.7.0"),
        ("variant: fcos\nversion: 1.6\n", "version-invalid", "'1.6' has two numbers", "write 1.6.0"),
        ("variant: fcos\nversion: 9.9\n", "version-invalid", "'9.9' has two numbers", "write 1.7.0"),
        ("variant: fcos\n", "version-invalid", "version is missing", "version: 1.7.0"),
        ("variant: fcos\nversion: 1.9.0\n", "version-unknown", "nearest: 1.8.0-experimental", "write 1.7.0, the newest stable"),
        ("version: 1.6.0\n", "variant-missing", "variant is missing", "variant: fcos"),
        ("", "variant-missing", "the config is empty", "variant: fcos"),
    ],
)
def test_headers(header: str, code: str, said: str, hint: str) -> None:
    entry = next(iter(butane_py.compile(header).report))
    assert (entry.code, said in entry.message, hint in entry.hint) == (code, True, True), (entry.message, entry.hint)


@pytest.mark.parametrize(
    ("header", "text", "said"),
    [
        ("variant: flatcar\nversion: 1.1.0", "storage: {luks: [{name: a, device: /dev/a, cex: {}}]}", "it is a key of fcos and openshift, not of flatcar"),
        ("variant: fiot\nversion: 1.0.0", "storage: {luks: [{name: a, device: /dev/a, cex: {}}]}", "it is a key of fcos and openshift, not of fiot"),
        ("variant: flatcar\nversion: 1.0.0", "passwd: {users: [{name: a, should_exist: true}]}\nstorage: {luks: [{discard: true}]}", "it came with flatcar 1.1.0"),
    ],
)  # fmt: skip
def test_no_version_is_proposed_that_forbids_the_key(header: str, text: str, said: str) -> None:
    messages = [entry.message for entry in butane_py.compile(f"{header}\n{text}\n").report if entry.code == "unused-key"]
    assert [said in message for message in messages] == [True], messages
