"""The stores of these tests, each with its server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deliver.publish.backends import Backend, backend_named


@pytest.fixture(scope="module")
def _running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with backend_named(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture
def backend(_running: Backend, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Backend:
    """The server of the test's parameter (module-wide), with an empty prefix for this test."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in _running.environment.items():
        monkeypatch.setenv(name, value)
    forwarder = _running.forwarder
    if forwarder is not None:
        forwarder.fault = lambda _method, _number: ""
        forwarder.asked.clear()
    own = f"{_running.destination}/{abs(hash(request.node.name)):x}"
    return Backend(own, forwarder, lists=_running.lists, **_running.environment)
