"""Configs that are merged one after the other, fetched side by side while the first of them are merged.

Each is fetched with the settings of everything that has been merged before it. When a merged config changes these, what was
fetched ahead is discarded, and everything else is fetched when its turn has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import CONNECTIONS, TooSlow
from ignition_py.fetch.spool import Allowance, NoRoom, Share, name_of
from ignition_py.fetch.urls import needs_network
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Resource
from ignition_py.system.parallel import Jobs, Stopped

MEMORY = 64 << 20  # bytes of all that is fetched ahead


class Ahead:
    """`read()` in place of the fetcher's; `stop()` when no more is needed."""

    def __init__(self, fetcher: Fetcher, resources: Sequence[Resource], what: str) -> None:
        self._fetcher = fetcher
        self._settings = fetcher.settings
        self._allowance = Allowance(MEMORY)
        self._what = what
        remote: dict[str, Resource] = {}
        for resource in resources:
            if needs_network(resource.source or ""):
                remote.setdefault(name_of(resource), resource)
        self._jobs = Jobs(CONNECTIONS)
        self._numbers = {name: self._jobs.add(partial(self._fetch, resource)) for name, resource in remote.items()}

    def read(self, resource: Resource) -> bytes:
        """The contents. Raises FetchError."""
        number = self._numbers.get(name_of(resource))
        if self._fetcher.settings != self._settings:
            self.stop()
        if number is not None and not self._jobs.stopped():
            try:
                data: bytes = self._jobs.result(number)
            except (NoRoom, Stopped, TooSlow):  # alone it has all of the memory, and of the network
                pass
            else:
                return data
        return self._fetcher.read(resource, what=self._what)

    def stop(self) -> None:
        self._jobs.stop()

    def _fetch(self, resource: Resource) -> bytes:
        share = Share(self._allowance)
        data = bytearray()
        content = self._fetcher.remote(
            resource, what=self._what, settings=self._settings, stopped=self._jobs.stopped, room=share.grow_to
        )
        for chunk in content.chunks(data.clear):
            data += chunk
            share.grow_to(len(data))
            if self._jobs.stopped():
                raise FetchError(f"{self._what}: no longer needed")
        return bytes(data)
