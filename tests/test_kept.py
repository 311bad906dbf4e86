"""kept.py: a failure is found again by the next boot and by a rescue system, on the root or on the boot filesystem."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ignition_py import cli, kept
from ignition_py.failure import Failure
from ignition_py.stages.kargs import bootfs
from ignition_py.system import host
from tests.helpers.servers import MemoryLog

pytestmark = [pytest.mark.root, pytest.mark.subprocess]
Stage = Callable[..., int]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A root filesystem of its own, as /sysroot is."""
    path = tmp_path / "sysroot"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    (path / "etc").mkdir()
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.fixture
def stage(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Runs a stage of boot number `boot`, whose /run is a folder of its own."""
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)

    def run(name: str, boot: int = 1) -> int:
        monkeypatch.setattr(kept, "boot_id", lambda: f"boot {boot}")
        (tmp_path / f"run{boot}").mkdir(exist_ok=True)
        places = [word for flag in ("config-cache", "neednet", "state-file") for word in (f"-{flag}", f"run{boot}/{flag}")]
        return cli.main(["ignition", "-platform", "file", "-stage", name, "-log-to-stdout", "-root", str(root), *places])

    return run


def write(folder: Path, *paths: str) -> None:
    files = [{"path": path, "contents": {"source": "data:,s3cr3t"}} for path in paths]
    (folder / "config.ign").write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files}}))


def status(root: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str]:
    capsys.readouterr()
    found = cli.main(["ignition-py", "status", "-root", str(root), *flags])
    return found, capsys.readouterr().out


def test_the_next_boot_and_a_rescue_system_know_of_it(
    tmp_path: Path, root: Path, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "etc/there").write_text("old")
    (root / "etc/too").write_text("old")
    write(tmp_path, "/etc/there")
    assert (stage("fetch"), stage("files")) == (0, 1)
    code, said = status(root, capsys)
    assert code == 1
    assert "failed in stage files" in said and "file /etc/there: a file is there already" in said
    assert oct((root / "etc/.ignition-failure.json").stat().st_mode) == "0o100600"
    assert "s3cr3t" not in (root / "etc/.ignition-failure.json").read_text()

    for boot in (2, 3):  # another failure; the first one is still what is told, however often it is tried
        write(tmp_path, "/etc/too")
        assert (stage("fetch", boot), stage("files", boot)) == (0, 1)
        screen = (tmp_path / f"run{boot}/failure.txt").read_text()
        assert "file /etc/too: a file is there already" in screen
        assert "the first boot that failed: stage files" in screen and "/etc/there" in screen
        assert json.loads(status(root, capsys, "-format", "json")[1])["failure"]["earlier"]["boot"] == "boot 1"
        assert "the first boot that failed: stage files" in status(root, capsys)[1]

    write(tmp_path, "/etc/new")
    assert (stage("fetch", 4), stage("files", 4)) == (0, 0)
    assert not (root / "etc/.ignition-failure.json").exists()
    assert status(root, capsys)[0] == 0


@pytest.mark.parametrize("before", ["2026-01-01T00:00:00Z", "2026-01-02T02:00:00+01:00"])
def test_a_result_that_is_newer_counts(root: Path, before: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What lies on the boot filesystem is taken away only by the system that has booted."""
    (root / "boot").mkdir()
    data: dict[str, Any] = {"stage": "disks", "message": "m", "at": before, "boot": "b", "earlier": None}
    (root / "boot/.ignition-failure.json").write_text(json.dumps(data))
    assert status(root, capsys)[0] == 1
    result = {"provisioningBootID": "x", "provisioningDate": "2026-01-02T01:30:00Z", "userConfigProvided": True}
    (root / "etc/.ignition-result.json").write_text(json.dumps(result))
    assert status(root, capsys)[0] == 0
    (root / "boot/.ignition-failure.json").write_text(json.dumps({**data, "at": "2026-01-02T01:31:00Z"}))
    assert status(root, capsys)[0] == 1


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"stage": 1}', "[" * 100_000, '{"earlier": {"stage": "x"}}'])
def test_damaged_ones_are_passed_over(root: Path, tmp_path: Path, stage: Stage, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/.ignition-failure.json").write_text(text)
    assert status(root, capsys)[0] == 4
    (root / "etc/there").write_text("old")
    write(tmp_path, "/etc/there")
    assert (stage("fetch"), stage("files")) == (0, 1)
    assert status(root, capsys)[0] == 1


def test_a_root_that_takes_nothing(root: Path, tmp_path: Path, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "/etc/new")
    assert stage("fetch") == 0
    subprocess.run(["mount", "-o", "remount,ro", root], check=True)
    capsys.readouterr()
    assert stage("files") == 1
    assert "Read-only file system" in capsys.readouterr().out
    assert (tmp_path / "run1/failure.json").exists()


@contextmanager
def looped(folder: Path, label: str) -> Iterator[str]:
    image = folder / f"{label}.img"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    (folder / "content/etc").mkdir(parents=True, exist_ok=True)
    subprocess.run(["mkfs.ext4", "-q", "-L", label, "-d", folder / "content", image], check=True)
    done = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=True)
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run(["losetup", "--detach", done.stdout.strip()], check=True)


def on_disk(node: str, path: str) -> dict[str, Any] | None:
    done = subprocess.run(["debugfs", "-R", f"cat {path}", node], capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.parametrize(
    ("name", "boot", "in_boot", "in_root"),
    [("files", True, True, False), ("disks", True, True, False), ("disks", False, False, False), ("fetch", True, True, False), ("fetch", False, False, True)],
)
def test_before_the_root_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, boot: bool, in_boot: bool, in_root: bool
) -> None:
    """The boot filesystem has it; the root filesystem only while nobody has worked on the disks."""
    monkeypatch.setattr(host, "INITRAMFS", "/etc/passwd")
    monkeypatch.setattr(host, "COMMAND_LINE", str(tmp_path / "cmdline"))
    monkeypatch.setattr(bootfs.Mounted.__init__, "__kwdefaults__", {"at": str(tmp_path / "mounted")})
    with looped(tmp_path, "boot") as boot_node, looped(tmp_path, "root") as root_node:
        devices = [bootfs.Device(boot_node, "loop", {"ID_FS_TYPE": "ext4", "ID_FS_LABEL": "boot"})] if boot else []
        monkeypatch.setattr(bootfs, "scan", lambda: devices)
        (tmp_path / "cmdline").write_text(f"quiet root={root_node} rw\n")
        for message in ("first", "second"):
            monkeypatch.setattr(kept, "boot_id", lambda message=message: message)
            failure = Failure(name, message)
            log = MemoryLog()
            kept.keep(log, name, "/nowhere", failure)
        found = on_disk(boot_node, f"/{kept.NAME}"), on_disk(root_node, kept.IN_ROOT)
    assert [one is not None for one in found] == [in_boot, in_root], log.text
    for one in found:
        if one is not None:
            assert (one["message"], one["earlier"]["message"]) == ("second", "first")
            assert failure.earlier.endswith(": first")


def test_nothing_is_mounted_on_a_running_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootfs, "scan", lambda: pytest.fail("looked for disks"))
    assert not host.in_initramfs()
    kept.keep(MemoryLog(), "fetch", "/", Failure("fetch", "x"))
    kept.keep(MemoryLog(), "files", "/", Failure("files", "x"))
    assert host.boot_id()
