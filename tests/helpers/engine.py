"""A machine whose stages are run through the command line in this process, and the JSON of small configs for it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ignition_py.cli import main
from ignition_py.fetch import deadline
from tests.helpers.screen import unbroken


class Machine:
    """A machine's directories, and `machine("fetch", platform="qemu")` to run a stage on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.cache = folder / "config.json"
        self.neednet = folder / "run/neednet"
        self.state = folder / "run/state"
        self._capsys = capsys
        self.output = ""

    def __call__(self, stage: str = "fetch", platform: str = "file", *more: str) -> int:
        paths = ("-config-cache", str(self.cache), "-neednet", str(self.neednet), "-state-file", str(self.state))
        root = ("-root", str(self.folder), "-log-to-stdout")
        status = main(["ignition", "-platform", platform, "-stage", stage, *paths, *root, *more])
        captured = self._capsys.readouterr()
        self.output = unbroken(captured.out + captured.err)
        return status

    @property
    def sentences(self) -> str:
        """The output without line breaks: the failure screen is 80 columns wide."""
        return " ".join(self.output.replace("CRITICAL :", "").split())

    def config(self, data: object) -> None:
        (self.folder / "config.ign").write_text(json.dumps(data) if not isinstance(data, str) else data)

    def command_line(self, text: str) -> None:
        (self.folder / "cmdline").write_text(text)

    def merged(self) -> Any:
        return json.loads(self.cache.read_text())

    def fetched(self) -> list[tuple[str, str, bool]]:
        found = json.loads(self.state.read_text())["fetchedConfigs"] or []
        return [(item["kind"], item["source"], item["referenced"]) for item in found]


def make_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    """A machine below tmp_path: no config, no image settings, and a kernel command line that names nothing."""
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / f"{name or 'VENDOR_'}dir"))
    (tmp_path / "cmdline").write_text("quiet\n")
    monkeypatch.setenv("IGNITION_KERNEL_CMDLINE_PATH", str(tmp_path / "cmdline"))
    monkeypatch.delenv("IGNITION_CONFIG_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)
    return Machine(tmp_path, capsys)


def config(**parts: Any) -> dict[str, Any]:
    ignition = {"version": "3.4.0", **parts.pop("ignition", {})}
    return {"ignition": ignition, **parts}


def url_of(data: object) -> str:
    return "data:;base64," + base64.b64encode(json.dumps(data).encode()).decode()


def file(path: str) -> dict[str, Any]:
    return {"storage": {"files": [{"path": path}]}}


def merging(*sources: str, **parts: Any) -> dict[str, Any]:
    return config(ignition={"config": {"merge": [{"source": source} for source in sources]}}, **parts)


def replaced_by(source: str, **parts: Any) -> dict[str, Any]:
    return config(ignition={"config": {"replace": {"source": source}}}, **parts)


def paths(data: Any) -> list[str]:
    return [item["path"] for item in data.get("storage", {}).get("files", [])]
