"""Publishing and pruning: parts first, nothing twice, and valid pointers wherever it is interrupted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from butane_py.deliver.model import DeliveryError, Part
from butane_py.deliver.publish import history, prune
from butane_py.deliver.publish.publishing import Stores, publish
from butane_py.deliver.publish.store import NotListed, Refused, Store, open_store
from tests.deliver.publish.backends import EVERY, Backend


def part(text: str, *, private: bool = False) -> Part:
    return Part.of(text.encode(), private=private)


class Failing:
    """A store whose operation number `at` that changes something fails, before or after it was carried out."""

    def __init__(self, store: Store, at: int, *, after: bool) -> None:
        self._store, self._at, self._after = store, at, after
        self._numbers = itertools.count(1)  # of changes, which come from several threads

    def _change(self, change: Callable[[], bool | None]) -> bool:
        number = next(self._numbers)
        if number > self._at or (number == self._at and not self._after):
            raise DeliveryError("the connection broke")
        done = bool(change())
        if number == self._at:
            raise DeliveryError("the connection broke")
        return done

    def base(self) -> str:
        return self._store.base()

    def url(self, name: str) -> str:
        return self._store.url(name)

    def read(self, name: str) -> bytes | None:
        return self._store.read(name)

    def write(self, name: str, data: bytes, *, host: str = "") -> bool:
        return self._change(lambda: self._store.write(name, data, host=host))

    def names(self) -> Iterator[str]:
        return self._store.names()

    def remove(self, name: str) -> None:
        self._change(lambda: self._store.remove(name))


@pytest.mark.sockets
@pytest.mark.subprocess
@pytest.mark.parametrize("_running", EVERY, indirect=True)
def test_publish_twice_and_prune(backend: Backend) -> None:
    store = open_store(backend.destination)
    fleet = {f"n{number}": [part(f"config {number}"), part("common")] for number in range(12)}
    shown: list[tuple[int, int]] = []
    first = publish(fleet, Stores(store), progress=lambda *numbers: shown.append(numbers))
    assert (len(first.new), first.unchanged, first.size) == (13, 0, 6 + sum(len(f"config {n}") for n in range(12)))
    assert shown == [(done, 13) for done in range(1, 14)]
    if backend.forwarder is not None:
        backend.forwarder.asked.clear()
    assert publish(fleet, Stores(store)).sentence() == "0 parts published (0 bytes), 13 unchanged"
    if backend.forwarder is not None:
        assert not {method for method, _, _ in backend.forwarder.asked} & {"PUT", "POST", "DELETE"}
    if not backend.lists:
        with pytest.raises(NotListed):
            list(store.names())
        return
    publish({"n0": [part("changed")]}, Stores(store))
    names = list(store.names())
    pruning = prune.plan(names, prune.read_all(store, names), keep=1)
    assert pruning.parts == (part("config 0").name,)
    assert pruning.publications == ()  # of the other eleven it is the last
    prune.remove(store, pruning)
    assert sorted(store.names()) == sorted(set(names) - {part("config 0").name})


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 5))
def test_interrupted_publishing(tmp_path: Path, at: int, after: bool) -> None:
    """What was published before stays; what is there is whole; the next run ends as an undisturbed one."""
    store = open_store(str(tmp_path))
    publish({"n1": [part("old")]}, Stores(store))
    fleet = {"n1": [part("new 1")], "n2": [part("new 2"), part("both")], "n3": [part("both")]}
    with pytest.raises(DeliveryError, match="the connection broke"):
        publish(fleet, Stores(Failing(store, at, after=after)))
    assert store.read(part("old").name) == b"old"
    everything = {each.name: each.data for parts in fleet.values() for each in parts}
    for found in prune.read_all(store, store.names()):
        assert {name for parts in found.hosts.values() for name in parts} <= set(store.names())
    assert all(store.read(name) in (None, data) for name, data in everything.items())
    publish(fleet, Stores(store))
    assert all(store.read(name) == data for name, data in everything.items())
    newest = prune.read_all(store, store.names())[0]
    assert newest.hosts == {host: tuple(sorted(each.name for each in parts)) for host, parts in fleet.items()}


@pytest.mark.parametrize("at", range(1, 5))
def test_interrupted_pruning(tmp_path: Path, at: int) -> None:
    store = open_store(str(tmp_path))
    for text in ("a", "b", "c"):
        publish({"n1": [part(text)]}, Stores(store))
    names = list(store.names())
    with pytest.raises(DeliveryError, match="the connection broke"):
        prune.remove(Failing(store, at, after=True), prune.plan(names, prune.read_all(store, names), keep=1))
    assert store.read(part("c").name) == b"c"
    names = list(store.names())
    prune.remove(store, prune.plan(names, prune.read_all(store, names), keep=1))
    assert list(store.names()) == [part("c").name, f"publications/{sorted(names)[-1].rpartition('/')[2]}"]


def test_dry_run(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    published = publish({"n1": [part("a"), part("b")]}, Stores(store), dry_run=True)
    assert published.sentence(dry_run=True) == "2 parts would be published (2 bytes), 0 unchanged"
    assert not (tmp_path / "store").exists()
    store.write(part("a").name, b"other")
    with pytest.raises(Refused, match="would not be overwritten"):
        publish({"n1": [part("a")]}, Stores(store), dry_run=True)


def test_private_parts_have_a_place_of_their_own(tmp_path: Path) -> None:
    public, private = open_store(str(tmp_path / "public")), open_store(str(tmp_path / "private"), private=True)
    fleet = {"n1": [part("config"), part("secret", private=True)]}
    with pytest.raises(DeliveryError, match="--publish-private"):
        publish(fleet, Stores(public))
    assert list(public.names()) == []
    publish(fleet, Stores(public, private))
    assert [name for name in public.names() if "/" not in name] == [part("config").name]
    assert [name for name in private.names() if "/" not in name] == [part("secret").name]
    assert prune.read_all(public, public.names())[0].hosts == {"n1": (part("config").name,)}


def test_addresses(tmp_path: Path) -> None:
    """They can be handed to the processes that compile."""
    import pickle

    public = open_store(str(tmp_path / "public"), base_url="https://config.example.com/ign/")
    private = open_store(str(tmp_path / "private"), base_url="https://secrets.example.com", private=True)
    both = pickle.loads(pickle.dumps(Stores(public, private).addresses()))
    config, secret = part("config"), part("secret", private=True)
    assert both(config) == f"https://config.example.com/ign/{config.name}"
    assert both(secret) == f"https://secrets.example.com/{secret.name}"
    with pytest.raises(DeliveryError, match="--publish-private"):
        Stores(public).addresses()(secret)
    with pytest.raises(DeliveryError, match="--publish-url"):
        Stores(open_store(str(tmp_path))).addresses()


def test_one_name_for_two_contents() -> None:
    twins = [part("a"), part("a").but(data=b"b")]
    with pytest.raises(Refused, match="two parts have the name"):
        publish({"n1": twins}, Stores(open_store("nowhere")))


def test_who_has_an_object_alone_is_its_label(tmp_path: Path) -> None:
    labels: dict[str, str] = {}

    class Noting(Failing):
        def write(self, name: str, data: bytes, *, host: str = "") -> bool:
            labels[name] = host
            return True

    publish(
        {"n1": [part("a"), part("both")], "n2": [part("both")]},
        Stores(Noting(open_store(str(tmp_path)), 99, after=False)),
    )
    assert (labels[part("a").name], labels[part("both").name]) == ("n1", "")


PUBLICATIONS = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 9), max_size=2), min_size=1), min_size=1, max_size=8
)


@given(PUBLICATIONS, st.integers(1, 4))
def test_every_host_keeps_its_last_publications(made: list[dict[str, list[int]]], keep: int) -> None:
    """Whatever was published: what any host's last publications name stays, nothing else does, and pruning again finds nothing."""
    newest_first = [
        history.Publication(
            f"publications/{number:06}-{'0' * 16}.json",
            number,
            {h: tuple(f"{p:016x}.ign" for p in ps) for h, ps in hosts.items()},
        )
        for number, hosts in reversed(list(enumerate(made, 1)))
    ]
    names = [f"{number:016x}.ign" for number in range(10)] + [each.name for each in newest_first] + ["index.html"]
    found = prune.plan(names, newest_first, keep=keep)
    needed = set()
    for host in "abc":
        for each in [each for each in newest_first if host in each.hosts][:keep]:
            needed |= set(each.hosts[host])
            assert each.name not in found.publications
    assert set(found.parts) == {name for name in names[:10] if name not in needed}
    left = [name for name in names if name not in (*found.parts, *found.publications)]
    again = prune.plan(left, [each for each in newest_first if each.name in left], keep=keep)
    assert (again.parts, again.publications) == ((), ())


def test_pruning_without_a_record_removes_nothing() -> None:
    with pytest.raises(DeliveryError, match="nothing that was published is recorded there"):
        prune.plan(["0123456789abcdef.ign"], [], keep=1)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 2, "hosts": {}}', '{"version": 1, "hosts": {"a": [1]}}', "[" * 100_000]
)
def test_a_record_that_cannot_be_read_stops_everything(tmp_path: Path, text: str) -> None:
    store = open_store(str(tmp_path))
    store.write("publications/000001-0123456789abcdef.json", text.encode())
    with pytest.raises(DeliveryError, match="is not a list of what was published"):
        prune.read_all(store, store.names())
    with pytest.raises(DeliveryError, match="is not a list of what was published"):
        publish({"n1": [part("a")]}, Stores(store))


def test_hosts_that_have_no_parts_any_more(tmp_path: Path) -> None:
    """A config that fits into its user data again is not published; what it had can be pruned then."""
    store = open_store(str(tmp_path))
    publish({"n1": []}, Stores(store))
    assert list(store.names()) == []
    publish({"n1": [part("large")]}, Stores(store))
    publish({"n1": []}, Stores(store))
    names = list(store.names())
    assert prune.plan(names, prune.read_all(store, names), keep=1).parts == (part("large").name,)
