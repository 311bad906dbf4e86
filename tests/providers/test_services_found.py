"""Platforms openstack and cloudstack where their metadata service is: on an interface, or with the DHCP server."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Timer

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.providers import Machine, load
from ignition_py.report.diag import FetchError
from tests.helpers.servers import Answer, body, in_turn
from tests.providers.network import Namespace, config, run_stage

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]

V4 = "169.254.169.254"
OPENSTACK = "GET /openstack/latest/user_data"


def ask(network: Namespace, machine: Machine, name: str, seconds: float = 5.0) -> bytes | None:
    """What the provider alone makes of the service."""
    machine.fetcher = Fetcher(machine.log, offline=machine.fetcher.offline, first_limit=seconds)
    return network.call(lambda: load(name)(machine))


def link_local(network: Namespace) -> None:
    network.inside("addr", "add", "fe80::a9fe:a9fe/64", "dev", "router0", "nodad")


def test_openstack_over_ipv6(network: Namespace, tmp_path: Path) -> None:
    """Only the link-local address answers, on the interface that it is on."""
    network.at[OPENSTACK] = body(config("ipv6"))
    link_local(network)
    try:
        with network.without(V4):
            outcome = run_stage(network, "openstack", tmp_path)
    finally:
        network.inside("addr", "del", "fe80::a9fe:a9fe/64", "dev", "router0")
    assert outcome.groups() == ["ipv6"], outcome.output
    assert {asked.address for asked in network.asked} == {"fe80::a9fe:a9fe"}
    assert network.asked[0].headers["host"] == "[fe80::a9fe:a9fe]"


def switch(network: Namespace, state: str) -> None:
    for end in ("guest0", "router0"):
        network.inside("link", "set", end, state)


def test_openstack_interface_that_comes_up_late(network: Namespace, machine: Machine) -> None:
    machine.root = "/"
    network.at[OPENSTACK] = body(config("late"))
    late = [Timer(0.3, link_local, (network,)), Timer(0.6, switch, (network, "up"))]
    with network.without(V4):
        switch(network, "down")
        for timer in late:
            timer.start()
        try:
            assert ask(network, machine, "openstack") == config("late")
        finally:
            for timer in late:
                timer.join()
            network.inside("addr", "flush", "dev", "router0", "scope", "link")
            switch(network, "down")
            switch(network, "up")


@pytest.mark.parametrize("status", [401, 403])
def test_openstack_refused(network: Namespace, machine: Machine, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal counts when no drive has come for a while."""
    monkeypatch.setattr("ignition_py.providers.either.PATIENCE", 0.1)
    monkeypatch.setattr("ignition_py.providers.drive.POLL", 0.05)
    network.at[OPENSTACK] = body(b"", status=status)
    with pytest.raises(FetchError, match=f"status {status}"):
        ask(network, machine, "openstack")


def lease(machine: Machine, text: str, index: int = 2) -> None:
    folder = Path(machine.path("/run/systemd/netif/leases"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(index)).write_text(text)


LEASE = (
    "# This is private data. Do not parse.\nADDRESS=169.254.42.43\nSERVER_ADDRESS=169.254.42.42\nROUTER=169.254.42.1\n"
)


def test_cloudstack(network: Namespace, machine: Machine) -> None:
    network.at["GET /latest/user-data"] = in_turn(body(b"", status=503), body(config("cloudstack")))
    lease(machine, "ADDRESS=10.0.0.1\n")
    lease(machine, LEASE, 3)
    assert ask(network, machine, "cloudstack") == config("cloudstack")
    assert {asked.address for asked in network.asked} == {"169.254.42.42"}


def silent(handler: BaseHTTPRequestHandler) -> None:
    """No answer, until the other side goes away."""
    handler.rfile.read(1)
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body(b"s3cr3t", status=401), "status 401"),
        (body(b"s3cr3t", status=403), "status 403"),
        (body(b"x" * 2000), "larger than 1000 bytes"),
        (silent, r"could not fetch .* within 0\.3 s"),
    ],
    ids=["401", "403", "huge", "silent"],
)
def test_cloudstack_that_fails(
    network: Namespace, machine: Machine, monkeypatch: pytest.MonkeyPatch, answer: Answer, words: str
) -> None:
    """Believed when no drive has come for a while."""
    monkeypatch.setattr("ignition_py.providers.metadata.LIMIT", 1000)
    monkeypatch.setattr("ignition_py.providers.either.PATIENCE", 0.1)
    monkeypatch.setattr("ignition_py.providers.drive.POLL", 0.05)
    network.at["GET /latest/user-data"] = answer
    lease(machine, LEASE)
    with pytest.raises(FetchError, match=words) as caught:
        ask(network, machine, "cloudstack", seconds=0.3 if answer is silent else 5.0)
    assert "s3cr3t" not in str(caught.value)


def test_cloudstack_busy_and_garbage(network: Namespace, machine: Machine) -> None:
    lease(machine, LEASE)
    busy = body(b"", status=429, headers={"Retry-After": "1"})
    network.at["GET /latest/user-data"] = in_turn(busy, body(b"", status=500), body(b"<garbage>"))
    assert ask(network, machine, "cloudstack") == b"<garbage>"
    assert len(network.asked) == 3


def test_cloudstack_has_none(network: Namespace, machine: Machine) -> None:
    lease(machine, LEASE)
    assert ask(network, machine, "cloudstack") == b""


def test_cloudstack_waits_for_the_lease(network: Namespace, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ignition_py.providers.cloudstack.LEASE_POLL", 0.02)
    network.at["GET /latest/user-data"] = body(config("cloudstack"))
    Timer(0.2, lease, (machine, LEASE)).start()
    assert ask(network, machine, "cloudstack") == config("cloudstack")


@pytest.mark.parametrize("text", ["", "SERVER_ADDRESS=\n", "SERVER_ADDRESS=evil.example/x?\n"])
def test_cloudstack_without_a_server_address(
    network: Namespace, machine: Machine, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("ignition_py.providers.cloudstack.LEASE_POLL", 0.02)
    monkeypatch.setattr("ignition_py.providers.cloudstack.LEASE_WAIT", 0.1)
    monkeypatch.setattr("ignition_py.providers.either.PATIENCE", 0.0)
    lease(machine, text)
    with pytest.raises(FetchError, match="no DHCP lease with a server address appeared"):
        ask(network, machine, "cloudstack")
    assert network.asked == []
