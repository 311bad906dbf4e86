"""Secrets for Tang: what is encrypted is opened by clevis where Debian's tangd answers, and by jose with its key; configs that need it are plain Ignition."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jwcrypto")

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.secrets.entries import tainted_entries
from butane_py.deliver.secrets.jwe import TangServer, tang_server
from butane_py.deliver.secrets.tang import with_tang
from butane_py.linter.facts import unpacked
from ignition_py.report.diag import Report
from ignition_py.spec.rules.all import validate
from ignition_py.spec.tables import Config
from tests.helpers.fleet import HEAD, build, data, write
from tests.stages.disks.luks_lab import Tang, serving_tang

SECRET = "correct-horse"
CONFIG = HEAD + """vars: {token: {type: string, secret: true}}
storage:
  files:
    - {path: /etc/motd, contents: {inline: hello}}
    - path: /etc/app/to ken%d
      mode: 0640
      overwrite: true
      user: {name: app}
      group: {id: 7}
      contents: {inline: "a ${{ token }}"}
    - {path: /etc/credstore/db, contents: {inline: "${{ token }}"}}
    - {path: /opt/big, contents: {local: big, interpolate: true}}
systemd:
  units:
    - {name: by-name.service, contents: "[Service]\\nLoadCredential=db\\nExecStart=/bin/true\\n"}
    - {name: by-glob.service, contents: "[Service]\\nImportCredential=d*\\nExecStart=/bin/true\\n"}
    - {name: by-path.service, dropins: [{name: a.conf, contents: "[Service]\\nExecStart=/bin/cat /opt/big\\n"}]}
    - {name: other.service, contents: "[Service]\\nLoadCredential=dbase\\nExecStart=/bin/cat /opt/bigger /x/opt/big\\n"}
    - {name: masked.service, mask: true, dropins: [{name: a.conf, contents: "[Service]\\nLoadCredential=db\\n"}]}
"""

pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]


@pytest.fixture
def tang(tmp_path: Path) -> Iterator[Tang]:
    with serving_tang(tmp_path / "keys") as server:
        (tmp_path / "adv.jws").write_text(server.advertisement())
        yield server


def server_of(tang: Tang, *more: str) -> TangServer:
    return tang_server(",".join([tang.url, "adv=adv.jws", *more]))


def compiled(config: str, server: TangServer) -> tuple[Config, Report]:
    write({"node.bu": config, "big": "${{ token }}" * 2000})
    result = build(values={"token": data(SECRET)}, files_dir=".")
    assert result.compilation is not None
    output = result.compilation.output
    return with_tang(output, tainted_entries(output, result.secrets), server)


def contents(config: Config) -> dict[str, bytes]:
    return {file.path: unpacked(file.contents) or b"" for file in config.storage.files}


def decrypted(jwe: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["clevis", "decrypt"], input=jwe, capture_output=True, check=False)


def test_clevis_and_jose_open_what_is_encrypted(tang: Tang) -> None:
    server = server_of(tang)
    for secret in (b"", b"x", bytes(range(256)) * 300):
        jwe = server.encrypted(secret)
        done = decrypted(jwe)
        assert (done.returncode, done.stdout) == (0, secret)
        header = json.loads(base64.urlsafe_b64decode(jwe.split(b".")[0] + b"=="))
        assert header["clevis"]["tang"]["url"] == tang.url
        key = json.loads((tang.keys / f"{header['kid']}.jwk").read_text())
        key.pop("alg")
        key.pop("key_ops")
        Path("key.jwk").write_text(json.dumps(key))
        opened = subprocess.run(["jose", "jwe", "dec", "-i-", "-k", "key.jwk"], input=jwe, capture_output=True, check=False)
        assert (opened.returncode, opened.stdout) == (0, secret)
    assert tang.connections >= 3
    assert server.encrypted(b"x") != server.encrypted(b"x")


def test_without_the_server_nothing_opens_it(tmp_path: Path) -> None:
    with serving_tang(tmp_path / "keys") as tang:
        Path("adv.jws").write_text(tang.advertisement())
        jwe = server_of(tang).encrypted(b"secret")
    assert decrypted(jwe).returncode != 0


def test_the_config_has_the_secrets_nowhere_and_is_valid(tang: Tang) -> None:
    config, report = compiled(CONFIG, server_of(tang))
    assert list(report) == []
    assert [each for each in validate(config, 5) if each.severity == "error"] == []
    found = contents(config)
    assert not any(SECRET.encode() in each for each in found.values())
    assert list(found) == [
        "/etc/motd", "/etc/tang-secrets/1-to_ken_d.jwe", "/etc/tang-secrets/2-db.jwe", "/etc/tang-secrets/3-big.jwe", "/etc/tang-secrets/decrypt",
    ]  # fmt: skip
    assert [(link.path, link.target, link.overwrite) for link in config.storage.links] == [
        ("/etc/app/to ken%d", "/run/tang-secrets/1-to_ken_d", True), ("/etc/credstore/db", "/run/credstore/db", None), ("/opt/big", "/run/tang-secrets/3-big", None),
    ]  # fmt: skip
    waiting = {unit.name for unit in config.systemd.units if any("tang-secrets.service" in (each.contents or "") for each in unit.dropins)}
    assert waiting == {"by-name.service", "by-glob.service", "by-path.service"}
    [unit] = [each for each in config.systemd.units if each.name == "tang-secrets.service"]
    Path("tang-secrets.service").write_text(unit.contents or "")
    done = subprocess.run(["systemd-analyze", "verify", "./tang-secrets.service"], capture_output=True, text=True, check=False)
    assert "tang-secrets.service" not in done.stderr  # what it says of other units of this machine is not ours
    assert done.returncode == 0, done.stderr


@pytest.mark.root
def test_the_service_decrypts_each_file_with_its_owner_and_mode(tang: Tang, tmp_path: Path) -> None:
    """The commands of the unit, run as systemd runs them but for folders below a temporary one."""
    config, _ = compiled(CONFIG.replace("name: app", "id: 5"), server_of(tang))
    for path, data_ in contents(config).items():
        (tmp_path / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path[1:]).write_bytes(data_)
    [unit] = [each for each in config.systemd.units if each.name == "tang-secrets.service"]
    lines = re.findall(r"^ExecStart=(.*)$", unit.contents or "", re.M)
    assert len(lines) == 3
    for line in lines:
        argv = [str(tmp_path) + word if word.startswith(("/etc", "/run")) else word for word in shlex.split(line.replace("%%", "%").replace("$$", "$"))]
        done = subprocess.run(argv, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    for name, expected, mode, owner in (
        ("tang-secrets/1-to_ken_d", f"a {SECRET}", 0o640, (5, 7)), ("credstore/db", SECRET, 0o600, (0, 0)), ("tang-secrets/3-big", SECRET * 2000, 0o600, (0, 0)),
    ):  # fmt: skip
        status = (tmp_path / "run" / name).stat()
        assert (tmp_path / "run" / name).read_text() == expected
        assert (status.st_mode & 0o7777, (status.st_uid, status.st_gid)) == (mode, owner)
    assert {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()} == {"1-to_ken_d", "db", "3-big"}  # nothing half-written


def test_what_is_no_file_is_refused_with_its_line(tang: Tang) -> None:
    _, report = compiled(
        HEAD + "vars: {token: {type: string, secret: true}}\n"
        'passwd: {users: [{name: core, password_hash: "${{ token }}"}]}\n'
        'systemd: {units: [{name: a.service, contents: "[Service]\\nEnvironment=A=${{ token }}\\n"}]}\n'
        'storage:\n  files:\n    - {path: /a, append: [{inline: "${{ token }}"}]}\n    - {path: "/${{ token }}", contents: {inline: x}}\n'
        '    - {path: /b, contents: {source: "https://example.com/${{ token }}"}}\n',
        server_of(tang),
    )  # fmt: skip
    assert {(entry.code, entry.place.line) for entry in report} == {("secret-not-for-tang", line) for line in (4, 5, 8, 9, 10)}
    assert SECRET not in "".join(entry.message + entry.hint for entry in report)


def test_thumbprints_pin_the_server(tang: Tang) -> None:
    from tests.stages.disks.luks_lab import tang_thumbprint

    for algorithm in ("S256", "S1"):
        server_of(tang, f"thp={tang_thumbprint(tang.keys, algorithm)}")
    with pytest.raises(DeliveryError, match="no key with the thumbprint other has signed it") as caught:
        server_of(tang, "thp=other")
    assert tang.thumbprint in str(caught.value.hint)


def _edited(change: str) -> Any:
    data_ = json.loads(Path("adv.jws").read_text())
    payload = json.loads(base64.urlsafe_b64decode(data_["payload"] + "=="))
    if change == "payload":
        payload["keys"][0]["x"], payload["keys"][1]["x"] = payload["keys"][1]["x"], payload["keys"][0]["x"]
    elif change == "extra":
        payload["keys"].append({"alg": "ECMR", "kty": "EC", "crv": "P-521", "key_ops": ["deriveKey"], "x": "AA", "y": "AA"})
    elif change == "unsigned":
        payload["keys"] = [key for key in payload["keys"] if "verify" not in key["key_ops"]]
    elif change == "no exchange key":
        payload["keys"] = [key for key in payload["keys"] if "verify" in key["key_ops"]]
    data_["payload"] = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return data_


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("payload", "not valid|not the advertisement"), ("extra", "is not valid"), ("unsigned", "is not signed"), ("no exchange key", "is not the advertisement"),
        ("", "is not the advertisement"), ("{}", "is not the advertisement"), ("[]", "is not the advertisement"), ('{"payload": 1}', "is not the advertisement"),
        ("\udcff", "is not the advertisement"),
    ],
)  # fmt: skip
def test_an_advertisement_that_is_none_or_was_changed_is_refused(tang: Tang, text: str, message: str) -> None:
    known = text in ("payload", "extra", "unsigned", "no exchange key")
    Path("adv.jws").write_bytes(json.dumps(_edited(text)).encode() if known else text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DeliveryError, match=message):
        server_of(tang)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("http://tang", "curl -f http://tang/adv"), ("http://tang,adv=gone", "No such file"), ("tang,adv=x", "Tang server has an http or https URL|not a URL"),
        ("ftp://tang,adv=x", "http or https"), ("http://tang,adv=adv.jws,thumb=x", "no setting thumb"),
    ],
)  # fmt: skip
def test_words_that_name_no_server(words: str, message: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        tang_server(words)
    assert re.search(message, str(caught.value))


def test_without_jwcrypto_the_way_to_install_it_is_said(tang: Tang, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jwcrypto", None)
    with pytest.raises(DeliveryError) as caught:
        server_of(tang)
    assert "pip install 'ignition-py[secrets]'" in str(caught.value.hint)


def test_the_command_line(tang: Tang, capfd: pytest.CaptureFixture[str]) -> None:
    """Plain or wrapped, what is handed over has no secret; clevis opens what the service would decrypt."""
    from butane_py.cli import build as command

    write({"node.bu": CONFIG, "big": "${{ token }}", "secrets.yaml": f"token: {SECRET}\n"})
    argv = ["node.bu", "--vars", "secrets.yaml", "-d", ".", "--for", "aws", "--secrets", "tang", "--tang", f"{tang.url},adv=adv.jws"]
    for form in ("plain", "wrapped"):
        capfd.readouterr()
        assert command.main("butane-py build", [*argv, "--form", form]) == 0
        config = json.loads(capfd.readouterr().out)
        if form == "wrapped":
            body = config["ignition"]["config"]["replace"]["source"].partition("base64,")[2]
            config = json.loads(gzip.decompress(base64.b64decode(body)))
        assert SECRET not in json.dumps(config)
        [file] = [each for each in config["storage"]["files"] if each["path"].endswith("2-db.jwe")]
        done = decrypted(file["contents"]["source"].removeprefix("data:,").encode())
        assert (done.returncode, done.stdout) == (0, SECRET.encode())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--secrets", "tang"], "needs the server: --tang URL,adv=FILE"),
        (["--tang", "http://x,adv=adv.jws"], "--tang goes with --secrets tang"),
        (["--secrets", "inline", "--emit", "butane"], "goes with Ignition configs"),
        (["--secrets", "split"], "name it with --publish-private"),
        (["--secrets", "split", "--publish", "x", "--publish-url", "http://x"], "name it with --publish-private"),
    ],
)
def test_wrong_usage(argv: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    from butane_py.cli import build as command

    write({"node.bu": HEAD})
    assert command.main("butane-py build", ["node.bu", *argv]) == 2
    assert message in capfd.readouterr().err
