"""fetch/tftp.py against servers in this process that lose packets and lie, and against dnsmasq where it is installed."""

from __future__ import annotations

import gzip
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.schemes import tftp
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Ignition, Resource, Timeouts
from tests.helpers.servers import MemoryLog

pytestmark = pytest.mark.sockets
WHAT = "contents of /x"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tftp, "WAIT", 0.02)
    monkeypatch.setattr(tftp, "LONGEST_WAIT", 0.1)


class Server:
    """A TFTP server for one file. `loss` is the part of packets that it neither sends nor hears."""

    def __init__(self, data: bytes, *, block: int = 512, loss: float = 0.0) -> None:
        self.data = data
        self.block = block
        self.questions: list[bytes] = []
        self._random = random.Random(7)
        self._loss = loss
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(0.02)
        self._stop = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path: str = "/f") -> str:
        return f"tftp://127.0.0.1:{self.sock.getsockname()[1]}{path}"

    def close(self) -> None:
        self._stop = True
        self._thread.join()
        self.sock.close()

    def _lost(self) -> bool:
        return self._random.random() < self._loss

    def _serve(self) -> None:
        while not self._stop:
            try:
                packet, sender = self.sock.recvfrom(65536)
            except TimeoutError:
                continue
            if self._lost():
                continue
            self.questions.append(packet)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", 0))
                sock.settimeout(0.03)
                self.answer(sock, sender, packet)

    def answer(self, sock: socket.socket, sender: Any, question: bytes) -> None:
        size = self.block
        number = 0
        while True:
            piece = self.data[number * size : (number + 1) * size]
            number += 1
            if not self._send(sock, sender, b"\0\3" + (number & 0xFFFF).to_bytes(2) + piece, number & 0xFFFF):
                return
            if len(piece) < size:
                return

    def _send(self, sock: socket.socket, sender: Any, packet: bytes, number: int) -> bool:
        """Sends until it is acknowledged."""
        for _ in range(30):
            if not self._lost():
                sock.sendto(packet, sender)
            try:
                while True:
                    answer = sock.recvfrom(1024)[0]
                    if answer == b"\0\4" + number.to_bytes(2) and not self._lost():
                        return True
            except TimeoutError:
                continue
        return False


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*args: Any, kind: type[Server] = Server, **options: Any) -> Server:
        servers.append(kind(*args, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def read(fetcher: Fetcher, url: str, **values: Any) -> bytes:
    return fetcher.read(Resource(source=url, **values), what=WHAT)


DATA = random.Random(1).randbytes(10_000)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 1025, 10_000])
def test_sizes(fetcher: Fetcher, serve: Callable[..., Server], size: int) -> None:
    server = serve(DATA[:size])
    assert read(fetcher, server.url()) == DATA[:size]
    assert set(server.questions) == {b"\0\1/f\0octet\0"}  # asked again where this machine is slow


def test_lost_packets(fetcher: Fetcher, serve: Callable[..., Server]) -> None:
    server = serve(DATA, loss=0.2)
    assert read(fetcher, server.url()) == DATA


@pytest.mark.slow
def test_a_resolver_that_is_not_ready_yet(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, log: MemoryLog) -> None:
    asked: list[str] = []

    def resolve(host: str, *args: object, **options: object) -> object:
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(tftp, "RESOLVING", 0.5)
    with pytest.raises(FetchError, match=r"the name nowhere\.example cannot be resolved \(Temporary failure"):
        fetcher.read(Resource(source="tftp://nowhere.example/f"), what="x")
    assert len(asked) >= 3
    assert "trying again in 0.1 s" in log.text


def test_block_numbers_wrap(fetcher: Fetcher, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(65_540 * 8 + 3)
    monkeypatch.setattr(tftp, "BLOCK", 8)
    assert read(fetcher, serve(data, block=8).url()) == data


def test_gzip(fetcher: Fetcher, serve: Callable[..., Server]) -> None:
    assert read(fetcher, serve(gzip.compress(DATA)).url(), compression="gzip") == DATA


def test_escapes_in_the_path(fetcher: Fetcher, serve: Callable[..., Server]) -> None:
    server = serve(b"x")
    read(fetcher, server.url("/a%20b/c"))
    assert server.questions[0].startswith(b"\0\1/a b/c\0")


class Refusing(Server):
    def answer(self, sock: socket.socket, sender: Any, question: bytes) -> None:
        sock.sendto(self.data, sender)


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (b"\0\5\0\1File not found\0", "does not exist"),
        (b"\0\5\0\2go away\x1b[2J\0", r"the server refuses \(go away"),
        (b"\0\5\0\3\0", r"the server refuses \(error 3\)"),
        (b"\0\6blksize\x001428\0", "does not respond"),
        (b"\0\3\0\1" + b"x" * 600, "larger blocks"),
        (b"\0", "does not respond"),
        (b"", "does not respond"),
        (b"\0\7\0\1", "does not respond"),
    ],
)
def test_answers_that_are_none(fetcher: Fetcher, serve: Callable[..., Server], packet: bytes, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        read(fetcher, serve(packet, kind=Refusing).url())


class Deaf(Server):
    def answer(self, sock: socket.socket, sender: Any, question: bytes) -> None:
        pass


def test_nobody_answers(fetcher: Fetcher, serve: Callable[..., Server]) -> None:
    with pytest.raises(FetchError, match="the server does not respond"):
        read(fetcher, serve(b"", kind=Deaf).url())


def test_total_time(fetcher: Fetcher, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tftp, "WAIT", 120.0)
    fetcher.configure(Ignition(timeouts=Timeouts(http_total=1)))
    start = time.monotonic()
    with pytest.raises(FetchError, match="not complete in time"):
        read(fetcher, serve(b"", kind=Deaf).url())
    assert time.monotonic() - start < 60


class Intruded(Server):
    """Somebody else sends blocks too, once the transfer has begun."""

    def _send(self, sock: socket.socket, sender: Any, packet: bytes, number: int) -> bool:
        if number > 1:
            self.sock.sendto(b"\0\3" + number.to_bytes(2) + b"evil", sender)
        return super()._send(sock, sender, packet, number)


def test_packets_of_others_do_not_count(fetcher: Fetcher, serve: Callable[..., Server]) -> None:
    assert read(fetcher, serve(DATA, kind=Intruded).url()) == DATA


@pytest.mark.parametrize(
    "url", ["tftp:x", "tftp:///x", "tftp://127.0.0.1:99999/x", "tftp://127.0.0.1:0/x", "tftp://a/%00"]
)
def test_urls_that_cannot_be_used(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(FetchError, match="the URL cannot be used"):
        read(fetcher, url)


@pytest.mark.root  # for the port
@pytest.mark.subprocess
@pytest.mark.peer
@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
def test_dnsmasq(fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 69))  # fails where the port is taken or forbidden
    argv = ["dnsmasq", "--no-daemon", "--port=0", "--enable-tftp", f"--tftp-root={tmp_path}", "--user=root"]
    server = subprocess.Popen([*argv, "--listen-address=127.0.0.1", "--conf-file=/dev/null"], stderr=subprocess.DEVNULL)
    try:
        while ":0045 " not in Path("/proc/net/udp").read_text():
            assert server.poll() is None
            time.sleep(0.02)
        assert read(fetcher, "tftp://127.0.0.1/f") == DATA
        with pytest.raises(FetchError, match="does not exist"):
            read(fetcher, "tftp://127.0.0.1/nothing")
    finally:
        server.terminate()
        server.wait()
