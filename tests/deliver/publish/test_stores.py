"""Every store, against its server: what is written once is read, listed and removed, and never overwritten; servers that fail."""

from __future__ import annotations

import pytest

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.store import NotListed, Refused, open_store
from tests.deliver.publish.backends import EVERY, SECRET, SERVERS, Backend

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]

NAME, OTHER, RECORD = "0123456789abcdef.ign", "ffffffffffffffff.jwe", "publications/000001-0123456789abcdef.json"
every = pytest.mark.parametrize("_running", EVERY, indirect=True)
servers = pytest.mark.parametrize("_running", SERVERS, indirect=True)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that fail for good are given up at once."""
    for module in ("azure", "put", "s3"):
        monkeypatch.setattr(f"butane_py.deliver.publish.{module}.ATTEMPTS", 1)
    monkeypatch.setattr("butane_py.deliver.publish.gcs.RETRIED", 0.0)
    monkeypatch.setattr("butane_py.deliver.publish.azure.PAUSE", 0)


@every
def test_life_of_objects(backend: Backend) -> None:
    store = open_store(backend.destination)
    assert store.read(NAME) is None
    data = bytes(range(256)) * 400
    assert store.write(NAME, data, host="n1")
    assert store.write(OTHER, b"{}")
    assert store.write(RECORD, b"[]\n")
    assert (store.read(NAME), store.read(OTHER), store.read(RECORD)) == (data, b"{}", b"[]\n")
    if backend.lists:
        assert sorted(store.names()) == [NAME, OTHER, RECORD]
    store.remove(NAME)
    store.remove(NAME)
    assert store.read(NAME) is None
    assert store.read(OTHER) == b"{}"


@every
def test_written_once(backend: Backend) -> None:
    store = open_store(backend.destination)
    assert store.write(NAME, b"a")
    if backend.forwarder is not None:
        backend.forwarder.asked.clear()
    assert not store.write(NAME, b"a")
    with pytest.raises(Refused, match=f"{NAME} is there with other contents, and is not overwritten"):
        store.write(NAME, b"b")
    assert store.read(NAME) == b"a"
    if backend.forwarder is not None:
        assert not {method for method, _, _ in backend.forwarder.asked} & {"PUT", "POST"}


@every
def test_another_is_faster(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server knows conditions, an object that came between looking and writing is not overwritten."""
    first, second = open_store(backend.destination), open_store(backend.destination)
    read = type(second).read
    looked: list[str] = []

    def late(self: object, name: str) -> bytes | None:
        found = read(second, name)  # type: ignore[arg-type]
        if not looked:
            looked.append(name)
            first.write(name, b"first")
        return found

    monkeypatch.setattr(
        type(second), "read", lambda self, name: late(self, name) if self is second else read(self, name)
    )
    if backend.destination.startswith(("s3:", "az:")):
        with pytest.raises(Refused):
            second.write(NAME, b"second")
        assert first.read(NAME) == b"first"
    else:  # nginx and the emulator know no conditions; of a folder the last writer wins: names are made of contents
        second.write(NAME, b"second")


@every
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x.ign",
        "/etc/passwd",
        "a/../../b",
        "a/b/c",
        ".hidden",
        "a\nb",
        "ä.ign",
        "a b",
        "a%2e",
        "x" * 300,
        "a\\b",
        "-",
    ],
)
def test_hostile_names(backend: Backend, name: str) -> None:
    store = open_store(backend.destination)
    for asked in (
        lambda: store.read(name),
        lambda: store.write(name, b"x"),
        lambda: store.remove(name),
        lambda: store.url(name),
    ):
        with pytest.raises(DeliveryError, match="cannot name an object of a store"):
            asked()
    if backend.forwarder is not None:
        assert backend.forwarder.asked == []


@every
def test_urls(backend: Backend) -> None:
    given = open_store(backend.destination, base_url="https://config.example.com/ign/")
    assert given.url(NAME) == f"https://config.example.com/ign/{NAME}"
    own = open_store(backend.destination)
    if backend.forwarder is None:
        with pytest.raises(DeliveryError, match="--publish-url"):
            own.url(NAME)
        return
    url = own.url(NAME)
    assert url.endswith(f"/prod/web/{backend.destination.rpartition('/')[2]}/{NAME}")
    assert SECRET not in url and "?" not in url


@servers
def test_labels(backend: Backend) -> None:
    """Objects say what they are, and whose; the tag's value has the characters that a tag may have."""
    open_store(backend.destination).write(NAME, b"{}", host="n1 (rack 2)")
    assert backend.forwarder is not None
    path, headers = next(
        (path, headers) for method, path, headers in backend.forwarder.asked if method in ("PUT", "POST")
    )
    told = {
        name: value
        for name, value in headers.items()
        if name in ("content-type", "x-amz-tagging", "x-ms-meta-host", "x-ms-blob-content-type")
    }
    if backend.destination.startswith("s3:"):
        assert told == {"content-type": "application/vnd.coreos.ignition+json", "x-amz-tagging": "host=n1%20_rack%202_"}
        assert headers["if-none-match"] == "*"
        assert not any(name.startswith(("x-amz-acl", "x-amz-grant")) for name in headers)
    elif backend.destination.startswith("az:"):
        assert told["x-ms-blob-content-type"] == "application/vnd.coreos.ignition+json"
        assert told["x-ms-meta-host"] == "n1%20%28rack%202%29"
    elif backend.destination.startswith("gs:"):
        assert "ifGenerationMatch=0" in path
    else:
        assert (told["content-type"], headers["if-none-match"]) == ("application/vnd.coreos.ignition+json", "*")


@servers
def test_a_server_that_recovers(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("butane_py.deliver.publish.azure.PAUSE", 0)
    store = open_store(backend.destination)
    assert backend.forwarder is not None
    backend.forwarder.fault = lambda _method, number: "503" if number % 2 else ""
    assert store.write(NAME, b"data")
    assert store.read(NAME) == b"data"


@servers
def test_a_lost_response(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object is there although the response never came: a retry, or the next run, finds it as it should be."""
    monkeypatch.setattr("butane_py.deliver.publish.azure.PAUSE", 0)
    store = open_store(backend.destination)
    assert backend.forwarder is not None
    lost: list[str] = []

    def fault(method: str, _number: int) -> str:
        if method in ("PUT", "POST") and not lost:
            lost.append(method)
            return "lost"
        return ""

    backend.forwarder.fault = fault
    store.write(NAME, b"data")
    assert lost
    assert store.read(NAME) == b"data"
    assert not store.write(NAME, b"data")


@servers
@pytest.mark.parametrize("fault", ["403", "500", "cut"])
def test_a_server_that_fails(backend: Backend, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the destination and nothing secret; never half an object for a whole one."""
    impatient(monkeypatch)
    store = open_store(backend.destination)
    store.write(NAME, b"0123456789" * 50)
    assert backend.forwarder is not None
    backend.forwarder.fault = lambda _method, _number: fault
    asked = [lambda: store.read(NAME), lambda: store.write(NAME, b"x")]
    if fault != "cut":
        asked += [lambda: store.remove(NAME), lambda: store.write(OTHER, b"x")]
        if backend.lists:
            asked.append(lambda: list(store.names()))
    for each in asked:
        with pytest.raises(DeliveryError) as caught:
            each()
        text = str(caught.value)
        assert backend.destination.removeprefix("http://") in text
        assert SECRET not in text and "\n" not in text and "<" not in text
        assert not isinstance(caught.value, Refused)
        assert caught.value.__context__ is None or caught.value.__suppress_context__
    backend.forwarder.fault = lambda _method, _number: ""
    assert store.read(NAME) == b"0123456789" * 50


@servers
def test_nobody_listens(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fetch.test_real_servers import free_port

    impatient(monkeypatch)
    assert backend.forwarder is not None
    here, there = f":{backend.forwarder.port}", f":{free_port()}"
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value.replace(here, there))
    store = open_store(backend.destination.replace(here, there))
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        store.read(NAME)
    assert SECRET not in str(caught.value)


@servers
def test_no_such_place(backend: Backend) -> None:
    if not backend.lists:
        pytest.skip("a web server makes folders, or says 409")
    store = open_store(backend.destination.replace("configs/", "nowhere/"))
    with pytest.raises(DeliveryError, match=r"nowhere.*There is no such|nowhere.*status 404"):
        store.write(NAME, b"x")


@pytest.mark.parametrize("_running", ["put"], indirect=True)
def test_a_web_server_lists_nothing(backend: Backend) -> None:
    with pytest.raises(NotListed, match="cannot list its objects"):
        list(open_store(backend.destination).names())
