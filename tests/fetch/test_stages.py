"""What is fetched ahead, through the command line: by the fetch stage or before disks, for the stages behind it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ignition_py.cli import main
from ignition_py.fetch import deadline
from tests.helpers.servers import Server, body, in_turn

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]


class Boot:
    """A machine's folder, and `boot("fetch")` to run a stage in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.spool = folder / "run" / "fetched"
        self.root.mkdir()
        self._capsys = capsys
        self.output = ""

    def config(self, *files: tuple[str, str, bytes | None], **ignition: Any) -> None:
        entries = []
        for path, source, data in files:
            contents: dict[str, Any] = {"source": source}
            if data is not None:
                contents["verification"] = {"hash": f"sha256-{hashlib.sha256(data).hexdigest()}"}
            entries.append({"path": path, "contents": contents})
        disks = [{"device": "/dev/nothing", "wipeTable": True}]
        text = {"ignition": {"version": "3.4.0", **ignition}, "storage": {"files": entries, "disks": disks}}
        (self.folder / "config.ign").write_text(json.dumps(text))

    def __call__(self, stage: str) -> int:
        run = self.folder / "run"
        paths = [
            "-config-cache",
            f"{run}/config",
            "-neednet",
            f"{run}/neednet",
            "-state-file",
            f"{run}/state",
            "-root",
            str(self.root),
        ]
        status = main(["ignition", "-platform", "file", "-stage", stage, "-log-to-stdout", *paths])
        captured = self._capsys.readouterr()
        self.output = captured.out + captured.err
        return status


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Boot:
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / "none"))
    (tmp_path / "cmdline").write_text("quiet\n")
    monkeypatch.setenv("IGNITION_KERNEL_CMDLINE_PATH", str(tmp_path / "cmdline"))
    monkeypatch.delenv("IGNITION_CONFIG_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)
    return Boot(tmp_path, capsys)


@pytest.fixture
def wiped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes that the disks stage was about to begin."""
    begun: list[str] = []
    monkeypatch.setattr("ignition_py.stages.disks.run", lambda ctx: begun.append("disks"))
    return begun


@pytest.mark.root
def test_the_files_stage_needs_no_network_any_more(boot: Boot, server: Server, wiped: list[str]) -> None:
    server.at["/a"] = body(b"aaa")
    server.at["/b"] = body(b"bbb")
    boot.config(("/etc/a", server.url("/a"), b"aaa"), ("/etc/b", server.url("/b"), None), ("/etc/c", "data:,ccc", None))
    assert boot("fetch-offline") == 0
    assert (boot.folder / "run/neednet").exists()
    assert server.seen == []
    assert boot("fetch") == 0, boot.output
    server.close()
    assert boot("disks") == 0, boot.output
    assert boot("files") == 0, boot.output
    assert [(boot.root / "etc" / name).read_bytes() for name in "abc"] == [b"aaa", b"bbb", b"ccc"]
    assert sorted(server.paths()) == ["/a", "/b"]
    assert not boot.spool.exists()


def test_before_disks_everything_has_been_verified(boot: Boot, server: Server, wiped: list[str]) -> None:
    """Images skip the fetch stage where fetch-offline has found the config."""
    server.at["/a"] = body(b"aaa")
    server.at["/b"] = body(b"evil")
    boot.config(("/etc/a", server.url("/a"), b"aaa"), ("/etc/b", server.url("/b"), b"good"))
    assert boot("fetch-offline") == 0
    assert boot("disks") == 1
    assert wiped == []
    assert "contents of /etc/b: the contents have the hash sha256-" in boot.output
    assert "$.storage.files.1.contents" in boot.output
    server.at["/b"] = body(b"good")
    assert boot("disks") == 0, boot.output
    assert wiped == ["disks"]
    assert server.paths().count("/b") == 2


def test_a_file_that_is_missing_stops_the_fetch_stage(boot: Boot, server: Server) -> None:
    boot.config(("/etc/a", server.url("/a"), None))
    assert boot("fetch") == 1
    assert "contents of /etc/a: " in boot.output
    assert "does not exist (status 404)" in boot.output


@pytest.mark.root
def test_a_spool_that_is_gone_is_filled_again(boot: Boot, server: Server) -> None:
    server.at["*"] = in_turn(body(b"one"), body(b"two"))
    boot.config(("/etc/a", server.url("/a"), None))
    assert boot("fetch") == 0, boot.output
    for entry in os.scandir(boot.spool):
        os.unlink(entry)
    assert boot("files") == 0, boot.output
    assert (boot.root / "etc/a").read_bytes() == b"two"


def test_contents_are_removed_after_a_files_stage_that_fails(boot: Boot, server: Server) -> None:
    """They may hold secrets, and nothing asks for them any more."""
    server.at["/a"] = body(b"secret")
    boot.config(("/etc/a/b", server.url("/a"), None))
    (boot.root / "etc").mkdir()
    (boot.root / "etc/a").write_text("not a directory")
    assert boot("fetch") == 0, boot.output
    assert boot.spool.exists()
    assert boot("files") == 1
    assert not boot.spool.exists()


def test_a_fetch_stage_that_runs_again_keeps_nothing_old(boot: Boot, server: Server) -> None:
    server.at["/a"] = body(b"x" * 1000)
    boot.config(("/etc/a", server.url("/a"), None))
    assert boot("fetch") == 0, boot.output
    boot.config()
    assert boot("fetch") == 0, boot.output
    assert not boot.spool.exists()


def test_a_config_that_is_fetched_too_does_not_keep_contents_from_being_fetched(boot: Boot, server: Server) -> None:
    """Reading the child looks for the folder before there is one."""
    server.at["/child"] = body(b'{"ignition": {"version": "3.4.0"}}')
    server.at["/a"] = body(b"aaa")
    boot.config(("/etc/a", server.url("/a"), b"aaa"), config={"merge": [{"source": server.url("/child")}]})
    assert boot("fetch") == 0, boot.output
    assert boot.spool.exists()
    assert sorted(server.paths()) == ["/a", "/child"]


def test_a_portal_that_answers_instead_of_the_config(boot: Boot, server: Server) -> None:
    server.at["/child"] = body(b"  <!DOCTYPE html><html>Log in")
    boot.config(config={"merge": [{"source": server.url("/child")}]})
    assert boot("fetch") == 1
    assert "The response is a web page: log in to the network's portal" in boot.output
