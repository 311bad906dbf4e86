"""An event is told once, within its time, to every sink, and nothing of the URL's path is in a log."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import Any
from urllib.parse import parse_qs

import pytest

from ignition_py.fetch.request import Settings
from ignition_py.notify import sinks
from ignition_py.notify import tell as tell_module
from ignition_py.notify.tell import Occasion, tell
from tests.helpers.servers import MemoryLog, make_certificate
from tests.notify.conftest import FAILURE
from tests.notify.receiver import SECRET, Receiver
from tests.providers.network import settings

pytestmark = pytest.mark.sockets


MakeOccasion = Callable[..., Occasion]


@pytest.fixture
def occasion(folder: Path, machine_root: Path, log: MemoryLog, tmp_path: Path) -> MakeOccasion:
    def make(event: str = "failed", words: str = "", **more: Any) -> Occasion:
        (tmp_path / "cmdline").write_text(words)
        environ = {"IGNITION_KERNEL_CMDLINE_PATH": str(tmp_path / "cmdline"), **more.pop("environ", {})}
        return Occasion(
            event=event,
            log=log,
            folder=str(folder),
            platform=more.pop("platform", "qemu"),
            environ=environ,
            root=str(machine_root),
            **more,
        )

    return make


def test_a_failure_is_told_once(receiver: Receiver, occasion: MakeOccasion, log: MemoryLog) -> None:
    for _ in range(2):
        tell(occasion("failed", f"ignition.report.url={receiver.url}"))
    [(path, headers, body)] = receiver.got
    data = json.loads(body)
    assert path == f"/{SECRET}?{SECRET}"
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == f"{data['boot']}-failed"
    assert (data["stage"], data["message"], data["platform"]) == ("disks", FAILURE["message"], "qemu")
    assert SECRET not in log.text
    assert "reporting" not in log.text, "the second time is no error"
    assert f"reported failed to the URL for reports (http://127.0.0.1:{receiver.server.server_address[1]})" in log.text


def test_other_events_have_their_own_turn(receiver: Receiver, occasion: MakeOccasion) -> None:
    for event in ("started", "provisioned", "started", "provisioned"):
        tell(occasion(event, f"ignition.report.url={receiver.url}"))
    assert [json.loads(body)["event"] for _, _, body in receiver.got] == ["started", "provisioned"]


def test_three_attempts_with_one_key(receiver: Receiver, occasion: MakeOccasion) -> None:
    receiver.statuses = [500, 503, 204]
    tell(occasion("failed", f"ignition.report.url={receiver.url}"))
    assert len({headers["idempotency-key"] for _, headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 3


@pytest.mark.parametrize(
    ("status", "attempts", "reason"), [(500, 3, "in 3 attempts; last error: status 500"), (403, 1, "status 403")]
)
def test_a_receiver_that_refuses(
    receiver: Receiver, occasion: MakeOccasion, log: MemoryLog, status: int, attempts: int, reason: str
) -> None:
    receiver.statuses = [status]
    tell(occasion("failed", f"ignition.report.url={receiver.url}"))
    assert len(receiver.got) == attempts
    assert reason in log.text
    assert SECRET not in log.text


def test_nobody_there(occasion: MakeOccasion, log: MemoryLog) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        tell(occasion("failed", f"ignition.report.url=http://127.0.0.1:{sock.getsockname()[1]}/{SECRET}"))
    assert "connection refused" in log.text.lower()
    assert SECRET not in log.text


def test_a_receiver_that_hangs_takes_no_more_than_the_limit(
    occasion: MakeOccasion, log: MemoryLog, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one event has taken is missing to the next."""
    monkeypatch.setattr(tell_module, "SECONDS", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        words = f"ignition.report.url=http://127.0.0.1:{sock.getsockname()[1]}/{SECRET}"
        tell(occasion("failed", words))
        assert float((folder / "notify/spent").read_text()) > 1.49
        assert connections(sock) > 0
        tell(occasion("provisioned", words))
        assert connections(sock) == 0, "there was no time left"
    assert log.text.count("http://127.0.0.1") >= 2
    assert SECRET not in log.text


def connections(sock: socket.socket) -> int:
    """How many there have been since the last call."""
    count = 0
    while True:
        try:
            sock.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_one_sink_that_fails_keeps_nobody_from_another(
    receiver: Receiver, occasion: MakeOccasion, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sinks.load

    def load(name: str) -> sinks.Tell:
        def broken(report: object, door: object) -> None:
            raise RuntimeError("s3cr3t")

        return broken if name == "kvp" else real(name)

    monkeypatch.setattr(tell_module, "load", load)
    words = f"ignition.report.url={receiver.url}"
    tell(occasion("failed", words, platform="hyperv", environ={"IGNITION_REPORT": "platform"}))
    assert len(receiver.got) == 1
    assert "reporting failed to Hyper-V's key-value pairs: RuntimeError" in log.text
    assert "s3cr3t" not in log.text


@pytest.mark.parametrize("content", [None, "", "[]", "{", '"x"'])
def test_without_a_failure_of_the_stages(
    receiver: Receiver, occasion: MakeOccasion, folder: Path, content: str | None
) -> None:
    """The emergency path, where no stage of the executor has failed."""
    (folder / "failure.json").unlink()
    if content is not None:
        (folder / "failure.json").write_text(content)
    tell(occasion("failed", f"ignition.report.url={receiver.url}", stage="network"))
    data = json.loads(receiver.got[0][2])
    assert data["stage"] == "network"
    assert "said nothing" in data["message"]


def test_the_form_of_phone_home(receiver: Receiver, occasion: MakeOccasion) -> None:
    words = f"ignition.report.url={receiver.url} ignition.report.format=phone-home"
    for event in ("started", "failed", "provisioned"):
        tell(occasion(event, words))
    [(_, headers, body)] = receiver.got
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(body.decode(), keep_blank_values=True)
    assert form["instance_id"] == ["4c4c4544-0042"]
    assert set(form) == {"instance_id", "hostname", "fqdn"}


def test_a_folder_that_cannot_be_written(occasion: MakeOccasion, folder: Path, log: MemoryLog) -> None:
    (folder / "notify").write_text("a file in its place")
    tell(occasion())
    assert "reporting the event failed: FileExistsError" in log.text


@pytest.mark.subprocess
def test_certificates_are_judged_as_the_fetchers_are(
    receiver: Receiver, occasion: MakeOccasion, log: MemoryLog, tmp_path: Path
) -> None:
    make_certificate(tmp_path, "ca", "-addext", "subjectAltName=IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "ca.key")
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    words = f"ignition.report.url={receiver.url.replace('http:', 'https:')}"
    tell(occasion("started", words))
    assert not receiver.got
    assert "certificate" in log.text
    tell(occasion("failed", words, settings=Settings(authorities=((tmp_path / "ca.pem").read_bytes(),))))
    assert len(receiver.got) == 1


@pytest.mark.subprocess
def test_a_stage_that_fails(receiver: Receiver, tmp_path: Path) -> None:
    """The whole program: the digest is that of the config which the platform gave, the place is that of its text."""
    config = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "relative"}]}}'
    (tmp_path / "config.ign").write_bytes(config)
    argv = [sys.executable, "-m", "ignition_py", "-platform", "file", "-stage", "fetch-offline", "-log-to-stdout"]
    argv += ["-config-cache", "cache", "-neednet", "neednet", "-state-file", "state"]
    env = {**os.environ, **settings(tmp_path), "IGNITION_CONFIG_FILE": "config.ign", "IGNITION_REPORT": receiver.url}
    done = run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [(_, _, body)] = receiver.got
    data = json.loads(body)
    assert data["stage"] == "fetch-offline"
    assert (data["entry"], data["line"]) == ("$.storage.files.0.path", 1)
    assert "relative" in data["message"] or "valid" in data["message"]
    assert SECRET not in done.stdout + done.stderr
    assert data["config_sha512"] == hashlib.sha512(config).hexdigest()


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("words", "status"), [(["--event", "provisioned"], 0), ([], 2), (["--event", "x"], 2), (["--help"], 0)]
)
def test_the_program(receiver: Receiver, tmp_path: Path, words: list[str], status: int) -> None:
    argv = [
        sys.executable,
        "-m",
        "ignition_py",
        "notify",
        *words,
        *([] if words == ["--help"] else ["--folder", str(tmp_path / "run")]),
    ]
    env = {**os.environ, **settings(tmp_path), "IGNITION_REPORT": receiver.url, "PLATFORM_ID": "metal"}
    done = run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert [json.loads(body)["platform"] for _, _, body in receiver.got] == (
        ["metal"] if words[1:] == ["provisioned"] else []
    )
