"""system/log.py: where messages go, and with which priority."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ignition_py.system import log as module
from ignition_py.system.log import DEBUG, INFO, WARNING, Log


@pytest.fixture
def syslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A journal's syslog socket; the first of the two places has nothing."""
    path = tmp_path / "dev-log"
    monkeypatch.setattr(module, "SYSLOG_SOCKETS", (str(tmp_path / "missing"), str(path)))
    monkeypatch.setattr(module, "JOURNAL_SOCKET", str(tmp_path / "no-journal"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(5)
        yield sock


def test_priorities_in_syslog(syslog: socket.socket) -> None:
    log = Log()
    for name in ("crit", "error", "warning", "notice", "info", "debug"):
        getattr(log, name)("text")
    daemon = 3 << 3
    for priority in (2, 3, 4, 5, 6, 7):
        assert syslog.recv(4096) == f"<{daemon | priority}>ignition[{os.getpid()}]: text".encode()
    log.close()


def test_lines_and_control_characters(syslog: socket.socket) -> None:
    log = Log()
    log.info("a\nb\x1b[2J\x00ü\udcff")
    assert syslog.recv(4096).endswith(b": a")
    assert syslog.recv(4096).endswith(b": b?[2J?\xc3\xbc?")
    log.info("")
    assert syslog.recv(4096).endswith(b": ")


def test_failures_are_on_the_console_too(syslog: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    Log().failure(["one", "two"])
    assert syslog.recv(4096).startswith(b"<26>")
    assert capsys.readouterr().err == "one\ntwo\n"


def test_a_log_that_goes_away_stops_nothing(syslog: socket.socket) -> None:
    log = Log()
    syslog.close()
    log.info("text")
    log.close()
    log.info("text")


def test_kernel_log_before_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "kmsg"
    record.touch()
    monkeypatch.setattr(module, "SYSLOG_SOCKETS", ())
    monkeypatch.setattr(module, "KERNEL_LOG", str(record))
    log = Log()
    log.error("é" * 1000)
    log.close()
    lines = record.read_bytes().splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 1024 and line.startswith(b"<27>ignition[") for line in lines)
    assert b"".join(line.partition(b"]: ")[2] for line in lines) == ("é" * 1000).encode()


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(to_stdout=True, threshold=INFO)
    log.warning("careful")
    log.log(DEBUG, "details")
    log.failure(["bad"])
    assert capsys.readouterr() == ("WARNING  : careful\nCRITICAL : bad\n", "")


def test_steps(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(to_stdout=True)
    with log.step("disks: making ext4"):
        pass
    with pytest.raises(KeyError), log.step("disks: making xfs"):
        raise KeyError
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "INFO     : disks: making ext4"
    assert lines[1].startswith("INFO     : disks: making ext4: done in 0.")
    assert lines[3].startswith("ERROR    : disks: making xfs: failed after 0.")


def test_journal_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "journal"
    monkeypatch.setattr(module, "JOURNAL_SOCKET", str(path))
    log = Log(to_stdout=True, threshold=WARNING)
    log.journal("nobody listens", X="1")
    log = Log(to_stdout=True)
    log.journal("nobody listens", X="1")
    assert capsys.readouterr().out == "INFO     : nobody listens\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        log.journal("two\nlines", MESSAGE_ID="abc")
        entry = sock.recv(4096)
    expected = (
        b"MESSAGE\n"
        + (9).to_bytes(8, "little")
        + b"two\nlines\nPRIORITY=6\nSYSLOG_IDENTIFIER=ignition\nMESSAGE_ID=abc\n"
    )
    assert entry == expected
