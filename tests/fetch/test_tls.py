"""https: whom to trust, and what is said about those who are not trusted."""

from __future__ import annotations

import calendar
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ignition_py.fetch import certificates, deadline
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.schemes.data import encode
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import TLS, CaReference, Ignition, Proxy, Resource, Security, Timeouts
from ignition_py.system import waiting
from tests.helpers.servers import MemoryLog, Server, body, in_turn, make_certificate, redirect

REFUSED = 4  # seconds that a refusal is tried again; a handshake takes a second of a busy machine
pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that refuse the certificate are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """Answers "safe", below /slow with a second of silence in the middle. `agents` has the User-Agent of each request."""

    agents: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.agents.append(self.headers.get("User-Agent", ""))
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"sa")
        if self.path == "/slow":
            time.sleep(1)
        self.wfile.write(b"fe")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    make_certificate(made, "server", "-addext", "subjectAltName=IP:127.0.0.1")
    make_certificate(made, "elsewhere", "-addext", "subjectAltName=DNS:elsewhere.example")
    return made


def serve(folder: Path, name: str) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    server = QuietServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    yield from serve(folder, "server")


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[str]:
    yield from serve(folder, "elsewhere")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)


def trusting(*sources: str, total: int = 30) -> Ignition:
    named = tuple(CaReference(source=source) for source in sources)
    return Ignition(timeouts=Timeouts(http_total=total), security=Security(tls=TLS(certificate_authorities=named)))


def test_authority_of_the_config(fetcher: Fetcher, folder: Path, url: str) -> None:
    fetcher.configure(trusting(encode((folder / "server.pem").read_bytes())))
    assert fetcher.read(Resource(source=url), what="x") == b"safe"


def test_authority_from_a_server_is_fetched_once(fetcher: Fetcher, folder: Path, url: str, server: Server) -> None:
    server.at["/ca.pem"] = body((folder / "server.pem").read_bytes())
    for _ in range(2):
        fetcher.configure(trusting(server.url("/ca.pem")))
    server.at["/there"] = redirect(url)
    assert fetcher.read(Resource(source=server.url("/there")), what="x") == b"safe"
    assert server.paths() == ["/ca.pem", "/there"]


def test_a_silent_body_is_waited_for(
    fetcher: Fetcher, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, log: MemoryLog
) -> None:
    monkeypatch.setattr(waiting, "INTERVAL", 0.2)
    settings = trusting(encode((folder / "server.pem").read_bytes()))
    fetcher.configure(settings.but(timeouts=Timeouts(http_response_headers=5)))
    assert fetcher.read(Resource(source=f"{url}slow"), what="x") == b"safe"
    assert "waiting for x from https://" in log.text


def test_the_user_agent_is_ours_after_a_redirect(fetcher: Fetcher, folder: Path, url: str, server: Server) -> None:
    fetcher.configure(trusting(encode((folder / "server.pem").read_bytes())))
    server.at["/there"] = redirect(url)
    fetcher.read(Resource(source=server.url("/there")), what="x")
    assert Handler.agents[-1].startswith("Ignition/")


def test_a_config_without_authorities_keeps_those_of_before(fetcher: Fetcher, folder: Path, url: str) -> None:
    fetcher.configure(trusting(encode((folder / "server.pem").read_bytes())))
    fetcher.configure(Ignition())
    assert fetcher.read(Resource(source=url), what="x") == b"safe"


def test_a_stranger(fetcher: Fetcher, url: str) -> None:
    fetcher.configure(Ignition(timeouts=Timeouts(http_total=REFUSED)))
    with pytest.raises(FetchError, match=r"the certificate of 127\.0\.0\.1 is not accepted: self.signed certificate"):
        fetcher.read(Resource(source=url), what="x")


class Tunnel(BaseHTTPRequestHandler):
    """A proxy that knows CONNECT alone."""

    targets: ClassVar[list[str]] = []

    def do_CONNECT(self) -> None:  # the base class looks for it
        self.targets.append(self.path)
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as far:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: far, far: self.connection}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    ends[ready].sendall(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        pass


def test_proxy(fetcher: Fetcher, folder: Path, elsewhere: str) -> None:
    proxy = QuietServer(("127.0.0.1", 0), Tunnel)
    threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    port = elsewhere.rpartition(":")[2].strip("/")
    ignition = trusting(encode((folder / "elsewhere.pem").read_bytes()), total=REFUSED)
    fetcher.configure(ignition.but(proxy=Proxy(https_proxy=f"http://127.0.0.1:{proxy.server_address[1]}")))
    assert fetcher.read(Resource(source=f"https://elsewhere.example:{port}/"), what="x") == b"safe"
    with pytest.raises(FetchError, match=r"certificate of other\.example is not accepted"):
        fetcher.read(Resource(source=f"https://other.example:{port}/"), what="x")
    assert set(Tunnel.targets) == {f"elsewhere.example:{port}", f"other.example:{port}"}
    proxy.shutdown()
    proxy.server_close()


def test_another_name(fetcher: Fetcher, folder: Path, elsewhere: str) -> None:
    fetcher.configure(trusting(encode((folder / "elsewhere.pem").read_bytes()), total=REFUSED))
    with pytest.raises(FetchError, match=r"not accepted: (IP address mismatch|it is for another name)"):
        fetcher.read(Resource(source=elsewhere), what="x")


def test_damaged_authority(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match="certificate authority from a data URL: it is not a PEM bundle"):
        fetcher.configure(trusting("data:,hello"))


def test_system_authorities_are_those_of_the_image(
    fetcher: Fetcher, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "server.pem"))
    assert fetcher.read(Resource(source=url), what="x") == b"safe"


def test_authorities_of_the_config_are_trusted_beside_those_of_the_image(
    log: MemoryLog, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image's are loaded when a server needs them, and do not vouch for a stranger."""
    loaded: list[int] = []
    trust = certificates.trust_image
    monkeypatch.setattr("ignition_py.fetch.connection.trust_image", lambda context: (loaded.append(1), trust(context)))
    own, image = (folder / "server.pem").read_bytes(), folder / "elsewhere.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(image))
    fetcher = Fetcher(log, first_limit=REFUSED)
    fetcher.configure(trusting(encode(own)))
    assert fetcher.read(Resource(source=url), what="x") == b"safe"
    assert loaded == []
    fetcher = Fetcher(log)
    fetcher.configure(trusting(encode(image.read_bytes())).but(timeouts=Timeouts(http_total=REFUSED)))
    with pytest.raises(FetchError, match=r"is not accepted: self.signed certificate"):
        fetcher.read(Resource(source=url), what="x")
    assert loaded == [1]
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "server.pem"))
    fetcher = Fetcher(log, first_limit=REFUSED)
    fetcher.configure(trusting(encode(image.read_bytes())))
    assert [fetcher.read(Resource(source=url), what="x") for _ in range(2)] == [b"safe", b"safe"]
    assert loaded == [1, 1]


def make_certificate_of(folder: Path, begin: str, end: str) -> None:
    """A certificate for 127.0.0.1, `dated.pem`, with the given dates (YYYYMMDD)."""
    make_certificate(folder, "key", "-addext", "subjectAltName=IP:127.0.0.1")
    (folder / "index").touch()
    head = ("[ca]", "default_ca=c", "[c]", "database=index", "rand_serial=yes", "new_certs_dir=.", "default_md=sha256")
    tail = ("policy=p", "x509_extensions=e", "[p]", "CN=supplied", "[e]", "subjectAltName=IP:127.0.0.1")
    (folder / "ca.cnf").write_text("\n".join((*head, *tail, "")))
    request = ["req", "-new", "-key", "key.key", "-subj", "/CN=dated", "-out", "dated.csr"]
    sign = ["ca", "-config", "ca.cnf", "-batch", "-selfsign", "-keyfile", "key.key"]
    sign += ["-in", "dated.csr", "-out", "dated.pem"]
    days = ["-notext", "-startdate", f"{begin}000000Z", "-enddate", f"{end}000000Z"]
    for words in (request, sign + days):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    (folder / "key.key").rename(folder / "dated.key")


DATES = [
    (
        "20200101",
        "20200102",
        r"has expired \(it was valid from 2020-01-01 to 2020-01-02, and the clock of this machine says",
    ),
    (
        "20950101",
        "20960101",
        r"not yet valid \(it is valid from 2095-01-01 to 2096-01-01, but the clock .*: the clock is wrong\)",
    ),
]


@pytest.mark.parametrize(("begin", "end", "words"), DATES)
def test_a_clock_that_is_wrong_is_thought_of(
    fetcher: Fetcher, tmp_path: Path, begin: str, end: str, words: str
) -> None:
    make_certificate_of(tmp_path, begin, end)
    for url in serve(tmp_path, "dated"):
        fetcher.configure(trusting(encode((tmp_path / "dated.pem").read_bytes()), total=REFUSED))
        with pytest.raises(FetchError, match=words):
            fetcher.read(Resource(source=url), what="x")


def dated(server: Server, seconds: float) -> str:
    """A server that takes this for the time; its URL."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(404)
        handler.send_header("Date", formatdate(seconds, usegmt=True))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.at["/time"] = answer
    return server.url("/time")


TIME = calendar.timegm((2095, 6, 1, 0, 0, 0))
TRUSTED = [
    ("20950101", "20960101", TIME, ""),
    ("20200101", "20200102", calendar.timegm((2020, 1, 1, 12, 0, 0)), ""),
    ("20200101", "20960101", TIME, ""),
    (
        "20200101",
        "20300101",
        TIME,
        r"it is valid from 2020-01-01 to 2030-01-01, and now is 2095-06-01, says http://127",
    ),
    (
        "20950701",
        "20960101",
        TIME,
        r"it is valid from 2095-07-01 to 2096-01-01, and now is 2095-06-01, says http://127",
    ),
]


@pytest.mark.parametrize(("begin", "end", "now", "words"), TRUSTED)
def test_a_time_that_the_image_trusts(
    log: MemoryLog, server: Server, tmp_path: Path, begin: str, end: str, now: float, words: str
) -> None:
    """Certificates are judged by the time of a server that the image names; the clock stays as it is."""
    make_certificate_of(tmp_path, begin, end)
    fetcher = Fetcher(log, trusted_time=dated(server, now), first_limit=60)
    for url in serve(tmp_path, "dated"):
        ignition = trusting(encode((tmp_path / "dated.pem").read_bytes()))
        ignition.timeouts = Timeouts(http_total=REFUSED if words else 30)  # a refusal is tried again until then
        fetcher.configure(ignition)
        if words:
            with pytest.raises(FetchError, match=words):
                fetcher.read(Resource(source=url), what="x")
        else:
            assert fetcher.read(Resource(source=url), what="x") == b"safe"
            assert fetcher.read(Resource(source=url), what="x") == b"safe"
    assert server.paths() == ["/time"]


def test_a_trusted_time_does_not_make_strangers_trusted(
    log: MemoryLog, server: Server, tmp_path: Path, folder: Path
) -> None:
    make_certificate_of(tmp_path, "20950101", "20960101")
    fetcher = Fetcher(log, trusted_time=dated(server, TIME), first_limit=REFUSED)
    for url in serve(tmp_path, "dated"):
        with pytest.raises(FetchError, match="is not accepted: self-signed certificate"):
            fetcher.get(url, what="x")
    fetcher = Fetcher(log, trusted_time=dated(server, time.time()))
    for url in serve(folder, "elsewhere"):
        ignition = trusting(encode((folder / "elsewhere.pem").read_bytes()))
        ignition.timeouts = Timeouts(http_total=REFUSED)
        fetcher.configure(ignition)
        with pytest.raises(FetchError, match=r"IP address mismatch|another name"):
            fetcher.get(url, what="x")


@pytest.mark.parametrize("named", ["nowhere", "nothing", "https://127.0.0.1:1/", "yes"])
def test_a_trusted_time_that_cannot_be_had(
    log: MemoryLog, server: Server, folder: Path, url: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the clock counts, and the log says so."""
    monkeypatch.setattr(certificates, "PATIENCE", 0.2)
    server.at["/nothing"] = in_turn(lambda handler: (handler.send_response_only(200), handler.end_headers())[0])
    named = {"nowhere": "http://127.0.0.1:1/", "nothing": server.url("/nothing")}.get(named, named)
    fetcher = Fetcher(log, trusted_time=named)
    fetcher.configure(trusting(encode((folder / "server.pem").read_bytes())))
    assert fetcher.read(Resource(source=url), what="x") == b"safe"
    assert "clock" in log.text


@pytest.mark.parametrize(
    ("begin", "end", "good"),
    [("20200101", "20960101", True), ("20951001", "20960101", True), ("20200101", "20250101", False)],
)
def test_a_clock_that_is_older_than_the_image(
    log: MemoryLog, tmp_path: Path, begin: str, end: str, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image was made in 2095: what was over by then is over, what begins later may have begun."""
    monkeypatch.setattr(certificates, "_image_time", lambda: TIME)
    make_certificate_of(tmp_path, begin, end)
    fetcher = Fetcher(log, trusted_time="image")
    for url in serve(tmp_path, "dated"):
        ignition = trusting(encode((tmp_path / "dated.pem").read_bytes()))
        ignition.timeouts = Timeouts(http_total=30 if good else REFUSED)
        fetcher.configure(ignition)
        if good:
            assert fetcher.read(Resource(source=url), what="x") == b"safe"
        else:
            with pytest.raises(FetchError, match="to 2025-01-01, and not before 2095-06-01, says the image"):
                fetcher.read(Resource(source=url), what="x")


def test_a_clock_that_is_newer_than_the_image_counts(log: MemoryLog, tmp_path: Path) -> None:
    make_certificate_of(tmp_path, "20950101", "20960101")
    fetcher = Fetcher(log, trusted_time="image")
    for url in serve(tmp_path, "dated"):
        ignition = trusting(encode((tmp_path / "dated.pem").read_bytes()))
        ignition.timeouts = Timeouts(http_total=REFUSED)
        fetcher.configure(ignition)
        with pytest.raises(FetchError, match="not yet valid"):
            fetcher.read(Resource(source=url), what="x")


def test_a_clock_before_this_program_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ignition_py.fetch.certificates.time.time", lambda: 300.0)
    assert "says 1970-01-01 00:05 UTC, which is before this program was made" in certificates.about_dates(None)


def test_dates_of_certificates(url: str, folder: Path) -> None:
    authority = (folder / "server.pem").read_bytes()
    port = int(url.rstrip("/").rpartition(":")[2].partition("/")[0])
    found = certificates.validity_at("127.0.0.1", port, (authority,))
    assert found is not None
    begin, end = found
    assert end - begin == 2 * 86400
    assert abs(begin - time.time()) < 3600
    assert certificates.validity_at("127.0.0.1", port, ()) is None
    assert certificates.validity_at("127.0.0.1", 1, (authority,)) is None
