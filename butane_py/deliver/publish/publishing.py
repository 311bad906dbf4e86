"""Publishes the parts of deliveries: parts first, then what was published (history.py); the caller writes user data after that.

Interrupted anywhere, it leaves every pointer that was handed out before valid: objects are only added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from butane_py.deliver.model import DeliveryError, Part
from butane_py.deliver.publish import history
from butane_py.deliver.publish.many import Progress, all_done
from butane_py.deliver.publish.store import NotListed, Refused, Store
from ignition_py.record import Record


class Addresses(Record):
    """The URL of a part, by the URLs that its store's objects lie below; other processes can have it too."""

    public: str
    private: str

    def __call__(self, part: Part) -> str:
        """Raises DeliveryError for a part that has no place."""
        if part.private and not self.private:
            raise _no_private_place()
        return f"{self.private if part.private else self.public}/{part.name}"


class Stores(Record):
    """Where parts go: `public` takes those that are not secret, `private` the others."""

    public: Store
    private: Store | None = None

    def of(self, part: Part) -> Store:
        """The store of a part. Raises DeliveryError where it has none."""
        if not part.private:
            return self.public
        if self.private is None:
            raise _no_private_place()
        return self.private

    def addresses(self) -> Addresses:
        """The URLs of parts. Raises DeliveryError where the URL of a store is not known."""
        public, private = (store and store.base() for store in (self.public, self.private))
        return Addresses(public or "", private or "")


def _no_private_place() -> DeliveryError:
    message = "a part of a config holds secrets, and there is no private place to publish it to"
    return DeliveryError(message, hint="Name one with --publish-private")


class Published(Record):
    """What became of the parts: the names of new ones, how many were there already, and bytes of the new ones."""

    new: tuple[str, ...]
    unchanged: int
    size: int

    def sentence(self, *, dry_run: bool = False) -> str:
        """For people: `3 parts published (12,345 bytes), 1 unchanged`."""
        done = "would be published" if dry_run else "published"
        count = len(self.new)
        return f"{count:,} part{'' if count == 1 else 's'} {done} ({self.size:,} bytes), {self.unchanged:,} unchanged"

    def data(self) -> dict[str, object]:
        """For programs."""
        return {"new": list(self.new), "unchanged": self.unchanged, "bytes": self.size}


class _Upload(Record):
    """One part on its way to one store; `host` is "" where several hosts share it."""

    store: Store
    part: Part
    host: str


def publish(
    parts: Mapping[str, Sequence[Part]],
    stores: Stores,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Published:
    """Publishes the parts of each host; `progress` is called with how many of how many are done.

    dry_run: only looks what is there. Raises Refused where a store holds other contents under a part's name, DeliveryError.
    """
    uploads = _uploads(parts, stores)
    results = all_done(uploads, _is_new if dry_run else _written, progress)
    news = [upload.part for upload, new in zip(uploads, results, strict=True) if new]
    if not dry_run:
        _record(parts, stores)
    return Published(tuple(part.name for part in news), len(uploads) - len(news), sum(len(part.data) for part in news))


def _uploads(parts: Mapping[str, Sequence[Part]], stores: Stores) -> list[_Upload]:
    """Each part once for each store. Raises DeliveryError, Refused."""
    found: dict[tuple[int, str], _Upload] = {}
    for host, each in parts.items():
        for part in each:
            store = stores.of(part)
            upload = found.setdefault((id(store), part.name), _Upload(store, part, host))
            if upload.part.data != part.data:
                raise Refused(f"two parts have the name {part.name} and different contents")
            if upload.host != host:
                upload.host = ""
    return list(found.values())


def _written(upload: _Upload) -> bool:
    return upload.store.write(upload.part.name, upload.part.data, host=upload.host)


def _is_new(upload: _Upload) -> bool:
    """True if the part is not there. Raises Refused, DeliveryError."""
    held = upload.store.read(upload.part.name)
    if held is not None and held != upload.part.data:
        raise Refused(f"{upload.part.name} is there with other contents, and would not be overwritten")
    return held is None


def _record(parts: Mapping[str, Sequence[Part]], stores: Stores) -> None:
    """Notes in each store what it holds of each host. Raises DeliveryError."""
    for store in {id(store): store for store in (stores.public, stores.private) if store is not None}.values():
        hosts = {
            host: tuple(sorted({part.name for part in each if stores.of(part) is store}))
            for host, each in parts.items()
        }
        try:
            history.record(store, hosts)
        except NotListed:  # a web server: pruning it says so
            continue
