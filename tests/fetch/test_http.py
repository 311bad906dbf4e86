"""fetch/http.py against servers that behave, and servers that do not."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ignition_py.fetch import connection, deadline, http
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.gather import gather
from ignition_py.fetch.sockets import connect
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Config, File, HTTPHeader, Ignition, Proxy, Resource, Storage, Timeouts, Verification
from ignition_py.system import waiting
from ignition_py.system.log import NOTICE
from tests.helpers.servers import Answer, MemoryLog, Server, body, in_turn, redirect

pytestmark = pytest.mark.sockets
WHAT = "contents of /etc/x"


def resource(url: str, **values: Any) -> Resource:
    return Resource(source=url, **values)


def limits(fetcher: Fetcher, headers: int | None = None, total: int | None = None) -> None:
    timeouts = Timeouts().but(http_response_headers=headers, http_total=total)
    fetcher.configure(Ignition(timeouts=timeouts))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)


def test_body(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"hello")
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"hello"
    headers = server.seen[0][1]
    assert headers["user-agent"].startswith("Ignition/2.")
    assert headers["accept"].startswith("application/vnd.coreos.ignition+json;version=3.6.0")
    assert headers["accept-encoding"] == "identity"
    assert set(headers) - {"connection"} == {"host", "user-agent", "accept", "accept-encoding"}


def test_no_content(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"", status=204)
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b""


def test_headers_of_the_config_replace_ours_and_the_last_wins(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"")
    wanted = (("X-Token", "one"), ("x-token", "two"), ("User-Agent", "mine"))
    named = tuple(HTTPHeader(name=name, value=value) for name, value in wanted)
    fetcher.read(resource(server.url("/f"), http_headers=named), what=WHAT)
    headers = server.seen[0][1]
    assert headers["x-token"] == "two"
    assert headers["user-agent"] == "mine"


def test_headers_stay_behind_on_redirects(server: Server, fetcher: Fetcher) -> None:
    server.at["/a"] = redirect("b?q=1")
    server.at["/b"] = body(b"there")
    named = (HTTPHeader(name="Authorization", value="Bearer topsecret"),)
    assert fetcher.read(resource(server.url("/a"), http_headers=named), what=WHAT) == b"there"
    (_, first), (path, second) = server.seen
    assert first["authorization"] == "Bearer topsecret"
    assert path == "/b?q=1"
    assert set(second) - {"connection"} == {"host", "user-agent", "accept", "accept-encoding"}
    assert second["user-agent"] == first["user-agent"]
    assert second["accept"] == first["accept"]


def needs_an_agent(handler: BaseHTTPRequestHandler) -> None:
    body(b"x", status=200 if "Ignition" in handler.headers.get("User-Agent", "") else 403)(handler)


def test_servers_that_want_a_user_agent_get_one_after_a_redirect_too(server: Server, fetcher: Fetcher) -> None:
    server.at["/a"], server.at["/b"], server.at["/c"] = redirect("/b", 307), redirect("/c", 301), needs_an_agent
    assert fetcher.read(resource(server.url("/a")), what=WHAT) == b"x"


def test_the_configs_own_user_agent_and_accept_are_kept_on_redirects(server: Server, fetcher: Fetcher) -> None:
    server.at["/a"], server.at["/b"] = redirect("/b"), body(b"")
    named = (HTTPHeader(name="User-Agent", value="mine"), HTTPHeader(name="Accept", value="text/plain"), HTTPHeader(name="X", value="1"))
    fetcher.read(resource(server.url("/a"), http_headers=named), what=WHAT)
    second = server.seen[1][1]
    assert (second["user-agent"], second["accept"], second.get("x")) == ("mine", "text/plain", None)


def test_cookies_are_not_kept(server: Server, fetcher: Fetcher) -> None:
    server.at["/a"] = body(b"", status=302, headers={"Location": "/b", "Set-Cookie": "id=1; Path=/"})
    server.at["/b"] = body(b"")
    fetcher.read(resource(server.url("/a")), what=WHAT)
    assert "cookie" not in server.seen[1][1]


def test_redirect_loop(server: Server, fetcher: Fetcher) -> None:
    server.at["/a"] = redirect("/a")
    with pytest.raises(FetchError, match="redirects more than 30 times"):
        fetcher.read(resource(server.url("/a")), what=WHAT)
    assert len(server.seen) == http.MAX_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/shadow", "http://[::1", "data:,x", "ftp://a/"])
def test_redirect_to_another_scheme(server: Server, fetcher: Fetcher, target: str) -> None:
    server.at["/a"] = redirect(target)
    with pytest.raises(FetchError, match="redirects to a URL that is neither http nor https"):
        fetcher.read(resource(server.url("/a")), what=WHAT)


@pytest.mark.parametrize("headers", [{}, {"Location": ""}], ids=["none", "empty"])
def test_redirect_without_a_target_is_an_answer(server: Server, fetcher: Fetcher, headers: dict[str, str]) -> None:
    server.at["/a"] = body(b"", status=302, headers=headers)
    with pytest.raises(FetchError, match="status 302"):
        fetcher.read(resource(server.url("/a")), what=WHAT)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
def test_servers_that_may_answer_otherwise_are_asked_again(server: Server, fetcher: Fetcher, status: int) -> None:
    server.at["/f"] = in_turn(body(b"no", status=status), body(b"no", status=status), body(b"yes"))
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"yes"
    assert len(server.seen) == 3


FINAL = [(404, "does not exist"), (401, "status 401"), (402, "status 402"), (202, "status 202"), (203, "status 203")]


@pytest.mark.parametrize(("status", "words"), FINAL)
def test_other_statuses_are_final(server: Server, fetcher: Fetcher, status: int, words: str) -> None:
    server.at["/f"] = body(b"no", status=status)
    with pytest.raises(FetchError, match=words):
        fetcher.read(resource(server.url("/f")), what=WHAT)
    assert len(server.seen) == 1


def test_providers_choose_statuses_to_try_again(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = in_turn(body(b"", status=404), body(b"config"))
    assert fetcher.get(server.url("/f"), what="the config", retry=(404,)) == b"config"


def test_the_server_is_not_there_yet(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    url = server.url("/f")
    server.close()
    limits(fetcher, total=1)
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"within 1 s; last error: Connection refused"):
        fetcher.read(resource(url), what=WHAT)
    assert 0.9 < time.monotonic() - start < 30
    assert "attempt #3" in log.text


def test_pauses_double_up_to_the_longest(server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(http, "pause", lambda request, seconds, *_: pauses.append(seconds))
    server.at["/f"] = in_turn(*[body(b"", status=500)] * 9, body(b"x"))
    fetcher.read(resource(server.url("/f")), what=WHAT)
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


@pytest.mark.parametrize("status", [202, 429, 503])
def test_servers_may_ask_for_a_longer_pause(server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(http, "pause", lambda request, seconds, *_: pauses.append(seconds))
    values = ("3", "999999", "Tue, 01 Jan 2030 00:00:20 GMT", "Tue, 01 Jan 2030 09:00:00 GMT", "Mon, 31 Dec 2029 09:00:00 GMT", "tomorrow")
    busy = [body(b"", status=status, headers={"Retry-After": value}) for value in values]
    server.at["/f"] = in_turn(*busy, body(b"x"))
    servers_clock = "Tue, 01 Jan 2030 00:00:00 GMT"  # another than this machine's
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self, timestamp=None: servers_clock)
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"x"
    assert pauses == [3.0, 30.0, 20.0, 30.0, 5.0, 5.0]


def test_what_is_tried_again_ends_with_the_deadline_and_the_console_hears_of_it(
    server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, log: MemoryLog
) -> None:
    monkeypatch.setattr(waiting, "INTERVAL", 0.2)
    server.at["/f"] = body(b"", status=429)
    limits(fetcher, total=1)
    with pytest.raises(FetchError, match=r"within 1 s; last error: status 429"):
        fetcher.read(resource(server.url("/f?token=s3cr3t")), what=WHAT)
    told = [text for priority, text in log.lines if priority == NOTICE]
    assert re.fullmatch(rf"waiting for {WHAT} from {server.url('/f')}, 0\.\d+ s so far, \d+ s more at most; last error: status 429", told[0])
    assert "s3cr3t" not in log.text


def hang(server: Server) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        server.release.wait(20)

    return answer


def test_response_headers_time_out_and_are_tried_again(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/f"] = in_turn(hang(server), body(b"late"))
    limits(fetcher, headers=1)
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"late"
    assert "no response within" in log.text


def test_headers_that_drip_time_out(server: Server, fetcher: Fetcher) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
            handler.wfile.write(bytes([byte]))
            if server.release.wait(0.05):
                return

    server.at["/f"] = in_turn(drip, body(b"fast"))
    limits(fetcher, headers=1)
    start = time.monotonic()
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"fast"
    assert time.monotonic() - start < 30  # of the 50 that the headers would take


@pytest.mark.parametrize("cut", [b"", b"Content-Le", b"X: y\r\n"])
def test_headers_that_break_off_are_not_an_empty_body(server: Server, fetcher: Fetcher, cut: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + cut)
        handler.close_connection = True

    server.at["/f"] = in_turn(answer, body(b"whole"))
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"whole"


def test_total_time_covers_the_body(server: Server, fetcher: Fetcher) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not server.release.wait(0.05):
            handler.wfile.write(b"x")

    server.at["/f"] = drip
    limits(fetcher, total=1)
    start = time.monotonic()
    with pytest.raises(FetchError, match="not complete within 1 seconds"):
        fetcher.read(resource(server.url("/f")), what=WHAT)
    assert time.monotonic() - start < 60  # of the hour that the body would take


def silent_for(server: Server, seconds: float) -> Answer:
    """A body that pauses in the middle."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"01234")
        server.release.wait(seconds)
        handler.wfile.write(b"56789")

    return answer


def test_a_silent_body_is_waited_for(server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, log: MemoryLog) -> None:
    """Several intervals long, so that each of them is no limit. The limit for the headers is shorter, and not for the body."""
    monkeypatch.setattr(waiting, "INTERVAL", 0.3)
    limits(fetcher, headers=1)
    server.at["/f"] = silent_for(server, 1.5)
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"0123456789"
    assert len(server.seen) == 1
    assert any(text.startswith(f"waiting for {WHAT} from http://") for priority, text in log.lines if priority == NOTICE)


@pytest.mark.matrix  # which the test above shows within a second
def test_75_seconds_of_silence(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/f"] = silent_for(server, 75)
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"0123456789"
    assert len(server.seen) == 1
    assert "1 min so far" in log.text


def test_the_other_end_is_asked_for_signs_of_life(server: Server) -> None:
    with connect("127.0.0.1", int(server.url("").rpartition(":")[2]), 5) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


def test_a_body_that_breaks_off_is_fetched_again_from_the_start(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    data = bytes(range(256)) * 1024
    server.at["/f"] = in_turn(body(data[:200_000], length=len(data)), body(data[:5], length=len(data)), body(data))
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == data
    assert "the body broke off after 200000 bytes" in log.text
    assert "from the start" in log.text


OLD = b"version=1.2.3\n" + b"a" * 100_000 + b"url=old.example/app-1.2.3\n"
NEW = b"version=1.2.4\n" + b"a" * 100_000 + b"url=new.example/app-1.2.4\n"


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("verified", [False, True])
def test_nothing_is_put_together_from_two_responses(
    server: Server, fetcher: Fetcher, log: MemoryLog, tmp_path: Path, compression: str | None, verified: bool
) -> None:
    """The file was replaced meanwhile by one that differs in a few bytes: in memory, in a file with something before it, and in
    the spool."""
    old, new = (gzip.compress(OLD, mtime=0), gzip.compress(NEW, mtime=0)) if compression else (OLD, NEW)
    check = Verification(hash=f"sha256-{hashlib.sha256(NEW).hexdigest()}") if verified else Verification()
    wanted = resource(server.url("/f"), compression=compression, verification=check)
    broken = body(old[: len(old) * 2 // 3], length=len(old))
    server.at["/f"] = in_turn(broken, body(new))
    assert fetcher.read(wanted, what=WHAT) == NEW
    server.at["/f"] = in_turn(broken, broken, body(new))
    with (tmp_path / "f").open("wb") as file:
        file.write(b"before ")
        file.flush()
        assert fetcher.content(wanted, what=WHAT).write_to(file.fileno()) == len(NEW)
    assert (tmp_path / "f").read_bytes() == b"before " + NEW
    server.at["/f"] = in_turn(broken, body(new))
    spooling = Fetcher(log, spool=str(tmp_path / "spool"))
    config = Config().but(storage=Storage(files=(File(path="/f", contents=wanted),)))
    gather(spooling, config, log)
    assert spooling.read(wanted, what=WHAT) == NEW
    assert server.paths() == ["/f"] * 7


def test_a_body_that_is_always_truncated(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"aaaa", length=8)
    with pytest.raises(FetchError, match="broke off after 4 bytes in each of 5 attempts: the body is shorter than announced"):
        fetcher.read(resource(server.url("/f")), what=WHAT)


def test_chunked_garbage(server: Server, fetcher: Fetcher) -> None:
    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"4\r\nabcd\r\nzz\r\n")
        handler.close_connection = True

    server.at["/f"] = garbage
    with pytest.raises(FetchError, match="in each of 5 attempts"):
        fetcher.read(resource(server.url("/f")), what=WHAT)


def raw(data: bytes) -> Answer:
    """An answer as it is written here, to the last byte."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


@pytest.mark.parametrize(
    "before",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"],
    ids=["100", "others"],
)
def test_interim_answers_are_passed_over(server: Server, fetcher: Fetcher, before: bytes) -> None:
    server.at["/f"] = raw(before + b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nyes")
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"yes"


def test_interim_answers_without_end(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
    limits(fetcher, total=1)
    with pytest.raises(FetchError, match="last error: the response is not HTTP"):
        fetcher.read(resource(server.url("/f")), what=WHAT)


@pytest.mark.parametrize("length", [b"-5", b"3, 4", b"3x", b"0x3", "\u0663".encode()])
def test_lengths_that_are_none(server: Server, fetcher: Fetcher, length: bytes) -> None:
    server.at["/f"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\nyes" % length)
    limits(fetcher, total=1)
    with pytest.raises(FetchError, match="the response is not HTTP"):
        fetcher.read(resource(server.url("/f")), what=WHAT)


def test_not_http(server: Server, fetcher: Fetcher) -> None:
    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        handler.close_connection = True

    server.at["/f"] = garbage
    limits(fetcher, total=1)
    with pytest.raises(FetchError, match="last error: the response is not HTTP"):
        fetcher.read(resource(server.url("/f")), what=WHAT)


def test_gzip_and_digest(server: Server, fetcher: Fetcher) -> None:
    data = b"some text\n" * 10_000
    server.at["/f.gz"] = body(gzip.compress(data))
    check = Verification(hash=f"sha512-{hashlib.sha512(data).hexdigest()}")
    wanted = resource(server.url("/f.gz"), compression="gzip", verification=check)
    assert fetcher.read(wanted, what=WHAT) == data


def test_content_encoding_is_left_alone(server: Server, fetcher: Fetcher) -> None:
    packed = gzip.compress(b"text")
    server.at["/f"] = body(packed, headers={"Content-Encoding": "gzip"})
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == packed


def test_wrong_digest(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"evil")
    check = Verification(hash=f"sha256-{hashlib.sha256(b'good').hexdigest()}")
    found = f"sha256-{hashlib.sha256(b'evil').hexdigest()}"
    with pytest.raises(FetchError, match=rf"{found[:23]}…, but the config expects {check.hash[7:23]}…") as failure:
        fetcher.read(resource(server.url("/f"), verification=check), what=WHAT)
    assert failure.value.hint == f"Restore the contents, or, if the new ones are right, set `hash: {found}`"


def test_a_portal_that_answers_for_everybody(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"\n<!DOCTYPE html><html>Please log in")
    check = Verification(hash=f"sha256-{hashlib.sha256(b'good').hexdigest()}")
    with pytest.raises(FetchError, match=r"but the config expects.*The response is a web page"):
        fetcher.read(resource(server.url("/f"), verification=check), what=WHAT)


def test_a_resolver_that_is_not_ready_yet(server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, log: MemoryLog) -> None:
    server.at["/f"] = body(b"x")
    known, asked = socket.getaddrinfo, 0

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked < 4:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return known("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert fetcher.read(resource(server.url("/f").replace("127.0.0.1", "somewhere.example")), what=WHAT) == b"x"
    assert "the name somewhere.example cannot be resolved (Temporary failure in name resolution); trying again" in log.text


def test_an_address_family_that_leads_nowhere(fetcher: Fetcher, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with an IPv6 address that cannot be reached and an IPv4 one that can."""
    server.at["/f"] = body(b"x")
    known = socket.getaddrinfo
    port = int(server.url("").rpartition(":")[2])

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        dead = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
        return [dead, *known("127.0.0.1", *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert fetcher.read(resource(server.url("/f").replace("127.0.0.1", "dual.example")), what=WHAT) == b"x"


def test_too_large(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"x" * 200_000)
    with pytest.raises(FetchError, match="larger than 100000 bytes"):
        fetcher.read(resource(server.url("/f")), what=WHAT, limit=100_000)


def test_streams_are_flat(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"x" * 3_000_000)
    chunks = fetcher.content(resource(server.url("/f")), what=WHAT).chunks(bool)
    assert max(len(chunk) for chunk in chunks) <= connection.CHUNK


def test_connections_are_reused_and_left_streams_closed(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"x" * 300_000)
    for _ in range(3):
        chunks = fetcher.content(resource(server.url("/f")), what=WHAT).chunks(bool)
        next(chunks)
        chunks.close()
    assert len(fetcher.read(resource(server.url("/f")), what=WHAT)) == 300_000


SECRET = "s3cr3t"


@pytest.mark.parametrize("failing", ["status", "refused", "header"])
def test_secrets_stay_out_of_logs_and_errors(server: Server, fetcher: Fetcher, log: MemoryLog, failing: str) -> None:
    url = server.url(f"/f?token={SECRET}").replace("http://", f"http://user:{SECRET}@")
    value = f"{SECRET}\r\nX: y" if failing == "header" else SECRET
    server.at["/f"] = body(SECRET.encode(), status=403)
    if failing == "refused":
        server.close()
    limits(fetcher, total=1)
    with pytest.raises(FetchError) as caught:
        fetcher.read(resource(url, http_headers=(HTTPHeader(name="X-Auth", value=value),)), what=WHAT)
    assert SECRET not in str(caught.value) + log.text
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None


def test_user_and_password_of_the_url_are_sent(server: Server, fetcher: Fetcher) -> None:
    server.at["/f"] = body(b"x")
    fetcher.read(resource(server.url("/f").replace("http://", "http://me:pw@")), what=WHAT)
    assert server.seen[0][1]["authorization"] == "Basic bWU6cHc="


def test_unknown_name(fetcher: Fetcher) -> None:
    limits(fetcher, total=1)
    with pytest.raises(FetchError, match=r"the name nowhere\.invalid cannot be resolved"):
        fetcher.read(resource("http://nowhere.invalid/f"), what=WHAT)


class Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Greeter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Host"].encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        pass


def test_addresses_with_a_scope(fetcher: Fetcher) -> None:
    server = Server6(("::", 0), Greeter)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    port = server.server_address[1]
    limits(fetcher, total=2)
    assert fetcher.read(resource(f"http://[::1]:{port}/"), what=WHAT) == f"[::1]:{port}".encode()
    table = Path("/proc/net/if_inet6").read_text()
    local = [line.split() for line in table.splitlines() if line.startswith("fe80")]
    for digits, *_, interface in local:  # every interface that is up has one, but for lo
        address = ":".join(digits[i : i + 4] for i in range(0, 32, 4))
        url = f"http://[{address}%25{interface}]:{port}/"
        assert fetcher.read(resource(url), what=WHAT) == f"[{address}]:{port}".encode()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("limit", [-1, 10**20])
def test_odd_time_limits(server: Server, fetcher: Fetcher, limit: int) -> None:
    server.at["/f"] = body(b"x")
    limits(fetcher, headers=limit, total=10**20)
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"x"


def test_host_that_cannot_be(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match="the URL is not valid"):
        fetcher.read(resource(f"http://{'a' * 80}..invalid/"), what=WHAT)


def test_proxy(server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")  # the environment has no say
    server.at["http://somewhere.example/f"] = body(b"by proxy")
    fetcher.configure(Ignition(proxy=Proxy(http_proxy=server.url(""), no_proxy=("other.example",))))
    assert fetcher.read(resource("http://somewhere.example/f"), what=WHAT) == b"by proxy"
    server.at["/f"] = body(b"direct")
    assert fetcher.read(resource(server.url("/f")), what=WHAT) == b"direct"  # loopback is never proxied


def test_attempts_are_logged_for_people(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/f"] = in_turn(body(b"", status=500), body(b""))
    fetcher.read(resource(server.url("/f")), what=WHAT)
    assert re.search(r"GET http://127\.0\.0\.1:\d+/f: status 500; trying again in 0\.01 s", log.text)
