"""`ignition-py fetch` tells where a config comes from; `ignition-rmcfg` deletes it where the platform can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha512
from pathlib import Path

import pytest

import ignition_py
from ignition_py import cli
from ignition_py.cli import PROGRAMS
from ignition_py.programs import rmcfg
from ignition_py.providers import DELETING, PLATFORMS, Machine, delete, virtualbox, vmware
from tests.helpers.servers import body
from tests.providers.network import Namespace, config, settings

AWS = "/2019-10-01/user-data"


def program(network: Namespace, folder: Path, *argv: str, cmdline: str = "") -> tuple[int, str, str]:
    env = settings(folder)
    (folder / "cmdline").write_text(cmdline)
    done = network.run([sys.executable, "-m", "ignition_py", "fetch", *argv], env, folder)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.sockets
def test_fetch(network: Namespace, tmp_path: Path) -> None:
    data = config("s3cr3t")
    network.at[f"GET {AWS}"] = body(data)
    with network.without("fd00:ec2::254"):
        status, said, aside = program(network, tmp_path, "--platform", "aws", "--show-source")
        assert (status, said.splitlines()) == (
            0,
            [
                "named by: platform aws",
                f"found at: http://169.254.169.254{AWS}",
                f"size: {len(data)} bytes",
                f"sha512: {sha512(data).hexdigest()}",
            ],
        )
        assert "s3cr3t" not in said + aside
        status, said, aside = program(network, tmp_path, "--platform=aws")
        assert (status, json.loads(said)) == (0, json.loads(data))
    line = "ignition.config.url=http://169.254.42.42/other?key=s3cr3t"
    network.at["GET /other?key=s3cr3t"] = body(b"")
    status, said, aside = program(network, tmp_path, "--platform", "aws", "--show-source", cmdline=line)
    assert said.splitlines()[:2] == ["named by: the kernel command line", "found at: http://169.254.42.42/other"]
    assert "there is no config" in said
    assert "s3cr3t" not in said + aside


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.sockets
def test_fetch_failures(network: Namespace, tmp_path: Path) -> None:
    network.at[f"GET {AWS}"] = body(b"", status=403)
    status, said, aside = program(network, tmp_path, "--platform", "aws")
    assert (status, said) == (1, "")
    # What is said of the service's other address may come after it.
    [error] = [line for line in aside.splitlines() if line.startswith("ignition-py fetch: ")]
    assert "the server answered with status 403" in error
    assert "Traceback" not in aside
    status, _, aside = program(network, tmp_path, "--platform", "hetzner", "--timeout", "10s")
    assert status == 0
    with network.without("169.254.169.254"):
        status, _, aside = program(network, tmp_path, "--platform", "hetzner", "--timeout", "100ms")
    assert (status, "within 0.1 s; last error: " in aside) == (1, True)


@pytest.mark.parametrize("command", [["ignition-py", "fetch"], ["ignition-rmcfg"]])
def test_wrong_usage(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(command) == 2
    assert cli.main([*command, "--platform", "none"]) == 2
    assert cli.main([*command, "--unknown"]) == 2
    assert cli.main([*command, "--help"]) == 0
    said = capsys.readouterr()
    assert "--platform" in said.err.splitlines()[0]
    assert "'none'" in said.err


def test_rmcfg_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ignition-rmcfg", "--platform", "vmware", "more"]) == 2
    assert cli.main(["ignition-rmcfg", "--version"]) == 0
    assert "Ignition" in capsys.readouterr().out


@pytest.mark.parametrize("platform", sorted(set(PLATFORMS) - set(DELETING)))
def test_rmcfg_where_it_cannot_work(platform: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ignition-rmcfg", "--platform", platform, "--log-to-stdout"]) == 1
    assert f"platform {platform} has no way to delete a config" in capsys.readouterr().out


@pytest.mark.subprocess
def test_rmcfg_says_on_a_terminal_why_it_failed() -> None:
    ours, theirs = os.openpty()
    words = [sys.executable, "-c", "from ignition_py import cli; raise SystemExit(cli.main(['ignition-rmcfg', '--platform', 'qemu']))"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert (done.returncode, done.stdout) == (1, b"")
    assert "ignition-rmcfg: the config could not be deleted: platform qemu has no way to delete a config" in said


def test_rmcfg(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], machine: Machine) -> None:
    deleted: list[str] = []
    monkeypatch.setattr(virtualbox, "delete", lambda machine: deleted.append("virtualbox"))
    monkeypatch.setattr(vmware, "delete", lambda machine: deleted.append("vmware"))
    for platform in DELETING:
        assert cli.main(["ignition-rmcfg", f"--platform={platform}", "--log-to-stdout"]) == 0
        delete(platform, machine)
    assert deleted == [platform for platform in DELETING for _ in range(2)]
    assert "the config is deleted" in capsys.readouterr().out


def test_rmcfg_has_a_unit_for_the_platforms_that_can() -> None:
    """What the unit says fits the program and the table."""
    unit = Path(ignition_py.__file__).parent / "initrd/firstboot/ignition-delete-config.service"
    settings = [line.partition("=")[::2] for line in unit.read_text().splitlines() if "=" in line and line[0] != "#"]
    named = [value for name, value in settings if name == "ConditionKernelCommandLine"]
    assert named == ["ignition.firstboot", *(f"|ignition.platform.id={platform}" for platform in DELETING)]
    command = dict(settings)["ExecStart"].replace("${PLATFORM_ID}", DELETING[0]).split()
    assert command[0] in PROGRAMS
    values = rmcfg.parser(command[0]).attempt(command[1:], "")
    assert not isinstance(values, int)
    assert values.text("platform") == DELETING[0]
