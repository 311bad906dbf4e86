"""Connections by `requests`: its HTTPAdapter on urllib3, with our own connect().

No requests.Session is used: it would take proxies, passwords and cookies from the environment. The connection is opened
here (sockets.py: several addresses, one deadline), and TLS begun with one context, so that nothing else decides which
certificate authorities are trusted. Everything that is sent and parsed is urllib3's work.
"""

from __future__ import annotations

import errno
import http.client
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.ssltransport import SSLTransport

from ignition_py.fetch import sockets
from ignition_py.fetch.certificates import Moment, judging, tls_context, trust_image
from ignition_py.fetch.failures import MALFORMED, NO_RESPONSE, explain
from ignition_py.fetch.proxy import proxy_for
from ignition_py.fetch.request import CONNECTIONS, Request, Settings
from ignition_py.fetch.urls import host_header, public, target
from ignition_py.system.waiting import Waiting

CONNECT = 30.0  # seconds, as the reference
CHUNK = 1 << 16  # bytes
MAX_INTERIM = 5
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
_UNUSABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)

__all__ = ["NO_RESPONSE", "Broken", "Client", "Response", "Unusable"]


class Broken(Exception):
    """The connection broke, or the response is not HTTP. `reason` is a phrase that shows nothing of URLs, headers or bodies, `hint`
    what to do about it."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class _Distrusted(Broken):
    """The server's certificate is not accepted, or TLS failed otherwise."""


class Unusable(Exception):
    """The URL or the proxy is invalid; another attempt cannot help."""


class Response:
    """Status and headers (names in lower case); the body is read by iterating over `chunks()`, once."""

    def __init__(self, request: Request, response: requests.Response) -> None:
        self._request = request
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    def chunks(self) -> Iterator[bytes]:
        """The body as it came, at most CHUNK bytes at a time. Raises Broken."""
        connection: Any = self._response.raw.connection  # None where there is no body
        if connection is not None:
            who = f"{self._request.what} from {public(self._request.url)}"
            connection.tell(Waiting(self._request.log, who, self._request.deadline.left()))
        try:
            yield from self._response.raw.stream(CHUNK, decode_content=False)
        except _BROKEN as error:
            raise Broken(*explain(error, self._request)) from None

    def close(self) -> None:
        """Closes the connection, unless the body has been read to its end."""
        self._response.close()

    def length(self) -> int | None:
        """Content-Length, None where there is none or it does not count. Raises Broken where it is no length."""
        coding = self.headers.get("transfer-encoding", "")
        if coding.strip().lower() not in ("", "chunked"):
            raise Broken(MALFORMED)
        if coding:
            return None
        lengths = {text.strip() for text in self.headers.get("content-length", "").split(",")}
        if lengths == {""}:
            return None
        (length, *others) = lengths
        if others or not (length.isascii() and length.isdecimal()) or len(length) > 18:
            raise Broken(MALFORMED)
        return int(length)


class _Lines:
    """A file that remembers the last line that was read from it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._file.readline(limit)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Message(http.client.HTTPResponse):
    """Headers that break off are an error; the standard library takes them for complete, and the body for empty.

    Interim responses (RFC 9110, section 15.2) are passed over, all of them; the standard library knows 100 only.
    """

    fp: Any
    headers: Any
    msg: Any

    def begin(self) -> None:
        file = self.fp
        self.fp = lines = _Lines(file)
        for _ in range(MAX_INTERIM + 1):
            super().begin()
            if not 101 < self.status < 200:
                break
            self.headers = self.msg = None  # what begin() takes for a response that has not been read
        else:
            raise http.client.HTTPException("interim responses without end")
        if self.fp is lines:
            self.fp = file
        if self.msg.defects:  # a line that is no header hides those behind it
            raise http.client.HTTPException("a header without a colon")
        if lines.last not in (b"\r\n", b"\n"):
            raise http.client.RemoteDisconnected("the headers break off")


class _Prepared(requests.PreparedRequest):
    envelope = ""


def _sealed(text: str, host: str, seconds: float | None, end: float | None) -> str:
    """A URL that urllib3, which normalises what it is given, passes to the connection unchanged: it carries the target, the
    time limit for the response's headers and the deadline (time.monotonic())."""
    return f"{host}/{f'{seconds or 0} {end or 0} {text}'.encode().hex()}"


def _opened(url: str) -> tuple[str, float, float]:
    seconds, end, text = bytes.fromhex(url.rpartition("/")[2]).decode().split(" ", 2)
    return text, float(seconds), float(end)


class _Connecting:
    """connect() and the deadline, for both kinds of connections of urllib3."""

    response_class: Any = _Message
    context: ssl.SSLContext | None = None
    host: str
    port: int
    timeout: Any
    sock: Any
    proxy: Any
    source_address: Any
    socket_options: Any

    def __init__(self, host: str, *args: Any, **options: Any) -> None:
        # The scope of an IPv6 address is %25 and its name in a URL (RFC 6874); the resolver wants a bare %.
        self._address = host.replace("%25", "%")
        self._tunnel_to: tuple[str, int, Mapping[str, str]] | None = None
        self._plain: sockets.Timed | None = None
        self._limits = (0.0, 0.0)
        super().__init__(host, *args, **options)  # type: ignore[call-arg]  # of the connection

    def set_tunnel(self, host: str, port: int | None = None, headers: Any = None, scheme: str = "http") -> None:
        self._tunnel_to = host, port or 443, headers or {}

    def connect(self) -> None:
        timeout = self.timeout if isinstance(self.timeout, int | float) else CONNECT
        end = monotonic() + timeout
        source = self.source_address[1] if self.source_address else 0
        try:
            sock: Any = sockets.connect(self._address, self.port, timeout, self.socket_options or (), source)
        except UnicodeError:
            raise urllib3.exceptions.LocationParseError(f"{self._address!r}, label empty or too long") from None
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, "no connection in time") from error
        self._plain = sock
        try:
            sock.limit(end)
            if self.context is not None and (self._tunnel_to is None or self.proxy.scheme == "https"):
                sock = self._plain = self.context.wrap_socket(
                    sock, server_hostname=_server_name(self._address), suppress_ragged_eofs=False
                )  # type: ignore[assignment]  # of the class that the context makes
                sock.limit(end)
            if self._tunnel_to is not None:
                sock = self._through(sock, *self._tunnel_to)
        except BaseException:
            sock.close()
            raise
        self.sock = sock
        self.is_verified = self.context is not None  # by the context, always

    def _through(self, sock: Any, host: str, port: int, headers: Mapping[str, str]) -> Any:
        """TLS with a server behind a proxy. Raises OSError."""
        assert self.context is not None
        address = f"{host if ':' not in host or host.startswith('[') else f'[{host}]'}:{port}"
        lines = [
            f"CONNECT {address} HTTP/1.1",
            f"Host: {address}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        sock.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1"))
        response = _Message(sock, method="CONNECT")
        response.begin()
        response.close()
        if response.status != 200:
            raise OSError(errno.ECONNREFUSED, f"the proxy answered with status {response.status}")
        name = _server_name(host)
        if isinstance(sock, ssl.SSLSocket):
            return SSLTransport(sock, self.context, server_hostname=name, suppress_ragged_eofs=False)
        wrapped = self.context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False)
        self._plain = wrapped  # type: ignore[assignment]  # of the class that the context makes
        return wrapped

    def tell(self, waiting: Waiting) -> None:
        """Has a long silence in the body told to the console, until the next request."""
        if self._plain is not None:
            self._plain.waiting = waiting

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:
        text, *self._limits = _opened(url)  # type: ignore[assignment]  # two numbers
        super().putrequest(method, text, *args, **options)  # type: ignore[misc]  # of the connection

    def getresponse(self, *args: Any, **options: Any) -> Any:
        seconds, end = self._limits
        sock = self._plain
        assert sock is not None
        sock.limit(sockets.earliest(monotonic() + seconds if seconds else 0.0, end))
        response = super().getresponse(*args, **options)  # type: ignore[misc]  # of the connection
        sock.limit(end or None)
        return response


def _server_name(host: str) -> str:
    return host.strip("[]").partition("%")[0].rstrip(".")


class _Plain(_Connecting, urllib3.connection.HTTPConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


def _tls_pool(trusted: ssl.SSLContext) -> type[urllib3.HTTPSConnectionPool]:
    """Pools whose connections trust this context. Handing it to urllib3 would let that one, or a distribution's patch of it,
    load more certificate authorities into it."""

    class Connection(_Connecting, urllib3.connection.HTTPSConnection):
        context = trusted

    class Pool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Connection

    return Pool


class _Adapter(HTTPAdapter):
    """Makes our connections. Without a context it is for plain http only."""

    def __init__(self, context: ssl.SSLContext | None = None, source_port: int = 0) -> None:
        self._pools: dict[str, Any] = {"http": _PlainPool}
        if context is not None:
            self._pools["https"] = _tls_pool(context)
        self._source: dict[str, Any] = {"source_address": ("", source_port)} if source_port else {}
        super().__init__(max_retries=0, pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **{**options, **self._source})
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to add: the context verifies, and knows whom to trust."""

    def request_url(self, request: Any, proxies: Any) -> str:
        envelope: str = request.envelope
        return envelope


class Client:
    """The connections for one set of settings, for any number of threads. `clock` returns the time to judge certificates by,
    None for the machine's; it is asked once, when TLS is first needed."""

    def __init__(self, settings: Settings, clock: Callable[[], Moment | None]) -> None:
        self._settings = settings
        self._clock = clock
        self._plain = _Adapter()
        self._tls: _Adapter | None = None
        self._context: ssl.SSLContext | None = None
        self._image_trusted = False
        self._lock = threading.Lock()

    def send(self, request: Request, url: str, headers: dict[str, str | bytes]) -> Response:
        """As `_send()`. Where the config has certificate authorities of its own, the image's are loaded for the first server
        that those do not vouch for."""
        image_trusted = self._image_trusted
        try:
            return self._send(request, url, headers)
        except _Distrusted:
            if image_trusted or self._context is None:
                raise
            with self._lock:
                self._trust_image(self._context)
        return self._send(request, url, headers)

    def _trust_image(self, context: ssl.SSLContext) -> None:
        if not self._image_trusted:
            trust_image(context)
            self._image_trusted = True

    def _send(self, request: Request, url: str, headers: dict[str, str | bytes]) -> Response:
        """The response to one request for `url`, which has neither user part nor fragment; redirects are not followed.

        Raises Broken, Unusable, FetchError.
        """
        proxy = ""
        try:
            prepared = _Prepared()
            prepared.prepare(method=request.method, url=url, headers=headers, data=request.body)
            prepared.headers["host"] = host = host_header(prepared.url or url)
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            proxy = proxy_for(parts.scheme, parts.hostname or "", port, self._settings)
            absolute = f"http://{host}" if proxy and parts.scheme == "http" else ""
            headers_limit, left = request.settings.response_headers, request.deadline.left()
            prepared.envelope = _sealed(absolute + target(url), absolute, headers_limit, request.deadline.end)
            response = self._adapter(request, parts.scheme == "https" or proxy.startswith("https:")).send(
                prepared,
                stream=True,
                timeout=(sockets.earliest(CONNECT, headers_limit, left) or CONNECT, None),
                proxies={parts.scheme: proxy} if proxy else {},
            )
        except requests.exceptions.InvalidProxyURL:
            raise Unusable(f"the proxy {public(proxy)} is not a valid URL") from None
        except _UNUSABLE:
            raise Unusable(f"the URL{f', or the proxy {public(proxy)},' if proxy else ''} is not valid") from None
        except _BROKEN as error:
            kind = _Distrusted if isinstance(error, requests.exceptions.SSLError) else Broken
            raise kind(*explain(error, request)) from None
        return Response(request, response)

    def _adapter(self, request: Request, secure: bool) -> _Adapter:
        if not secure:
            # Some port from 512 to 1023; one that is taken is an error of the connection, and tried again.
            return _Adapter(None, 512 + int.from_bytes(os.urandom(2)) % 512) if request.low_port else self._plain
        with self._lock:
            if self._tls is None:
                self._context = context = tls_context(self._settings.authorities)
                if not self._settings.authorities:
                    self._trust_image(context)
                moment = self._clock()
                if moment is not None:
                    judging(context, moment)
                self._tls = _Adapter(context)
            return self._tls
