"""Stand-ins: requests fetches with them as it does without."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ignition_py.initrd.modules import Finder
from ignition_py.initrd.stand_ins import STAND_INS
from tests.helpers.servers import Server, body, make_certificate

pytestmark = [pytest.mark.subprocess]
FETCH = """
import sys, types
from ignition_py.initrd.stand_ins import STAND_INS
for name, source in STAND_INS.items():
    module = types.ModuleType(name)
    exec(source, module.__dict__)
    sys.modules[name] = module
    above, _, last = name.rpartition(".")
    if above and not above.startswith(("requests", "urllib3")):
        setattr(__import__(above, fromlist=["x"]), last, module)
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.spec.tables import Ignition, Proxy, Resource
from ignition_py.system.log import Log
fetcher = Fetcher(Log(to_stdout=True, threshold=-1), first_limit=20)
fetcher.configure(Ignition(proxy=Proxy(http_proxy=sys.argv[2] or None)))
print(fetcher.read(Resource(source=sys.argv[1]), what="x").decode())
"""


def fetched(url: str, proxy: str = "", authority: str = "") -> None:
    done = subprocess.run(
        [sys.executable, "-c", FETCH, url, proxy],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SSL_CERT_FILE": authority},
    )
    assert (done.returncode, done.stdout) == (0, "from afar\n"), done.stderr


def test_a_redirect_that_sets_a_cookie(server: Server) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        for name, value in (("Location", server.url("/contents")), ("Set-Cookie", "a=b"), ("Content-Length", "0")):
            handler.send_header(name, value)
        handler.end_headers()

    server.at.update({"/first": redirect, "/contents": body(b"from afar")})
    fetched(server.url("/first"))


def test_a_proxy(server: Server) -> None:
    url = "http://mirror.example/contents"
    server.at[url] = body(b"from afar")
    fetched(url, server.url(""))


def test_https(tmp_path: Path) -> None:
    make_certificate(tmp_path, "server", "-addext", "subjectAltName=IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)

        def serve() -> None:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfrom afar")

        thread = threading.Thread(target=serve)
        thread.start()
        fetched(f"https://127.0.0.1:{listener.getsockname()[1]}/", authority=f"{tmp_path}/server.pem")
        thread.join()


def test_each_stands_for_a_module_that_is_not_carried() -> None:
    assert all(found is not None and found.path is None for found in map(Finder().find, STAND_INS))
