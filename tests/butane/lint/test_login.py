"""Rules of logging in: keys as ssh-keygen writes them, hashes as openssl makes them, and what neither makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from butane_py.linter.login import hash_kind, key_problem
from tests.butane.lint.linted import codes, entries

ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS"


@pytest.mark.subprocess
@pytest.mark.parametrize("kind", [("ed25519", ""), ("rsa", "2048"), ("rsa", "4096"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521")])
def test_keys_of_ssh_keygen_are_keys(kind: tuple[str, str], tmp_path: Path) -> None:
    bits = ["-b", kind[1]] if kind[1] else []
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", kind[0], *bits, "-f", tmp_path / "k"], check=True)
    line = (tmp_path / "k.pub").read_text().strip()
    assert key_problem(line) == ""
    assert key_problem(f'from="10.0.0.0/8",command="echo \\"a b\\"",no-pty {line}') == ""
    assert key_problem(line.rsplit(" ", 1)[0]) == ""
    assert "cut off" in key_problem(" ".join([line.split()[0], line.split()[1][: len(line.split()[1]) // 8 * 4]]))
    subprocess.run(["ssh-keygen", "-q", "-s", tmp_path / "k", "-I", "id", "-n", "core", tmp_path / "k.pub"], check=True)
    assert key_problem((tmp_path / "k-cert.pub").read_text().strip()) == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (ED, ""),
        (f"{ED} a comment with words", ""),
        ("# a comment", ""),
        ("", ""),
        (ED.split()[1], "lacks its type"),
        ("ssh-ed2551 " + ED.split()[1], "did you mean ssh-ed25519"),
        ("ssh-ed25519", "no key behind it"),
        ("ssh-rsa " + ED.split()[1], "of another type"),
        ("ssh-rsa " + ED, "its type twice"),
        ("ssh-ed25519 AAAA!", "not base64"),
        ("ssh-ed25519 AAAA...", "not base64"),
        (ED[:-4], "cut off"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "cut off"),
        ("${SSH_KEY}", "not a type of key"),
        ("ssh-rsa \N{LATIN SMALL LETTER E WITH ACUTE}", "not base64"),
    ],
)
def test_lines(line: str, problem: str) -> None:
    found = key_problem(line)
    assert problem in found and bool(problem) is bool(found)


def _user(*lines: str) -> str:
    return "passwd:\n  users:\n    - name: core\n" + "".join(f"      {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["ssh_authorized_keys:", f"  - {ED}"], []),
        (["ssh_authorized_keys:", f"  - '{ED}\n'"], []),
        (["ssh_authorized_keys:", "  - ''"], ["lint-ssh-key-invalid"]),
        (["ssh_authorized_keys:", "  - |", f"    {ED[:40]}", f"    {ED[40:]}"], ["lint-ssh-key-invalid"]),
        (["ssh_authorized_keys:", "  - >-", f"    {ED}", "    me@example.com"], []),
        (["ssh_authorized_keys:", "  - |", "    -----BEGIN RSA PRIVATE KEY-----", "    AAAA"], ["lint-ssh-key-private"]),
        ([f"ssh_authorized_keys: ['{ED}', bad]"], ["lint-ssh-key-invalid"]),
    ],
)
def test_keys_of_a_config(lines: list[str], expected: list[str]) -> None:
    assert codes(_user(*lines)) == expected


def test_several_keys_in_one_entry_work() -> None:
    found = entries(_user("ssh_authorized_keys:", "  - |", f"    {ED} a", f"    {ED} b"))
    assert [(entry.code, entry.severity) for entry in found] == [("lint-ssh-key-invalid", "info")]


def test_files_of_keys(tmp_path: Path) -> None:
    (tmp_path / "good.pub").write_text(f"# mine\n\n{ED} me\n")
    (tmp_path / "none.pub").write_text("# later\n\n")
    (tmp_path / "private").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    assert codes(_user("ssh_authorized_keys_local: [good.pub]"), tmp_path) == []
    found = codes(_user("ssh_authorized_keys_local: [good.pub, none.pub, private]"), tmp_path)
    assert found == ["lint-ssh-key-file-empty", "lint-ssh-key-private"]


@pytest.mark.subprocess
@pytest.mark.parametrize(("method", "kind"), [("-6", "strong"), ("-5", "strong"), ("-1", "MD5")])
def test_hashes_of_openssl(method: str, kind: str) -> None:
    made = subprocess.run(["openssl", "passwd", method, "secret"], check=True, capture_output=True, text=True).stdout.strip()
    assert hash_kind(made) == kind
    assert hash_kind(made[:-1]) == "none"
    assert hash_kind(made + "x") == "none"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "locked"), ("*", "locked"), ("!", "locked"), ("!!", "locked"), ("x", "locked"), ("!$6$a$b", "locked"),
        ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "strong"),
        ("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "strong"),
        ("$6$rounds=5000$salt$" + "a" * 86, "strong"),
        ("$1$abcdefgh$" + "a" * 22, "MD5"), ("abJnggxhB/yWI", "DES"), ("$3$$8846f7eaee8fb117ad06bdd830b7586c", "NT"),
        ("hunter2", "none"), ("$6$salt$short", "none"), ("${HASH}", "none"), ("$y$j9T$aUmgEDoFIDPhGxEe2FUjc/$C5A...", "none"), ("a\n", "none"),
        ("$6$" + "a" * 17 + "$" + "a" * 86, "none"),
    ],
)  # fmt: skip
def test_hashes(text: str, kind: str) -> None:
    assert hash_kind(text) == kind


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["password_hash: hunter2"], ["lint-password-hash-invalid"]),
        (["password_hash: abJnggxhB/yWI"], ["lint-password-hash-weak"]),
        (["password_hash: '*'"], []),
    ],
)
def test_password_of_a_user(lines: list[str], expected: list[str]) -> None:
    assert codes(_user(*lines)) == expected


def test_groups_and_the_boot_loader_have_hashes_too() -> None:
    assert codes("passwd:\n  groups: [{name: ops, password_hash: clear}]\n") == ["lint-password-hash-invalid"]
    assert codes("grub:\n  users: [{name: root, password_hash: clear}]\n") == ["lint-password-hash-invalid"]
    assert codes("grub:\n  users: [{name: root, password_hash: grub.pbkdf2.sha512.10000.A.B}]\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("storage: {}\n", ["info"]),
        (_user(), ["warning"]),
        (_user("password_hash: '!'"), ["warning"]),
        (_user(f"ssh_authorized_keys: ['{ED}']"), []),
        (_user(f"ssh_authorized_keys: ['{ED}']", "should_exist: false"), ["warning"]),
        (_user(f"ssh_authorized_keys: ['{ED}']", "shell: /usr/sbin/nologin"), ["warning"]),
        (_user("password_hash: $6$a$" + "a" * 86), []),
        ("ignition:\n  config:\n    merge: [{source: 'https://example.com/a'}]\n", []),
        ("kernel_arguments:\n  should_exist: [coreos.autologin]\n", []),
        ("storage:\n  files: [{path: /home/core/.ssh/authorized_keys.d/a, contents: {inline: a}}]\n", []),
    ],
)
def test_nobody_can_log_in(text: str, expected: list[str]) -> None:
    assert [entry.severity for entry in entries(text, select=("lint-no-login",))] == expected
