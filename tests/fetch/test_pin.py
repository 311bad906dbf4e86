"""`ignition.config.hash` on the kernel command line (fetch/pin.py), through the command line of the stages in this process."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ignition_py.fetch import pin
from ignition_py.report.diag import IgnitionError
from tests.helpers.engine import Machine, config, file, make_machine, paths, url_of
from tests.helpers.servers import Server, body

CONFIG = json.dumps(config(**file("/a"))).encode()
OTHER = json.dumps(config(**file("/b"))).encode()


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    return make_machine(tmp_path, monkeypatch, capsys)


def hash_of(data: bytes, function: str = "sha512") -> str:
    return f"{function}-{hashlib.new(function, data).hexdigest()}"


@pytest.mark.sockets
@pytest.mark.parametrize("function", ["sha256", "sha512"])
@pytest.mark.parametrize("form", [str, lambda text: text[:7] + text[7:].upper()], ids=["lower", "upper"])
def test_the_pinned_config_is_taken(machine: Machine, server: Server, function: str, form: type[str]) -> None:
    server.at["/c.ign"] = body(CONFIG)
    machine.command_line(f"ignition.config.url={server.url('/c.ign')} ignition.config.hash={form(hash_of(CONFIG, function))}")
    assert machine("fetch", "metal") == 0, machine.output
    assert paths(machine.merged()) == ["/a"]
    assert f"the kernel command line pins ({function})" in machine.output


@pytest.mark.sockets
def test_another_config_is_refused(machine: Machine, server: Server) -> None:
    """Both digests begin in the sentence, which names the URL without what may be secret in it."""
    server.at["/c.ign"] = body(OTHER)
    url = server.url("/c.ign?token=s3cr3t")
    machine.command_line(f"ignition.config.url={url} ignition.config.hash={hash_of(CONFIG)}")
    assert machine("fetch", "metal") == 1
    found, wanted = (hash_of(data)[7:23] for data in (OTHER, CONFIG))
    assert f"the config from {server.url('/c.ign')}" in machine.output
    assert f"has the sha512 {found}…, but ignition.config.hash on the kernel command line expects {wanted}…" in machine.output
    assert "Serve the config that the hash was made of" in machine.output
    assert "s3cr3t" not in machine.output
    assert not machine.cache.exists()


@pytest.mark.sockets
def test_a_web_page_in_its_place(machine: Machine, server: Server) -> None:
    server.at["/c.ign"] = body(b"<!DOCTYPE html><html><body>Welcome, guest!</body></html>")
    machine.command_line(f"ignition.config.url={server.url('/c.ign')} ignition.config.hash={hash_of(CONFIG)}")
    assert machine("fetch", "metal") == 1
    assert "log in to the network's portal" in machine.output


def test_one_byte_more(machine: Machine) -> None:
    (machine.folder / "config.ign").write_bytes(CONFIG + b"\n")
    machine.command_line(f"ignition.config.hash={hash_of(CONFIG)}")
    assert machine("fetch") == 1
    machine.command_line(f"ignition.config.hash={hash_of(CONFIG + bytes([10]))}")
    assert machine("fetch") == 0


@pytest.mark.parametrize("source", ["platform", "image", "nothing", "command line"])
def test_whatever_the_config_is_from(machine: Machine, source: str) -> None:
    """The platform's user data, the image's user.ign and a data URL are held against the pin too; no config is not the pinned one."""
    machine.config(OTHER.decode())
    words = f"ignition.config.hash={hash_of(CONFIG)}"
    platform = "file"
    if source == "image":
        (machine.folder / "LOCAL_dir").mkdir()
        (machine.folder / "LOCAL_dir/user.ign").write_bytes(OTHER)
    elif source == "command line":
        words += f" ignition.config.url={url_of(config(**file('/b')))}"
    elif source == "nothing":
        platform = "metal"  # which has no config
    machine.command_line(words)
    assert machine("fetch-offline", platform) == 1
    assert "expects" in machine.output
    assert not machine.cache.exists()
    assert ("is empty" in machine.output) == (source == "nothing")


def test_the_last_one_counts(machine: Machine) -> None:
    machine.config(CONFIG.decode())
    machine.command_line(f"ignition.config.hash={hash_of(OTHER)} ignition.config.hash={hash_of(CONFIG)}")
    assert machine("fetch") == 0, machine.output


@pytest.mark.parametrize(
    "value",
    [
        "",
        "=",
        "=sha512-",
        "=sha512-" + "0" * 127,
        "=sha512-" + "0" * 129,
        "=sha256-" + "0" * 128,
        "=sha512-" + "g" * 128,
        "=sha512-" + "0" * 127 + "_",
        "=md5-" + "0" * 32,
        "=" + "0" * 128,
        "=sha512:" + "0" * 128,
    ],
)
def test_a_malformed_pin(machine: Machine, value: str) -> None:
    """Nothing is fetched, in fetch-offline already; the URL leads nowhere."""
    machine.command_line(f"ignition.config.url=http://192.0.2.1/c.ign ignition.config.hash{value} quiet")
    assert machine("fetch-offline", "metal") == 1
    assert "ignition.config.hash on the kernel command line is neither sha512- and 128 hexadecimal digits or sha256-" in machine.output
    assert "what sha512sum prints" in machine.output
    assert not machine.neednet.exists()


def test_parse_takes_digits_of_ascii_alone() -> None:
    with pytest.raises(IgnitionError):
        pin.parse("sha512-" + "٣" * 128)
    assert pin.parse("sha256-" + "A" * 64) == ("sha256", "a" * 64)
