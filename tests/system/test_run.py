"""system/run.py: the door to other programs, with real ones."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py.system import host, waiting
from ignition_py.system import run as run_module
from ignition_py.system.host import mounts
from ignition_py.system.log import ERR, NOTICE
from ignition_py.system.process import Captured
from ignition_py.system.run import LIMITS, CommandError, command_line, limit_of, run, sync_below
from tests.helpers.programs import only_programs_in
from tests.helpers.servers import MemoryLog

pytestmark = pytest.mark.subprocess
SH = ("sh", "-c")


def test_output_and_input(log: MemoryLog) -> None:
    done = run(log, (*SH, "cat; echo err >&2"), what="echoing", stdin=b"hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello", b"err\n")
    assert "running: sh -c 'cat; echo err >&2'" in log.text
    assert "sh: err" in log.text


def test_surroundings_are_fixed(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LD_PRELOAD", "")
    done = run(log, (*SH, "echo $LC_ALL $MORE ${LD_PRELOAD-none}; cat"), what="looking", env={"MORE": "1"})
    assert done.stdout == b"C.UTF-8 1 none\n"


def test_failure_has_the_tools_own_words(log: MemoryLog) -> None:
    with pytest.raises(CommandError) as caught:
        run(log, (*SH, "echo first >&2; echo bad superblock >&2; exit 3"), what="making ext4 on /dev/vda1")
    assert str(caught.value).startswith(
        "making ext4 on /dev/vda1: sh failed (exit status 3): first; bad superblock. Command: "
    )
    error = caught.value
    assert (error.summary, error.said) == ("making ext4 on /dev/vda1: sh failed (exit status 3)", ("first", "bad superblock"))
    assert error.command == "sh -c 'echo first >&2; echo bad superblock >&2; exit 3'"
    assert (error.returncode, error.hint) == (3, "")


def test_other_statuses_can_be_fine(log: MemoryLog) -> None:
    assert run(log, (*SH, "exit 2"), what="checking", ok=(0, 2)).returncode == 2


def test_signals(log: MemoryLog) -> None:
    with pytest.raises(CommandError, match="ended by signal 9"):
        run(log, (*SH, "kill -9 $$"), what="dying")


def test_time_is_bounded(log: MemoryLog) -> None:
    with pytest.raises(CommandError, match=r"waiting: sleep did not finish within 0\.1 seconds"):
        run(log, ("sleep", "5"), what="waiting", timeout=0.1)


def test_program_that_is_not_there(log: MemoryLog) -> None:
    with pytest.raises(CommandError, match=r"making it: mkfs\.nothing could not be started"):
        run(log, ("mkfs.nothing",), what="making it")


def test_secrets_are_hidden(log: MemoryLog) -> None:
    with pytest.raises(CommandError) as caught:
        run(log, ("false", "s3cr3t"), what="trying", secret=("s3cr3t",))
    assert "s3cr3t" not in str(caught.value) + log.text
    assert "false <hidden>" in str(caught.value)


def test_quoting_can_be_pasted(log: MemoryLog) -> None:
    words = ("printf", "%s\\n", "a b", "it's", "", "$HOME", "-x=1,2")
    assert run(log, (*SH, command_line(words)), what="pasting").stdout == b"a b\nit's\n\n$HOME\n-x=1,2\n"
    assert command_line(("mkfs.xfs", "/dev/vda1")) == "mkfs.xfs /dev/vda1"


@pytest.mark.root
def test_chroot(log: MemoryLog, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"inside: sh failed \(exit status 127\): .*No such file") as caught:
        run(log, ("sh", "-c", "true"), what="inside", chroot=str(tmp_path))
    assert caught.value.command == f"chroot {tmp_path} sh -c true"
    (tmp_path / "marked").touch()
    for folder in ("usr", "bin", "lib", "lib64"):
        if os.path.islink(f"/{folder}"):
            (tmp_path / folder).symlink_to(os.readlink(f"/{folder}"))
        elif os.path.isdir(f"/{folder}"):
            (tmp_path / folder).mkdir()
            subprocess.run(["mount", "--bind", f"/{folder}", tmp_path / folder], check=True)
    try:
        assert run(log, ("sh", "-c", "pwd; echo /m*; cat"), what="inside", stdin=b"in", chroot=str(tmp_path)).stdout == b"/\n/marked\nin"
    finally:
        for mount in [mount for mount in mounts() if mount.target.startswith(f"{tmp_path}/")]:
            subprocess.run(["umount", mount.target], check=True)


def running(mark: str) -> list[str]:
    """The processes with a word of their own on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark in path.read_text("utf-8", "replace").split("\0"):
                found.append(path.parent.name)
        except OSError:  # it has ended
            continue
    return found


def until(condition: Callable[[], bool]) -> None:
    """Waits until it is so; a process starts and ends in its own time."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("script", ["sleep 61.{mark} & sleep 61.{mark}", "(sleep 61.{mark} & sleep 61.{mark}) & wait", "trap '' TERM; sleep 61.{mark}; true"])
def test_the_children_of_a_program_that_is_out_of_time_go_with_it(log: MemoryLog, script: str) -> None:
    mark = f"{os.getpid()}"
    with pytest.raises(CommandError, match=r"did not finish within 2 seconds: so far"):
        run(log, (*SH, "echo so far; " + script.format(mark=mark)), what="waiting", timeout=2)
    until(lambda: not running(f"61.{mark}"))


@pytest.mark.parametrize(("status", "pipes"), [(0, ""), (0, ">/dev/null"), (0, "2>/dev/null"), (3, "")])
def test_a_child_that_keeps_the_pipes_open_is_not_waited_for(log: MemoryLog, status: int, pipes: str) -> None:
    mark = f"62.{os.getpid()}{status}{len(pipes)}"
    try:
        done = run(log, (*SH, f"sleep {mark} {pipes} & echo out; echo err >&2; exit {status}"), what="starting", ok=(status,), timeout=30)
        until(lambda: bool(running(mark)))
        assert (done.returncode, done.stdout, done.stderr) == (status, b"out\n", b"err\n")
    finally:
        for pid in running(mark):
            os.kill(int(pid), signal.SIGKILL)


def test_a_program_that_does_not_read(log: MemoryLog) -> None:
    big = b"x" * (1 << 20)
    assert run(log, (*SH, "exec <&-; echo done"), what="ignoring", stdin=big).stdout == b"done\n"
    assert run(log, (*SH, "sleep 0.1; cat"), what="echoing", stdin=big).stdout == big


def test_output_is_bounded(log: MemoryLog) -> None:
    done = run(log, (*SH, "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last"), what="chatting", limit=1000)
    assert done.stdout.startswith(b"first\nxxx")
    assert done.stdout.endswith(b"xxxlast\n")
    assert b"\n[2999011 bytes left out]\n" in done.stdout


def test_the_log_of_a_chatty_program_is_bounded(log: MemoryLog) -> None:
    run(log, (*SH, "seq 5000 >&2"), what="chatting")
    assert len(log.lines) == 201
    assert log.lines[1][1] == "chatting: sh: 1"
    assert log.lines[-1][1] == "chatting: sh: 5000"


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 8, 100])
@pytest.mark.parametrize("piece", [1, 3, 50])
def test_captured_output(limit: int, piece: int) -> None:
    data = bytes(range(48, 75))
    captured = Captured(limit)
    for start in range(0, len(data), piece):
        captured.add(data[start : start + piece])
    half = max(limit // 2, 1)
    left_out = len(data) - 2 * half
    tail = data[len(data) - half :]
    expected = data if left_out <= 0 else data[:half] + f"\n[{left_out} bytes left out]\n".encode() + tail
    assert captured.value() == expected


def test_all_that_a_failing_program_prints_is_logged(log: MemoryLog) -> None:
    with pytest.raises(CommandError, match=r"\(exit status 1\): the cause\. Command: "):
        run(log, (*SH, "echo the cause >&2; echo 'Usage: x' >&2; seq 500 >&2; echo out; echo; exit 1"), what="making xfs")
    errors = [text for priority, text in log.lines if priority == ERR]
    assert errors[:3] == ["making xfs: sh: the cause", "making xfs: sh: Usage: x", "making xfs: sh: 1"]
    assert errors[-2:] == ["making xfs: sh: 500", "making xfs: sh: out"]
    assert len(errors) == 201


def test_the_console_is_told_who_is_waited_for(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "INTERVAL", 0.05)
    run(log, ("sleep", "0.4"), what="making ext4 on /dev/vda1")
    lines = [text for priority, text in log.lines if priority == NOTICE]  # notices are what consoles show
    assert 2 <= len(lines) <= 8, lines
    assert re.fullmatch(r"waiting for sleep \(making ext4 on /dev/vda1\), 0\.\d+ s so far", lines[0])


def test_a_program_without_a_limit_is_not_killed_and_one_with_a_limit_is(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ignition_py.system.run.LIMITS", {("sh",): 0.2, ("sleep", "1"): 0.1})
    with pytest.raises(CommandError, match=r"waiting: sh did not finish within 0\.2 seconds: so far"):
        run(log, (*SH, "echo so far; sleep 60"), what="waiting")
    assert "waiting: sh: so far" in log.text
    with pytest.raises(CommandError, match=r"did not finish within 0\.1 seconds"):
        run(log, ("sleep", "1"), what="waiting")
    run(log, ("sleep", "0.4"), what="waiting")


WORKERS = (
    "mkfs.ext4 /dev/vda1", "mkfs.xfs x", "wipefs -a x", "mdadm --create x", "mdadm --stop x", "cryptsetup luksFormat x", "cryptsetup luksOpen x",
    "cryptsetup luksClose x", "mount x y", "/usr/sbin/setfiles x", "setfiles x", "umount y", "dmsetup create x", "dmsetup remove x", "sfdisk x",
    "resize2fs x", "useradd x", "systemctl enable x", "btrfs check", "zkey generate", "vmur re -f 1 x", "ignition-kargs-helper",
)  # fmt: skip


@pytest.mark.parametrize("words", WORKERS)
def test_no_clock_for_what_works_on_disks_and_trees(words: str) -> None:
    assert limit_of(words.split()) is None


def test_only_rows_have_limits() -> None:
    """No call in what runs in a boot gives a time limit of its own, but for udev's first attempt."""
    package = Path(run_module.__file__).parents[1]
    found = []
    for folder in ("stages", "system", "fetch", "providers"):
        for path in (package / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in ("run", "run_program", "self._run"):
                    found += [path.name for word in node.keywords if word.arg == "timeout"]
    assert found == ["udev.py", "udev.py"]
    assert limit_of(["/usr/bin/udevadm", "settle"]) == LIMITS[("udevadm",)]
    assert limit_of(["mdadm", "--detail", "--export", "x"]) == LIMITS["mdadm", "--detail"]


@pytest.mark.root
def test_syncing_what_is_below_a_root(log: MemoryLog, tmp_path: Path) -> None:
    inner, other = tmp_path / "root/var", tmp_path / "root-of-another"
    for folder in (inner, other):
        folder.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    try:
        sync_below(log, str(tmp_path / "root"))
    finally:
        for folder in (inner, other):
            subprocess.run(["umount", folder], check=True)
    assert log.lines == [(7, f"running: sync -f {tmp_path}/root {inner}")]


def test_syncing_without_the_program(log: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_programs_in(monkeypatch, tmp_path)
    sync_below(log, str(tmp_path))
    assert log.lines == [(7, "sync is not on PATH; syncing every filesystem")]


@pytest.mark.parametrize("failing", ["mounts", "program"])
def test_syncing_where_something_is_missing(log: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """An initramfs without /proc, and a program that fails."""
    if failing == "mounts":
        monkeypatch.setattr(host, "MOUNTS", str(tmp_path / "none"))
    else:
        (tmp_path / "sync").symlink_to("/bin/false")
        only_programs_in(monkeypatch, tmp_path)
    sync_below(log, str(tmp_path))
    assert log.lines[-1][1].endswith("syncing every filesystem")
