"""Differential test: this program and a reference ask the same services, and make the same of their answers.

The reference is Debian's Ignition, which tools/setup.sh installs, for the platforms that it knows; IGNITION_PEER names another
program, perhaps a newer one.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.servers import Answer, body, in_turn
from tests.providers.network import Namespace, Outcome, run_stage, settings
from tests.providers.test_metadata import SERVICES, Service

BINARY = os.environ.get("IGNITION_PEER") or "/usr/lib/dracut/modules.d/30ignition/ignition"
pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]


def known_platforms() -> frozenset[str]:
    """The platforms that the reference lists in its help; an absent program knows none."""
    if not Path(BINARY).exists():
        return frozenset()
    said = subprocess.run([BINARY, "-help"], capture_output=True, text=True, check=False)
    listed = re.search(r"current platform\. \[([a-z ]+)\]", said.stdout + said.stderr)
    assert listed is not None, f"{BINARY} does not list its platforms"
    return frozenset(listed[1].split())


CASES: dict[str, Callable[[Service], Answer]] = {
    "good": lambda service: service.good(),
    "empty": lambda service: body(b""),
    "missing": lambda service: body(b"", status=404),
    "refused": lambda service: body(b"", status=401),
    "garbage": lambda service: body(b"<html>"),
    "broken for a while": lambda service: in_turn(body(b"", status=503), service.good()),
}
# Where the reference waits for ever, or goes on without a config.
DIFFERENT = {
    *(("azure", case) for case in ("empty", "missing")),
    *((name, case) for name in ("openstack", "brightbox") for case in ("refused", "garbage")),
}
VERSION = re.compile(r"version=[0-9.]+")  # of the spec that a program knows best
OWN_HEADERS = ("connection", "content-length", "host", "user-agent")


KNOWN = known_platforms()
PAIRS = [
    pytest.param(service, case, id=f"{service.name}-{case}")
    for service in SERVICES
    for case in CASES
    if service.name in KNOWN and (service.name, case) not in DIFFERENT
]


def run_peer(network: Namespace, platform: str, folder: Path) -> Outcome:
    argv = [BINARY, "-platform", platform, "-stage", "fetch", "-log-to-stdout", "-fetch-timeout", "5s"]
    for flag, name in (("-config-cache", "cache"), ("-neednet", "neednet"), ("-state-file", "state")):
        argv += [flag, str(folder / name)]
    done: subprocess.CompletedProcess[str] = network.run(argv, settings(folder), folder)
    return Outcome(done, folder)


def asked(network: Namespace, service: Service) -> list[tuple[Any, ...]]:
    """What the service was asked; of aws the end: the reference asks for a region first, for S3."""
    found = []
    for question in network.asked:
        sent = {name: VERSION.sub("version=X", value) for name, value in question.headers.items()}
        headers = sorted(item for item in sent.items() if item[0] not in OWN_HEADERS)
        found.append((question.method, question.path, question.address, question.port < 1024, headers))
    if service.name == "aws":
        first = max(number for number, question in enumerate(found) if question[0] == "PUT")
        return found[first:]
    return found


def test_the_reference_is_there() -> None:
    assert len(KNOWN) > 20, f"{BINARY} is not there; tools/setup.sh test installs it"


@pytest.mark.parametrize(("service", "case"), PAIRS)
def test_same(network: Namespace, service: Service, case: str, tmp_path: Path) -> None:
    results = []
    programs: tuple[Callable[[Namespace, str, Path], Outcome], ...] = (run_peer, run_stage)
    for number, run in enumerate(programs):
        folder = tmp_path / str(number)
        folder.mkdir()
        network.reset()
        service.offer(network, CASES[case](service))
        with network.without(service.ipv6 or "fd00:ec2::254"):
            outcome = run(network, service.name, folder)
        groups = outcome.groups() if outcome.config is not None else None
        results.append((outcome.status, groups, asked(network, service)))
    theirs, ours = results
    assert ours == theirs
