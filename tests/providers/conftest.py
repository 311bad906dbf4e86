"""Fixtures for platforms: a machine to look at, and a network namespace with a metadata server in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ignition_py.fetch import deadline, http
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.providers import Machine
from tests.helpers.servers import MemoryLog
from tests.providers.hosts import _hosts, hosts  # noqa: F401  # fixtures
from tests.providers.network import Namespace, remove_stale


@pytest.fixture
def machine(tmp_path: Path, log: MemoryLog, fetcher: Fetcher) -> Machine:
    """A machine whose files are below tmp_path."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("BOOT_IMAGE=/vmlinuz quiet\n")
    return Machine(log=log, fetcher=fetcher, environ={}, root=str(tmp_path))


@pytest.fixture(scope="package")  # other packages of tests have it too, under the same name
def _namespace() -> Iterator[Namespace]:
    remove_stale("ignition-")
    namespace = Namespace(f"ignition-{os.getpid()}")
    try:
        namespace.serve(80)
        yield namespace
    finally:
        namespace.close()


@pytest.fixture
def network(_namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    """The namespace, with nothing served; pauses between attempts are short."""
    _namespace.reset()
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(deadline, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(http, "LONGEST_RETRY_AFTER", 0.2)
    return _namespace


@pytest.fixture
def fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of PATH: programs of machines that this one is not, as shell scripts."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder
