"""Handing a config to a machine: each platform's way, and the agent for images that are not ours."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import socket
import subprocess
import tty
from pathlib import Path

import pytest

from ignition_py import cli
from ignition_py.programs.rehearse import USAGE
from ignition_py.providers import PLATFORMS as ALL
from ignition_py.rehearsal.handover import PLATFORMS, hand_over
from ignition_py.rehearsal.image import GUEST, BuildError
from ignition_py.rehearsal.visitor import UNIT, with_agent
from ignition_py.spec.read import read

CONFIG = b'{"ignition": {"version": "3.4.0"}}'


def test_every_platform_is_one_of_ours() -> None:
    assert set(PLATFORMS) <= set(ALL)


def test_firmware(tmp_path: Path) -> None:
    given = hand_over("qemu", CONFIG, str(tmp_path))
    assert (given.firmware, given.kargs, given.drives, given.server) == (CONFIG, "", (), None)


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("platform", "label", "path"),
    [("openstack", "config-2", "openstack/latest/user_data"), ("ibmcloud", "cidata", "user-data"), ("cloudstack", "config-2", "cloudstack/userdata/user_data.txt")],
)
def test_config_drive(tmp_path: Path, platform: str, label: str, path: str) -> None:
    config = CONFIG + b" " * 5_000_000
    (drive,) = hand_over(platform, config, str(tmp_path)).drives
    label_of = subprocess.run(["blkid", "-p", "-o", "value", "-s", "LABEL", drive.path], capture_output=True, text=True, check=True)
    assert label_of.stdout.strip() == label
    dumped = subprocess.run(["debugfs", "-R", f"cat /{path}", drive.path], capture_output=True, check=True)
    assert dumped.stdout == config


def test_url(tmp_path: Path) -> None:
    given = hand_over("metal", CONFIG, str(tmp_path))
    assert given.kargs == "ignition.config.url=http://10.0.2.100/config.ign"
    assert given.server is not None
    assert given.server[0] == 80
    with given.serving():
        connection = http.client.HTTPConnection("machine")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(given.server[1])
        connection.request("GET", "/config.ign")
        assert connection.getresponse().read() == CONFIG
        connection.close()
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(OSError, match="refused"):
        late.connect(given.server[1])


def test_a_platform_with_a_service_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildError, match="cannot play platform aws, which asks a service of its own"):
        hand_over("aws", CONFIG, str(tmp_path))
    assert cli.main(["ignition-py", "rehearse", "-platform", "aws", "c.bu"]) == USAGE
    assert "cannot play platform aws" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "Missing argument 'CONFIG'"),
        (["a.bu", "b.bu"], "Got unexpected extra argument (b.bu)"),
        (["-initrd", "x", "c.bu"], "--initrd needs --kernel"),
        (["-kernel", "x", "c.bu"], "--kernel needs --image"),
        (["-platform", "nowhere", "c.bu"], "there is no platform 'nowhere'"),
        (["c.bu", "-platform", "metal", "-image", "x"], "--image needs --kernel"),
        (["c.bu", "-format", "xml"], "'xml' is not one of 'text', 'json'"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert cli.main(["ignition-py", "rehearse", *argv]) == USAGE
    assert said in capsys.readouterr().err


def test_a_config_that_is_not_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No machine is built for it."""
    (tmp_path / "c.bu").write_text("variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: relative\n")
    assert cli.main(["ignition-py", "rehearse", str(tmp_path / "c.bu")]) == 1
    said = capsys.readouterr()
    assert "c.bu:5:13" in said.err
    assert "is not a valid config" in said.err
    assert said.out == ""


def test_the_agent_does_not_change_the_config() -> None:
    """The user's own config is the merged one; the unit comes besides."""
    config, report = read(with_agent(CONFIG, "3.4.0"))
    assert config is not None, list(report)
    (unit,) = config.systemd.units
    assert (unit.name, unit.enabled) == (UNIT, True)
    (merged,) = config.ignition.config.merge
    from ignition_py.spec.dataurl import decode

    assert decode(merged.source or "") == CONFIG


@pytest.mark.subprocess
def test_the_agent_answers(tmp_path: Path) -> None:
    """agent.sh as its unit starts it, at a terminal line in place of the machine's port."""
    host, guest = pty.openpty()
    tty.setraw(host)
    tty.setraw(guest)
    wrapped = json.loads(with_agent(CONFIG, "3.4.0"))
    line = re.search(r"^ExecStart=/bin/sh -c \"(.*)\"$", wrapped["systemd"]["units"][0]["contents"], re.MULTILINE)
    assert line is not None
    command = line[1].replace('\\"', '"').replace("$$", "$")  # systemd's quoting
    port = "/dev/virtio-ports/ignition-py.agent"
    assert port in Path(GUEST, "agent.sh").read_text()
    command = command.replace("base64 -d", f"base64 -d | sed 's,{port},{os.ttyname(guest)},'")
    agent = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL)
    try:
        with os.fdopen(host, "r+b", buffering=0, closefd=False) as stream:
            assert json.loads(stream.readline()) == {"ready": True}
            from base64 import b64decode, b64encode

            for script, output in (("echo 'a b'; printf '\\303\\244'", b"a b\n\303\244"), ("exit 3", b""), ("head -c 3000 /dev/zero", b"\0" * 3000)):
                question = {"script64": b64encode(script.encode()).decode(), "argv": ["sh", "-c", script], "stdin": ""}
                stream.write(json.dumps(question).encode() + b"\n")
                assert b64decode(json.loads(stream.readline())["stdout64"]) == output
    finally:
        agent.kill()
        agent.wait()
        os.close(host)
        os.close(guest)


@pytest.mark.parametrize("missing", ["qemu-system-x86_64", "debugfs"])
def test_a_program_that_is_not_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr("ignition_py.programs.rehearse.which", lambda name: "" if name == missing else f"/usr/bin/{name}")
    (tmp_path / "c.ign").write_bytes(CONFIG)
    assert cli.main(["ignition-py", "rehearse", str(tmp_path / "c.ign")]) == 3
    assert capsys.readouterr().err.startswith(f"ignition-py rehearse: there can be no rehearsal: {missing} is not installed")


def test_an_image_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.ign").write_bytes(CONFIG)
    assert cli.main(["ignition-py", "rehearse", str(tmp_path / "c.ign"), "-image", str(tmp_path / "none")]) == 3
    assert "-image: " in capsys.readouterr().err
