"""Deadlines, and ends of bodies, over every way of asking: http, https, and both through a proxy; whose time limit counts; whom TLS
trusts."""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from ignition_py.cli import main
from ignition_py.fetch import certificates, deadline
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.schemes.data import encode
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import TLS, CaReference, Ignition, Proxy, Resource, Security, Timeouts
from tests.helpers.servers import MemoryLog, make_certificate

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]
WAYS = ("http", "https", "http by proxy", "https by proxy")
HOST = "somewhere.example"


class Handler(BaseHTTPRequestHandler):
    """Bodies without a length: one without end, one that drips, one that is cut off, one that ends as it should."""

    def do_GET(self) -> None:
        kind = self.path.rpartition("/")[2]
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while kind == "endless":
                self.wfile.write(bytes(1 << 16))
            while kind == "drip":
                self.wfile.write(b"x")
                time.sleep(0.05)
        self.wfile.write(b"four lines\n" * 4)
        if isinstance(self.connection, ssl.SSLSocket):
            if kind == "whole":
                with suppress(OSError):
                    self.connection.unwrap()  # close_notify
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

    def do_CONNECT(self) -> None:
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as far, suppress(OSError):
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: far, far: self.connection}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        self.close_connection = True
                        return
                    ends[ready].sendall(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        pass


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


Serve = Callable[[str], int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    for name in ("one", "two"):
        make_certificate(folder, name, "-addext", f"subjectAltName=IP:127.0.0.1,DNS:{HOST}")
    return folder


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Starts a server, with the certificate of that name or "" for none; its port."""
    servers = []

    def start(name: str) -> int:
        server = QuietServer(("127.0.0.1", 0), Handler)
        if name:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)


@pytest.fixture(params=WAYS)
def base(request: pytest.FixtureRequest, serve: Serve, fetcher: Fetcher, folder: Path) -> str:
    """The URL of the server, which the fetcher asks in one of the ways for at most a second."""
    way: str = request.param
    scheme, proxied = way.split()[0], "proxy" in way
    port = serve("one" if scheme == "https" else "")
    proxy = ""
    if proxied:
        proxy = f"http://127.0.0.1:{port if scheme == 'http' else serve('')}"
    authority = CaReference(source=encode((folder / "one.pem").read_bytes()))
    fetcher.configure(
        Ignition(
            timeouts=Timeouts(http_total=1),
            proxy=Proxy(http_proxy=proxy, https_proxy=proxy) if proxied else Proxy(),
            security=Security(tls=TLS(certificate_authorities=(authority,))),
        )
    )
    return f"{scheme}://{HOST if proxied else '127.0.0.1'}:{port}"


@pytest.mark.parametrize("kind", ["endless", "drip"])
def test_a_body_without_end_meets_the_time_limit(fetcher: Fetcher, base: str, kind: str, tmp_path: Path) -> None:
    """It has no length, so what came by then looks like all of it."""
    with (
        (tmp_path / "f").open("wb") as file,
        pytest.raises(FetchError, match="not complete within 1 seconds") as failure,
    ):
        fetcher.content(Resource(source=f"{base}/{kind}"), what="x").write_to(file.fileno())
    assert failure.value.hint == "To wait longer, raise `timeouts.httpTotal`"


def test_a_body_that_ends_as_it_should(fetcher: Fetcher, base: str) -> None:
    assert fetcher.read(Resource(source=f"{base}/whole"), what="x") == b"four lines\n" * 4


def test_a_tls_stream_that_is_cut_is_not_complete(fetcher: Fetcher, base: str) -> None:
    source = Resource(source=f"{base}/cut")
    if base.startswith("https"):
        with pytest.raises(FetchError, match="in each of 5 attempts: the TLS connection was cut off"):
            fetcher.read(source, what="x")
    else:  # http cannot tell
        assert fetcher.read(source, what="x") == b"four lines\n" * 4


def test_no_default_of_python_takes_a_cut_stream_for_complete(fetcher: Fetcher, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12's Python sets an option of OpenSSL in each new context that hides the cut."""
    new = ssl.SSLContext.__new__

    def lenient(kind: type[ssl.SSLContext], *args: Any) -> ssl.SSLContext:
        made = new(kind, *args)
        made.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
        return made

    monkeypatch.setattr(ssl.SSLContext, "__new__", lenient)
    assert ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).options & ssl.OP_IGNORE_UNEXPECTED_EOF
    test_a_tls_stream_that_is_cut_is_not_complete(fetcher, base)


@pytest.mark.parametrize("setting", ["SSL_CERT_FILE", "bundle"])
def test_an_image_that_trusts_one_authority_trusts_one(
    log: MemoryLog, serve: Serve, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """Also at the second and later connections, also where a distribution has given urllib3 a bundle of its own, as Debian 12 has
    (connectionpool.py), or has OpenSSL's default directory filled."""
    defaults = list(urllib3.HTTPSConnectionPool.__init__.__defaults__ or ())
    names = urllib3.HTTPSConnectionPool.__init__.__code__.co_varnames[
        : urllib3.HTTPSConnectionPool.__init__.__code__.co_argcount
    ]
    defaults[names.index("ca_certs") - len(names)] = str(folder / "two.pem")
    monkeypatch.setattr(urllib3.HTTPSConnectionPool.__init__, "__defaults__", tuple(defaults))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    if setting == "bundle":
        monkeypatch.setattr(certificates, "_BUNDLES", (str(tmp_path / "none"), str(folder / "one.pem")))
    else:
        monkeypatch.setenv(setting, str(folder / "one.pem"))
    fetcher = Fetcher(log, first_limit=0.5)
    trusted, stranger = serve("one"), serve("two")
    for _ in range(3):
        assert fetcher.get(f"https://127.0.0.1:{trusted}/whole", what="x") == b"four lines\n" * 4
        with pytest.raises(FetchError, match=r"is not accepted: self.signed certificate"):
            fetcher.get(f"https://127.0.0.1:{stranger}/whole", what="x")
    context = certificates.tls_context(())
    assert context.cert_store_stats()["x509"] == 0
    certificates.trust_image(context)
    assert context.cert_store_stats()["x509"] == 1


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("scheme", ["http", "https", "tftp"])
@pytest.mark.parametrize("total", [None, 30])
def test_a_callers_limit_counts_whatever_the_config_says(log: MemoryLog, scheme: str, total: int | None) -> None:
    fetcher = Fetcher(log, limit=0.3)
    fetcher.configure(Ignition(timeouts=Timeouts(http_total=total)))
    source = Resource(source=f"{scheme}://127.0.0.1:{closed_port()}/f")
    with pytest.raises(FetchError, match=f"{scheme}://") as failure:
        fetcher.read(source, what="x")
    assert scheme == "tftp" or "`--fetch-timeout`" in failure.value.hint


def test_the_configs_limit_takes_the_place_of_the_first(log: MemoryLog) -> None:
    fetcher = Fetcher(log, first_limit=0.2)
    with pytest.raises(FetchError, match=r"within 0\.2 s") as failure:
        fetcher.get(f"http://127.0.0.1:{closed_port()}/", what="x")
    assert "`--fetch-timeout`" in failure.value.hint
    fetcher.configure(Ignition(timeouts=Timeouts(http_total=1)))
    with pytest.raises(FetchError, match="within 1 s") as failure:
        fetcher.get(f"http://127.0.0.1:{closed_port()}/", what="x")
    assert "`timeouts.httpTotal`" in failure.value.hint


@pytest.mark.parametrize("scheme", ["http", "tftp"])
def test_render_ends_after_its_time_limit(scheme: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = f"{scheme}://127.0.0.1:{closed_port()}/c.ign"
    config = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": source}]}}}
    (tmp_path / "c.ign").write_text(json.dumps(config))
    assert main(["ignition-py", "render", "--fetch-timeout", "300ms", str(tmp_path / "c.ign")]) == 1
    assert source in "".join(capfd.readouterr())


def test_a_name_that_is_looked_up_does_not_make_the_others_wait(log: MemoryLog) -> None:
    from ignition_py.fetch.request import Session

    session, inside, go = Session(), threading.Event(), threading.Event()

    def slow() -> str:
        inside.set()
        go.wait(60)
        return "slow"

    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(session.once("a", slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert inside.wait(60)
    assert session.once("b", lambda: "fast") == "fast"
    assert found == []
    go.set()
    for thread in threads:
        thread.join(60)
    assert found == ["slow", "slow"]
    assert session.once("a", lambda: "anew") == "slow"


def test_a_pause_ends_when_the_response_is_no_longer_needed(log: MemoryLog) -> None:
    from ignition_py.fetch.request import Request, Settings

    stopped: list[bool] = []
    request = Request(
        "http://a.example/",
        what="x",
        settings=Settings(),
        deadline=deadline.Deadline(),
        log=log,
        stopped=lambda: bool(stopped),
    )
    threading.Timer(0.1, stopped.append, (True,)).start()
    with pytest.raises(FetchError, match="no longer needed"):
        deadline.pause(request, 3600.0, "busy")
