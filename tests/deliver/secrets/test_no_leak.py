"""No secret leaves a build but in its private part: every output channel and the user data are searched, packed and escaped as they are."""

from __future__ import annotations

import base64
import gzip
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py.cli import build as command
from tests.deliver.secrets.leaks import holds
from tests.helpers.fleet import HEAD, write

HOSTS = "n1: {token: SECRET, open: a}\nn2: {token: SECRET, open: b}\n"
EVERYWHERE = HEAD + """vars:
  token: {type: string, secret: true}
  derived: {type: string, default: "x-${{ token }}-y"}
  open: string
kernel_arguments: {should_exist: ["key=${{ token }}", "quiet"]}
passwd:
  groups: [{name: g, password_hash: "${{ token }}"}]
  users:
    - {name: core, gecos: "${{ token }}", password_hash: "${{ token }}", ssh_authorized_keys: ["key ${{ derived }}"]}
    - {name: last, home_dir: /home/last, shell: /bin/sh}
storage:
  files:
    - {path: /open, contents: {inline: "${{ open }}"}}
    - path: /token
      overwrite: true
      mode: 0600
      contents: {inline: "a ${{ derived }}"}
    - {path: /appended, append: [{inline: "${{ token }}"}, {inline: x}]}
    - {path: /encoded, contents: {inline: "${{ token | b64 }}"}}
    - {path: /local, contents: {local: payload, interpolate: true}}
    - {path: /x, contents: {source: "https://example.com/x", http_headers: [{name: Authorization, value: "${{ token }}"}]}}
  luks: [{name: data, device: /dev/vdb, key_file: {inline: "${{ token }}"}}]
  disks: [{device: /dev/vda, partitions: [{number: 1, label: root}]}]
  trees: [{local: tree, interpolate: ["*"]}]
systemd:
  units:
    - {name: a.service, enabled: true, contents: "[Service]\\nEnvironment=T=${{ token }}\\n[Install]\\nWantedBy=multi-user.target\\n"}
    - {name: b.service, dropins: [{name: c.conf, contents: "[Service]\\nEnvironment=T=${{ token }}\\n"}, {name: d.conf, contents: "[Unit]\\n"}]}
"""
FILES = HEAD + """vars:
  token: {type: string, secret: true}
  open: string
storage:
  files:
    - {path: /open, contents: {inline: "${{ open }}"}}
    - {path: /token, contents: {inline: "a ${{ token }}"}}
    - {path: /etc/credstore/db, contents: {local: payload, interpolate: true}}
"""
# Letters that no part of the configs has; the ends are not blank, as YAML takes those away.
SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=8, max_size=24).map(lambda text: f"Zq{text}9")


def fleet(config: str, secret: str) -> None:
    for name in ("out", "pub", "priv"):
        shutil.rmtree(name, ignore_errors=True)
    import json

    write({"node.bu": config, "hosts.yaml": HOSTS.replace("SECRET", json.dumps(secret, ensure_ascii=False)), "payload": "${{ token }}\n" * 300, "tree/f": "p ${{ token }}"})


def run(capfd: pytest.CaptureFixture[str], *argv: str, status: int | None = 0) -> bytes:
    """What a build prints."""
    capfd.readouterr()
    done = command.main("butane-py build", ["node.bu", "-i", "hosts.yaml", "-d", ".", *argv])
    out, err = capfd.readouterr()
    assert status is None or done == status, err
    return (out + err).encode("utf-8", "surrogatepass")


def contents(folder: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def leaking(found: dict[str, bytes], secret: str) -> list[str]:
    """The names of files that have the secret in them, or in their name."""
    return [name for name, data in found.items() if holds(data, secret) or holds(name.encode(), secret)]


SPLIT = ("--secrets", "split", "--publish", "pub", "--publish-url", "https://x.example/pub", "--publish-private", "priv", "--publish-private-url", "https://x.example/priv")


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(secret=SECRETS)
def test_with_split_a_secret_is_in_the_private_part_alone(secret: str, capfd: pytest.CaptureFixture[str]) -> None:
    for form in ("plain", "wrapped", "pointer"):
        fleet(EVERYWHERE, secret)
        printed = run(capfd, "--for", "gcp", "--form", form, *SPLIT, "--output-dir", "out", "--lint", "--source-map", status=None)
        assert not holds(printed, secret)
        assert leaking({**contents("out"), **contents("pub")}, secret) == []
        assert contents("out").keys() >= {"out/n1.ign", "out/manifest.json"}
        private = contents("priv")
        assert len(leaking(private, secret)) == len([name for name in private if name.endswith(".ign")]) == 1  # both hosts have the same secrets
    for style in ("json", "sarif"):
        assert not holds(run(capfd, "--for", "gcp", *SPLIT, "--check", "--lint", "--format", style, status=None), secret)
    for wrong in (("--for", "virtualbox", "--form", "plain", *SPLIT), ("--for", "aws"), ("--for", "matchbox"), ("--explain-var", "token")):
        for style in ("text", "json", "sarif"):
            assert not holds(run(capfd, *wrong, "--output-dir", "out", "--format", style, status=None), secret)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(secret=SECRETS)
@pytest.mark.subprocess
def test_with_tang_a_secret_is_nowhere(secret: str, capfd: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("jwcrypto")
    from tests.stages.disks.luks_lab import Tang, make_tang_keys

    keys = make_tang_keys(tmp_path_factory.mktemp("tang") / "keys")
    Path("adv.jws").write_text(Tang(None, "", keys).advertisement())
    for form in ("plain", "wrapped"):
        fleet(FILES, secret)
        printed = run(capfd, "--for", "gcp", "--form", form, "--secrets", "tang", "--tang", "http://tang,adv=adv.jws", "--output-dir", "out", "--lint", "--source-map", status=None)
        assert not holds(printed, secret)
        assert contents("out").keys() >= {"out/n1.ign", "out/manifest.json"}
        assert leaking(contents("out"), secret) == []
    fleet(EVERYWHERE, secret)
    printed = run(capfd, "--for", "gcp", "--secrets", "tang", "--tang", "http://tang,adv=adv.jws", "--output-dir", "out", status=1)
    assert not holds(printed, secret)
    assert leaking(contents("out"), secret) == []


@pytest.mark.parametrize("form", ["plain", "wrapped"])
@pytest.mark.parametrize("secret", ["correct horse battery", "Zqäöü€9-$%&\"'\\", "x" * 40])
def test_the_search_finds_secrets_that_are_there(secret: str, form: str, capfd: pytest.CaptureFixture[str]) -> None:
    fleet(EVERYWHERE, secret)
    run(capfd, "--for", "gcp", "--form", form, "--secrets", "inline", "--output-dir", "out", status=None)
    assert leaking(contents("out"), secret) == ["out/n1.ign", "out/n2.ign"]


def test_the_search_finds_every_spelling() -> None:
    secret = "correct-horse ä"
    raw = secret.encode()
    for shift in range(4):
        for tail in (b"", b"z", b"zz"):
            assert holds(b"..." + base64.b64encode(b"a" * shift + raw + tail) + b"...", secret)
    for data in (raw, quote(raw).encode(), gzip.compress(raw), base64.b64encode(gzip.compress(b"{" + base64.b64encode(gzip.compress(raw)) + b"}"))):
        assert holds(data, secret)
    assert not holds(b"correct-hors", secret)
    assert not holds(base64.b64encode(b"correct-hors"), secret)


def test_a_config_with_secrets_is_published_to_the_private_place_only(capfd: pytest.CaptureFixture[str]) -> None:
    """As a whole, where it does not fit and nothing is done with its secrets."""
    secret = "correct-horse-battery"
    fleet(EVERYWHERE, secret)
    public = ("--publish", "pub", "--publish-url", "https://x.example/pub")
    printed = run(capfd, "--for", "metal", "--form", "pointer", *public, "--output-dir", "out", status=1)
    assert b"there is no private place to publish it to" in printed
    assert not holds(printed, secret)
    assert contents("pub") == {}
    run(capfd, "--for", "metal", "--form", "pointer", *SPLIT[2:], "--output-dir", "out", status=None)
    assert leaking({**contents("out"), **contents("pub")}, secret) == []
    assert len(leaking(contents("priv"), secret)) == 2


SUGAR = """variant: fcos
version: 1.8.0-experimental
vars: {token: {type: string, secret: true}, open: string}
grub: {users: [{name: root, password_hash: "${{ token }}"}]}
storage:
  filesystems:
    - {device: /dev/vdb1, path: /var/x, format: ext4, with_mount_unit: true, mount_options: ["pw=${{ token }}"], options: [-L, "${{ token }}"]}
  luks: [{name: c, device: /dev/vdc, clevis: {custom: {pin: sss, config: '{"x": "${{ token }}"}', needs_network: true}}}]
systemd:
  units:
    - {name: l.service, contents_local: unit, interpolate: true}
    - {name: d.service, dropins: [{name: a.conf, contents_local: unit, interpolate: true}]}
  quadlets: [{name: q.container, contents: "[Container]\\nImage=x\\nEnvironment=A=${{ token }}\\n"}]
"""


def test_what_sugar_makes_of_a_secret_is_private_too(capfd: pytest.CaptureFixture[str]) -> None:
    secret = "correct-horse-battery"
    fleet(SUGAR, secret)
    write({"unit": '[Service]\nEnvironment="T=${{ token }}"\n'})
    run(capfd, "--for", "gcp", *SPLIT, "--output-dir", "out")
    assert contents("out").keys() >= {"out/n1.ign"}
    assert leaking({**contents("out"), **contents("pub")}, secret) == []
    [private] = leaking(contents("priv"), secret)
    assert Path(private).read_bytes().count(secret.encode()) == 8
