"""system/host.py: facts about the machine, and files that are written as a whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ignition_py.report.diag import IgnitionError
from ignition_py.system import host


def program(folder: Path, name: str, mode: int = 0o755) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return str(path)


def test_programs_are_found_on_path_and_where_the_system_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, system = tmp_path / "a", tmp_path / "b", tmp_path / "sbin"
    monkeypatch.setenv("PATH", f"{first}::{second}")
    monkeypatch.setattr(host, "ALWAYS_SEARCHED", (str(system), str(second)))
    assert host.search_path() == [str(first), str(second), str(system)]
    (first / "folder").mkdir(parents=True)
    program(first, "readable", 0o644)
    found = {name: program(folder, name) for name, folder in (("one", first), ("folder", second), ("readable", second), ("mkfs", system))}
    program(second, "one")
    for name, path in found.items():
        assert host.which(name) == path
    assert host.which("missing") == ""
    monkeypatch.delenv("PATH")
    assert set(host.DIRECTORIES) <= set(host.search_path())


def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 << 20 < host.available_memory() < 1 << 50
    file = tmp_path / "meminfo"
    monkeypatch.setattr(host, "MEMORY", str(file))
    assert host.available_memory() == 0
    for text, size in (("MemTotal: 9 kB\nMemAvailable:    8 kB\n", 8192), ("MemTotal: 9 kB\n", 0), ("MemAvailable:\n", 0), ("MemAvailable: x\n", 0)):
        file.write_text(text)
        assert host.available_memory() == size


def test_boot_id_and_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(host.boot_id()) == 36
    monkeypatch.setattr(host, "BOOT_ID", str(tmp_path / "none"))
    assert host.boot_id() == ""
    line = tmp_path / "cmdline"
    line.write_bytes(b"quiet a=\xff\n")
    assert host.kernel_command_line(str(line)) == "quiet a=\udcff\n"
    with pytest.raises(IgnitionError, match=r"reading the kernel command line .*/none: No such file"):
        host.kernel_command_line(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("text", "plain"),
    [("/a\\040b\\134c", "/a b\\c"), ("\\011\\012\\043", "\t\n#"), ("plain", "plain"), ("", ""), ("a\\", "a\\"), ("a\\04", "a\\04"), ("a\\089", "a\\089")],
)
def test_escapes_of_proc(text: str, plain: str) -> None:
    assert host.unescape(text) == plain


def test_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(mount.target == "/proc" and mount.source == "proc" for mount in host.mounts())
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(host, "MOUNTS", str(table))
    with pytest.raises(IgnitionError, match="reading the list of mounts"):
        list(host.mounts())
    table.write_bytes(
        b"24 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
        b"30 24 0:25 /sub\\040volume /mnt/a\\040b\xff rw - btrfs /dev/vd\\134b rw\n"
        b"31 24 0:26 / /none rw master:1 shared:2 -  tmpfs rw\n"  # an empty type and source, as overlayfs may have
        b"rubbish\n"
    )
    assert list(host.mounts()) == [
        host.Mount("254:1", "/dev/vda1", "/"),
        host.Mount("0:25", "/dev/vd\\b", "/mnt/a b\udcff"),
        host.Mount("0:26", "tmpfs", "/none"),
    ]


def test_writing_all_over_a_pipe_that_does_not_block() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = bytes(range(256)) * 8192  # 2 MiB, far more than a pipe holds
    got: list[bytes] = []

    def drain() -> None:
        with open(reader, "rb") as file:
            got.append(file.read())

    thread = threading.Thread(target=drain)
    thread.start()
    host.write_all(writer, data)
    os.close(writer)
    thread.join()
    assert got == [data]


@pytest.mark.parametrize("durable", [False, True])
def test_private_files(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "new" / "state"
    old_mask = os.umask(0)
    try:
        host.write_private(str(path), b"one", what="the state", durable=durable)
    finally:
        os.umask(old_mask)
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.parent.stat().st_mode & 0o7777 == 0o700
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (path.parent / f"state.{os.getpid()}.new").symlink_to(victim)  # left by a run that was killed, or put there
    host.write_private(str(path), b"two", what="the state", durable=durable)
    assert (path.read_bytes(), victim.read_text(), os.listdir(path.parent)) == (b"two", "untouched", ["state"])


def test_private_files_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(IgnitionError, match=r"writing the state .*/taken: Is a directory"):
        host.write_private(str(tmp_path / "taken"), b"", what="the state")
    assert os.listdir(tmp_path) == ["taken"]
