"""Configs that are merged one after the other, fetched side by side while the first of them are merged.

Each counts with the settings of everything that has been merged before it, and what is merged may change them. So what
was fetched ahead holds as long as nothing has changed that could have brought something else: a proxy. A failure counts,
and is waited for, under the very same settings only. Everything else is fetched anew when its turn has come.
"""

from __future__ import annotations

from ignition_py.fetch.pool import Pool
from ignition_py.fetch.request import TooSlow
from ignition_py.fetch.spool import Allowance, NoRoom, Share, name_of
from ignition_py.fetch.url import needs_network
from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.fetch.fetcher import Fetcher
    from ignition_py.spec.tables import Resource

MEMORY = 64 << 20  # bytes of all that is fetched ahead


class Ahead:
    """`read()` instead of the fetcher's; `stop()` when no more is wanted."""

    def __init__(self, fetcher: Fetcher, resources: Sequence[Resource], what: str) -> None:
        self._fetcher = fetcher
        self._settings = fetcher.settings
        self._allowance = Allowance(MEMORY)
        self._what = what
        remote: dict[str, Resource] = {}
        for resource in resources:
            if needs_network(resource.source or ""):
                remote.setdefault(name_of(resource), resource)
        self._index = {name: index for index, name in enumerate(remote)}
        self._pool = Pool(self._fetch, list(remote.values()))
        self._pool.start()

    def read(self, resource: Resource) -> bytes:
        """The contents. Raises FetchError."""
        index = self._index.get(name_of(resource))
        if index is not None and self._counts(index):
            try:
                data = self._pool.result(index)
            except (NoRoom, TooSlow):  # alone it has all of the memory, and of the network
                pass
            else:
                assert isinstance(data, bytes)
                return data
        return self._fetcher.read(resource, what=self._what)

    def stop(self) -> None:
        self._pool.stop()

    def _counts(self, index: int) -> bool:
        """Does what was, or will be, fetched ahead hold now?"""
        now = self._fetcher.settings
        if now.same(self._settings):
            return True
        if now.proxies() != self._settings.proxies():
            self.stop()
            return False
        return self._pool.finished(index)

    def _fetch(self, resource: Resource) -> bytes:
        share = Share(self._allowance)
        data = bytearray()
        with self._fetcher.stream(
            resource, what=self._what, settings=self._settings, stopped=self._pool.stopped, room=share.grow_to
        ) as chunks:
            for chunk in chunks:
                data += chunk
                share.grow_to(len(data))
                if self._pool.stopped():
                    raise FetchError(f"{self._what}: it is no longer wanted")
        return bytes(data)
