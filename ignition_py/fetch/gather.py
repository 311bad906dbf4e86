"""Fetches everything remote that a config names, side by side, before a stage needs it: into the spool, verified.

    engine.py, before fetch, disks and files -> gather() -> Fetcher.stream() side by side -> spool.py
    later, in any stage                         Fetcher.open() -> spool.py

Before `disks`, so that a missing file or a wrong digest stops a boot while nothing has been wiped yet. What does not fit
the spool's allowance is asked for all the same, which tells whether it is there, and fetched when it is needed.
"""

from __future__ import annotations

import errno
import os

from ignition_py.fetch.request import CONNECTIONS
from ignition_py.report.diag import FetchError
from ignition_py.system.host import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ignition_py.fetch.fetcher import Fetcher
    from ignition_py.fetch.spool import Allowance, Share, Spool
    from ignition_py.spec.tables import Config, Resource
    from ignition_py.system.log import Log

    Wanted = tuple[Resource, str]  # and the beginning of a failure's sentence


def remote_contents(config: Config) -> Iterator[Wanted]:
    """What the stages are going to fetch from somewhere else."""
    from ignition_py.fetch.url import needs_network

    for file in config.storage.files:
        for resource in (file.contents, *file.append):
            source = resource.source
            if source and not source.startswith("data:") and needs_network(source):
                yield resource, f"contents of {file.path}"
    for volume in config.storage.luks:
        if needs_network(volume.key_file.source or ""):
            yield volume.key_file, f"key file of LUKS volume {volume.name}"


def gather(fetcher: Fetcher, config: Config, log: Log, *, afresh: bool = False) -> None:
    """Fills `fetcher.spool`. `afresh` throws away what is in it. Raises FetchError for the entry that cannot be had."""
    wanted = list(remote_contents(config))
    if afresh and not wanted and os.path.lexists(fetcher.spool):
        forget(fetcher)
    if not wanted or not fetcher.spool:
        return
    from ignition_py.fetch.spool import Allowance, Spool

    try:
        spool = Spool(fetcher.spool, make=True)
        if afresh:
            spool.clear()
        if not spool.complete:
            todo = _downloads(wanted, spool)
            with log.step(f"fetching {len(todo)} resources ahead"):
                _Gathering(fetcher, spool, Allowance(spool.allowance()), log).run(todo)
            spool.set_complete()
        spool.close()  # not after a failure: downloads that are under way still use it
    except OSError as error:
        log.warning(f"nothing can be kept in {fetcher.spool} ({error.strerror}); contents are fetched one by one")
        fetcher.spool = ""


def forget(fetcher: Fetcher) -> None:
    """Takes the spool away; nothing will ask for its contents any more."""
    from ignition_py.fetch.spool import Spool

    try:
        with Spool(fetcher.spool) as spool:
            spool.clear()
        os.rmdir(fetcher.spool)
    except OSError:
        return


class _Download:
    """One thing to fetch, and everybody who wants it: name in the spool, resource, what it is."""

    __slots__ = ("users",)

    def __init__(self) -> None:
        self.users: dict[str, Wanted] = {}


def _downloads(wanted: Iterable[Wanted], spool: Spool) -> list[_Download]:
    """What is not in the spool, each thing once, in the config's order."""
    from ignition_py.fetch.spool import name_of
    from ignition_py.spec.tables import Verification

    found: dict[str, _Download] = {}
    for resource, what in wanted:
        name = name_of(resource)
        if not spool.has(name):
            unverified = name_of(resource.but(verification=Verification()))
            found.setdefault(unverified, _Download()).users.setdefault(name, (resource, what))
    return list(found.values())


class _Gathering:
    """The downloads of one run. `_slow` missed their time limit while others took part of the network."""

    def __init__(self, fetcher: Fetcher, spool: Spool, allowance: Allowance, log: Log) -> None:
        self._fetcher = fetcher
        self._spool = spool
        self._allowance = allowance
        self._log = log
        self._slow: list[_Download] = []
        self._left = 0
        self._stopped: Callable[[], bool] = bool

    def run(self, todo: list[_Download]) -> None:
        """Raises FetchError."""
        if len(todo) > 1:
            from functools import partial

            from ignition_py.system.parallel import Jobs

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

    def _beside(self, download: _Download) -> None:
        from ignition_py.fetch.request import TooSlow

        try:
            self._fetch(download)
        except TooSlow as error:
            self._log.warning(f"{error.message}; trying again, alone")
            self._slow.append(download)

    def _fetch(self, download: _Download) -> None:
        from ignition_py.fetch.spool import NoRoom, Share

        share = Share(self._allowance)
        name, *others = download.users
        try:
            fd = self._spool.begin(name)
            try:
                self._write(fd, download, share)
            finally:
                os.close(fd)
        except NoRoom:
            self._left += 1
            self._spool.drop(name)
            share.give_back()
        else:
            self._spool.keep(name, others)

    def _write(self, fd: int, download: _Download, share: Share) -> None:
        """Raises NoRoom, FetchError, OSError."""
        from ignition_py.fetch.spool import NoRoom

        (resource, what), *others = download.users.values()
        size = 0
        with self._fetcher.stream(resource, what=what, stopped=self._stopped, room=share.grow_to) as chunks:
            for other in others:
                chunks = _also_verified(chunks, *other)
            for chunk in chunks:
                size += len(chunk)
                share.grow_to(size)
                try:
                    write_all(fd, chunk)
                except OSError as error:
                    if error.errno in (errno.ENOSPC, errno.EDQUOT):
                        raise NoRoom from None
                    raise
                if self._stopped():
                    raise FetchError(f"{what}: another one has failed already")


def _also_verified(chunks: Iterator[bytes], resource: Resource, what: str) -> Iterator[bytes]:
    """The same contents for another entry, which may expect another digest."""
    from ignition_py.fetch.digest import verified

    expected = resource.verification.hash
    try:
        yield from chunks if expected is None else verified(chunks, expected, what=what)
    except FetchError as error:
        if error.place is None and resource._origin is not None:
            error.place = resource._origin.place()
        raise
