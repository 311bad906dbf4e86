"""The receiver as a server: bodies, sizes, connections and times that no machine of a fleet would send, and the whole program."""

from __future__ import annotations

import http.client
import json
import os
import pty
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.notify.event import Report
from ignition_py.notify.settings import Wanted
from ignition_py.notify.sinks import Door, url
from ignition_py.receiver import server as server_module
from ignition_py.receiver.fleet import Fleet, Machine
from ignition_py.receiver.hosts import Hosts
from ignition_py.receiver.server import Server
from tests.helpers.servers import MemoryLog, make_certificate
from tests.notify.conftest import MakeReport, folder, machine_root, make_report  # noqa: F401  # fixtures

pytestmark = pytest.mark.sockets
REPORT = b'{"event": "failed", "stage": "disks", "message": "no room", "machine": {"hostname": "node-1"}, "boot": "b"}'


class Running:
    """A server in this process."""

    def __init__(self, hosts: Hosts | None = None, most: int = 100) -> None:
        self.changes: list[Machine] = []
        self.complaints: list[str] = []
        self.fleet = Fleet(("node-1",), lambda machine: self.changes.append(machine.but()), most)
        self.server = Server(("127.0.0.1", 0), self.fleet, hosts or Hosts(["node-1"]), self.complaints.append)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def send(self, body: bytes = REPORT, path: str = "/", method: str = "POST", **headers: str) -> tuple[int, str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        client.request(method, path, body, named)
        response = client.getresponse()
        text = response.read().decode()
        client.close()
        return response.status, text

    def raw(self, data: bytes) -> bytes:
        """What comes back for these bytes, with the end of the connection behind them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while chunk := sock.recv(4096):
                    got += chunk
            except ConnectionResetError:
                pass
            return got

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.close()


def test_a_report(running: Running) -> None:
    assert running.send(Idempotency_Key="k") == (204, "")
    assert running.send(Idempotency_Key="k") == (204, "")
    [machine] = running.changes
    assert (machine.name, machine.state, machine.report["message"]) == ("node-1", "failed", "no room")
    assert running.send(method="PUT", Idempotency_Key="k2")[0] == 204
    assert len(running.changes) == 2


def test_what_the_executor_sends(running: Running, make_report: MakeReport, log: MemoryLog) -> None:  # noqa: F811  # the fixture
    made: Report = make_report("provisioned")
    wanted = Wanted(f"http://127.0.0.1:{running.port}/node-1")
    door = Door(
        wanted=wanted, log=log, fetcher=Fetcher(log), direct=Fetcher(log), platform="qemu", end=time.monotonic() + 60
    )
    url.tell(made, door)
    door.wanted = wanted.but(format="phone-home")
    url.tell(made, door)
    assert [machine.state for machine in running.changes] == ["provisioned"]  # the key is that of the same event
    assert running.changes[0].report["config_sha512"] == made.data["config_sha512"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"{}", {}, 400),
        (REPORT, {"Content_Type": "text/plain"}, 400),
        (REPORT, {"Transfer_Encoding": "chunked"}, 411),
        (REPORT + b" " * 8192, {}, 413),
        (b"[" * 8192, {}, 400),
    ],
)
def test_what_is_refused(running: Running, body: bytes, headers: dict[str, str], status: int) -> None:
    got, text = running.send(body, **headers)
    assert got == status
    assert text.endswith("\n")
    assert running.complaints == [f"127.0.0.1: {text.strip()}"]
    assert not running.changes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"GET",
        b"POST / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n" + REPORT[:50],
        b"POST / HTTP/1.1\r\n" + b"x: y\r\n" * 1000 + b"\r\n",
        b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_requests_that_are_none(running: Running, data: bytes) -> None:
    answer = running.raw(data)
    assert b" 20" not in answer.partition(b"\r\n")[0]
    assert not running.changes
    assert running.send()[0] == 204, "it serves the next one"


def test_hostile_names_reach_no_terminal(running: Running) -> None:
    body = json.dumps({"event": "failed", "machine": {"hostname": "\x1b]0;x\x07"}, "message": "\x1b[2J"}).encode()
    assert running.send(body)[0] == 204
    status, text = running.send(b"", "/metrics", "GET")
    assert status == 200
    assert "\x1b" not in text
    assert 'ignition_machines{state="failed"} 1\n' in text


def test_other_pages(running: Running) -> None:
    assert running.send(b"", "/", "GET")[0] == 404
    assert running.send(b"", "/../../etc/passwd", "GET")[0] == 404


def test_too_many_machines() -> None:
    running = Running(most=2)
    statuses = [
        running.send(json.dumps({"event": "failed", "machine": {"hostname": f"h{number}"}}).encode())[0]
        for number in range(3)
    ]
    running.close()
    assert statuses == [204, 503, 503]


def test_tokens() -> None:
    hosts = Hosts(["node-1", "node-2"], secret=b"0123456789abcdef")
    running = Running(hosts)
    wrong = running.send(path="/node-1")
    other = running.send(path=f"/node-2/{hosts.token('node-1')}")
    right = running.send(path=hosts.path("node-2"))
    running.close()
    assert (wrong[0], other[0], right[0]) == (403, 403, 204)
    assert [machine.name for machine in running.changes] == ["node-2"]
    assert hosts.token("node-1") not in "".join(running.complaints)


def test_slow_clients_are_ended(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte now and then keeps a socket's own time limit from passing."""
    monkeypatch.setattr(server_module, "SECONDS", 1.0)
    with socket.create_connection(("127.0.0.1", running.port), timeout=60) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):
            while True:
                sock.sendall(b"x")
                time.sleep(0.1)
    assert running.send()[0] == 204


def test_too_many_connections(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CONNECTIONS", 3)
    idle = [socket.create_connection(("127.0.0.1", running.port), timeout=60) for _ in range(3)]
    closed = socket.create_connection(("127.0.0.1", running.port), timeout=60)
    assert closed.recv(1) == b""
    for sock in (*idle, closed):
        sock.close()
    end = time.monotonic() + 60
    while running.server._open and time.monotonic() < end:
        time.sleep(0.05)
    assert running.send()[0] == 204


def test_many_machines_at_once(running: Running) -> None:
    def machine(number: int) -> None:
        for event in ("started", "provisioned"):
            body = json.dumps({"event": event, "machine": {"hostname": f"m{number}"}, "boot": "b"}).encode()
            assert running.send(body, Idempotency_Key=f"b-{event}")[0] == 204

    threads = [threading.Thread(target=machine, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert running.fleet.counts() == {"failed": 0, "running": 0, "waiting": 1, "provisioned": 40}


class Program:
    """`ignition-py receive` in a process of its own, at a port that the system chooses."""

    def __init__(self, where: Path, *words: str, stdout: int | None = None) -> None:
        argv = [sys.executable, "-m", "ignition_py", "receive", "--listen", "127.0.0.1:0", *words]
        env = {**os.environ, "TERM": "xterm"}
        self.process = subprocess.Popen(
            argv, cwd=where, env=env, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self.first = self.process.stderr.readline()
        self.port = int(self.first.partition("://")[2].partition(";")[0].rpartition(":")[2] or 0)

    def send(self, path: str, event: str, boot: str = "b", **more: Any) -> int:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = json.dumps({"event": event, "boot": boot, **more}).encode()
        client.request(
            "POST", path, body, {"Content-Type": "application/json", "Idempotency-Key": f"{path}{boot}-{event}"}
        )
        return client.getresponse().status

    def ended(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=120)
        assert not err or "Traceback" not in err, err
        return self.process.returncode, out


INVENTORY = "all:\n  hosts:\n    node-1: {}\n    node-2: {}\n"
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    made: list[Program] = []

    def run(*words: str, **more: Any) -> Program:
        made.append(Program(tmp_path, *words, **more))
        return made[-1]

    yield run
    for program in made:
        program.process.kill()
        program.process.wait()
        for stream in (program.process.stdout, program.process.stderr):
            close(stream)


def close(stream: IO[str] | None) -> None:
    if stream is not None:
        stream.close()


@pytest.mark.subprocess
def test_it_ends_when_all_are_provisioned(start: Start, tmp_path: Path) -> None:
    program = start("--inventory", "hosts.yaml", "--state", "state")
    assert program.send("/node-2", "started") == 204
    assert program.send("/node-2", "provisioned", config_sha512="ab" * 64, os="Debian") == 204
    assert program.send("/node-1", "provisioned") == 204
    status, out = program.ended()
    assert status == 0
    lines = out.splitlines()
    assert [line.split(" ", 1)[1] for line in lines[:-1]] == [
        "node-2: running", f"node-2: provisioned, config {'ab' * 6}, Debian", "node-1: provisioned",
    ]  # fmt: skip
    assert lines[-1] == "0 failed, 0 running, 0 waiting, 2 provisioned"
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["node-1.json", "node-2.json"]


@pytest.mark.subprocess
@pytest.mark.parametrize(("words", "events"), [((), 1), (("--keep-going",), 2)])
def test_it_ends_when_one_has_failed(start: Start, words: tuple[str, ...], events: int) -> None:
    program = start("--inventory", "hosts.yaml", "--format", "json", *words)
    sent = [("/node-1", "failed"), ("/node-2", "provisioned")]
    for path, event in sent[:events]:
        program.send(path, event, stage="disks", message="no room", written={"file": "a.bu", "line": 7})
    status, out = program.ended()
    assert status == 1
    objects = [json.loads(line) for line in out.splitlines()]
    assert [(one["name"], one["state"]) for one in objects[:-1]] == [("node-1", "failed"), ("node-2", "provisioned")][
        :events
    ]
    assert objects[0]["report"]["written"] == {"file": "a.bu", "line": 7}
    assert objects[-1]["summary"]["failed"] == 1


@pytest.mark.subprocess
def test_it_ends_when_the_time_is_over(start: Start) -> None:
    program = start("--inventory", "hosts.yaml", "--timeout", "500ms")
    status, out = program.ended()
    assert (status, out) == (3, "0 failed, 0 running, 2 waiting, 0 provisioned\n")


@pytest.mark.subprocess
def test_it_goes_on_from_its_files(start: Start, tmp_path: Path) -> None:
    program = start("--inventory", "hosts.yaml", "--state", "state")
    program.send("/node-1", "provisioned")
    assert program.process.stdout is not None
    assert "node-1: provisioned" in program.process.stdout.readline()
    program.process.send_signal(signal.SIGINT)
    assert program.ended()[0] == 130
    again = start("--inventory", "hosts.yaml", "--state", "state")
    again.send("/node-2", "provisioned")
    assert again.ended()[0] == 0


@pytest.mark.subprocess
def test_a_table_on_a_terminal(start: Start) -> None:
    controller, terminal = pty.openpty()
    program = start("--inventory", "hosts.yaml", stdout=terminal)
    os.close(terminal)
    shown: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        try:
            while data := os.read(controller, 4096):
                shown.put(data)
        except OSError:  # the terminal has gone
            return

    reader = threading.Thread(target=read)
    reader.start()
    program.send("/node-1", "provisioned")
    program.send("/node-2", "provisioned", message="\x1b]0;evil\x07")
    assert program.ended()[0] == 0
    reader.join(60)
    os.close(controller)
    text = b"".join(shown.get() for _ in range(shown.qsize())).decode()
    assert "NAME" in text
    assert "\x1b[32mnode-1  provisioned" in text
    assert "evil" in text
    assert "\x1b]" not in text


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["--listen", "8080"], 2, "is not HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], 2, "is not HOST:PORT"),
        (["--urls"], 2, "--urls needs --inventory"),
        (["--key", "x"], 2, "--key needs --certificate"),
        (["--inventory", "absent.yaml"], 1, "absent.yaml"),
        (["--token-file", "absent"], 1, "absent"),
        (["--certificate", "hosts.yaml"], 1, "are no certificate and its key"),
        (["--state", "hosts.yaml/x"], 1, "hosts.yaml"),
    ],
)
def test_what_is_wrong(tmp_path: Path, words: list[str], status: int, sentence: str) -> None:
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    listen = [] if "--listen" in words else ["--listen", "127.0.0.1:0"]
    argv = [sys.executable, "-m", "ignition_py", "receive", *words, *listen]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.subprocess
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        argv = [sys.executable, "-m", "ignition_py", "receive", "--listen", f"127.0.0.1:{sock.getsockname()[1]}"]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "in use" in done.stderr


@pytest.mark.subprocess
def test_urls_with_tokens(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    (tmp_path / "secret").write_text("0123456789abcdef")
    words = ["--inventory", "hosts.yaml", "--token-file", "secret", "--urls", "--base", "https://boot.example/"]
    argv = [sys.executable, "-m", "ignition_py", "receive", *words]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    hosts = Hosts(secret=b"0123456789abcdef")
    assert done.stdout.splitlines() == [f"node-{n}\thttps://boot.example{hosts.path(f'node-{n}')}" for n in (1, 2)]


@pytest.mark.subprocess
def test_https(start: Start, tmp_path: Path) -> None:
    make_certificate(tmp_path, "ca", "-addext", "subjectAltName=IP:127.0.0.1")
    program = start("--inventory", "hosts.yaml", "--certificate", "ca.pem", "--key", "ca.key")
    assert "https://127.0.0.1" in program.first
    idle = socket.create_connection(("127.0.0.1", program.port))  # begins no TLS, and holds up nobody
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    for name in ("node-1", "node-2"):
        client = http.client.HTTPSConnection("127.0.0.1", program.port, context=context, timeout=60)
        client.request("POST", f"/{name}", b'{"event": "provisioned"}', {"Content-Type": "application/json"})
        assert client.getresponse().status == 204
    assert program.ended()[0] == 0
    idle.close()
