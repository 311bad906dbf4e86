"""fetch/connection.py: responses as servers may write them, and what they are sent."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ignition_py.fetch import deadline
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Ignition, Resource, Timeouts
from tests.helpers.servers import Server, Wire, body

pytestmark = pytest.mark.sockets
WHAT = "contents of /etc/x"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
GOOD = {
    "chunks": (CHUNKED + b"3\r\nabc\r\n0A;name=value\r\n0123456789\r\n0\r\n\r\n", b"abc0123456789"),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\n\r\n", b"x"),
    "length and chunks": (CHUNKED[:-2] + b"Content-Length: 99\r\n\r\n1\r\nx\r\n0\r\n\r\n", b"x"),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\nall of it", b"all of it"),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi"),
    "folded": (b"HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "more than was announced": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there", b"hi"),
}


@pytest.mark.parametrize(("answer", "wanted"), GOOD.values(), ids=GOOD)
def test_bodies(wire: Callable[..., Wire], fetcher: Fetcher, answer: bytes, wanted: bytes) -> None:
    assert fetcher.read(Resource(source=wire(answer).url), what=WHAT) == wanted


OK = b"HTTP/1.1 200 OK\r\n"
BAD = {
    "empty": (b"", "the connection was closed without a response"),
    "version": (b"HTTP/2 200 OK\r\n\r\n", "not HTTP"),
    "status": (b"HTTP/1.1 2000 OK\r\n\r\n", "not HTTP"),
    "low status": (b"HTTP/1.1 099 OK\r\n\r\n", "not HTTP"),
    "no colon": (OK + b"Content-Length 2\r\n\r\nhi", "not HTTP"),
    "space before the colon": (OK + b"Content-Length : 2\r\n\r\nhi", "not HTTP"),
    "line without end": (OK + b"X: " + b"a" * 200_000, "not HTTP"),
    "headers without end": (OK + b"X: a\r\n" * 5000, "not HTTP"),
    "coding": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\nhi", "not HTTP"),
    "huge chunk": (CHUNKED + b"f" * 16 + b"\r\nx", "shorter than announced"),
    "long chunk": (CHUNKED + b"1\r\nxyz\r\n0\r\n\r\n", "shorter than announced"),
    "cut chunk": (CHUNKED + b"5\r\nxyz", "shorter than announced"),
    "no last chunk": (CHUNKED + b"1\r\nx\r\n", "broke off after 1 bytes in each"),
    "huge length": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nhi", "not HTTP"),
}


@pytest.mark.parametrize(("answer", "why"), BAD.values(), ids=BAD)
def test_answers_that_are_none(wire: Callable[..., Wire], fetcher: Fetcher, answer: bytes, why: str) -> None:
    server = wire(answer)
    fetcher.configure(Ignition(timeouts=Timeouts().but(http_total=1)))
    with pytest.raises(FetchError, match=why):
        fetcher.read(Resource(source=server.url), what=WHAT)


def test_the_question(wire: Callable[..., Wire], fetcher: Fetcher) -> None:
    server = wire(OK + b"Content-Length: 0\r\n\r\n")
    fetcher.get(server.url + "?a=b c#d", what=WHAT, headers=(("X-Name", "\u00fc"),))
    fetcher.get(server.url, what=WHAT, method="PUT")
    listening = wire(OK + b"Content-Length: 0\r\n\r\n", close=False)  # the body comes in a packet of its own
    fetcher.get(listening.url, what=WHAT, method="POST", body=b"12\r\n\r\n")
    first, second = server.questions
    end = time.monotonic() + 60  # the server answers the head; it may read the body later
    while not b"".join(listening.questions).endswith(b"12\r\n\r\n") and time.monotonic() < end:
        time.sleep(0.01)
    third = b"".join(listening.questions)
    assert first.startswith(b"GET /f?a=b%20c HTTP/1.1\r\n")
    assert first.lower().count(b"\r\nhost: 127.0.0.1:") == 1
    assert b"\r\nx-name: \xc3\xbc\r\n" in first
    assert b"content-length" not in first
    assert b"\r\ncontent-length: 0\r\n" in second.lower()
    assert b"\r\ncontent-length: 6\r\n" in third.lower()
    assert third.endswith(b"\r\n\r\n12\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "connections"),
    [(OK + b"Content-Length: 2\r\n\r\nhi", 1), (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", 1),
     (OK + b"Content-Length: 2\r\nConnection: Close\r\n\r\nhi", 3), (OK + b"Content-Length: 2\r\n\r\nhi!", 1),
     (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 3)],
    ids=["length", "chunks", "close", "too much", "1.0"],
)  # fmt: skip
def test_connections_are_kept(wire: Callable[..., Wire], fetcher: Fetcher, answer: bytes, connections: int) -> None:
    server = wire(answer, close=False)
    for _ in range(3):
        assert fetcher.read(Resource(source=server.url), what=WHAT) == b"hi"
    assert server.connections == connections


def test_a_connection_that_the_server_has_closed_is_not_asked(wire: Callable[..., Wire], fetcher: Fetcher) -> None:
    server = wire(OK + b"Content-Length: 2\r\n\r\nhi")
    for _ in range(3):
        assert fetcher.read(Resource(source=server.url), what=WHAT) == b"hi"


def test_what_is_left_unread_does_not_reach_the_next(server: Server, fetcher: Fetcher) -> None:
    server.at["/long"] = body(b"x" * 300_000)
    server.at["/f"] = body(b"short")
    chunks = fetcher.content(Resource(source=server.url("/long")), what=WHAT).chunks(bool)
    next(chunks)
    chunks.close()
    assert fetcher.read(Resource(source=server.url("/f")), what=WHAT) == b"short"


