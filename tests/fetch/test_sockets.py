"""Names with several addresses, of which some lead nowhere; without a network, on the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ignition_py.fetch import sockets

pytestmark = pytest.mark.sockets
FOR_EVER = 3600.0  # seconds; a test that waits for an address that leads nowhere does not end


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def listening(stack: ExitStack, address: str, *, silent: bool = False) -> int:
    """A port that takes connections, or, where it is silent, does not answer any more."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    server.bind((address, 0))
    server.listen(0 if silent else 16)
    port: int = server.getsockname()[1]
    for _ in range(8 if silent else 0):  # until its queue is full, and packets are dropped
        client = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        client.setblocking(False)
        client.connect_ex((address, port))
    return port


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """The resolver knows these addresses for every name, in this order."""

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address, _ in addresses]
        pairs = [(address, port, 0, 0) if ":" in address else (address, port) for address, port in addresses]
        return [(family, socket.SOCK_STREAM, 6, "", pair) for family, pair in zip(families, pairs, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(("dead", "alive"), [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("127.0.0.1", "127.0.0.2")])
def test_an_address_that_is_silent(stack: ExitStack, monkeypatch: pytest.MonkeyPatch, dead: str, alive: str) -> None:
    silent, open_ = listening(stack, dead, silent=True), listening(stack, alive)
    answering(monkeypatch, (dead, silent), (alive, open_))
    with sockets.connect("dual.example", 80, FOR_EVER) as sock:
        assert sock.getpeername()[:2] == (alive, open_)


def test_an_address_that_refuses_is_no_reason_to_wait(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INTERVAL", FOR_EVER)
    open_ = listening(stack, "127.0.0.1")
    answering(monkeypatch, ("::1", 1), ("127.0.0.1", 1), ("127.0.0.1", open_))
    with sockets.connect("dual.example", 80, FOR_EVER) as sock:
        assert sock.getpeername() == ("127.0.0.1", open_)


def test_families_take_turns() -> None:
    found = [(family, index) for family, count in ((10, 3), (2, 2)) for index in range(count)]
    assert sockets._interleaved(found) == [(10, 0), (2, 0), (10, 1), (2, 1), (10, 2)]
    assert sockets._interleaved([]) == []


def test_nobody_answers(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = listening(stack, "127.0.0.1", silent=True)
    answering(monkeypatch, ("127.0.0.1", silent), ("::1", 1))
    with pytest.raises(TimeoutError):
        sockets.connect("dual.example", 80, 0.5)
    answering(monkeypatch, ("127.0.0.1", 1), ("::1", 1))
    with pytest.raises(ConnectionRefusedError):
        sockets.connect("dual.example", 80, FOR_EVER)
    answering(monkeypatch)
    with pytest.raises(OSError, match="has no address"):
        sockets.connect("dual.example", 80, FOR_EVER)


def test_a_port_to_ask_from(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = listening(stack, "127.0.0.1")
    answering(monkeypatch, ("127.0.0.1", open_))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    option = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with sockets.connect("h", 80, FOR_EVER, [option], free) as sock:
        assert sock.getsockname()[1] == free
