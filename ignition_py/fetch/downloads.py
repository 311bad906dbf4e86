"""Downloads side by side into the spool, each thing once; for gather.py."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import CONNECTIONS, TooSlow
from ignition_py.fetch.spool import Allowance, NoRoom, Share, Spool, name_of
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Resource
from ignition_py.system.log import Log
from ignition_py.system.parallel import Jobs

Wanted: TypeAlias = "tuple[Resource, str]"  # and the beginning of a failure's sentence
Download: TypeAlias = "tuple[str, Wanted]"  # the name in the spool, and the first entry that wants it


def fill(fetcher: Fetcher, wanted: Iterable[Wanted], log: Log, *, afresh: bool) -> None:
    """Fetches what is not in the spool yet. `afresh` empties it first. Raises FetchError, OSError."""
    spool = Spool(fetcher.spool, make=True)
    if afresh:
        spool.clear()
    if not spool.complete:
        todo: dict[str, Wanted] = {}
        for entry in wanted:
            name = name_of(entry[0])
            if not spool.has(name):
                todo.setdefault(name, entry)
        with log.step(f"fetching {len(todo)} resources ahead"):
            _Gathering(fetcher, spool, Allowance(spool.allowance()), log).run(list(todo.items()))
        spool.set_complete()
    spool.close()  # not after a failure: downloads that are under way still use it


def empty(folder: str) -> None:
    """Removes a spool. Raises OSError."""
    with Spool(folder) as spool:
        spool.clear()
    os.rmdir(folder)


class _Gathering:
    """The downloads of one run. `_slow` missed their time limit while others took part of the network."""

    def __init__(self, fetcher: Fetcher, spool: Spool, allowance: Allowance, log: Log) -> None:
        self._fetcher = fetcher
        self._spool = spool
        self._allowance = allowance
        self._log = log
        self._slow: list[Download] = []
        self._left = 0
        self._stopped: Callable[[], bool] = bool

    def run(self, todo: list[Download]) -> None:
        """Raises FetchError."""
        if len(todo) > 1:
            jobs = Jobs(CONNECTIONS, stop_on_error=True)
            self._stopped = jobs.stopped
            for download in todo:
                jobs.add(partial(self._beside, download))
            jobs.wait()
            todo = self._slow
        for download in todo:
            self._fetch(download)
        if self._left:
            self._log.info(
                f"{self._left} resources are too large to be kept; they are fetched again when they are needed"
            )

    def _beside(self, download: Download) -> None:
        try:
            self._fetch(download)
        except TooSlow as error:
            self._log.warning(f"{error.message}; trying again, alone")
            self._slow.append(download)

    def _fetch(self, download: Download) -> None:
        name, (resource, what) = download
        share = Share(self._allowance)
        try:
            fd = self._spool.begin(name)
            try:
                self._write(fd, resource, what, share)
            finally:
                os.close(fd)
        except NoRoom:
            self._left += 1
            self._spool.drop(name)
            share.give_back()
        else:
            self._spool.keep(name)

    def _write(self, fd: int, resource: Resource, what: str, share: Share) -> None:
        """Raises NoRoom, FetchError, OSError."""

        def grown(size: int) -> None:
            share.grow_to(size)
            if self._stopped():
                raise FetchError(f"{what}: another download has failed")

        content = self._fetcher.remote(resource, what=what, stopped=self._stopped, room=share.grow_to)
        try:
            content.write_to(fd, grown)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom from None
            raise
