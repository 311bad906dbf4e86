"""http and https by `requests`, for everything that plain.py does not do: TLS, proxies, low ports, names that are not ASCII.

The adapter of `requests` does the work, without its session and that one's habits of taking proxies, passwords and
cookies from the surroundings. Trusted are the image's certificate authorities and those of the config, no others.
Imported by transport.py when it is needed.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ignition_py.fetch.answer import CHUNK, CONNECT, LONGEST_LINE, MAX_INTERIM, Answer, Broken, Unusable
from ignition_py.fetch.authorities import certificates
from ignition_py.fetch.dial import connect
from ignition_py.fetch.proxy import proxy_for
from ignition_py.fetch.question import host_header, target
from ignition_py.fetch.trouble import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ignition_py.fetch.answer import Guard
    from ignition_py.fetch.request import Request, Settings

CONNECTIONS = 20  # that are kept to one server; as many as are used side by side
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
_UNUSABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidProxyURL,
    urllib3.exceptions.LocationParseError,
)
# Where distributions keep the authorities they trust; the first that exists is used.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_current = threading.local()


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


class _Response(http.client.HTTPResponse):
    """Headers that break off are an error; the standard library takes them for complete, and the body for empty.

    Interim answers (RFC 9110, section 15.2) are passed over, all of them; the standard library knows 100 only.
    """

    fp: Any

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if not 101 < status < 200:
                return version, status, reason
            while self.fp.readline(LONGEST_LINE) not in (b"\r\n", b"\n", b""):
                pass
        raise http.client.HTTPException("interim answers without end")

    def begin(self) -> None:
        file, lines = self.fp, _Lines(self.fp)
        self.fp = lines
        super().begin()
        if self.fp is lines:
            self.fp = file
        if lines.last not in (b"\r\n", b"\n"):
            raise http.client.RemoteDisconnected("the headers break off")


class _Watched:
    """Tells the guard of this thread's question about its connection."""

    sock: socket.socket | None
    response_class: Any = _Response

    def __init__(self, host: str, *args: Any, **options: Any) -> None:
        # The scope of an IPv6 address comes as it stands in a URL (RFC 6874); the resolver wants it bare.
        super().__init__(host.replace("%25", "%"), *args, **options)  # type: ignore[call-arg]  # of the connection

    def _new_conn(self) -> socket.socket:
        """A connection to whichever address of the name answers first."""
        host: str = self._dns_host  # type: ignore[attr-defined]  # of the connection
        try:
            host.encode("idna")
        except UnicodeError:
            raise urllib3.exceptions.LocationParseError(f"{host!r}, label empty or too long") from None
        source = self.source_address[1] if self.source_address else 0  # type: ignore[attr-defined]
        try:
            return connect(host, self.port, self.timeout, self.socket_options or (), source, make=socket.socket)  # type: ignore[attr-defined]
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(self, "no connection") from error  # type: ignore[arg-type]

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:
        """Asks for what the URL says, not for what the layers between have made of it."""
        super().putrequest(method, _current.target, *args, **options)  # type: ignore[misc]  # of the connection

    def getresponse(self, *args: Any, **options: Any) -> Any:
        guard: Guard = _current.guard
        guard.watch(self.sock)
        answer = super().getresponse(*args, **options)  # type: ignore[misc]  # of the connection it is mixed into
        guard.answered()
        return answer


class _Connection(_Watched, urllib3.connection.HTTPConnection):
    pass


class _TlsConnection(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Connections with our clock and our certificate authorities."""

    def __init__(self, context: ssl.SSLContext | None, port: int = 0) -> None:
        self._context = context
        self._source: dict[str, Any] = {"source_address": ("", port)} if port else {}
        super().__init__(max_retries=0, pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        options.update(self._source)
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(
            proxy, ssl_context=self._context, proxy_ssl_context=self._context, **options
        )
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to add: the context verifies, and knows whom to trust."""


class _RequestsAnswer(Answer):
    def __init__(self, url: str, response: requests.Response) -> None:
        self._url = url
        self._response = response
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    def chunks(self) -> Iterator[bytes]:
        try:
            yield from self._response.raw.stream(CHUNK, decode_content=False)
        except _BROKEN as error:
            raise Broken(explain(error, self._url)) from None

    def close(self) -> None:
        self._response.close()


class ByRequests:
    """The connections for one set of settings, for any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plain = _Adapter(None)
        self._tls: _Adapter | None = None
        self._making = threading.Lock()

    def ask(self, request: Request, url: str, headers: dict[str, str | bytes], guard: Guard) -> Answer:
        """The answer to the bare URL `url`. Raises Broken, Unusable, FetchError."""
        try:
            return _RequestsAnswer(request.url, self._send(request, url, headers, guard))
        except _UNUSABLE:
            raise Unusable from None
        except _BROKEN as error:
            raise Broken(explain(error, request.url)) from None

    def _send(self, request: Request, url: str, headers: dict[str, str | bytes], guard: Guard) -> requests.Response:
        prepared = requests.Request(request.method, url, headers=headers, data=request.body).prepare()
        prepared.headers["host"] = host = host_header(prepared.url or url)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        proxy = proxy_for(parts.scheme, parts.hostname or "", port, self._settings)
        adapter = _Adapter(None, _low_port()) if request.low_port else self._plain
        if parts.scheme == "https" or proxy.startswith("https:"):
            adapter = self._secure(request)
        absolute = f"http://{host}" if proxy and parts.scheme == "http" else ""
        _current.target, _current.guard = absolute + target(url), guard
        limit = guard.limit
        timeout: tuple[float, float] | tuple[float, None] = (
            (CONNECT, None) if limit is None else (min(CONNECT, limit), limit)
        )
        proxies = {parts.scheme: proxy} if proxy else {}
        return adapter.send(prepared, stream=True, timeout=timeout, proxies=proxies, verify=True)

    def _secure(self, request: Request) -> _Adapter:
        """The adapter for TLS. May ask for the time that certificates are judged by, over a transport of its own."""
        with self._making:
            if self._tls is None:
                context = tls_context(self._settings.authorities)
                if self._settings.trusted_time:
                    from ignition_py.fetch.trusted_time import judging, moment

                    at = moment(request)
                    if at is not None:
                        judging(context, at)
                self._tls = _Adapter(context)
            return self._tls


def _low_port() -> int:
    """Some port from 512 to 1023 to ask from; one that is taken is an error of the connection, and tried again."""
    return 512 + int.from_bytes(os.urandom(2)) % 512


def tls_context(authorities: tuple[bytes, ...]) -> ssl.SSLContext:
    """Trusts the image's certificate authorities and those of `authorities` (PEM bundles)."""
    context = ssl.create_default_context()
    if str(vars(urllib3)["__version__"]).startswith(
        "1."
    ):  # compares the name itself, and fails on addresses where ssl does
        context.check_hostname = False
    bundle = os.environ.get("SSL_CERT_FILE") or next((path for path in _BUNDLES if os.path.exists(path)), None)
    if bundle is not None:
        with suppress(OSError, ssl.SSLError):  # an image without certificate authorities can use those of the config
            context.load_verify_locations(cafile=bundle)
    for pem in authorities:
        for der in certificates(pem, what="certificate authority"):
            context.load_verify_locations(cadata=der)
    return context
