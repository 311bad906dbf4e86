"""Fetching ahead: spool.py, gather.py, ahead.py, and what the stages see of them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
import time
import tracemalloc
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ignition_py.fetch import deadline
from ignition_py.fetch import spool as spool_module
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.gather import forget, gather, remote_contents
from ignition_py.fetch.request import CONNECTIONS
from ignition_py.fetch.spool import Allowance, NoRoom, Share, Spool, name_of
from ignition_py.render import Renderer
from ignition_py.report.diag import FetchError
from ignition_py.spec.read import read
from ignition_py.spec.tables import Config, ConfigReference, HTTPHeader, Resource, Timeouts, Verification
from ignition_py.state import State
from ignition_py.system.parallel import Jobs
from tests.helpers.servers import Answer, MemoryLog, Server, body, in_turn

pytestmark = pytest.mark.sockets


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)


@pytest.fixture
def fetcher(log: MemoryLog, tmp_path: Path) -> Fetcher:
    return Fetcher(log, spool=str(tmp_path / "run" / "fetched"))


def config_of(*files: dict[str, Any], **ignition: Any) -> Config:
    import json

    config, report = read(
        json.dumps({"ignition": {"version": "3.4.0", **ignition}, "storage": {"files": list(files)}}).encode(),
        "test.ign",
    )
    assert config is not None, [entry.raw() for entry in report]
    return config


def file(path: str, source: str, data: bytes | None = None, **values: Any) -> dict[str, Any]:
    contents = {"source": source, **values}
    if data is not None:
        contents["verification"] = {"hash": f"sha256-{hashlib.sha256(data).hexdigest()}"}
    return {"path": path, "contents": contents}


def together(count: int) -> Callable[[bytes], Answer]:
    """Answers that are given only when `count` of them are asked for at once."""
    barrier = threading.Barrier(count)

    def make(data: bytes) -> Answer:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            barrier.wait(timeout=60)
            body(data)(handler)

        return answer

    return make


def contents(fetcher: Fetcher, config: Config) -> list[bytes]:
    return [fetcher.read(resource, what=what) for resource, what in remote_contents(config)]


def test_side_by_side(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    answer = together(CONNECTIONS)
    for number in range(CONNECTIONS):
        server.at[f"/{number}"] = answer(b"%d" % number * 1000)
    config = config_of(*[file(f"/f{n}", server.url(f"/{n}"), b"%d" % n * 1000) for n in range(CONNECTIONS)])
    gather(fetcher, config, log)
    server.close()
    assert contents(fetcher, config) == [b"%d" % n * 1000 for n in range(CONNECTIONS)]


def test_no_more_than_workers_at_once(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        body(b"x")(handler)

    server.at["*"] = answer
    gather(fetcher, config_of(*[file(f"/f{n}", server.url(f"/{n}")) for n in range(3 * CONNECTIONS)]), log)
    assert 2 <= most <= CONNECTIONS
    assert len(server.seen) == 3 * CONNECTIONS


def test_connections_are_reused(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    ports: set[int] = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        body(b"x")(handler)

    server.at["*"] = answer
    gather(fetcher, config_of(*[file(f"/f{n}", server.url(f"/{n}")) for n in range(4 * CONNECTIONS)]), log)
    assert len(ports) <= CONNECTIONS


def test_duplicates_are_fetched_once(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/a"] = body(b"same")
    server.at["/b"] = body(b"other")
    files = [
        file("/1", server.url("/a")),
        file("/2", server.url("/a")),
        file("/3", server.url("/b"), b"other"),
        file("/4", server.url("/b")),
    ]
    config = config_of(*files)
    gather(fetcher, config, log)
    assert sorted(server.paths()) == ["/a", "/b", "/b"]  # with a digest it is something else
    assert contents(fetcher, config) == [b"same", b"same", b"other", b"other"]
    assert sorted(server.paths()) == ["/a", "/b", "/b"]


def test_headers_make_another_resource(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        body((handler.headers["X-Who"] or "").encode())(handler)

    server.at["/a"] = answer
    who = [[{"name": "X-Who", "value": value}] for value in ("me", "you")]
    config = config_of(*[file(f"/{n}", server.url("/a"), httpHeaders=headers) for n, headers in enumerate(who)])
    gather(fetcher, config, log)
    assert contents(fetcher, config) == [b"me", b"you"]


def test_a_wrong_digest_names_its_entry(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/a"] = body(b"evil")
    server.at["/b"] = body(b"fine")
    config = config_of(
        file("/good", server.url("/b")), file("/any", server.url("/a")), file("/bad", server.url("/a"), b"good")
    )
    with pytest.raises(FetchError, match="contents of /bad: the contents have the hash sha256-") as caught:
        gather(fetcher, config, log)
    assert caught.value.place is not None
    assert caught.value.place.path == ("storage", "files", 2, "contents")
    assert caught.value.place.source == "test.ign"
    with Spool(fetcher.spool) as spool:
        assert not spool.complete
        assert not spool.has(name_of(config.storage.files[2].contents))


def test_one_failure_ends_it_while_others_hang(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/down"] = body(b"", status=503)
    config = config_of(
        file("/a", server.url("/down")), file("/b", server.url("/down?2")), file("/c", server.url("/missing"))
    )
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"contents of /c: .* does not exist") as caught:
        gather(fetcher, config, log)
    assert time.monotonic() - start < 30
    assert caught.value.place is not None
    assert caught.value.place.path == ("storage", "files", 2, "contents")


def test_keys_of_luks_volumes_and_appended_parts(server: Server, fetcher: Fetcher) -> None:
    key = {"name": "root", "device": "/dev/a", "keyFile": {"source": server.url("/key")}}
    import json

    text = {
        "ignition": {"version": "3.4.0"},
        "storage": {"luks": [key], "files": [{"path": "/f", "append": [{"source": server.url("/p")}]}]},
    }
    config, _ = read(json.dumps(text).encode())
    assert config is not None
    assert [what for _, what in remote_contents(config)] == ["contents of /f", "key file of LUKS volume root"]


def test_contents_of_the_config_itself_are_no_reason_for_a_folder(fetcher: Fetcher, log: MemoryLog) -> None:
    gather(fetcher, config_of(file("/a", "data:,x"), {"path": "/b"}), log)
    assert not os.path.exists(fetcher.spool)


def test_one_resource_needs_no_threads(
    server: Server, fetcher: Fetcher, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jobs, "__init__", None)
    server.at["/a"] = body(b"x")
    config = config_of(file("/a", server.url("/a")))
    gather(fetcher, config, log)
    assert contents(fetcher, config) == [b"x"]
    assert len(server.seen) == 1


def test_the_folder_is_private(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/a"] = body(b"secret")
    old = os.umask(0)
    try:
        gather(fetcher, config_of(file("/a", server.url("/a"))), log)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(fetcher.spool).st_mode) == 0o700
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(fetcher.spool)} == {0o600}


@pytest.mark.parametrize("there", ["open", "link", "file"])
def test_a_folder_that_others_can_write_is_not_used(
    server: Server, fetcher: Fetcher, log: MemoryLog, tmp_path: Path, there: str
) -> None:
    folder = Path(fetcher.spool)
    folder.parent.mkdir()
    if there == "open":
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
    elif there == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.write_text("")
    server.at["/a"] = body(b"x")
    config = config_of(file("/a", server.url("/a")))
    gather(fetcher, config, log)
    assert "contents are fetched one by one" in log.text
    assert contents(fetcher, config) == [b"x"]


def test_what_is_there_is_not_fetched_again_and_a_new_run_is_afresh(
    server: Server, fetcher: Fetcher, log: MemoryLog
) -> None:
    server.at["/a"] = in_turn(body(b"one"), body(b"two"))
    config = config_of(file("/a", server.url("/a")))
    gather(fetcher, config, log)
    gather(fetcher, config, log)
    assert contents(fetcher, config) == [b"one"]
    gather(fetcher, config, log, afresh=True)
    assert contents(fetcher, config) == [b"two"]
    forget(fetcher)
    assert not os.path.exists(fetcher.spool)


def test_an_interrupted_run_is_completed(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/a"] = body(b"aaa")
    server.at["/b"] = in_turn(body(b"", status=404), body(b"bbb"))
    config = config_of(file("/a", server.url("/a")), file("/b", server.url("/b")))
    with pytest.raises(FetchError):
        gather(fetcher, config, log)
    (Path(fetcher.spool) / f"{name_of(config.storage.files[1].contents)}.1-1.part").write_text(
        "half of what an earlier run was given"
    )
    gather(fetcher, config, log)
    assert contents(fetcher, config) == [b"aaa", b"bbb"]


# Bounds


def test_what_does_not_fit_is_fetched_when_it_is_needed(
    server: Server, fetcher: Fetcher, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "LARGEST", 100_000)
    server.at["/small"] = body(b"s" * 1000)
    server.at["/large"] = body(b"l" * 1_000_000)
    server.at["/bad"] = body(b"x", length=1_000_000)
    config = config_of(file("/a", server.url("/large"), b"l" * 1_000_000), file("/b", server.url("/small")))
    gather(fetcher, config, log)
    assert "1 resources are too large to be kept" in log.text
    assert sum(entry.stat().st_size for entry in os.scandir(fetcher.spool)) == 1000
    assert contents(fetcher, config) == [b"l" * 1_000_000, b"s" * 1000]
    assert sorted(server.paths()) == ["/large", "/large", "/small"]


def test_a_large_one_that_is_missing_is_noticed(
    server: Server, fetcher: Fetcher, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "LARGEST", 0)
    with pytest.raises(FetchError, match="does not exist"):
        gather(fetcher, config_of(file("/a", server.url("/large")), file("/b", server.url("/large2"))), log)


def test_lengths_that_are_not_announced_are_bounded_too(
    server: Server, fetcher: Fetcher, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "LARGEST", 100_000)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 10_000)
        handler.close_connection = True

    server.at["/a"] = endless
    config = config_of(file("/a", server.url("/a")))
    gather(fetcher, config, log)
    assert [entry.name for entry in os.scandir(fetcher.spool)] == ["complete"]


def test_memory_is_flat(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    size = 30_000_000

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        for _ in range(size // 100_000):
            handler.wfile.write(bytes(100_000))

    server.at["*"] = answer
    config = config_of(*[file(f"/{n}", server.url(f"/{n}")) for n in range(4)])
    gather(fetcher, config_of(file("/w", server.url("/w"))), log)  # imports
    tracemalloc.start()
    gather(fetcher, config, log, afresh=True)
    _, most = tracemalloc.get_traced_memory()
    chunks = fetcher.content(config.storage.files[0].contents, what="x").chunks(bool)
    assert sum(map(len, chunks)) == size
    _, later = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(most, later) < 8 << 20


def test_allowance() -> None:
    allowance = Allowance(100)
    first, second = Share(allowance), Share(allowance)
    first.grow_to(60)
    first.grow_to(50)
    with pytest.raises(NoRoom):
        second.grow_to(50)
    second.grow_to(40)
    first.give_back()
    second.grow_to(100)
    with pytest.raises(NoRoom):
        first.grow_to(1)


def test_the_bound_respects_memory_and_the_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Spool(str(tmp_path / "s"), make=True) as spool:
        monkeypatch.setattr(spool_module, "available_memory", lambda: 400 << 20)
        assert spool.allowance() == 100 << 20
        monkeypatch.setattr(spool_module, "available_memory", lambda: 64 << 30)
        assert spool.allowance() == spool_module.LARGEST
        os.close(spool.begin("x"))
        spool.keep("x")
        os.truncate(f"{tmp_path}/s/x", 200 << 20)
        assert spool.allowance() == spool_module.LARGEST - (200 << 20)


def test_names_tell_resources_apart() -> None:
    header = HTTPHeader(name="a", value="b")
    resources = [
        Resource(source="http://a/"), Resource(source="http://b/"), Resource(source="http://a/", compression="gzip"),
        Resource(source="http://a/", http_headers=(header,)), Resource(source="http://a/", verification=Verification(hash="x")),
        Resource(source="http://a/", http_headers=(HTTPHeader(name="ab", value=""),)),
    ]  # fmt: skip
    assert len({name_of(resource) for resource in resources}) == len(resources)


# Time limits


def test_what_was_too_slow_beside_others_gets_a_turn_alone(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    def crowded(handler: BaseHTTPRequestHandler) -> None:
        server.release.wait(20)

    for n in range(3):
        server.at[f"/{n}"] = in_turn(crowded, body(b"x"))
    config = config_of(*[file(f"/{n}", server.url(f"/{n}")) for n in range(3)], timeouts={"httpTotal": 3})
    fetcher.configure(config.ignition)
    gather(fetcher, config, log)
    assert "trying again, alone" in log.text
    assert contents(fetcher, config) == [b"x"] * 3


def test_what_is_too_slow_alone_fails(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["*"] = body(b"", status=503)
    config = config_of(*[file(f"/{n}", server.url(f"/{n}")) for n in range(2)], timeouts={"httpTotal": 1})
    fetcher.configure(config.ignition)
    with pytest.raises(FetchError, match="within 1 s; last error: status 503"):
        gather(fetcher, config, log)


# Configs that are merged


def render(fetcher: Fetcher, log: MemoryLog, *sources: str, **ignition: Any) -> Config:
    merge = [{"source": source} for source in sources]
    return Renderer(fetcher, log, State()).render(config_of(config={"merge": merge}, **ignition))


def child(path: str, **ignition: Any) -> bytes:
    import json

    return json.dumps({"ignition": {"version": "3.4.0", **ignition}, "storage": {"files": [{"path": path}]}}).encode()


def merged_paths(config: Config) -> list[str]:
    return [item.path for item in config.storage.files]


def test_merged_configs_are_fetched_side_by_side_and_merged_in_order(
    server: Server, fetcher: Fetcher, log: MemoryLog
) -> None:
    answer = together(5)
    for n in range(5):
        server.at[f"/{n}"] = answer(child(f"/f{n}"))
    found = render(fetcher, log, *[server.url(f"/{n}") for n in range(5)])
    assert merged_paths(found) == [f"/f{n}" for n in range(5)]
    assert sorted(server.paths()) == [f"/{n}" for n in range(5)]


def test_a_proxy_that_a_config_brings_counts_for_those_behind_it(
    server: Server, fetcher: Fetcher, log: MemoryLog
) -> None:
    server.at["/1"] = body(child("/1", proxy={"httpProxy": server.url("")}))
    server.at["http://elsewhere.invalid/2"] = body(child("/by-proxy"))
    found = render(fetcher, log, server.url("/1"), "http://elsewhere.invalid/2")
    assert merged_paths(found) == ["/1", "/by-proxy"]


def test_time_limits_that_a_config_brings_count_for_those_behind_it(
    server: Server, fetcher: Fetcher, log: MemoryLog
) -> None:
    server.at["/1"] = body(child("/1", timeouts={"httpTotal": 1}))
    server.at["/2"] = body(b"", status=503)
    with pytest.raises(FetchError, match=r"could not fetch .* within 1 s"):
        render(fetcher, log, server.url("/1"), server.url("/2"))


@pytest.mark.parametrize("count", [3, 3 * CONNECTIONS])
def test_a_proxy_that_is_changed_and_changed_back(
    server: Server, fetcher: Fetcher, log: MemoryLog, count: int
) -> None:
    """Also with more configs than are fetched side by side: those that were not begun before the change."""
    first, second = server.url(""), server.url("").replace("127.0.0.1", "localhost")
    urls = [f"http://elsewhere.invalid/{n}" for n in range(count)]
    for n, url in enumerate(urls):
        proxy = {0: second, 1: first}.get(n)
        server.at[url] = body(child(f"/f{n}", **({"proxy": {"httpProxy": proxy}} if proxy else {})))
    found = render(fetcher, log, *urls, proxy={"httpProxy": first})
    assert merged_paths(found) == [f"/f{n}" for n in range(count)]


def test_failures_are_those_of_the_first_in_order(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    server.at["/1"] = body(child("/1"))
    with pytest.raises(FetchError, match="/2 does not exist") as caught:
        render(fetcher, log, server.url("/1"), server.url("/2"), server.url("/3"))
    assert caught.value.place is not None
    assert caught.value.place.path == ("ignition", "config", "merge", 1)


def test_one_remote_config_needs_no_threads(server: Server, fetcher: Fetcher, log: MemoryLog) -> None:
    renderer = Renderer(fetcher, log, State())
    assert renderer._ahead([ConfigReference(source=server.url("/a")), ConfigReference(source="data:,x")]) is None
    offline = Renderer(Fetcher(log, offline=True), log, State())
    assert offline._ahead([ConfigReference(source=server.url("/a")), ConfigReference(source=server.url("/b"))]) is None


def test_settings_of_the_same_proxies_and_authorities_share_connections(fetcher: Fetcher) -> None:
    from ignition_py.spec.tables import Ignition, Proxy

    fetcher.configure(Ignition(timeouts=Timeouts(http_total=5)))
    first = fetcher.settings
    fetcher.configure(Ignition(timeouts=Timeouts(http_total=6)))
    assert fetcher.settings.connections() == first.connections()
    fetcher.configure(Ignition(proxy=Proxy(http_proxy="http://p.example")))
    assert fetcher.settings.connections() != first.connections()


def test_a_file_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the filesystem lets the kernel copy nothing, and where what is copied breaks off."""
    text = bytes(range(256)) * 700
    (tmp_path / "kept").write_bytes(text)

    def copied() -> bytes:
        with (tmp_path / "kept").open("rb") as source, (tmp_path / "copy").open("wb") as target:
            assert spool_module._copy(source.fileno(), target.fileno()) == len(text)
        return (tmp_path / "copy").read_bytes()

    assert copied() == text

    def refused(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "sendfile", refused)
    assert copied() == text
    monkeypatch.setattr(os, "sendfile", lambda *_: 0)
    with pytest.raises(OSError, match="Input/output error"):
        copied()
