"""What the fetcher hands to a scheme's file: one request, the settings of the config that asks for it, and who we are."""

from __future__ import annotations

from _thread import RLock

from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from ignition_py.fetch.transport import Transport
    from ignition_py.system.log import Log

    Headers = tuple[tuple[str, str], ...]

CONNECTIONS = 20  # downloads side by side, and connections that are kept to one server
RESPONSE_HEADERS = 10.0  # seconds until an answer begins, where the config says nothing (Ignition specification)


class NotFound(FetchError):  # a finding; platforms take it for "there is no config"
    """The server is there and says that the resource is not."""


class Refused(FetchError):
    """The server's answer is no contents. `status` is its status, `date` what it takes for the time ("" if it does not say)."""

    def __init__(self, message: str, *, status: int, date: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.date = date


class TooSlow(FetchError):
    """The time limit of the config was over first."""


class Settings:
    """How to fetch: time limits in seconds (0 is none), proxies, and certificate authorities beside the system's.

    `authorities` are bundles in PEM form. `trusted_time` is the image's setting (trusted_time.py), "" for none. `transport`
    is what http.py keeps for these settings: its open connections.
    """

    __slots__ = (
        "authorities", "http_proxy", "https_proxy", "no_proxy", "response_headers", "total", "transport", "trusted_time",
    )  # fmt: skip

    def __init__(
        self,
        *,
        response_headers: float = RESPONSE_HEADERS,
        total: float = 0.0,
        http_proxy: str = "",
        https_proxy: str = "",
        no_proxy: tuple[str, ...] = (),
        authorities: tuple[bytes, ...] = (),
        trusted_time: str = "",
    ) -> None:
        self.response_headers = response_headers
        self.total = total
        self.http_proxy = http_proxy
        self.https_proxy = https_proxy
        self.no_proxy = no_proxy
        self.authorities = authorities
        self.trusted_time = trusted_time
        self.transport: Transport | None = None

    def proxies(self) -> tuple[object, ...]:
        return self.http_proxy, self.https_proxy, self.no_proxy

    def same(self, other: Settings) -> bool:
        """Do both say the same? Connections do not count."""
        mine, theirs = ((one.response_headers, one.total, one.authorities) for one in (self, other))
        return mine == theirs and self.proxies() == other.proxies()


class Identity:
    """Who this machine is to a cloud: the platform that the image names, and what was found out about it on the way.

    Asked by several threads: `once()` finds a thing out one time.
    """

    __slots__ = ("_known", "_lock", "platform")

    def __init__(self, platform: str = "") -> None:
        self.platform = platform
        self._known: dict[str, Any] = {}
        self._lock = RLock()

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        with self._lock:
            if name not in self._known:
                self._known[name] = find()
            return self._known[name]


class Request:
    """One thing to fetch. `what` begins a failure's sentence ("contents of /etc/motd"); headers are for http and https.

    `retry` lists statuses below 500 that are worth another try. `body` is sent along. `low_port` asks from a port below
    1024, as a server does that wants to know that root is asking. `stopped` says that the answer is no longer wanted.
    `sign` gives headers for one attempt, which hold for some minutes only. `room` is told the length that a server
    announces, in bytes, and may raise.
    """

    __slots__ = (
        "body", "headers", "identity", "log", "low_port", "method", "retry", "room", "settings", "sign", "stopped", "url", "what",
    )  # fmt: skip

    def __init__(
        self,
        url: str,
        *,
        what: str,
        settings: Settings,
        log: Log,
        headers: Headers = (),
        method: str = "GET",
        retry: tuple[int, ...] = (),
        body: bytes = b"",
        low_port: bool = False,
        stopped: Callable[[], bool] | None = None,
        sign: Callable[[], Headers] | None = None,
        room: Callable[[int], None] | None = None,
        identity: Identity | None = None,
    ) -> None:
        self.url = url
        self.what = what
        self.settings = settings
        self.log = log
        self.headers = headers
        self.method = method
        self.retry = retry
        self.body = body
        self.low_port = low_port
        self.stopped = stopped
        self.sign = sign
        self.room = room
        self.identity = identity or Identity()

    def but(self, url: str, **changes: object) -> Self:
        """The same request for another URL."""
        new = self.__class__.__new__(self.__class__)
        for name in self.__slots__:
            setattr(new, name, changes.get(name, getattr(self, name)))
        new.url = url
        return new
