"""Reports of real boots, taken by `ignition-py receive`: a disks stage that fails, then the same machine provisioned; and a receiver
that takes connections and never answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.rehearsal.hardware import Network
from ignition_py.rehearsal.marker import result
from tests.vm.vmlab.machine import BootFailed, Machine
from tests.vm.vmlab.web import serving

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow, pytest.mark.sockets, pytest.mark.subprocess]
CONFIG = """variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions:
        - label: data
          number: 1
          size_mib: {size}
"""
SECRET = "t0k3n-of-this-machine"
KARGS = "net.ifnames=0 ignition.config.url=http://10.0.2.100/config.bu ignition.report.started=1"


@contextlib.contextmanager
def relay(path: str, port: int) -> Iterator[None]:
    """Hands connections to the Unix socket `path`, which are the machine's, to a port of this host."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                threading.Thread(target=pump, args=(there, self.request), daemon=True).start()
                pump(self.request, there)

    with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def receiver(folder: Path) -> Iterator[int]:
    """`ignition-py receive`, its JSON lines in `folder`/out; the port."""
    argv = [sys.executable, "-m", "ignition_py", "receive", "--listen", "127.0.0.1:0", "--format", "json"]
    with (
        (folder / "out").open("w") as out,
        subprocess.Popen(argv, stdout=out, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        try:
            yield int(process.stderr.readline().partition(";")[0].rpartition(":")[2])
        finally:
            process.terminate()


def reports(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out").read_text().splitlines()]


def test_a_failure_and_then_a_provisioned_machine(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    web, sink = os.path.join(tmp_path, "web"), os.path.join(tmp_path, "sink")
    with receiver(tmp_path) as port, relay(sink, port), serving(web, CONFIG.format(size=5000).encode()) as server:
        kargs = f"{KARGS} ignition.report.url=http://10.0.2.100:8080/{SECRET}"
        machine = make_machine(disks=["1G"], platform="metal", network=Network((80, web), (8080, sink)), kargs=kargs)
        with machine.boot() as boot:
            with pytest.raises(BootFailed):
                boot.wait_until_up()
            boot.wait_until_off()
            console = [text for _, text in boot.console.lines]
        failed = reports(tmp_path)
        assert [one["state"] for one in failed] == ["running", "failed"]
        report = failed[-1]["report"]
        assert report["stage"] == "disks"
        assert report["message"].startswith('disks: /dev/vdb, partition 1 ("data"): cannot have 10240000 sectors')
        assert "`size_mib` to 1022 at most" in report["hint"]
        assert (report["source"], report["line"]) == ("cmdline", 8), "the YAML that ignition.config.url= names"
        assert report["seconds"] - failed[0]["report"]["seconds"] < 60
        assert SECRET not in "\n".join(console).partition("Command line")[0]
        marker = result(console)
        assert marker is not None
        assert (marker["event"], marker["stage"], marker["boot"]) == ("failed", "disks", report["boot"])

        server.body = CONFIG.format(size=100).encode()
        with machine.boot() as boot:
            boot.wait_until_up()
            wait_for(lambda: reports(tmp_path)[-1]["state"] == "provisioned", lambda: boot.console.text(40))
            entered = int(boot.ask("systemctl show --value -p UserspaceTimestampMonotonic").stdout) / 1e6
            log = boot.ask(
                "journalctl --boot --output=cat --no-pager --identifier=ignition --unit=ignition-report.service"
            ).stdout
            left = boot.ask("ls -A /run/ignition/notify").stdout.split()
            assert (
                boot.ask("command -v python3 >/dev/null && systemctl is-active ignition-report.service").stdout
                == "active\n"
            )
            console = [text for _, text in boot.console.lines]
    assert [one["state"] for one in reports(tmp_path)[2:]] == ["running", "provisioned"]
    good = reports(tmp_path)[-1]["report"]
    assert good["seconds"] > entered, "it was told before the real root was entered"
    assert good["boot"] != report["boot"]
    assert len(good["config_sha512"]) == 128
    assert good["config_sha512"] != report["config_sha512"]
    assert SECRET not in log
    assert left == ["marker", "provisioned", "spent", "told-provisioned", "told-started"]
    marker = result(console)
    assert marker is not None
    assert (marker["event"], marker["boot"], marker["config_sha512"]) == (
        "provisioned",
        good["boot"],
        good["config_sha512"],
    )


def wait_for(done: Callable[[], bool], why: Callable[[], str], seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, why()
        time.sleep(0.5)


def test_a_receiver_that_never_answers(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    """The machine's own clock says how long it was held up: the disks stage by three seconds, all reports by ten."""
    web, sink = os.path.join(tmp_path, "web"), os.path.join(tmp_path, "sink")
    with socket.socket(socket.AF_UNIX) as silent, serving(web, CONFIG.format(size=100).encode()):
        silent.bind(sink)
        silent.listen(64)
        kargs = f"{KARGS} ignition.report.url=http://10.0.2.100:8080/{SECRET}"
        machine = make_machine(disks=["1G"], platform="metal", network=Network((80, web), (8080, sink)), kargs=kargs)
        with machine.boot() as boot:
            boot.wait_until_up()
            boot.ask("systemctl start ignition-report.service", timeout=120)
            spent = float(boot.ask("cat /run/ignition/notify/spent").stdout)
            assert 3.0 <= spent < 11.0, "three seconds for `started`, the rest for `provisioned`"
            log = boot.ask("journalctl --boot --output=cat --no-pager --identifier=ignition").stdout
            assert "reporting started to the URL for reports (http://10.0.2.100:8080): " in log
            assert "reporting provisioned to the URL for reports (http://10.0.2.100:8080): " in log
            assert SECRET not in log
            assert boot.ask("systemctl --failed --no-legend --plain").stdout == ""
