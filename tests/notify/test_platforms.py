"""The platforms' sinks: Azure and Google at their real addresses in a network namespace, VMware's port played by hosts.c, Hyper-V's
file as the daemon reads it, a vsock of this kernel, consoles as files.
"""

from __future__ import annotations

import csv
import json
import os
import pty
import socket
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ignition_py.notify.sinks import NOTIFY_SOCKET, azure, gcp, kvp, load, serial, vmware, vsock
from ignition_py.report.diag import FetchError, IgnitionError
from tests.helpers.servers import body, in_turn
from tests.notify.conftest import FAILURE, MakeDoor, MakeReport
from tests.providers.hosts import Hosts
from tests.providers.network import Namespace
from tests.providers.test_vmware import guestinfo  # noqa: F401  # a fixture

pytestmark = pytest.mark.sockets
HEALTH, GOAL, OLD = "POST /provisioning/health", "GET /machine/?comp=goalstate", "POST /machine?comp=health"
STATE = b"""<?xml version="1.0" encoding="utf-8"?>
<GoalState><Version>2012-11-30</Version><Incarnation>7</Incarnation><Machine><ExpectedState>Started</ExpectedState></Machine>
<Container><ContainerId>c-1&amp;2</ContainerId><RoleInstanceList><RoleInstance><InstanceId>i-3</InstanceId>
<Configuration><HostingEnvironmentConfig>http://x</HostingEnvironmentConfig></Configuration></RoleInstance></RoleInstanceList></Container>
</GoalState>"""


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("event", "state", "status"),
    [
        ("failed", "NotReady", "ProvisioningFailed"),
        ("started", "NotReady", "Provisioning"),
        ("provisioned", "Ready", ""),
    ],
)
def test_azure(
    network: Namespace, make_report: MakeReport, make_door: MakeDoor, event: str, state: str, status: str
) -> None:
    network.at[HEALTH] = in_turn(body(b"", status=503), body(b"", status=201))
    network.call(lambda: azure.tell(make_report(event, "azure"), make_door("azure")))
    assert network.paths() == [HEALTH, HEALTH]
    sent = json.loads(network.asked[1].body)
    assert network.asked[1].address == "168.63.129.16"
    assert network.asked[1].headers["content-type"] == "application/json"
    assert sent["state"] == state
    assert sent.get("details", {}).get("subStatus", "") == status
    if event == "failed":
        assert (
            sent["details"]["description"] == f"Ignition failed in stage disks: {FAILURE['message']} (node.bu, line 7)"
        )


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("status", [404, 400, 410])
def test_azure_before_it_knew_json(
    network: Namespace, make_report: MakeReport, make_door: MakeDoor, status: int
) -> None:
    network.at.update({HEALTH: body(b"", status=status), GOAL: body(STATE), OLD: body(b"")})
    network.call(lambda: azure.tell(make_report("failed", "azure", message="a <b> & \x01 ]]>"), make_door("azure")))
    assert network.paths() == [HEALTH, GOAL, OLD]
    assert network.asked[1].headers["x-ms-version"] == "2012-11-30"
    sent = ET.fromstring(network.asked[2].body)
    assert sent.findtext("GoalStateIncarnation") == "7"
    assert sent.findtext("Container/ContainerId") == "c-1&2"
    role = sent.find("Container/RoleInstanceList/Role")
    assert role is not None
    assert (role.findtext("InstanceId"), role.findtext("Health/State")) == ("i-3", "NotReady")
    assert role.findtext("Health/Details/SubStatus") == "ProvisioningFailed"
    assert "a <b> & ? ]]>" in (role.findtext("Health/Details/Description") or "")


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("state", [b"", b"no xml", b"<GoalState><Incarnation>7</Incarnation></GoalState>", STATE[:-20]])
def test_a_goal_state_that_is_none(
    network: Namespace, make_report: MakeReport, make_door: MakeDoor, state: bytes
) -> None:
    network.at.update({GOAL: body(state), OLD: body(b"")})
    with pytest.raises(FetchError, match="goal state"):
        network.call(lambda: azure.tell(make_report("provisioned", "azure"), make_door("azure")))
    assert OLD not in network.paths()


@pytest.mark.root
@pytest.mark.subprocess
def test_azure_that_never_answers_well_is_asked_three_times(
    network: Namespace, make_report: MakeReport, make_door: MakeDoor
) -> None:
    network.at[HEALTH] = body(b"", status=500)
    with pytest.raises(FetchError, match="in 3 attempts; last error: status 500"):
        network.call(lambda: azure.tell(make_report(), make_door("azure")))
    assert network.paths() == [HEALTH] * 3


REPORT, EVENT = f"PUT {gcp.PATH}/report", f"PUT {gcp.PATH}/event"


@pytest.mark.root
@pytest.mark.subprocess
def test_gcp(network: Namespace, make_report: MakeReport, make_door: MakeDoor) -> None:
    network.at.update({REPORT: body(b""), EVENT: body(b"")})
    made = make_report("failed", "gcp")
    network.call(lambda: gcp.tell(made, make_door("gcp")))
    assert [(asked.method, asked.path.rpartition("/")[2], asked.body) for asked in network.asked] == [
        ("PUT", "report", made.body), ("PUT", "event", b"failed"),
    ]  # fmt: skip
    assert all(asked.headers["metadata-flavor"] == "Google" for asked in network.asked)


@pytest.mark.root
@pytest.mark.subprocess
def test_gcp_without_guest_attributes(network: Namespace, make_report: MakeReport, make_door: MakeDoor) -> None:
    network.at[REPORT] = body(b"", status=403)
    with pytest.raises(FetchError, match="status 403"):
        network.call(lambda: gcp.tell(make_report(), make_door("gcp")))
    assert network.paths() == [REPORT]


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(("bad", "good"), [(3, True), (6, False)])
def test_gcp_that_is_busy(
    network: Namespace, make_report: MakeReport, make_door: MakeDoor, bad: int, good: bool
) -> None:
    """Two addresses, three rounds."""
    network.at.update({REPORT: in_turn(*[body(b"", status=503)] * bad, body(b"")), EVENT: body(b"")})
    if good:
        network.call(lambda: gcp.tell(make_report(), make_door("gcp")))
    else:
        with pytest.raises(FetchError, match="status 503"):
            network.call(lambda: gcp.tell(make_report(), make_door("gcp")))
    assert network.paths() == [*[REPORT] * bad, *([REPORT, EVENT] if good else [])]


@pytest.mark.root
@pytest.mark.subprocess
def test_gcp_by_ipv6_alone(network: Namespace, make_report: MakeReport, make_door: MakeDoor) -> None:
    network.at.update({REPORT: body(b""), EVENT: body(b"")})
    with network.without("169.254.169.254"):
        network.call(lambda: gcp.tell(make_report(), make_door("gcp")))
    assert {asked.address for asked in network.asked} == {"fd20:ce::254"}


@pytest.mark.subprocess
def test_vmware(guestinfo: Hosts, make_report: MakeReport, make_door: MakeDoor) -> None:  # noqa: F811  # the fixture
    made = make_report()
    vmware.tell(made, make_door("vmware"))
    assert guestinfo[vmware.REPORT] == made.body
    assert guestinfo[vmware.EVENT] == b"failed"


def test_vmware_elsewhere(make_report: MakeReport, make_door: MakeDoor) -> None:
    with pytest.raises(IgnitionError, match="not a virtual machine"):
        vmware.tell(make_report(), make_door("vmware"))


def pool(path: Path) -> dict[bytes, bytes]:
    """The pool as hv_kvp_daemon reads it: records of a key and a value, each up to its first zero."""
    data = path.read_bytes()
    assert len(data) % 2560 == 0
    records = (data[start : start + 2560] for start in range(0, len(data), 2560))
    return {record[:512].partition(b"\0")[0]: record[512:].partition(b"\0")[0] for record in records}


def test_hyperv(make_report: MakeReport, make_door: MakeDoor, machine_root: Path) -> None:
    path = machine_root / kvp.POOL[1:]
    path.parent.mkdir(parents=True)
    other = b"other".ljust(512, b"\0") + b"x".ljust(2048, b"\0")
    path.write_bytes(other + b"half of a record")
    kvp.tell(make_report("failed", "hyperv"), make_door("hyperv"))
    kvp.tell(make_report("provisioned", "hyperv"), make_door("hyperv"))
    found = pool(path)
    assert set(found) == {b"other", b"ignition.report"}
    assert json.loads(found[b"ignition.report"])["event"] == "provisioned"
    assert found[b"other"] == b"x"


@pytest.mark.parametrize("message", ["simple", 'a "quoted" | one', "é" * 5000])
def test_azures_key_value_pair(make_report: MakeReport, make_door: MakeDoor, machine_root: Path, message: str) -> None:
    load("kvp")(make_report("failed", "azure", message=message), make_door("azure"))
    value = pool(machine_root / kvp.POOL[1:])[b"PROVISIONING_REPORT"].decode()
    assert len(value.encode()) <= 1022
    fields = next(csv.reader([value], delimiter="|"))
    assert fields[0] == "result=error"
    assert fields[1].startswith("reason=Ignition failed in stage disks: " + message[:100])
    assert fields[3] == "vm_id=4c4c4544-0042"
    load("kvp")(make_report("provisioned", "azure"), make_door("azure"))
    assert pool(machine_root / kvp.POOL[1:])[b"PROVISIONING_REPORT"].startswith(b"result=success|agent=ignition-py/")


def test_a_link_in_the_place_of_the_pool(make_report: MakeReport, make_door: MakeDoor, machine_root: Path) -> None:
    path = machine_root / kvp.POOL[1:]
    path.parent.mkdir(parents=True)
    path.symlink_to(machine_root / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        kvp.tell(make_report(), make_door("hyperv"))
    assert not (machine_root / "victim").exists()


def listener(kind: int) -> socket.socket:
    """A vsock that this kernel can reach itself. Skips where it has none."""
    try:
        sock = socket.socket(socket.AF_VSOCK, kind)
        sock.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
        sock.listen(1)
        probe = socket.socket(socket.AF_VSOCK, kind)
        probe.settimeout(5)
        probe.connect((1, sock.getsockname()[1]))  # 1 is the loopback (VMADDR_CID_LOCAL)
        sock.accept()[0].close()
        probe.close()
    except OSError as error:
        pytest.skip(f"this kernel has no vsock loopback: {error}")
    return sock


@pytest.mark.parametrize(("name", "kind"), [("vsock", socket.SOCK_SEQPACKET), ("vsock-stream", socket.SOCK_STREAM)])
def test_vsock(make_report: MakeReport, make_door: MakeDoor, machine_root: Path, name: str, kind: int) -> None:
    with listener(kind) as sock:
        got: list[bytes] = []

        def take() -> None:
            client, _ = sock.accept()
            while data := client.recv(1 << 16):
                got.append(data)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        credential(machine_root, f"{name}:1:{sock.getsockname()[1]}\n")
        made = make_report(message="two\nlines")
        vsock.tell(made, make_door())
        thread.join(60)
    lines = b"".join(got).decode().splitlines()
    assert lines == [
        "STATUS=Ignition failed in stage disks: two lines",
        "X_IGNITION_EVENT=failed",
        f"X_IGNITION_REPORT={made.body.decode()}",
    ]


def credential(root: Path, text: str) -> None:
    path = root / NOTIFY_SOCKET[1:]
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("vsock:2:1234", (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)),
        ("vsock-stream:2:1234", (socket.SOCK_STREAM,)),
        ("vsock-dgram:2:1234", (socket.SOCK_DGRAM,)),
        ("vsock-seqpacket:2:1234", (socket.SOCK_SEQPACKET,)),
    ],
)
def test_addresses_of_a_vsock(
    address: str,
    kinds: tuple[int, ...],
    make_report: MakeReport,
    make_door: MakeDoor,
    machine_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Types of sockets are tried in order, each of which fails here but the last."""
    tried: list[tuple[int, tuple[int, int]]] = []

    def send(kind: int, target: tuple[int, int], _: bytes) -> None:
        tried.append((kind, target))
        if kind != kinds[-1]:
            raise OSError

    monkeypatch.setattr(vsock, "_send", send)
    credential(machine_root, address)
    vsock.tell(make_report(), make_door())
    assert tried == [(kind, (2, 1234)) for kind in kinds]


@pytest.mark.parametrize(
    "address", ["", "vsock", "vsock:2", "vsock:2:x", "vsock:2:3:4", "tcp:2:3", "/run/socket", "vsock:-1:3"]
)
def test_what_is_no_address(address: str, make_report: MakeReport, make_door: MakeDoor, machine_root: Path) -> None:
    credential(machine_root, address)
    with pytest.raises(IgnitionError, match="no address of a vsock"):
        vsock.tell(make_report(), make_door())


def test_consoles(make_report: MakeReport, make_door: MakeDoor, machine_root: Path) -> None:
    controller, terminal = pty.openpty()
    (machine_root / "dev").mkdir()
    (machine_root / "dev/ttyS0").symlink_to(os.ttyname(terminal))
    (machine_root / "dev/tty0").write_text("")
    (machine_root / "proc").mkdir()
    (machine_root / "proc/consoles").write_text(
        "ttyS0                -W- (EC p a)    4:64\ntty0  -WU (E  p  )    4:1\nttyS1 -W- (  p  )  4:65\nhvc0 -W- (E  p  )  229:0\n"
    )
    serial.tell(make_report(message="x" * 5000), make_door())
    text = os.read(controller, 4096).decode()
    os.close(controller)
    os.close(terminal)
    lines = text.split("\r\n")
    assert (lines[0], lines[2]) == ("", "")
    assert json.loads(lines[1].removeprefix("ignition-result: "))["event"] == "failed"
    assert (machine_root / "dev/tty0").read_text().strip() == lines[1]
    assert sorted(path.name for path in (machine_root / "dev").iterdir()) == ["tty0", "ttyS0"]


def test_no_consoles_but_in_an_initramfs(make_report: MakeReport, make_door: MakeDoor, machine_root: Path) -> None:
    (machine_root / "etc/initrd-release").unlink()
    (machine_root / "dev").mkdir()
    (machine_root / "dev/ttyS0").write_text("")
    (machine_root / "proc").mkdir()
    (machine_root / "proc/consoles").write_text("ttyS0                -W- (EC p a)    4:64\n")
    serial.tell(make_report(), make_door())
    assert (machine_root / "dev/ttyS0").read_text() == ""
