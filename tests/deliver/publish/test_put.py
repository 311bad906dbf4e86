"""A web server as a store: what it answers that others do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish import objects, put
from butane_py.deliver.publish.store import open_store
from tests.deliver.publish.backends import SECRET, Quiet, listening

pytestmark = pytest.mark.sockets

NAME = "0123456789abcdef.ign"


def answering(do: Callable[[Quiet], None]) -> type[Quiet]:
    class Handler(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # the base class looks for it
            self.body()
            do(self)

        do_PUT = do_DELETE = do_GET  # noqa: N815  # the base class looks for them

    return Handler


@pytest.fixture(autouse=True)
def _netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text(
        f"machine 127.0.0.1 login me password {SECRET}\nmachine localhost login me password {SECRET}\n"
    )
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(put, "ATTEMPTS", 1)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "~/.netrc"),
        (403, "may not write"),
        (405, "takes no PUT"),
        (409, "has to be made"),
        (413, "smaller objects"),
        (507, "status 507"),
    ],
)
def test_refusals_name_the_way_out(status: int, says: str) -> None:
    with (
        listening(
            answering(lambda asked: asked.reply(404 if asked.command == "GET" else status, SECRET.encode()))
        ) as port,
        pytest.raises(DeliveryError, match=f"answered PUT with status {status}") as caught,
    ):
        open_store(f"http://127.0.0.1:{port}/x").write(NAME, b"data")
    assert says in str(caught.value) and SECRET not in str(caught.value)


def test_redirects_are_not_followed() -> None:
    """The password would go to a server that nobody has named."""
    asked: list[str] = []

    def answer(handler: Quiet) -> None:
        asked.append(handler.headers["Host"])
        handler.reply(307, b"", {"Location": f"http://localhost:{port}/elsewhere/{NAME}"})

    with listening(answering(answer)) as port:
        for change in (
            lambda store: store.write(NAME, b"x"),
            lambda store: store.read(NAME),
            lambda store: store.remove(NAME),
        ):
            with pytest.raises(DeliveryError, match=r"status 307\. The server redirects"):
                change(open_store(f"http://127.0.0.1:{port}/x"))
    assert set(asked) == {f"127.0.0.1:{port}"}


def test_an_object_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "LIMIT", 1 << 20)
    monkeypatch.setattr(put, "LIMIT", 1 << 20)

    def answer(handler: Quiet) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(1 << 16))

    with listening(answering(answer)) as port, pytest.raises(DeliveryError, match="is longer than 1 MiB"):
        open_store(f"http://127.0.0.1:{port}").read(NAME)


def test_a_server_that_knows_conditions() -> None:
    """Somebody was faster: what is there is compared, and not overwritten."""
    held: dict[str, bytes] = {}
    looked: list[str] = []

    class Handler(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # the base class looks for it
            looked.append(self.path)
            if len(looked) == 1:
                held[self.path] = b"first"  # comes between looking and writing
                self.reply(404)
            else:
                self.reply(200, held[self.path])

        def do_PUT(self) -> None:  # noqa: N802  # the base class looks for it
            self.body()
            self.reply(412 if self.headers["If-None-Match"] == "*" and self.path in held else 201)

    with listening(Handler) as port:
        assert not open_store(f"http://127.0.0.1:{port}/x").write(NAME, b"first")
        looked.clear()
        held.clear()
        with pytest.raises(DeliveryError, match="is there with other contents"):
            open_store(f"http://127.0.0.1:{port}/x").write(NAME, b"second")


def test_paths_are_escaped() -> None:
    asked: list[str] = []

    def answer(handler: Quiet) -> None:
        asked.append(handler.path)
        handler.reply(404 if handler.command == "GET" else 201)

    with listening(answering(answer)) as port:
        store = open_store(f"http://127.0.0.1:{port}/prod/é b/")
        store.write(NAME, b"x")
        assert store.url(NAME) == f"http://127.0.0.1:{port}/prod/%C3%A9%20b/{NAME}"
    assert asked == [f"/prod/%C3%A9%20b/{NAME}"] * 2
