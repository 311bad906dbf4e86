"""Fetches resources of a config: scheme by scheme, decompressed, verified, bounded.

    Fetcher.open(resource) -> chunks     spool.py, where gather.py has put it; otherwise
                                         scheme (data_url.py, http.py, …) -> gunzip.py -> digest.py -> limit

Stages stream with `open()`; configs and keys, which are needed whole, come with `read()`; providers ask with `get()`.
Behaviour (time limits, defaults, who inherits what): the Ignition specification and the reference, measured.
"""

from __future__ import annotations

from ignition_py import module
from ignition_py.fetch.request import RESPONSE_HEADERS, Identity, Request, Settings
from ignition_py.fetch.url import needs_network, public, scheme_of
from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from ignition_py.fetch.ahead import Ahead
    from ignition_py.fetch.spool import Span, Spool
    from ignition_py.spec.tables import Ignition, Resource
    from ignition_py.system.log import Log

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
LONGEST = 10**7  # seconds; what is longer does not fit the kernel's clocks
MEMORY_LIMIT = 256 << 20  # bytes of what is kept in memory: configs, keys, certificate authorities
STREAM_LIMIT = 1 << 40  # bytes of what goes to a file


class NeedNetwork(FetchError):  # a finding; fetch-offline acts on it
    """The resource needs the network, and this run has to do without it."""


class Content:
    """`with fetcher.open(…) as chunks: for chunk in chunks: …`; connections are closed at the end, however it ends."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __enter__(self) -> Iterator[bytes]:
        return self._chunks

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


class Fetcher:
    """The door. `offline` refuses everything that needs the network with NeedNetwork.

    `platform` says whose credentials may be asked for. `spool` is the folder of what was fetched ahead, "" for none.
    `trusted_time` is the image's setting for certificates (trusted_time.py).
    """

    def __init__(
        self, log: Log, *, offline: bool = False, platform: str = "", spool: str = "", trusted_time: str = ""
    ) -> None:
        self.offline = offline
        self.spool = spool
        self.settings = Settings(trusted_time=trusted_time)
        self._log = log
        self._authorities: dict[str, bytes] = {}
        self._identity = Identity(platform)
        self._opened: Spool | None = None

    def limit(self, seconds: float) -> None:
        """Settings for the time before there is a config: `seconds` for each fetch with its retries, 0 is no limit."""
        total = min(max(seconds, 0.001), LONGEST) if seconds else 0.0
        self.settings = Settings(total=total, trusted_time=self.settings.trusted_time)

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
        settings = Settings(
            response_headers=RESPONSE_HEADERS if header is None else float(min(max(header, 0), LONGEST)),
            total=float(min(total or 0, LONGEST)),
            http_proxy=proxy.http_proxy or "",
            https_proxy=proxy.https_proxy or "",
            no_proxy=proxy.no_proxy,
            authorities=bundles,
            trusted_time=self.settings.trusted_time,
        )
        if not settings.same(self.settings):  # the same settings keep their connections
            self.settings = settings

    def authority(self, resource: Resource, *, check: bool = True) -> bytes:
        """A bundle of certificate authorities, fetched once. Raises FetchError."""
        source = resource.source or ""
        if source not in self._authorities:
            bundle = self.read(resource, what="certificate authority")
            if check:
                from ignition_py.fetch.authorities import certificates

                certificates(bundle, what=f"certificate authority from {public(source)}")
            self._authorities[source] = bundle
        return self._authorities[source]

    def open(self, resource: Resource, *, what: str, limit: int = STREAM_LIMIT) -> Content:
        """The contents of a resource as a stream. A resource without a source is empty.

        `what` begins the sentence of a failure ("contents of /etc/motd"). Iterating raises FetchError; the digest has
        been checked when the stream has ended without one.
        """
        kept = self._kept(resource)
        if kept is not None:
            spool, name = kept
            return Content(_bounded(spool.read(name), limit, what))
        return self.stream(resource, what=what, limit=limit)

    def pieces(self, resource: Resource, *, what: str) -> Iterator[bytes | Span]:
        """As `open()`, for who writes it to a file: what was fetched ahead comes in one piece."""
        kept = self._kept(resource)
        if kept is not None:
            spool, name = kept
            yield from spool.whole(name)
            return
        with self.stream(resource, what=what) as chunks:
            yield from chunks

    def read(self, resource: Resource, *, what: str, limit: int = MEMORY_LIMIT) -> bytes:
        """The contents of a resource, at most `limit` bytes. Raises FetchError."""
        with self.open(resource, what=what, limit=limit) as chunks:
            return b"".join(chunks)

    def get(
        self,
        url: str,
        *,
        what: str,
        headers: tuple[tuple[str, str], ...] = (),
        retry: tuple[int, ...] = (),
        method: str = "GET",
        limit: int = MEMORY_LIMIT,
        body: bytes = b"",
        low_port: bool = False,
        stopped: Callable[[], bool] | None = None,
    ) -> bytes:
        """What is at `url`, for providers; see Request for what can be asked. Raises NotFound (404), other FetchError."""
        request = Request(
            url,
            what=what,
            settings=self.settings,
            log=self._log,
            headers=headers,
            method=method,
            retry=retry,
            body=body,
            low_port=low_port,
            stopped=stopped,
            identity=self._identity,
        )
        with Content(_bounded(self._scheme(request), limit, what)) as chunks:
            return b"".join(chunks)

    def ahead(self, resources: Sequence[Resource], *, what: str) -> Ahead | None:
        """Begins to fetch several that are needed whole, one after the other; None where that gains nothing."""
        remote = {resource.source for resource in resources if needs_network(resource.source or "")}
        if self.offline or len(remote) < 2:
            return None
        from ignition_py.fetch.ahead import Ahead

        return Ahead(self, resources, what)

    def stream(
        self,
        resource: Resource,
        *,
        what: str,
        limit: int = STREAM_LIMIT,
        settings: Settings | None = None,
        stopped: Callable[[], bool] | None = None,
        room: Callable[[int], None] | None = None,
    ) -> Content:
        """As `open()`, from the source itself. For `stopped` and `room` see Request."""
        return Content(self._stream(resource, what, limit, settings or self.settings, stopped, room))

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

    def _stream(
        self,
        resource: Resource,
        what: str,
        limit: int,
        settings: Settings,
        stopped: Callable[[], bool] | None,
        room: Callable[[int], None] | None,
    ) -> Iterator[bytes]:
        """Scheme, decompression, verification, limit: a chain of generators."""
        try:
            yield from self._chain(resource, what, limit, settings, stopped, room)
        except FetchError as error:  # only a failure pays for finding the place
            error.place = error.place or (resource._origin.place() if resource._origin is not None else None)
            raise

    def _chain(
        self,
        resource: Resource,
        what: str,
        limit: int,
        settings: Settings,
        stopped: Callable[[], bool] | None,
        room: Callable[[int], None] | None,
    ) -> Iterator[bytes]:
        request = Request(
            resource.source or "",
            what=what,
            settings=settings,
            log=self._log,
            headers=_headers(resource, what),
            stopped=stopped,
            room=room,
            identity=self._identity,
        )
        expected = resource.verification.hash
        chunks = self._scheme(request)
        if self._log.recorder is not None and needs_network(request.url):
            chunks = self._log.recorder.watched(chunks, what, public(request.url))
        if resource.compression == "gzip" and request.url:
            from ignition_py.fetch.gunzip import gunzip

            chunks = gunzip(chunks, what=what, trusted=expected is not None)
        elif resource.compression not in (None, "", "gzip"):
            raise FetchError(f"{what}: there is no compression {resource.compression!r}")
        if expected is not None:
            from ignition_py.fetch.digest import verified

            chunks = verified(chunks, expected, what=what)
        yield from _bounded(chunks, limit, what)

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
            raise FetchError(f"{request.what}: there is no way to fetch {public(url)}")
        if scheme == "https" and self._identity.platform == "azure" and AZURE_BLOBS in url:
            name = "schemes.azure_blob"
        chunks: Iterator[bytes] = module(f"ignition_py.fetch.{name}").stream(request)
        return chunks


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
