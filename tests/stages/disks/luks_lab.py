"""What the tests of LUKS share: a Tang server, a context with a fetcher, what cryptsetup says of a volume."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FAST = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")  # options for luksFormat: no measuring
TANGD = "/usr/libexec/tangd"


class _Connection(socketserver.BaseRequestHandler):
    server: Any

    def handle(self) -> None:
        """As inetd and systemd's socket units do it: one tangd for each connection."""
        self.server.connections += 1
        with suppress(OSError):
            subprocess.run([TANGD, str(self.server.keys)], stdin=self.request, stdout=self.request, stderr=subprocess.DEVNULL, check=False)


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Tang:
    """Debian's tangd with keys of its own; `connections` counts who asked."""

    def __init__(self, server: Any, url: str, keys: Path) -> None:
        self._server = server
        self.url = url
        self.keys = keys

    @property
    def connections(self) -> int:
        return int(self._server.connections)

    @property
    def thumbprint(self) -> str:
        return tang_thumbprint(self.keys)

    def advertisement(self) -> str:
        """What the server answers, as one string."""
        request = b"GET /adv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        done = subprocess.run([TANGD, str(self.keys)], input=request, capture_output=True, check=False)
        return done.stdout.partition(b"\r\n\r\n")[2].decode().strip()


def make_tang_keys(folder: Path) -> Path:
    folder.mkdir()
    subprocess.run([str(Path(TANGD).with_name("tangd-keygen")), str(folder)], check=True, capture_output=True)
    return folder


def tang_thumbprint(keys: Path, algorithm: str = "S256") -> str:
    """By jose, which knows nothing of our code."""
    for path in sorted(keys.glob("*.jwk")):
        if "verify" in json.loads(path.read_text())["key_ops"]:
            argv = ["jose", "jwk", "thp", "-i", str(path), "-a", algorithm]
            return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    raise AssertionError("no signing key")


@contextmanager
def serving_tang(folder: Path, socket_path: str = "") -> Iterator[Tang]:
    """A Tang server on a port of the loopback, or on a Unix socket."""
    keys = make_tang_keys(folder)
    server: Any = _Unix(socket_path, _Connection) if socket_path else _Tcp(("127.0.0.1", 0), _Connection)
    server.keys, server.connections = keys, 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Tang(server, "" if socket_path else f"http://127.0.0.1:{server.server_address[1]}", keys)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def said(*argv: str, stdin: bytes = b"") -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout.decode()


def dump(node: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(said("cryptsetup", "luksDump", "--dump-json-metadata", node))
    return data


def shown(node: str, field: str) -> str:
    """A line of `cryptsetup luksDump`: Label, UUID, Subsystem, Flags."""
    for line in said("cryptsetup", "luksDump", node).splitlines():
        name, colon, value = line.partition(":")
        if name == field and colon:
            return value.strip()
    raise AssertionError(field)


def key_opens(node: str, key: bytes) -> bool:
    argv = ["cryptsetup", "open", "--test-passphrase", "--key-file", "-", node]
    return subprocess.run(argv, input=key, capture_output=True, check=False).returncode == 0


def close(*names: str) -> None:
    for name in names:
        if os.path.exists(f"/dev/mapper/{name}"):
            subprocess.run(["cryptsetup", "close", name], check=True, capture_output=True)
