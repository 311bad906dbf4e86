"""Test-wide rules: programs and sockets are refused unless a test's marker says it uses them; hypothesis profiles; matrices."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from ignition_py.system.host import search_path

pytest_plugins = ["tests.helpers.servers"]  # the fixtures server, log, fetcher

# Tests start programs of /usr/sbin themselves, which is not on the PATH of a Debian user. That ours find them without is held by
# tests/system/test_host.py, and by the commands of the documentation, which run with that user's PATH.
os.environ["PATH"] = ":".join(search_path())

hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

_MAY_RUN = ("subprocess", "vm", "peer")
_MAY_CONNECT = ("sockets", "vm")
# Seconds after which a test has failed, beside pyproject.toml's for all others.
_TIMEOUTS = {"matrix": 7200, "vm": 5400}
_allowed: set[str] = set()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.posix_spawn", "os.system") and "subprocess" not in _allowed:
        raise RuntimeError(f"this test starts a program ({args[0]!r}) without the marker 'subprocess'")
    if event == "socket.connect" and "sockets" not in _allowed:
        family = getattr(args[0], "family", None)
        if family in (socket.AF_INET, socket.AF_INET6):
            raise RuntimeError(f"this test opens a connection ({args[1]!r}) without the marker 'sockets'")


_allowed.update(("subprocess", "sockets"))  # collection and session fixtures; each test narrows it
sys.addaudithook(_audit)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long matrices out unless they are asked for, by their marker or one by one; gives slow tests the time they need."""
    for item in items:
        seconds = next((seconds for name, seconds in _TIMEOUTS.items() if item.get_closest_marker(name)), None)
        if seconds is not None:
            item.add_marker(pytest.mark.timeout(seconds))
    if "matrix" in config.option.markexpr or any("::" in argument for argument in config.args):
        return
    left_out = [item for item in items if item.get_closest_marker("matrix")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("matrix")]


@pytest.fixture(autouse=True)
def _doors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Opens the doors that the test's markers name."""
    names = {mark.name for mark in request.node.iter_markers()}
    if "root" in names and os.geteuid() != 0:
        pytest.fail("this test needs root: run it as root or deselect with -m 'not root'")
    before = set(_allowed)
    _allowed.clear()
    if names & set(_MAY_RUN):
        _allowed.add("subprocess")
    if names & set(_MAY_CONNECT):
        _allowed.add("sockets")
    yield
    _allowed.clear()
    _allowed.update(before)
