"""A server for each store, and a forwarder before it that breaks requests on demand.

S3 is moto's, Cloud Storage gcp-storage-emulator's, the web server nginx. Azure's is Azurite with the marker matrix (`azurite-blob` on PATH: 186 MB of
npm packages, too much for CI); in every run it is BlobServer below, which knows the four requests that are made and passes the same tests.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from tests.fetch.test_real_servers import free_port, running

SECRET = "s3cr3t-K3y"  # what no message may show
_ACCOUNT_KEY = base64.b64encode(SECRET.encode()).decode()
_AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # of its documentation
)


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class Listening(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Connections that are cut are part of the tests."""


@contextlib.contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = Listening(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Forwarder:
    """Hands requests on to a server. `fault(method, number)` says what happens to the request: "" nothing, "503" that status,
    "lost" it is carried out and the response is lost, "cut" half of the response's body comes."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.fault: Callable[[str, int], str] = lambda _method, _number: ""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.port = 0

    def handler(self) -> type[Quiet]:
        outer = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                body = self.body()
                outer.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                fault = outer.fault(self.command, len(outer.asked))
                if fault.isdecimal():
                    self.reply(int(fault), f"<Error>{SECRET}</Error>".encode(), {"Content-Type": "application/xml"})
                    return
                connection = http.client.HTTPConnection("127.0.0.1", outer.target)
                try:
                    connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        if name.lower() not in ("connection", "transfer-encoding", "content-length", "expect"):
                            connection.putheader(name, value)
                    connection.putheader("Content-Length", str(len(body)))
                    connection.endheaders(body)
                    response = connection.getresponse()
                    data = response.read()
                    headers = [
                        (k, v)
                        for k, v in response.getheaders()
                        if k.lower() not in ("transfer-encoding", "content-length", "connection")
                    ]
                    length = response.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(data))
                finally:
                    connection.close()
                if fault == "lost":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.send_response(response.status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", length)
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if fault == "cut" else data)
                if fault == "cut":
                    self.close_connection = True

            do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_GET  # noqa: N815  # the base class looks for them

        return Handler


class BlobServer:
    """What publishing asks of Azure's Blob service, as "Put Blob", "Get Blob", "Delete Blob" and "List Blobs" describe it."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        outer = self

        class Handler(Quiet):
            container = "/acc/configs"

            def do_PUT(self) -> None:
                data, name = self.body(), unquote(urlsplit(self.path).path)
                if self.headers.get("If-None-Match") == "*" and name in outer.blobs:
                    self.fail(409, "BlobAlreadyExists")
                    return
                outer.blobs[name] = data
                self.reply(201, headers={"ETag": '"1"', "Last-Modified": "Tue, 01 Dec 2026 08:00:00 GMT"})

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if not unquote(url.path).startswith(self.container):
                    self.fail(404, "ContainerNotFound")
                    return
                query = parse_qs(url.query)
                if query.get("comp") == ["list"]:
                    prefix = f"{unquote(url.path)}/{query.get('prefix', [''])[0]}"
                    start = len(unquote(url.path)) + 1
                    names = [name[start:] for name in sorted(outer.blobs) if name.startswith(prefix)]
                    blobs = "".join(f"<Blob><Name>{escape(name)}</Name><Properties/></Blob>" for name in names)
                    text = f'<?xml version="1.0"?><EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>'
                    self.reply(200, text.encode(), {"Content-Type": "application/xml"})
                    return
                found = outer.blobs.get(unquote(url.path))
                if found is None:
                    self.fail(404, "BlobNotFound")
                    return
                headers = {
                    "ETag": '"1"',
                    "Last-Modified": "Tue, 01 Dec 2026 08:00:00 GMT",
                    "x-ms-blob-type": "BlockBlob",
                }
                if not found:
                    self.fail(416, "InvalidRange") if "x-ms-range" in self.headers else self.reply(200, b"", headers)
                    return
                headers["Content-Range"] = f"bytes 0-{len(found) - 1}/{len(found)}"
                self.reply(206, found, headers)

            def do_DELETE(self) -> None:
                if outer.blobs.pop(unquote(urlsplit(self.path).path), None) is None:
                    self.fail(404, "BlobNotFound")
                else:
                    self.reply(202)

            def fail(self, status: int, code: str) -> None:
                text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{SECRET}</Message></Error>'
                self.reply(status, text.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})

        self.handler = Handler


class Backend:
    """A destination, the environment that its credentials come from, and the forwarder (None for a folder)."""

    def __init__(
        self, destination: str, forwarder: Forwarder | None = None, *, lists: bool = True, **environment: str
    ) -> None:
        self.destination = destination
        self.forwarder = forwarder
        self.lists = lists
        self.environment = environment


@contextlib.contextmanager
def _forwarded(port: int) -> Iterator[Forwarder]:
    forwarder = Forwarder(port)
    with listening(forwarder.handler()) as forwarder.port:
        yield forwarder


@contextlib.contextmanager
def s3(_folder: Path) -> Iterator[Backend]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    boto3 = pytest.importorskip("boto3")
    server.start()
    try:
        with _forwarded(server.get_host_and_port()[1]) as forwarder:
            address = f"http://127.0.0.1:{forwarder.port}"
            client = boto3.client(
                "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
            )
            client.create_bucket(Bucket="configs")
            yield Backend(
                "s3://configs/prod/web", forwarder, AWS_ENDPOINT_URL=address, AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY=SECRET,
                AWS_REGION="us-east-1", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_EC2_METADATA_DISABLED="true",
            )  # fmt: skip
    finally:
        server.stop()


@contextlib.contextmanager
def gcs(_folder: Path) -> Iterator[Backend]:
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    pytest.importorskip("google.cloud.storage")
    port = free_port()
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="configs")
    server.start()
    try:
        with _forwarded(port) as forwarder:
            yield Backend(
                "gs://configs/prod/web", forwarder, STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{forwarder.port}"
            )
    finally:
        server.stop()


_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www; dav_methods PUT DELETE; create_full_put_path on;
    location /prod/ {{ auth_basic "x"; auth_basic_user_file {folder}/users; }}
  }}
}}
"""


@contextlib.contextmanager
def put(folder: Path) -> Iterator[Backend]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    (folder / "www/prod").mkdir(parents=True)
    (folder / "users").write_text(f"me:{{PLAIN}}{SECRET}\n")
    (folder / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    (folder / "netrc").chmod(0o600)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    argv = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(argv, lambda: socket.create_connection(("127.0.0.1", port)).close()), _forwarded(port) as forwarder:
        yield Backend(
            f"http://127.0.0.1:{forwarder.port}/prod/web", forwarder, lists=False, NETRC=str(folder / "netrc")
        )


def _connection(account: str, key: str, port: int) -> str:
    address = f"BlobEndpoint=http://127.0.0.1:{port}/{account}"
    return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};{address};"


@contextlib.contextmanager
def azure(_folder: Path) -> Iterator[Backend]:
    pytest.importorskip("azure.storage.blob")
    with listening(BlobServer().handler) as port, _forwarded(port) as forwarder:
        connection = _connection("acc", _ACCOUNT_KEY, forwarder.port)
        yield Backend("az://acc/configs/prod/web", forwarder, AZURE_STORAGE_CONNECTION_STRING=connection)


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Backend]:
    blob = pytest.importorskip("azure.storage.blob")
    program, port, account = shutil.which("azurite-blob"), free_port(), "devstoreaccount1"
    if program is None:
        pytest.skip("azurite-blob is not installed (npm install azurite)")
    argv = [
        program,
        "--blobPort",
        str(port),
        "--location",
        str(folder),
        "--skipApiVersionCheck",
        "--silent",
    ]
    with running(argv, lambda: socket.create_connection(("127.0.0.1", port)).close()), _forwarded(port) as forwarder:
        service = blob.BlobServiceClient.from_connection_string(_connection(account, _AZURITE_KEY, port))
        service.create_container("configs")
        connection = _connection(account, _AZURITE_KEY, forwarder.port)
        yield Backend(f"az://{account}/configs/prod/web", forwarder, AZURE_STORAGE_CONNECTION_STRING=connection)


@contextlib.contextmanager
def folder(path: Path) -> Iterator[Backend]:
    yield Backend(str(path / "store"))


BACKENDS = {"folder": folder, "s3": s3, "gcs": gcs, "put": put, "azure": azure}
EVERY = [*BACKENDS, pytest.param("azurite", marks=pytest.mark.matrix)]
SERVERS = [each for each in EVERY if each != "folder"]


@contextlib.contextmanager
def backend_named(name: str, path: Path) -> Iterator[Backend]:
    with {**BACKENDS, "azurite": azurite}[name](path) as found:
        yield found


__all__ = ["EVERY", "SECRET", "SERVERS", "Backend", "Forwarder", "backend_named"]
