"""Fetches resources of a config: scheme by scheme, decompressed, verified, bounded.

    Fetcher.content(resource) -> Content    from spool.py, where gather.py has put it; otherwise
                                            scheme (schemes/, http.py) -> gunzip.py -> digest.py -> limit

A Content is read into memory, as configs and keys are, or written to a file. Providers ask with `get()`. Behaviour (time
limits, defaults, who inherits what): the Ignition specification and the reference, measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ignition_py import module
from ignition_py.fetch.deadline import CONFIG_LIMIT, Deadline, attempts, collected
from ignition_py.fetch.request import RESPONSE_HEADERS, Request, Session, Settings
from ignition_py.fetch.urls import needs_network, public, scheme_of
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Ignition, Resource
from ignition_py.system.host import write_all
from ignition_py.system.log import Log

if TYPE_CHECKING:
    from ignition_py.fetch.spool import Spool

SCHEMES = {
    "data": "schemes.data",
    "http": "http",
    "https": "http",
    "tftp": "schemes.tftp",
    "s3": "schemes.s3",
    "arn": "schemes.s3",
    "gs": "schemes.gs",
    "oem": "schemes.oem",
}
AZURE_BLOBS = ".blob.core.windows.net"
LONGEST = 10**6  # seconds; what is longer does not fit the kernel's clocks
MEMORY_LIMIT = 256 << 20  # bytes of what is kept in memory: configs, keys, certificate authorities
STREAM_LIMIT = 1 << 40  # bytes of what goes to a file
CALLERS_LIMIT = "See `--fetch-timeout`"  # what to do where the caller's limit was too short


class NeedNetwork(FetchError):  # a finding; fetch-offline acts on it
    """The resource needs the network, and this run has to do without it."""


class Content:
    """What a resource consists of; each call fetches it, or takes it from the spool. All raise FetchError."""

    def __init__(
        self, chunks: Callable[[int, Callable[[], None]], Iterator[bytes]], kept: tuple[Spool, str] | None
    ) -> None:
        self._chunks = chunks
        self._kept = kept

    def chunks(self, restart: Callable[[], None], limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """The contents as they come, verified at their end. `restart()` throws away what came before: the download broke off
        and begins again."""
        return self._chunks(limit, restart)

    def read(self, limit: int = MEMORY_LIMIT) -> bytes:
        """All of it, at most `limit` bytes."""
        data = bytearray()
        for chunk in self._chunks(limit, data.clear):
            data += chunk
        return bytes(data)

    def write_to(self, fd: int, grown: Callable[[int], None] | None = None) -> int:
        """Writes it to a file, from the descriptor's position on; its size. `grown` is told the size before each write, and
        may raise. Raises OSError too."""
        if self._kept is not None:
            spool, name = self._kept
            return spool.copy(name, fd)
        start, size = os.lseek(fd, 0, os.SEEK_CUR), 0

        def restart() -> None:
            nonlocal size
            os.ftruncate(fd, start)
            os.lseek(fd, start, os.SEEK_SET)
            size = 0

        for chunk in self._chunks(STREAM_LIMIT, restart):
            size += len(chunk)
            if grown is not None:
                grown(size)
            write_all(fd, chunk)
        return size


class Fetcher:
    """The door to the network. `offline` refuses everything that needs it with NeedNetwork.

    `platform` says whose credentials may be asked for. `spool` is the folder of what was fetched ahead, "" for none.
    `trusted_time` is the image's setting for certificates (certificates.py). Time limits are in seconds for each fetch with all of
    its attempts, 0 for none: `first_limit` until a config sets its own, `limit` whatever a config says.
    """

    def __init__(
        self,
        log: Log,
        *,
        offline: bool = False,
        platform: str = "",
        spool: str = "",
        trusted_time: str = "",
        first_limit: float = 0.0,
        limit: float = 0.0,
    ) -> None:
        self.offline = offline
        self.spool = spool
        self.settings = Settings(trusted_time=trusted_time)
        self._log = log
        self._first_limit = _bounded_time(first_limit)
        self._limit = _bounded_time(limit)
        self._authorities: dict[str, bytes] = {}
        self._session = Session(platform)
        self._opened: Spool | None = None

    def configure(self, ignition: Ignition, *, check: bool = True) -> None:
        """Takes time limits, proxies and certificate authorities from a config; the latter are fetched now.

        A config that names no certificate authorities keeps those of before. `check` says whether they are looked at
        now, which loads TLS, or when they are used. Raises FetchError.
        """
        timeouts, proxy = ignition.timeouts, ignition.proxy
        header, total = timeouts.http_response_headers, timeouts.http_total
        named = ignition.security.tls.certificate_authorities
        bundles = (
            tuple(self.authority(resource, check=check) for resource in named) if named else self.settings.authorities
        )
        self._first_limit = 0.0
        self.settings = Settings(
            response_headers=RESPONSE_HEADERS if header is None else float(min(max(header, 0), LONGEST)),
            total=float(min(total or 0, LONGEST)),
            http_proxy=proxy.http_proxy or "",
            https_proxy=proxy.https_proxy or "",
            no_proxy=proxy.no_proxy,
            authorities=bundles,
            trusted_time=self.settings.trusted_time,
        )

    def authority(self, resource: Resource, *, check: bool = True) -> bytes:
        """A bundle of certificate authorities, fetched once. Raises FetchError."""
        source = resource.source or ""
        if source not in self._authorities:
            bundle = self.read(resource, what="certificate authority")
            if check:
                from ignition_py.fetch.certificates import certificates

                certificates(bundle, what=f"certificate authority from {public(source)}")
            self._authorities[source] = bundle
        return self._authorities[source]

    def content(self, resource: Resource, *, what: str) -> Content:
        """The contents of a resource; without a source they are empty. `what` begins the sentence of a failure ("contents of
        /etc/motd")."""
        kept = self._kept(resource)
        if kept is None:
            return self.remote(resource, what=what)
        spool, name = kept
        return Content(lambda limit, _: _bounded(spool.read(name), limit, what), kept)

    def read(self, resource: Resource, *, what: str, limit: int = MEMORY_LIMIT) -> bytes:
        """The contents of a resource, at most `limit` bytes. Raises FetchError."""
        return self.content(resource, what=what).read(limit)

    def remote(
        self,
        resource: Resource,
        *,
        what: str,
        settings: Settings | None = None,
        stopped: Callable[[], bool] = bool,
        room: Callable[[int], None] | None = None,
    ) -> Content:
        """As `content()`, from the source itself. For `stopped` and `room` see Request."""
        used = settings or self.settings

        def chunks(limit: int, restart: Callable[[], None]) -> Iterator[bytes]:
            try:
                request = self._request(
                    resource.source or "",
                    what=what,
                    settings=used,
                    headers=_headers(resource, what),
                    stopped=stopped,
                    room=room,
                )
                yield from attempts(request, lambda: self._chain(request, resource, limit), restart)
            except FetchError as error:  # only a failure pays for finding the place
                error.place = error.place or resource.place()
                raise

        return Content(chunks, None)

    def get(self, url: str, *, what: str, limit: int = MEMORY_LIMIT, seconds: float = 0.0, **options: Any) -> bytes:
        """What is at `url`, for providers, at most `limit` bytes, within `seconds` (0: no limit of its own); see Request for the
        options. Raises NotFound (404), other FetchError."""
        request = self._request(url, what=what, settings=self.settings, seconds=seconds, **options)
        return collected(request, lambda: self._scheme(request), limit)

    def _request(self, url: str, *, what: str, settings: Settings, seconds: float = 0.0, **options: Any) -> Request:
        deadline = Deadline(
            (settings.total, CONFIG_LIMIT),
            (self._first_limit, CALLERS_LIMIT),
            (self._limit, CALLERS_LIMIT),
            (seconds, ""),
        )
        return Request(
            url, what=what, settings=settings, deadline=deadline, log=self._log, session=self._session, **options
        )

    def _kept(self, resource: Resource) -> tuple[Spool, str] | None:
        """The spool, and the name there, of what was fetched ahead; None where it was not."""
        if not self.spool or not needs_network(resource.source or ""):
            return None
        from ignition_py.fetch.spool import Spool, name_of

        if self._opened is None:
            try:
                self._opened = Spool(self.spool)
            except OSError:  # nothing has been gathered yet
                return None
        name = name_of(resource)
        return (self._opened, name) if self._opened.has(name) else None

    def _chain(self, request: Request, resource: Resource, limit: int) -> Iterator[bytes]:
        """Scheme, decompression, verification, limit: a chain of generators."""
        what, expected = request.what, resource.verification.hash
        chunks = self._scheme(request)
        if self._log.recorder is not None and needs_network(request.url):
            chunks = self._log.recorder.watched(chunks, what, public(request.url))
        if resource.compression == "gzip" and request.url:
            from ignition_py.fetch.gunzip import gunzip

            chunks = gunzip(chunks, what=what, trusted=expected is not None)
        elif resource.compression not in (None, "", "gzip"):
            raise FetchError(f"{what}: there is no compression {resource.compression!r}; use gzip, or none")
        if expected is not None:
            from ignition_py.fetch.digest import verified

            chunks = verified(chunks, expected, what=what)
        return _bounded(chunks, limit, what)

    def _scheme(self, request: Request) -> Iterator[bytes]:
        """The raw contents from the file of the URL's scheme."""
        url = request.url
        if not url:
            return iter(())
        if self.offline and needs_network(url):
            raise NeedNetwork(f"{request.what}: {public(url)} needs the network")
        scheme = scheme_of(url)
        if scheme == "data":  # in every config, so without the import machinery
            from ignition_py.fetch.schemes import data as data_url

            return data_url.stream(request)
        name = SCHEMES.get(scheme)
        if name is None:
            raise FetchError(
                f"{request.what}: {public(url)} has a scheme that cannot be fetched; use one of {', '.join(SCHEMES)}"
            )
        if scheme == "https" and self._session.platform == "azure" and AZURE_BLOBS in url:
            name = "schemes.azure_blob"
        try:
            scheme_module = module(f"ignition_py.fetch.{name}")
        except ModuleNotFoundError as error:  # an installation of the compiler alone
            raise FetchError(
                f"{request.what}: {scheme}:// takes the Python package {error.name}, which is not installed",
                hint="Install what the executor needs: pip install 'ignition-py[executor]', or '.[executor]' in a clone",
            ) from None
        chunks: Iterator[bytes] = scheme_module.stream(request)
        return chunks


def _bounded_time(seconds: float) -> float:
    return min(max(seconds, 0.001), LONGEST) if seconds else 0.0


def _headers(resource: Resource, what: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for header in resource.http_headers:
        if not header.name or not header.value:
            raise FetchError(f"{what}: an HTTP header has no {'value' if header.name else 'name'}")
        headers.append((header.name, header.value))
    return tuple(headers)


def _bounded(chunks: Iterable[bytes], limit: int, what: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise FetchError(f"{what}: the contents are larger than {limit} bytes")
        yield chunk
