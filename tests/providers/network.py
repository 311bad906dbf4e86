"""A network of its own for tests of metadata services: a namespace that owns their real addresses, and a server in it.

Threads of this process enter the namespace (setns), so that answers are Python functions; whole programs run in it with
`ip netns exec`. Nothing in it leads anywhere else.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from tests.helpers.servers import Answer, body

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
_CLONE_NEWNET = 0x40000000
ADDRESSES = (
    "169.254.169.254",
    "100.100.100.200",
    "169.254.42.42",
    "168.63.129.16",
    "192.80.8.124",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
)


def remove_stale(prefix: str) -> None:
    """Deletes the namespaces of test runs that were killed; their names end with the process's id."""
    for path in Path("/run/netns").glob(f"{prefix}*"):
        owner = path.name.removeprefix(prefix)
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            subprocess.run(["ip", "netns", "del", path.name], check=False, capture_output=True)
            shutil.rmtree(f"/etc/netns/{path.name}", ignore_errors=True)


class Asked:
    """A question that the server has seen."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method = handler.command
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.address = handler.connection.getsockname()[0].removeprefix("::ffff:").partition("%")[0]
        self.port = int(handler.client_address[1])
        self.body = handler.rfile.read(int(handler.headers.get("content-length") or 0))


class Namespace:
    """`at["GET /path"] = answer`; `asked` has all questions. `call(f)` runs f in the namespace, `run()` a program."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.release = threading.Event()
        self._ip("netns", "add", name)
        self._file = open(f"/run/netns/{name}", "rb")  # noqa: SIM115  # kept open for as long as the namespace is used
        self.inside("link", "set", "lo", "up")
        for address in ADDRESSES:
            self.inside("addr", "add", address, "dev", "lo")
        self.inside("link", "add", "guest0", "type", "veth", "peer", "name", "router0")
        for end in ("guest0", "router0"):
            self.inside("link", "set", end, "up")
        self._servers: list[ThreadingHTTPServer] = []

    def _ip(self, *argv: str) -> None:
        subprocess.run(["ip", *argv], check=True, capture_output=True)

    def inside(self, *argv: str) -> None:
        self._ip("-n", self.name, *argv)

    @contextmanager
    def without(self, address: str) -> Iterator[None]:
        """The namespace does not own the address, and knows no way to it."""
        self.inside("addr", "del", f"{address}/{128 if ':' in address else 32}", "dev", "lo")
        yield
        self.inside("addr", "add", address, "dev", "lo")

    def enter(self) -> None:
        """Takes this thread into the namespace, for good."""
        if ctypes.CDLL(None, use_errno=True).setns(self._file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def call(self, function: Callable[[], T]) -> T:
        """What the function returns or raises in the namespace."""
        results: list[T] = []
        errors: list[BaseException] = []

        def inside() -> None:
            try:
                self.enter()
                results.append(function())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def serve(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        server = self.call(lambda: _Server(self, port, tls))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._servers.append(server)

    def reset(self) -> None:
        self.at = {}
        self.asked = []
        self.release.clear()

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def run(self, argv: list[str], env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv],
            env={**os.environ, **env},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def close(self) -> None:
        self.release.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._file.close()
        self._ip("netns", "del", self.name)
        shutil.rmtree(f"/etc/netns/{self.name}", ignore_errors=True)


class _Server(ThreadingHTTPServer):
    """Listens at every address of the namespace."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def __init__(self, namespace: Namespace, port: int, tls: ssl.SSLContext | None) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                namespace.asked.append(Asked(self))
                answer = namespace.at.get(f"{self.command} {self.path}") or body(b"no such thing", status=404)
                try:
                    answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_PUT = do_POST = do_GET  # noqa: N815  # the base class looks for them

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
                pass

        super().__init__(("::", port), Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


class Outcome:
    """What a run of the fetch stage left."""

    def __init__(self, done: subprocess.CompletedProcess[str], folder: Path) -> None:
        self.status = done.returncode
        self.output = done.stdout + done.stderr
        cache = folder / "cache"
        self.config: Any = json.loads(cache.read_text()) if cache.exists() else None
        state = folder / "state"
        self.state: Any = json.loads(state.read_text()) if state.exists() else None
        self.need_network = (folder / "neednet").exists()

    def groups(self) -> list[str]:
        """Names of the config's groups; the tests' configs have one, named after what is tested."""
        return [group["name"] for group in self.config.get("passwd", {}).get("groups", [])]


def config(name: str) -> bytes:
    """A config that can be told from others."""
    return json.dumps({"ignition": {"version": "3.0.0"}, "passwd": {"groups": [{"name": name}]}}).encode()


def settings(folder: Path) -> dict[str, str]:
    """An environment in which the image has no configs and the kernel command line names none."""
    (folder / "cmdline").write_text("quiet\n")
    found = {f"IGNITION_SYSTEM_{name}CONFIG_DIR": str(folder / "none") for name in ("RUNTIME_", "LOCAL_", "")}
    return {**found, "IGNITION_KERNEL_CMDLINE_PATH": str(folder / "cmdline"), "PYTHONPATH": str(ROOT)}


def run_stage(
    namespace: Namespace, platform: str, folder: Path, *, stage: str = "fetch", timeout: str = "10s", **env: str
) -> Outcome:
    """The whole program, as it runs in an initramfs, in the namespace."""
    argv = [sys.executable, "-m", "ignition_py", "-platform", platform, "-stage", stage, "-log-to-stdout"]
    argv += ["-config-cache", "cache", "-neednet", "neednet", "-state-file", "state", "-fetch-timeout", timeout]
    return Outcome(namespace.run(argv, {**settings(folder), **env}, folder), folder)
