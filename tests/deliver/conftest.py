"""A web server in this process that serves what a test has published, by name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest


class _Parts(BaseHTTPRequestHandler):
    parts: ClassVar[dict[str, bytes]]

    def do_GET(self) -> None:  # the name that http.server calls
        data = self.parts.get(self.path.lstrip("/"))
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def parts() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The URL of a web server, and what it serves."""

    class Own(_Parts):
        parts: ClassVar[dict[str, bytes]] = {}

    server = HTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Own.parts
    server.shutdown()
    server.server_close()
    thread.join()
