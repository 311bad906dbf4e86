"""Platform applehv: the host's end of the connection; the real virtual socket is in tests/vm/test_platforms.py."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from ignition_py.providers import (
    Machine,
    applehv,
    load,
)
from ignition_py.report.diag import FetchError
from tests.providers.fakes import program
from tests.providers.network import config

CONFIG = config("applehv")


def host_answers(answer: bytes) -> tuple[socket.socket, list[bytes]]:
    """A connection to a host that gives this answer, and what it is asked."""
    here, there = socket.socketpair()
    asked: list[bytes] = []

    def serve() -> None:
        asked.append(here.recv(10_000))
        here.sendall(answer)
        here.close()

    threading.Thread(target=serve, daemon=True).start()
    return there, asked


def test_applehv(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    sock, asked = host_answers(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(CONFIG), CONFIG))
    monkeypatch.setattr(applehv, "_connect", lambda machine: sock)
    Path(machine.path(applehv.DRIVER)).mkdir(parents=True)
    machine.fetcher.offline = True  # it needs no network
    assert load("applehv")(machine) == CONFIG
    assert asked[0].startswith(b"GET / HTTP/1.1\r\nHost: d\r\n")
    assert b"\r\nAccept: application/json\r\n" in asked[0]


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
    ],
)
def test_applehv_answers(answer: bytes, data: bytes) -> None:
    assert applehv.ask(host_answers(answer)[0]) == data


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "RemoteDisconnected"),
        (b"garbage\r\n\r\n", "BadStatusLine"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "ends 7 bytes before its announced end"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000, "larger than 1000 bytes"),
    ],
)
def test_applehv_faults(answer: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applehv, "LIMIT", 1000)
    with pytest.raises(FetchError, match=words):
        applehv.ask(host_answers(answer)[0])


def test_applehv_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    there.settimeout(0.1)
    with pytest.raises(FetchError, match="TimeoutError"):
        applehv.ask(there)
    here.close()


@pytest.mark.subprocess
def test_applehv_without_a_host(machine: Machine, fake_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real virtual socket, on a machine that has no such host."""
    monkeypatch.setattr(applehv, "WAIT", 0.0)
    note = program(fake_programs, "modprobe")
    begun = time.monotonic()
    with pytest.raises(FetchError, match="no program listens there"):
        applehv.fetch(machine)
    assert time.monotonic() - begun < 60
    assert note.read_text() == "vsock\n"
