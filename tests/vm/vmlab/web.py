"""An HTTP server on a Unix socket: QEMU hands it the guest's connections, and nothing else can reach it."""

from __future__ import annotations

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator
from functools import partial


class Server(socketserver.ThreadingUnixStreamServer):
    """Answers every request with `body`; `requests` holds (path, user agent)."""

    def __init__(self, path: str, body: bytes) -> None:
        self.body = body
        self.requests: list[tuple[str, str]] = []
        super().__init__(path, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("User-Agent", "")))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def address_string(self) -> str:
        return "guest"

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def serving(path: str, body: bytes) -> Iterator[Server]:
    """A server at the Unix socket `path`."""
    with Server(path, body) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Files(http.server.SimpleHTTPRequestHandler):
    def address_string(self) -> str:
        return "guest"

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def serving_folder(path: str, folder: str) -> Iterator[None]:
    """A server of a folder's files at the Unix socket `path`."""
    with socketserver.ThreadingUnixStreamServer(path, partial(_Files, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()
