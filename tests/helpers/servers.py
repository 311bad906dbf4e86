"""An http server in this process whose answers are Python functions, and a log that can be read; fixtures for both."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.system.log import Log

Answer = Callable[[BaseHTTPRequestHandler], None]


class MemorySink:
    """A sink of a log that keeps the lines with their priorities."""

    where = ""
    hidden = False

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def write(self, priority: int, line: str) -> None:
        self.lines.append((priority, line))

    def close(self) -> None:
        """Nothing is open."""


class MemoryLog(Log):
    """Keeps what is logged."""

    def __init__(self) -> None:
        sink = MemorySink()
        super().__init__(sink)
        self.lines = sink.lines

    @property
    def text(self) -> str:
        return "\n".join(line for _, line in self.lines)


class Server:
    """`server.at["/path"] = function`; `server.seen` has (path, headers) of every question."""

    def __init__(self) -> None:
        self.at: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.release = threading.Event()  # lets answers that hang end
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                path = self.path.partition("?")[0]
                answer = outer.at.get(path) or outer.at.get("*") or body(b"", status=404)
                try:
                    answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_PUT = do_HEAD = do_GET  # noqa: N815  # the base class looks for it

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
                pass

        class QuietServer(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Clients that go away are part of the tests."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


def body(data: bytes, *, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None) -> Answer:
    """An answer with `data`; `length` announces another length than it has."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        handler.end_headers()
        handler.wfile.write(data)
        if length is not None:
            handler.close_connection = True

    return answer


def in_turn(*answers: Answer) -> Answer:
    """The first answer first, and so on; the last one stays."""
    rest = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (rest.pop(0) if len(rest) > 1 else rest[0])(handler)

    return answer


def redirect(target: str, status: int = 302) -> Answer:
    return body(b"", status=status, headers={"Location": target})


def make_certificate(folder: Path, name: str, *options: str) -> None:
    """`name.pem` and `name.key` in `folder`: a certificate that signs itself."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"),
            *options,
        ],
        check=True,
        capture_output=True,
    )


class Wire:
    """A server, or a proxy, that writes the same bytes to each question, notes what it is asked, byte for byte, and counts connections; it
    closes them where `close`."""

    def __init__(self, answer: bytes, *, close: bool = True) -> None:
        self.connections = 0
        self.questions: list[bytes] = []
        self._answer, self._close = answer, close
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/f"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            asked = b""
            while data := connection.recv(4096):
                asked += data
                if asked.endswith(b"\r\n\r\n"):
                    self.questions.append(asked)
                    asked = b""
                    connection.sendall(self._answer)
                    if self._close:
                        return

    def lines(self) -> list[str]:
        """Of the one question."""
        (question,) = self.questions
        return question.decode("latin-1").split("\r\n")

    def end(self) -> None:
        self._listener.close()


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    made: list[Wire] = []

    def make(answer: bytes, *, close: bool = True) -> Wire:
        made.append(Wire(answer, close=close))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def fetcher(log: MemoryLog) -> Fetcher:
    return Fetcher(log)
