"""Against servers that others have written: nginx with a private authority, tinyproxy, tftpd-hpa. dnsmasq: test_tftp.py.

The proxy and what is behind it live in a network namespace, since the own machine is never asked through a proxy.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.schemes.data import encode
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import TLS, CaReference, HTTPHeader, Ignition, Resource, Security, Timeouts, Verification
from tests.helpers.servers import body
from tests.providers.network import Namespace, Outcome, remove_stale, settings

pytestmark = [pytest.mark.root, pytest.mark.sockets, pytest.mark.subprocess]

DATA = random.Random(3).randbytes(700_000)


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_chain(folder: Path, names: str) -> None:
    """`root.pem` signs `middle.pem` signs `server.pem`, which is for `names`; `chain.pem` is what a server sends."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name, signer, extension in (
        ("root", "", "basicConstraints=critical,CA:TRUE"),
        ("other", "", "basicConstraints=critical,CA:TRUE"),
        ("middle", "root", "basicConstraints=critical,CA:TRUE"),
        ("server", "middle", f"subjectAltName={names}"),
    ):
        by = ("-CA", f"{signer}.pem", "-CAkey", f"{signer}.key") if signer else ()
        output = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        if not by:
            openssl(folder, "req", "-x509", *key, "-subj", f"/CN={name}", "-addext", extension, *output)
            continue
        openssl(folder, "req", *key[:-2], "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text(extension + "\n")
        sign = ("x509", "-req", "-in", f"{name}.csr", *by, "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        openssl(folder, *sign, "-out", f"{name}.pem")
    (folder / "chain.pem").write_text((folder / "server.pem").read_text() + (folder / "middle.pem").read_text())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(connect: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            connect()
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < end, "the server does not listen"
            time.sleep(0.02)
        else:
            return


@contextmanager
def running(argv: list[str], connect: Callable[[], object]) -> Iterator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(connect, process)
        yield
    finally:
        process.terminate()
        process.wait()


NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log; keepalive_requests 1000; gzip on; gzip_types *; gzip_min_length 1;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{plain}; root {folder}/www; }}
  server {{
    listen 127.0.0.1:{tls} ssl; root {folder}/www;
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/server.key;
    location /moved/ {{ return 301 http://127.0.0.1:{plain}/; }}
    location /locked/ {{ auth_basic "x"; auth_basic_user_file {folder}/users; alias {folder}/www/; }}
    location /slow/ {{ limit_rate 20k; alias {folder}/www/; }}
    location /loop {{ return 302 /loop; }}
    location /gone {{ return 410; }}
  }}
}}
"""


class Nginx:
    def __init__(self, folder: Path, plain: int, tls: int) -> None:
        self.folder = folder
        self.plain = f"http://127.0.0.1:{plain}"
        self.secure = f"https://127.0.0.1:{tls}"

    def authority(self, *names: str) -> bytes:
        return b"\n".join((self.folder / f"{name}.pem").read_bytes() for name in names)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    make_chain(folder, "IP:127.0.0.1")
    (folder / "www").mkdir()
    (folder / "www/data").write_bytes(DATA)
    (folder / "www/packed").write_bytes(gzip.compress(DATA))
    (folder / "www/ca.pem").write_bytes((folder / "other.pem").read_bytes() + (folder / "root.pem").read_bytes())
    (folder / "users").write_text("me:{PLAIN}s3cr3t\n")
    plain, tls = free_port(), free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, plain=plain, tls=tls))
    argv = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(argv, lambda: socket.create_connection(("127.0.0.1", tls)).close()):
        yield Nginx(folder, plain, tls)


def trusting(*bundles: str, total: int = 30) -> Ignition:
    references = tuple(CaReference(source=bundle) for bundle in bundles)
    tls = Security(tls=TLS(certificate_authorities=references))
    return Ignition(security=tls, timeouts=Timeouts(http_total=total))


def digest(data: bytes) -> Verification:
    return Verification(hash=f"sha512-{hashlib.sha512(data).hexdigest()}")


def test_private_authority(nginx: Nginx, fetcher: Fetcher) -> None:
    """The root is in a bundle behind another one; the server sends what is between."""
    fetcher.configure(trusting(encode(nginx.authority("other", "root"))))
    assert fetcher.read(Resource(source=f"{nginx.secure}/data", verification=digest(DATA)), what="x") == DATA
    packed = Resource(source=f"{nginx.secure}/packed", compression="gzip", verification=digest(DATA))
    assert fetcher.read(packed, what="x") == DATA


@pytest.mark.parametrize("trusted", [(), ("other",)])
def test_nobody_who_is_trusted(nginx: Nginx, fetcher: Fetcher, trusted: tuple[str, ...]) -> None:
    bundles = (encode(nginx.authority(*trusted)),) if trusted else ()
    fetcher.configure(trusting(*bundles, total=1))
    with pytest.raises(FetchError, match=r"the certificate of 127\.0\.0\.1 is not accepted"):
        fetcher.read(Resource(source=f"{nginx.secure}/data"), what="x")


def test_redirect_from_tls_to_plain_leaves_headers_behind(nginx: Nginx, fetcher: Fetcher) -> None:
    fetcher.configure(trusting(encode(nginx.authority("root"))))
    header = (HTTPHeader(name="Authorization", value="Bearer x"),)
    page = Resource(source=f"{nginx.secure}/moved/", http_headers=header)
    with pytest.raises(FetchError, match="status 403"):  # a folder without an index
        fetcher.read(page, what="x")
    with pytest.raises(FetchError, match="redirects more than 30 times"):
        fetcher.read(Resource(source=f"{nginx.secure}/loop"), what="x")
    with pytest.raises(FetchError, match="status 410"):
        fetcher.read(Resource(source=f"{nginx.secure}/gone"), what="x")


def test_password(nginx: Nginx, fetcher: Fetcher) -> None:
    fetcher.configure(trusting(encode(nginx.authority("root"))))
    with pytest.raises(FetchError, match="status 401"):
        fetcher.read(Resource(source=f"{nginx.secure}/locked/data"), what="x")
    with_user = nginx.secure.replace("//", "//me:s3cr3t@")
    assert fetcher.read(Resource(source=f"{with_user}/locked/data"), what="x") == DATA


def test_slow_contents_are_cut_off_by_the_total_time(nginx: Nginx, fetcher: Fetcher) -> None:
    fetcher.configure(trusting(encode(nginx.authority("root")), total=1))
    with pytest.raises(FetchError, match="not complete within 1 seconds"):
        fetcher.read(Resource(source=f"{nginx.secure}/slow/data"), what="x")


def run_stage(folder: Path, config: dict[str, Any], stage: str, wrap: list[str]) -> Outcome:
    """The whole program on platform file, with a root of its own below `folder`."""
    (folder / "config.ign").write_text(json.dumps(config))
    (folder / "root").mkdir(exist_ok=True)
    argv = [sys.executable, "-m", "ignition_py", "-platform", "file", "-stage", stage, "-log-to-stdout"]
    argv += ["-config-cache", "cache", "-neednet", "neednet", "-state-file", "state", "-root", str(folder / "root")]
    env = {**os.environ, **settings(folder), "IGNITION_CONFIG_FILE": str(folder / "config.ign")}
    done = subprocess.run([*wrap, *argv], env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    return Outcome(done, folder)


def test_authorities_come_first_and_stay_in_the_cache(nginx: Nginx, tmp_path: Path) -> None:
    """An authority from a server, and what only it makes reachable: a config, and contents that a later stage writes."""
    child = {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": "/child", "contents": {"source": "data:,c"}}]},
    }
    (nginx.folder / "www/child.ign").write_text(json.dumps(child))
    authority = {"source": f"{nginx.plain}/ca.pem", "httpHeaders": [{"name": "X-A", "value": "b"}]}
    contents = {"source": f"{nginx.secure}/packed", "compression": "gzip", "verification": {"hash": digest(DATA).hash}}
    config = {
        "ignition": {
            "version": "3.4.0",
            "security": {"tls": {"certificateAuthorities": [authority]}},
            "config": {"merge": [{"source": f"{nginx.secure}/child.ign"}]},
        },
        "storage": {"files": [{"path": "/data", "contents": contents}]},
    }
    outcome = run_stage(tmp_path, config, "fetch", [])
    assert outcome.status == 0, outcome.output
    (kept,) = outcome.config["ignition"]["security"]["tls"]["certificateAuthorities"]
    assert kept == {"source": encode((nginx.folder / "www/ca.pem").read_bytes())}
    assert {file["path"] for file in outcome.config["storage"]["files"]} == {"/child", "/data"}
    assert (tmp_path / "fetched").exists(), outcome.output
    (kept_contents,) = [path for path in (tmp_path / "fetched").iterdir() if path.stat().st_size == len(DATA)]
    assert kept_contents.read_bytes() == DATA
    log = (nginx.folder / "access.log").read_text()
    assert [log.count(f"GET /{name} ") for name in ("ca.pem", "child.ign")] == [1, 1]


PROXY = """
Port 8888
Listen 127.0.0.1
Timeout 30
LogFile "{folder}/log"
LogLevel Info
Allow 127.0.0.1
BasicAuth me s3cr3t
ConnectPort 443
"""


class Proxied:
    """A network with two servers and a proxy in it, each server under two names."""

    def __init__(self, network: Namespace, folder: Path) -> None:
        self.network = network
        self.folder = folder

    def asked(self) -> list[str]:
        """What the proxy was asked for since the last time, by its log."""
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return [line.split("): ")[-1].split(" HTTP/")[0] for line in lines if "Request (file descriptor" in line]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    import ssl

    folder = tmp_path_factory.mktemp("proxy")
    remove_stale("ignition-proxy-")
    network = Namespace(f"ignition-proxy-{os.getpid()}")
    try:
        names = Path(f"/etc/netns/{network.name}")
        names.mkdir(parents=True, exist_ok=True)
        (names / "hosts").write_text("127.0.0.1 localhost\n100.100.100.200 one.example a.one.example two.example\n")
        make_chain(folder, "DNS:one.example,DNS:a.one.example,DNS:two.example,IP:100.100.100.200")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "chain.pem", folder / "server.key")
        network.serve(80)
        network.serve(443, context)
        (folder / "proxy.conf").write_text(PROXY.format(folder=folder))
        argv = ["ip", "netns", "exec", network.name, "tinyproxy", "-d", "-c", str(folder / "proxy.conf")]

        def connect() -> None:
            network.call(lambda: socket.create_connection(("127.0.0.1", 8888)).close())

        with running(argv, connect):
            yield Proxied(network, folder)
    finally:
        network.close()


THROUGH = [
    ("http://one.example/f", [], "GET http://one.example/f"),
    ("http://one.example/f", ["two.example"], "GET http://one.example/f"),
    ("http://one.example/f", ["one.example"], ""),
    ("http://a.one.example/f", ["one.example"], ""),
    ("http://one.example/f", [".one.example"], "GET http://one.example/f"),
    ("http://a.one.example/f", [".one.example"], ""),
    ("http://one.example/f", ["one.example:81"], "GET http://one.example/f"),
    ("http://one.example/f", ["one.example:80"], ""),
    ("http://100.100.100.200/f", ["100.100.0.0/16"], ""),
    ("http://100.100.100.200/f", ["100.101.0.0/16", "100.100.100.201"], "GET http://100.100.100.200/f"),
    ("http://one.example/f", ["100.100.0.0/16"], "GET http://one.example/f"),
    ("http://one.example/f", ["*"], ""),
    ("https://one.example/f", [], "CONNECT one.example:443"),
    ("https://one.example/f", ["one.example"], ""),
]


@pytest.mark.parametrize(("url", "no_proxy", "asked"), THROUGH)
def test_proxy(proxied: Proxied, tmp_path: Path, url: str, no_proxy: list[str], asked: str) -> None:
    proxied.network.reset()
    proxied.network.at["GET /f"] = body(b'{"ignition": {"version": "3.4.0"}, "passwd": {"groups": [{"name": "g"}]}}')
    proxied.asked()
    proxy = "http://me:s3cr3t@127.0.0.1:8888"
    authority = {"source": encode((proxied.folder / "root.pem").read_bytes())}
    config = {
        "ignition": {
            "version": "3.4.0",
            "timeouts": {"httpTotal": 20},
            "proxy": {"httpProxy": proxy, "httpsProxy": proxy, "noProxy": no_proxy},
            "security": {"tls": {"certificateAuthorities": [authority]}},
            "config": {"merge": [{"source": url}]},
        }
    }
    outcome = run_stage(tmp_path, config, "fetch", ["ip", "netns", "exec", proxied.network.name])
    assert outcome.groups() == ["g"], outcome.output
    assert proxied.asked() == ([asked] if asked else [])
    assert "s3cr3t" not in outcome.output
    assert all("proxy-authorization" not in question.headers for question in proxied.network.asked)


def test_proxy_that_refuses(proxied: Proxied, tmp_path: Path) -> None:
    config = {
        "ignition": {
            "version": "3.4.0",
            "proxy": {"httpProxy": "http://me:wr0ng@127.0.0.1:8888"},
            "config": {"merge": [{"source": "http://one.example/f"}]},
        }
    }
    outcome = run_stage(tmp_path, config, "fetch", ["ip", "netns", "exec", proxied.network.name])
    assert outcome.status == 1
    assert "the server answered with status 40" in outcome.output, outcome.output
    assert "wr0ng" not in outcome.output


@pytest.fixture
def tftpd(tmp_path: Path) -> Iterator[str]:
    """tftpd-hpa at a port of its own; the URL of its folder."""
    folder = tmp_path / "tftp"
    folder.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    (folder / "data").write_bytes(DATA)
    (folder / "whole").write_bytes(DATA[: 1428 * 4])
    (folder / "old").write_bytes(DATA[: 512 * 3])
    (folder / "empty").write_bytes(b"")
    (folder / "packed").write_bytes(gzip.compress(DATA))
    port = free_port()
    argv = [shutil.which("in.tftpd") or "/usr/sbin/in.tftpd", "--foreground", "--user", "root", "--permissive"]
    argv += ["--address", f"127.0.0.1:{port}", "--secure", str(folder)]

    def connect() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            probe.sendto(b"\0\1/empty\0octet\0", ("127.0.0.1", port))
            answer, sender = probe.recvfrom(600)
            assert answer == b"\0\3\0\1"
            probe.sendto(b"\0\4\0\1", sender)

    with running(argv, connect):
        yield f"tftp://127.0.0.1:{port}"


def test_tftpd(tftpd: str, fetcher: Fetcher) -> None:
    assert fetcher.read(Resource(source=f"{tftpd}/data", verification=digest(DATA)), what="x") == DATA
    assert fetcher.read(Resource(source=f"{tftpd}/packed", compression="gzip"), what="x") == DATA
    assert fetcher.read(Resource(source=f"{tftpd}/whole"), what="x") == DATA[: 1428 * 4]
    assert fetcher.read(Resource(source=f"{tftpd}/old"), what="x") == DATA[: 512 * 3]
    assert fetcher.read(Resource(source=f"{tftpd}/empty"), what="x") == b""
    with pytest.raises(FetchError, match="does not exist"):
        fetcher.read(Resource(source=f"{tftpd}/nothing"), what="x")
