"""Platform packet: https with the service's real name, and what is told to the machine's timeline after each stage."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ignition_py.providers import metadata
from tests.helpers.servers import Answer, body, in_turn, make_certificate
from tests.providers.network import Namespace, Outcome, config, run_stage

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]

USER_DATA, METADATA, EVENTS = "GET /userdata", "GET /metadata", "POST /events"


def hanging(handler: BaseHTTPRequestHandler) -> None:
    """No answer."""
    handler.rfile.read(1)  # until the other side goes away
    handler.close_connection = True


@pytest.fixture(scope="module")
def authority(_namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A certificate for the service's name, its server, and a hosts file that programs in the namespace see."""
    folder = tmp_path_factory.mktemp("packet")
    make_certificate(folder, "packet", "-addext", "subjectAltName=DNS:metadata.packet.net")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "packet.pem", folder / "packet.key")
    _namespace.serve(443, context)
    hosts = Path(f"/etc/netns/{_namespace.name}/hosts")
    hosts.parent.mkdir(parents=True, exist_ok=True)
    hosts.write_text("127.0.0.1 localhost\n192.80.8.124 metadata.packet.net\n169.254.42.42 tinkerbell.packet.net\n")
    yield folder / "packet.pem"
    hosts.unlink()


@pytest.fixture
def service(network: Namespace) -> Namespace:
    network.at[METADATA] = body(b'{"id": "1", "phone_home_url": "http://tinkerbell.packet.net/phone-home"}')
    network.at[EVENTS] = body(b"", status=201)
    return network


def run(service: Namespace, authority: Path, folder: Path, *, stage: str = "fetch", timeout: str = "10s") -> Outcome:
    return run_stage(service, "packet", folder, stage=stage, timeout=timeout, SSL_CERT_FILE=str(authority))


def events(service: Namespace) -> list[dict[str, str]]:
    found = [asked for asked in service.asked if asked.method == "POST"]
    assert all(asked.address == "169.254.42.42" for asked in found)
    assert all(asked.headers["content-type"] == "application/json" for asked in found)
    return [json.loads(asked.body) for asked in found]


def test_good(service: Namespace, authority: Path, tmp_path: Path) -> None:
    service.at[USER_DATA] = in_turn(
        body(b"", status=503), body(b"", status=429, headers={"Retry-After": "1"}), body(config("packet"))
    )
    outcome = run(service, authority, tmp_path)
    assert outcome.groups() == ["packet"], outcome.output
    assert {asked.headers["accept"] for asked in service.asked} == {"*/*"}
    assert events(service) == [{"state": "running", "message": "[fetch] Ignition status: finished successfully"}]
    service.reset()
    service.at |= {METADATA: body(b'{"phone_home_url": "http://tinkerbell.packet.net/phone-home"}')}
    service.at[EVENTS] = body(b"")
    assert run(service, authority, tmp_path, stage="kargs").status == 0
    assert events(service) == [{"state": "running", "message": "[kargs] Ignition status: finished successfully"}]


def test_fetch_offline_tells_nobody(service: Namespace, authority: Path, tmp_path: Path) -> None:
    outcome = run(service, authority, tmp_path, stage="fetch-offline")
    assert (outcome.status, outcome.need_network) == (0, True), outcome.output
    assert service.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body(b"", status=404), "does not exist (status 404)"),
        (body(b"s3cr3t", status=403), "the server answered with status 403"),
        (body(b"s3cr3t", status=401), "the server answered with status 401"),
        (body(b"{s3cr3t"), "not valid"),
        (body(b"x" * (metadata.LIMIT + 1)), f"larger than {metadata.LIMIT} bytes"),
        (hanging, "could not fetch https://metadata.packet.net/userdata within 1 s"),
    ],
    ids=["missing", "forbidden", "refused", "garbage", "huge", "silent"],
)
def test_failures_are_told(service: Namespace, authority: Path, tmp_path: Path, answer: Answer, words: str) -> None:
    service.at[USER_DATA] = answer
    outcome = run(service, authority, tmp_path, timeout="1s" if answer is hanging else "10s")
    assert outcome.status == 1
    assert words in outcome.output
    (event,) = events(service)
    assert event["state"] == "failed"
    assert event["message"].startswith("[fetch] Ignition error: ")
    assert words in event["message"]
    assert "s3cr3t" not in event["message"]


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"[]", b'{"phone_home_url": 1}', b'{"phone_home_url": "file:///etc/passwd"}', b"[" * 100_000],
    ids=["empty", "half", "list", "number", "file", "deep"],
)
def test_bad_metadata_fails_no_stage(service: Namespace, authority: Path, tmp_path: Path, answer: bytes) -> None:
    service.at[USER_DATA] = body(b"")
    service.at[METADATA] = body(answer)
    outcome = run(service, authority, tmp_path)
    assert outcome.status == 0, outcome.output
    assert "telling the platform how stage fetch ended: the metadata of this machine names no address" in outcome.output
    assert events(service) == []


def test_a_timeline_that_cannot_be_reached_fails_no_stage(service: Namespace, authority: Path, tmp_path: Path) -> None:
    service.at[USER_DATA] = body(config("packet"))
    service.at[EVENTS] = body(b"", status=403)
    outcome = run(service, authority, tmp_path)
    assert outcome.status == 0, outcome.output
    assert "telling the platform how stage fetch ended: the message to the machine's timeline" in outcome.output
