"""First boots in clouds: the initramfs brings the network up, and the config comes from where the cloud keeps it.

QEMU's user network plays the cloud's: it gives the machine an address by DHCP and hands what goes to the metadata service's
real address to a server of the test; nothing else can be reached. AWS is in test_published.py.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from ignition_py.rehearsal.hardware import Network
from tests.vm.test_platforms import PATH_2, WithDiscs, disc
from tests.vm.vmlab.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

SERVICE = "169.254.169.254"
FETCHING_STAGES = ["fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount"]
Reply = tuple[int, bytes]
Service = Callable[[str, str, dict[str, str]], Reply]


class _Server(socketserver.ThreadingUnixStreamServer):
    """`service(method, path, headers)` answers; `asked` has what was asked, and with which status that was answered."""

    daemon_threads = True

    def __init__(self, path: str, service: Service) -> None:
        self.service = service
        self.asked: list[str] = []
        super().__init__(path, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, data = self.server.service(self.command, self.path, headers)
        self.server.asked.append(f"{self.command} {self.path} {status}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_PUT = do_GET  # noqa: N815  # the base class looks for it

    def address_string(self) -> str:
        return "guest"

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(path: str, service: Service) -> Iterator[_Server]:
    with _Server(path, service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def config(name: str) -> bytes:
    """A config that leaves its name, and has contents that come over the network too."""
    remote = {"path": "/etc/remote", "contents": {"source": f"http://{SERVICE}/remote"}}
    local = {"path": "/etc/cloud", "mode": 0o600, "contents": {"source": f"data:,{name}"}}
    return json.dumps({"ignition": {"version": "3.5.0"}, "storage": {"files": [local, remote]}}).encode()


class Cloud:
    """What a metadata service does, the parts that a first boot sees."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 1  # as while the service gets to know a new machine

    def __call__(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        if path == "/remote":
            return 200, b"from afar"
        return getattr(self, self.name)(method, path, headers)

    def _not_yet(self) -> bool:
        self.failures -= 1
        return self.failures >= 0

    def azure(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        """No user data; 404 for a while, as before the machine is known."""
        if headers.get("metadata") != "true" or not path.startswith("/metadata/instance/compute/userData?"):
            return 400, b""
        return (404, b"") if self._not_yet() else (200, b"")

    def gcp(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        if headers.get("metadata-flavor") != "Google":
            return 403, b""
        if path != "/computeMetadata/v1/instance/attributes/user-data":
            return 404, b""
        return (503, b"") if self._not_yet() else (200, config("gcp"))

    def openstack(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        if path != "/openstack/latest/user_data":
            return 404, b""
        return (500, b"") if self._not_yet() else (200, config("openstack"))


def provisioning_disc(folder: Path) -> str:
    files = {"ovf-env.xml": "<x/>", "CustomData.bin": config("azure-cd").decode()}
    return disc(folder, "provisioning", files, "-udf", "-iso-level", "3")


def config_drive(folder: Path) -> str:
    return disc(folder, "config-2", {PATH_2: config("openstack-drive").decode()})


class Case:
    """A cloud, its disc if it attaches one, who wins, and what the service is asked for the config."""

    discs: ClassVar = {"provisioning": provisioning_disc, "drive": config_drive}

    def __init__(self, platform: str, wins: str, asked: list[str], with_disc: str = "") -> None:
        self.platform = platform
        self.wins = wins
        self.asked = asked
        self.with_disc = with_disc

    def __repr__(self) -> str:
        return self.wins


USER_DATA = "GET /metadata/instance/compute/userData?api-version=2021-01-01&format=text"
GCP = "GET /computeMetadata/v1/instance/attributes/user-data"
OPENSTACK = "GET /openstack/latest/user_data"
CASES = [
    Case("azure", "azure-cd", [f"{USER_DATA} 404", f"{USER_DATA} 200"], "provisioning"),
    Case("gcp", "gcp", [f"{GCP} 503", f"{GCP} 200"]),
    pytest.param(Case("openstack", "openstack-drive", [], "drive"), marks=pytest.mark.matrix),
    pytest.param(Case("openstack", "openstack", [f"{OPENSTACK} 500", f"{OPENSTACK} 200"]), marks=pytest.mark.matrix),
]


def stages_run(boot: Boot) -> list[str]:
    """Stages in the order in which they began, from the journal."""
    lines = boot.ask("journalctl --boot --output=cat --identifier=ignition --no-pager").stdout.splitlines()
    return [
        line.partition(": stage ")[2].split()[0] for line in lines if ": stage " in line and " on platform " in line
    ]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_first_boot(tmp_path: Path, case: Case) -> None:
    address = os.path.join(tmp_path, "service")
    with (
        serving(address, Cloud(case.platform)) as server,
        WithDiscs(
            str(tmp_path), platform=case.platform, network=Network((80, address), server=SERVICE), say=print
        ) as machine,
    ):
        machine.discs = (Case.discs[case.with_disc](tmp_path),) if case.with_disc else ()
        with machine.boot() as boot:
            boot.wait_until_up()
            found = boot.ask("stat -c %a /etc/cloud; cat /etc/cloud /etc/remote; ls /run/ignition").stdout
            assert found.splitlines()[0] == "600", found
            assert found.splitlines()[1].startswith(f"{case.wins}from afar"), found
            assert stages_run(boot) == FETCHING_STAGES
            assert boot.console.wait_for("Finished ignition-network", 1) is not None
    assert server.asked == [*case.asked, "GET /remote 200"]
