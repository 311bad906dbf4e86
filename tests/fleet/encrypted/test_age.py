"""Files of variables that age has encrypted: Debian's program against pyrage, and the places where keys are looked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pyrage")

import pyrage

from butane_py.fleet import outside
from butane_py.fleet.encrypted.identities import Keyring
from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.inventory.document import Document
from butane_py.fleet.values import plain
from ignition_py.report.diag import ConfigError
from tests.helpers.fleet import HEAD, write

TEXT = b"token: hunter2hunter\nlist: [alphabetagamma]\n"
needs_age = pytest.mark.skipif(not shutil.which("age") and not os.environ.get("CI"), reason="age is not installed")


@pytest.fixture(autouse=True)
def _no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_KEY_CMD", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def program(*argv: str, data: bytes = b"") -> bytes:
    done = subprocess.run(argv, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def token(name: str = "secrets.age") -> object:
    variables, document = outside.of_file(name)
    assert document.hidden
    value = variables["token"][-1].value()
    assert value.secret
    return plain(value)


def rejected(code: str = "encrypted-file") -> str:
    with pytest.raises(ConfigError) as caught:
        outside.of_file("secrets.age")
    [entry] = caught.value.report
    assert entry.code == code
    said = f"{entry.message} | {entry.hint}"
    assert "hunter2" not in said
    assert "alphabeta" not in said
    return said


@needs_age
@pytest.mark.subprocess
@pytest.mark.parametrize("armor", [(), ("--armor",)])
@pytest.mark.parametrize("kind", ["x25519", "ed25519", "rsa"])
def test_age_encrypts_and_we_read(kind: str, armor: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "x25519":
        program("age-keygen", "-o", "key")
        recipient = program("age-keygen", "-y", "key").decode().strip()
        monkeypatch.setenv("SOPS_AGE_KEY_FILE", "key")
    else:
        program("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", "key")
        recipient = Path("key.pub").read_text().strip()
        monkeypatch.setenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "key")
    Path("secrets.age").write_bytes(program("age", "-r", recipient, *armor, data=TEXT))
    assert token() == "hunter2hunter"


@needs_age
@pytest.mark.subprocess
@pytest.mark.parametrize("armored", [False, True])
def test_what_pyrage_encrypts_age_reads(armored: bool) -> None:
    program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key")
    recipients = [pyrage.ssh.Recipient.from_str(Path("key.pub").read_text())]
    data = pyrage.encrypt(TEXT, recipients, armored=armored)
    assert program("age", "-d", "-i", "key", data=data) == TEXT


def test_keys_are_found_where_sops_finds_them(tmp_path: Path) -> None:
    """Each place alone opens a file that is for its key."""
    identity = pyrage.x25519.Identity.generate()
    data = pyrage.encrypt(TEXT, [identity.to_public()])
    (tmp_path / "key").write_text(f"# public key: age1...\n\n{identity}\n")
    for name in (".config/sops/age", "xdg/sops/age"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "keys.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n{identity}\n")
    for environment in (
        {"SOPS_AGE_KEY": str(identity)}, {"SOPS_AGE_KEY_FILE": str(tmp_path / "key")}, {"HOME": str(tmp_path)},
        {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "HOME": "/nowhere"},
    ):  # fmt: skip
        ring = Keyring(environment)
        assert ring.decrypted(data) == TEXT
        assert len(ring.places) == 1


@pytest.mark.subprocess
def test_an_ssh_key_with_a_passphrase_is_passed_over_in_its_usual_place_and_refused_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    key = tmp_path / "home" / ".ssh" / "id_ed25519"
    program("ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(key))
    identity = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    Path("secrets.age").write_bytes(pyrage.encrypt(TEXT, [identity.to_public()]))
    assert token() == "hunter2hunter"
    monkeypatch.setenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE", str(key))
    Path("secrets.age").write_bytes(pyrage.encrypt(TEXT, [pyrage.ssh.Recipient.from_str(Path(f"{key}.pub").read_text())]))
    said = rejected()
    assert "passphrase" in said or "none of the keys" in said


def own(data: bytes, monkeypatch: pytest.MonkeyPatch) -> bytes:
    identity = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    return pyrage.encrypt(data, [identity.to_public()])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "changed or cut off"),
        (lambda data: data[:100], "changed or cut off"),
        (lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "changed or cut off"),
        (lambda data: b"age-encryption.org/v1\nrubbish", "changed or cut off"),
        (lambda data: pyrage.encrypt(TEXT, [pyrage.x25519.Identity.generate().to_public()]), "none of the keys of SOPS_AGE_KEY decrypts it"),
        (lambda data: pyrage.passphrase.encrypt(TEXT, "x"), "none of the keys of SOPS_AGE_KEY decrypts it"),
    ],
)
def test_a_file_that_cannot_be_decrypted(change: Callable[[bytes], bytes], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secrets.age").write_bytes(change(own(TEXT, monkeypatch)))
    assert message in rejected()


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "there is no age key to decrypt it with"),
        ({"SOPS_AGE_KEY_CMD": "op read x"}, "SOPS_AGE_KEY_CMD is not run"),
        ({"SOPS_AGE_KEY_FILE": "nowhere.txt"}, "SOPS_AGE_KEY_FILE names cannot be read: nowhere.txt: No such file"),
        ({"SOPS_AGE_KEY": "AGE-SECRET-KEY-1hunter2hunter"}, "SOPS_AGE_KEY, line 1: not an age key"),
        ({"SOPS_AGE_KEY": "AGE-PLUGIN-YUBIKEY-1hunter2hunter"}, "keys of age plugins are not supported"),
        ({"SOPS_AGE_KEY": "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2hunter\n"}, "SOPS_AGE_KEY is not an SSH key"),
        ({"SOPS_AGE_KEY": "-----BEGIN AGE ENCRYPTED FILE-----\nhunter2hunter\n"}, "SOPS_AGE_KEY is encrypted itself"),
    ],
)
def test_keys_that_cannot_be_read(environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secrets.age").write_bytes(pyrage.encrypt(TEXT, [pyrage.x25519.Identity.generate().to_public()]))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert message in rejected()


@pytest.mark.parametrize("text", [b"token: *hunter2hunter\n", b"token: [hunter2hunter\n", b"a: 1\n---\nhunter2hunter: 1\n", b"\xff\xfehunter2hunter"])
def test_a_decrypted_text_that_is_no_yaml_is_not_shown(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secrets.age").write_bytes(own(text, monkeypatch))
    assert "the decrypted text cannot be read" in rejected("vars-file")


def test_without_pyrage_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secrets.age").write_bytes(own(TEXT, monkeypatch))
    monkeypatch.setitem(sys.modules, "pyrage", None)
    assert "pip install 'ignition-py[secrets]'" in rejected()


def test_hosts_can_be_encrypted_and_all_of_them_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("hosts.age").write_bytes(own(json.dumps([{"name": "n1", "token": "hunter2hunter"}]).encode(), monkeypatch))
    inventory = read_inventories(["hosts.age"])
    assert inventory.hosts["n1"].vars["token"][-1].value().secret
    [document] = inventory.files
    assert isinstance(document, Document)
    assert document.hidden


@pytest.mark.subprocess
def test_a_report_shows_no_line_of_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor of its other values, and no temporary file has held it."""
    Path("secrets.age").write_bytes(own(b"other: alphabetagamma\ntoken: {hunter2hunter: [hunter2hunter]}\n", monkeypatch))
    write({"node.bu": HEAD + 'vars: {token: string, other: int}\nstorage: {files: [{path: /a, contents: {inline: "${{ token }}"}}]}\n'})
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    before = temporary.stat().st_mtime_ns
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(Path(__file__).parents[3])}
    for style in ("text", "json", "sarif"):
        argv = [sys.executable, "-m", "butane_py", "build", "node.bu", "--vars", "secrets.age", "--format", style, "--color", "always"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 1
        assert "var-type" in done.stdout + done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        assert "alphabeta" not in done.stdout + done.stderr
    assert temporary.stat().st_mtime_ns == before
