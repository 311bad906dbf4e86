"""Flatcar's additions: only where the image asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ignition_py.cli import main
from ignition_py.fetch.schemes import oem
from ignition_py.providers import Machine, cmdline, qemu
from ignition_py.spec.rules.resources import SCHEMES

OLD = {"ignition": {"version": "2.3.0"}, "systemd": {"units": [{"name": "a.service", "enable": True, "contents": "[Unit]\n"}]}}
MULTIPART = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"


@pytest.fixture(autouse=True)
def _schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ignition_py.spec.rules.resources.SCHEMES", dict(SCHEMES))


def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, flatcar: bool) -> dict[str, Any] | None:
    """The config cache that the fetch stage leaves; None where the stage failed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IGNITION_FLATCAR", "1" if flatcar else "")
    (tmp_path / "config.ign").write_text(text)
    arguments = ["-config-cache", "cache", "-neednet", "neednet", "-state-file", "state", "-root", ".", "-log-to-stdout"]
    status = main(["ignition", "-platform", "file", "-stage", "fetch", *arguments])
    return json.loads((tmp_path / "cache").read_text()) if status == 0 else None


def test_spec_2_is_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = fetch(tmp_path, monkeypatch, json.dumps(OLD), flatcar=True)
    assert config is not None
    unit = config["systemd"]["units"][0]
    assert (unit["name"], unit["enabled"]) == ("a.service", True)
    assert fetch(tmp_path, monkeypatch, json.dumps(OLD), flatcar=False) is None


@pytest.mark.parametrize("text", ["#cloud-config\nusers: []\n", "#!/bin/sh\nexit\n", MULTIPART])
def test_user_data_for_others_is_no_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    config = fetch(tmp_path, monkeypatch, text, flatcar=True)
    assert config is not None
    assert set(config) == {"ignition"}
    assert fetch(tmp_path, monkeypatch, text, flatcar=False) is None


def test_oem_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "oem").mkdir()
    child = {"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "oem"}]}}
    (tmp_path / "oem" / "base.ign").write_text(json.dumps(child))
    monkeypatch.setattr(oem, "IMAGE", str(tmp_path / "oem"))
    parent = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "oem:///base.ign"}]}}}
    assert fetch(tmp_path, monkeypatch, json.dumps(parent), flatcar=False) is None
    config = fetch(tmp_path, monkeypatch, json.dumps(parent), flatcar=True)
    assert config is not None
    assert [user["name"] for user in config["passwd"]["users"]] == ["oem"]


def test_an_oem_url_stays_in_the_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "oem:///../etc/shadow"}]}}}
    assert fetch(tmp_path, monkeypatch, json.dumps(parent), flatcar=True) is None
    assert "without .." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["flatcar.config.url", "coreos.config.url"])
def test_kernel_arguments_of_old(tmp_path: Path, log: Any, name: str) -> None:
    (tmp_path / "cmdline").write_text(f"quiet {name}=http://192.0.2.1/c.ign\n")
    environ = {"IGNITION_KERNEL_CMDLINE_PATH": str(tmp_path / "cmdline")}
    url = "ignition.config.url"
    plain = Machine(log=log, fetcher=None, environ=environ)  # type: ignore[arg-type]  # nothing is fetched here
    assert cmdline.arguments(plain)[url] == ""
    flatcar = Machine(log=log, fetcher=None, environ={**environ, "IGNITION_FLATCAR": "1"})  # type: ignore[arg-type]  # as above
    assert cmdline.arguments(flatcar)[url] == "http://192.0.2.1/c.ign"


def test_firmware_key_of_old(tmp_path: Path, log: Any) -> None:
    folder = tmp_path / f"{qemu.FW_CFG}/by_name/opt/org.flatcar-linux/config".lstrip("/")
    folder.mkdir(parents=True)
    (folder / "size").write_text("2")
    (folder / "raw").write_text("{}")
    plain = Machine(log=log, fetcher=None, environ={}, root=str(tmp_path))  # type: ignore[arg-type]  # nothing is fetched here
    assert qemu.from_firmware(plain) == b""
    flatcar = Machine(log=log, fetcher=None, environ={"IGNITION_FLATCAR": "1"}, root=str(tmp_path))  # type: ignore[arg-type]  # as above
    assert qemu.from_firmware(flatcar) == b"{}"
