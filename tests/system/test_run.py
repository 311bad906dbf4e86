"""system/run.py: the door to other programs, with real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from ignition_py.system.run import CommandError, command_line, quote, run
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
    assert caught.value.returncode == 3


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
    assert quote("/dev/vda1") == "/dev/vda1"


@pytest.mark.root
def test_chroot(log: MemoryLog, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="could not be started"):
        run(log, ("sh", "-c", "true"), what="inside", chroot=str(tmp_path))
