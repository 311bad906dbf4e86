"""Platforms with a metadata service, each asked at its real address, where a server speaks the platform's protocol.

Good, empty and missing user data go through the whole program; what the service does wrong, through the provider alone.
"""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ignition_py.fetch.fetcher import Fetcher, NeedNetwork
from ignition_py.providers import Machine, load, metadata
from ignition_py.providers.metadata import Attempt
from ignition_py.report.diag import FetchError
from tests.helpers.servers import Answer, MemoryLog, body, in_turn, redirect
from tests.providers.network import Namespace, config, run_stage

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]

TOKEN = "t0k3n-s3cr3t=="
V4 = "169.254.169.254"


def needing(answer: Answer, status: int = 401, **headers: str) -> Answer:
    """Refuses questions without these headers (underscores for dashes), as the real services do."""

    def checked(handler: BaseHTTPRequestHandler) -> None:
        wrong = [name for name, value in headers.items() if handler.headers.get(name.replace("_", "-")) != value]
        (body(b"no", status=status) if wrong else answer)(handler)

    return checked


def hanging(network: Namespace) -> Answer:
    """No answer, until the test is over."""

    def hang(handler: BaseHTTPRequestHandler) -> None:
        network.release.wait(120)
        handler.close_connection = True

    return hang


class Service:
    """A platform's service: where its user data are, what guards them, how they are encoded, what 404 means."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        address: str = V4,
        ipv6: str = "",
        guard: Callable[[Answer], Answer] = lambda answer: answer,
        token: tuple[str, Callable[[Answer], Answer]] | None = None,
        encode: Callable[[bytes], bytes] = lambda data: data,
        required: bool = False,
    ) -> None:
        self.name = name
        self.path = f"GET {path}"
        self.address = address
        self.ipv6 = ipv6
        self.guard = guard
        self.token = token
        self.encode = encode
        self.required = required

    def offer(self, network: Namespace, answer: Answer) -> None:
        if self.token:
            path, guard = self.token
            network.at[f"PUT {path}"] = guard(body(TOKEN.encode()))
        network.at[self.path] = self.guard(answer)

    def good(self) -> Answer:
        return body(self.encode(config(self.name)))

    def __repr__(self) -> str:
        return self.name


SERVICES = [
    Service(
        "aws",
        "/2019-10-01/user-data",
        ipv6="fd00:ec2::254",
        guard=lambda answer: needing(answer, X_aws_ec2_metadata_token=TOKEN),
        token=("/latest/api/token", lambda answer: needing(answer, 400, X_aws_ec2_metadata_token_ttl_seconds="21600")),
    ),
    Service(
        "gcp",
        "/computeMetadata/v1/instance/attributes/user-data",
        ipv6="fd20:ce::254",
        guard=lambda answer: needing(answer, 403, Metadata_Flavor="Google"),
    ),
    Service(
        "akamai",
        "/v1/user-data",
        ipv6="fd00:a9fe:a9fe::1",
        guard=lambda answer: needing(needing(answer, Metadata_Token=TOKEN), 406, Accept="*/*"),
        token=(
            "/v1/token",
            lambda answer: needing(needing(answer, 400, Metadata_Token_Expiry_Seconds="300"), 406, Accept="text/plain"),
        ),
        encode=base64.b64encode,
        required=True,
    ),
    Service(
        "oraclecloud",
        "/opc/v2/instance/metadata/user_data",
        ipv6="fd00:c1::a9fe:a9fe",
        guard=lambda answer: needing(answer, Authorization="Bearer Oracle"),
        encode=base64.encodebytes,
    ),
    Service("scaleway", "/user_data/cloud-init", address="169.254.42.42", ipv6="fd00:42::42"),
    Service("digitalocean", "/metadata/v1/user-data", required=True),
    Service("hetzner", "/hetzner/v1/userdata"),
    Service("vultr", "/user-data/user-data"),
    Service("exoscale", "/1.0/user-data"),
    Service("aliyun", "/latest/user-data", address="100.100.100.200"),
    Service("upcloud", "/metadata/v1/user_data"),
    Service(
        "azure",
        "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
        guard=lambda answer: needing(answer, 400, Metadata="true"),
        encode=base64.b64encode,
        required=True,
    ),
    Service("openstack", "/openstack/latest/user_data"),
    Service("brightbox", "/openstack/latest/user_data"),
]
BY_NAME = {service.name: service for service in SERVICES}
every = pytest.mark.parametrize("service", SERVICES, ids=str)
dual_stack = pytest.mark.parametrize("service", [service for service in SERVICES if service.ipv6], ids=str)
tokens = pytest.mark.parametrize("service", [service for service in SERVICES if service.token], ids=str)


def ask(network: Namespace, machine: Machine, name: str, seconds: float = 5.0) -> bytes | None:
    """What the provider alone makes of the service."""
    machine.fetcher = Fetcher(machine.log, offline=machine.fetcher.offline, first_limit=seconds)
    return network.call(lambda: load(name)(machine))


@every
def test_good(network: Namespace, service: Service, tmp_path: Path) -> None:
    service.offer(network, service.good())
    with network.without(service.ipv6 or "fd00:ec2::254"):
        outcome = run_stage(network, service.name, tmp_path)
    assert outcome.status == 0, outcome.output
    assert outcome.groups() == [service.name]
    assert outcome.state["fetchedConfigs"] == [{"kind": "user", "source": service.name, "referenced": False}]
    assert {asked.address for asked in network.asked} == {service.address}
    assert network.paths() == ([f"PUT {service.token[0]}"] if service.token else []) + [service.path]
    assert TOKEN not in outcome.output


@every
def test_empty(network: Namespace, service: Service, tmp_path: Path, machine: Machine) -> None:
    service.offer(network, body(b""))
    if service.name == "azure":  # then there may be a CD-ROM: test_drives.py
        return
    assert ask(network, machine, service.name) == b""
    if service.name in ("aws", "openstack"):
        outcome = run_stage(network, service.name, tmp_path)
        assert outcome.status == 0, outcome.output
        assert outcome.groups() == []
        assert not outcome.state["fetchedConfigs"]


@every
def test_missing(network: Namespace, service: Service, machine: Machine) -> None:
    service.offer(network, body(b"", status=404))
    if not service.required:
        assert ask(network, machine, service.name) == b""
    elif service.name == "azure":  # not ready yet
        service.offer(network, in_turn(body(b"", status=404), body(b"", status=410), service.good()))
        assert ask(network, machine, service.name) == config("azure")
    else:
        with pytest.raises(FetchError, match=r"user data from the metadata service: .* does not exist"):
            ask(network, machine, service.name)


@every
@pytest.mark.parametrize("status", [401, 403])
def test_refused(network: Namespace, service: Service, machine: Machine, status: int, log: MemoryLog) -> None:
    if service.name in ("openstack", "brightbox"):
        return  # a drive may still come: below
    service.offer(network, body(b"s3cr3t page", status=status))
    with pytest.raises(FetchError, match=rf"the server answered with status {status}") as caught:
        ask(network, machine, service.name)
    assert "s3cr3t" not in str(caught.value) + log.text
    assert TOKEN not in str(caught.value) + log.text


@every
def test_busy_and_broken_for_a_while(network: Namespace, service: Service, machine: Machine) -> None:
    busy = body(b"", status=429, headers={"Retry-After": "1"})
    service.offer(network, in_turn(busy, body(b"", status=500), body(b"", status=503), service.good()))
    with network.without(service.ipv6 or "fd00:ec2::254"):
        assert ask(network, machine, service.name) == config(service.name)
    assert network.paths().count(service.path) == 4


@every
def test_silent_for_ever(
    network: Namespace, service: Service, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ignition_py.providers.either.PATIENCE", 0.0)
    service.offer(network, hanging(network))
    try:
        with pytest.raises(FetchError, match=r"could not fetch .* within 0\.3 s"):
            ask(network, machine, service.name, seconds=0.3)
    finally:
        network.release.set()


@every
def test_garbage(network: Namespace, service: Service, tmp_path: Path, machine: Machine) -> None:
    garbage = b"<html>s3cr3t\xff\x00</html>"
    service.offer(network, body(garbage))
    if service.encode(b"x") != b"x":
        with pytest.raises(FetchError, match="it is not base64"):
            ask(network, machine, service.name)
    else:
        assert ask(network, machine, service.name) == garbage
    if service.name in ("aws", "azure"):
        outcome = run_stage(network, service.name, tmp_path)
        assert outcome.status == 1
        assert "Ignition failed in stage fetch" in outcome.output
        assert "Traceback" not in outcome.output
        assert "s3cr3t" not in outcome.output
        assert outcome.config is None


@every
def test_huge(network: Namespace, service: Service, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ignition_py.providers.either.PATIENCE", 0.0)
    monkeypatch.setattr(metadata, "LIMIT", 100_000)
    service.offer(network, body(b"x" * 100_001))
    with pytest.raises(FetchError, match="larger than 100000 bytes"):
        ask(network, machine, service.name)


@every
def test_offline_asks_nobody(network: Namespace, service: Service, machine: Machine) -> None:
    machine.fetcher.offline = True
    with pytest.raises(NeedNetwork):
        ask(network, machine, service.name)
    assert network.asked == []


def test_offline_leaves_the_flag_file(network: Namespace, tmp_path: Path) -> None:
    outcome = run_stage(network, "aws", tmp_path, stage="fetch-offline")
    assert (outcome.status, outcome.need_network, outcome.config) == (0, True, None), outcome.output
    assert network.asked == []


def test_a_network_that_comes_up_late(network: Namespace, machine: Machine) -> None:
    service = BY_NAME["hetzner"]
    service.offer(network, service.good())
    with network.without(V4):
        from threading import Timer

        timer = Timer(0.4, lambda: network.inside("addr", "add", V4, "dev", "lo"))
        timer.start()
        assert ask(network, machine, "hetzner") == config("hetzner")
        timer.join()
        network.inside("addr", "del", f"{V4}/32", "dev", "lo")


@dual_stack
def test_ipv6_only(network: Namespace, service: Service, machine: Machine) -> None:
    service.offer(network, service.good())
    with network.without(service.address):
        assert ask(network, machine, service.name) == config(service.name)
    assert {asked.address for asked in network.asked if service.path.endswith(asked.path)} == {service.ipv6}


@dual_stack
def test_one_address_that_is_silent_does_not_keep_the_other_waiting(
    network: Namespace, service: Service, machine: Machine
) -> None:
    good = service.good()

    def only_ipv6(handler: BaseHTTPRequestHandler) -> None:
        if "." in handler.connection.getsockname()[0]:
            network.release.wait(120)
        good(handler)

    service.offer(network, only_ipv6)
    try:
        assert ask(network, machine, service.name, seconds=5) == config(service.name)
    finally:
        network.release.set()


@tokens
def test_token_that_is_refused(network: Namespace, service: Service, machine: Machine) -> None:
    assert service.token
    service.offer(network, service.good())
    network.at[f"PUT {service.token[0]}"] = body(b"", status=403)
    with pytest.raises(FetchError, match=r"a session token .* status 403"):
        ask(network, machine, service.name)
    assert service.path not in network.paths()


@tokens
@pytest.mark.parametrize("token", [b"", b"\n", b"\xff\xfe", b"a\r\nX-Other: b", b"x" * 10_000], ids=repr)
def test_token_that_is_none(network: Namespace, service: Service, machine: Machine, token: bytes) -> None:
    assert service.token
    service.offer(network, service.good())
    network.at[f"PUT {service.token[0]}"] = body(token)
    with pytest.raises(FetchError, match=r"a session token .*(not with a token|larger than)"):
        ask(network, machine, service.name)
    assert service.path not in network.paths()


@tokens
def test_token_service_that_is_broken_for_a_while(network: Namespace, service: Service, machine: Machine) -> None:
    assert service.token
    service.offer(network, service.good())
    path = f"PUT {service.token[0]}"
    network.at[path] = in_turn(body(b"", status=500), body(b"", status=429), network.at[path])
    assert ask(network, machine, service.name) == config(service.name)


def test_aws_without_session_tokens(network: Namespace, machine: Machine, log: MemoryLog) -> None:
    network.at[BY_NAME["aws"].path] = body(config("old"))
    assert ask(network, machine, "aws") == config("old")
    assert all("x-aws-ec2-metadata-token" not in asked.headers for asked in network.asked)
    assert "IMDSv1" in log.text


def test_akamai_needs_a_token(network: Namespace, machine: Machine) -> None:
    network.at[BY_NAME["akamai"].path] = body(b"")
    with pytest.raises(FetchError, match=r"a session token .* does not exist"):
        ask(network, machine, "akamai")


def test_akamai_compressed(network: Namespace, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    service = BY_NAME["akamai"]
    packed = gzip.compress(config("packed"))
    service.offer(network, body(base64.b64encode(packed)))
    assert ask(network, machine, "akamai") == config("packed")
    service.offer(network, body(base64.b64encode(packed[:-4])))
    with pytest.raises(FetchError, match="gzip contents end too early"):
        ask(network, machine, "akamai")
    monkeypatch.setattr("ignition_py.providers.encodings.LIMIT", 1000)
    service.offer(network, body(base64.b64encode(gzip.compress(b" " * 1001))))
    with pytest.raises(FetchError, match="decompresses to more than 1000 bytes"):
        ask(network, machine, "akamai")


def test_scaleway_is_asked_as_root(network: Namespace, machine: Machine) -> None:
    service = BY_NAME["scaleway"]
    service.offer(network, in_turn(body(b"", status=500), body(b"", status=500), service.good()))
    with network.without(service.ipv6):
        assert ask(network, machine, "scaleway") == config("scaleway")
    ports = [asked.port for asked in network.asked]
    assert all(512 <= port < 1024 for port in ports), ports
    assert len(set(ports)) > 1


def test_headers_do_not_follow_a_redirect(network: Namespace, machine: Machine) -> None:
    BY_NAME["aws"].offer(network, redirect("http://100.100.100.200/elsewhere"))
    network.at["GET /elsewhere"] = body(config("elsewhere"))
    with network.without("fd00:ec2::254"):
        assert ask(network, machine, "aws") == config("elsewhere")
    assert "x-aws-ec2-metadata-token" not in network.asked[-1].headers


def test_only_the_answer_that_counts_says_where_the_config_is_from(machine: Machine, log: MemoryLog) -> None:
    """The loser of a race has the config as well, only later."""
    decided, late = threading.Event(), threading.Event()

    def ask(base: str, attempt: Attempt) -> bytes:
        if base == "slow":
            decided.wait(60)
        attempt.place = base
        if base == "slow":
            late.set()
        return base.encode()

    race = metadata.Race(machine, ask)
    race.add("slow")
    race.add("fast")
    assert race.response(10) == b"fast"
    race.stop()
    decided.set()
    assert late.wait(60)
    assert machine.source == "fast"
    assert "from slow" not in log.text
