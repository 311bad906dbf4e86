"""The receiver's HTTP server: reports by POST or PUT, `/metrics` by GET.

    204   the report is taken, or was already         403   the token is missing or wrong
    400   it is no report                             411   without Content-Length: the body's size has to be known
    413   it is too large                             503   there are too many machines

A client has SECONDS for all of its request, and there are at most CONNECTIONS of them; others are closed unheard.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ignition_py.notify.event import LIMIT
from ignition_py.receiver.arrived import Wrong, parse
from ignition_py.receiver.fleet import Fleet
from ignition_py.receiver.hosts import Hosts
from ignition_py.receiver.metrics import CONTENT_TYPE, metrics

SECONDS = 15.0
CONNECTIONS = 256
METRICS = "/metrics"
_PAUSE = 0.02  # seconds


class Server(ThreadingHTTPServer):
    """Listens at `address` (host, port). `complain` is told in a sentence what is refused. Raises OSError."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        fleet: Fleet,
        hosts: Hosts,
        complain: Callable[[str], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.fleet, self.hosts, self.complain, self.tls = fleet, hosts, complain, tls
        self._open: dict[int, tuple[float, socket.socket]] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """False where there are too many connections."""
        with self._lock:
            if len(self._open) >= CONNECTIONS:
                return False
            self._open[id(request)] = (time.monotonic() + SECONDS, request)
        return True

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the request's thread: TLS is begun here, so that a client that is slow at it holds up nobody."""
        if self.tls is not None:
            request.settimeout(SECONDS)
            with self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as wrapped:
                with self._lock:
                    self._open[id(request)] = (
                        time.monotonic() + SECONDS,
                        wrapped,
                    )  # which has taken over the connection
                wrapped.do_handshake()
                super().finish_request(wrapped, client_address)
        else:
            super().finish_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(id(request), None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Between two requests: ends those that have taken too long, byte by byte or not at all."""
        now = time.monotonic()
        with self._lock:
            late = [request for end, request in self._open.values() if now > end]
        for request in late:
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended by itself
                continue

    def drain(self, seconds: float) -> None:
        """Waits until the requests that are being answered are, so that who sent the last report does not send it again."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            time.sleep(_PAUSE)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = SECONDS
    server_version = "ignition-py"
    sys_version = ""

    def do_POST(self) -> None:
        status, why = self._report()
        if why:
            self.server.complain(f"{self.address_string()}: {why}")
        self._answer(status, f"{why}\n" if why else "")

    do_PUT = do_POST  # noqa: N815  # the base class looks for it

    def do_GET(self) -> None:
        if self.path != METRICS:
            self._answer(404, f"reports are sent by POST; {METRICS} is for Prometheus\n")
        else:
            self._answer(200, metrics(self.server.fleet), CONTENT_TYPE)

    def _report(self) -> tuple[int, str]:
        """Status, and why it is not taken."""
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdecimal() and len(size) < 10) or "Transfer-Encoding" in self.headers:
            return 411, "a report has to say its length (Content-Length)"
        if int(size) > LIMIT:
            return 413, f"a report has at most {LIMIT} bytes"
        if not self.server.hosts.allowed(self.path):
            return 403, "the token in the URL of a report is missing or wrong"
        body = self.rfile.read(int(size))
        if len(body) != int(size):
            return 400, "a report broke off"
        try:
            arrived = parse(body, self.headers.get("Content-Type", ""), self.headers.get("Idempotency-Key", ""))
        except Wrong as error:
            return 400, error.message
        name = self.server.hosts.name_of(self.path, arrived, self.address_string())
        if not self.server.fleet.take(name, arrived):
            return 503, "there are too many machines to remember another"
        return 204, ""

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        data = text.encode("utf-8", "replace")
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        """The path of a request may hold a token."""
