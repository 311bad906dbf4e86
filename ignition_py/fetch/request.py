"""One request, the settings of the config that it is made for, and what all requests of a fetcher share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ignition_py.record import KW_ONLY, Record, field
from ignition_py.report.diag import FetchError
from ignition_py.system.log import Log

if TYPE_CHECKING:
    from ignition_py.fetch.deadline import Deadline

T = TypeVar("T")
Headers: TypeAlias = "tuple[tuple[str, str], ...]"

RESPONSE_HEADERS = 10.0  # seconds until a response begins, where the config says nothing (Ignition specification)
CONNECTIONS = 6  # downloads side by side, and connections to one server: with 20 their threads take a seventh more CPU over https


class NotFound(FetchError):  # platforms take it for "there is no config"
    """The server says that the resource does not exist."""


class Refused(FetchError):
    """The response has another status. `date` is its Date header, "" for none."""

    def __init__(self, message: str, *, status: int, date: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.date = date


class TooSlow(FetchError):
    """The deadline passed."""


class Settings(Record):
    """How to fetch: time limits in seconds (0 is none), proxies, and certificate authorities beside the system's.

    `authorities` are bundles in PEM form. `trusted_time` is the image's setting (certificates.py), "" for none.
    """

    _: KW_ONLY
    response_headers: float = RESPONSE_HEADERS
    total: float = 0.0
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    authorities: tuple[bytes, ...] = ()
    trusted_time: str = ""

    def connections(self) -> Hashable:
        """What open connections depend on: requests for which it is equal share them."""
        return self.http_proxy, self.https_proxy, self.no_proxy, self.authorities, self.trusted_time


class Session:
    """What the requests of one fetcher share: the platform whose credentials may be asked for, and what was found out or
    opened once: tokens, regions, connections."""

    def __init__(self, platform: str = "") -> None:
        self.platform = platform
        self._entries: dict[Hashable, _Entry] = {}

    def once(self, name: Hashable, find: Callable[[], T]) -> T:
        """What `find` returned the first time. Threads that ask for the same name wait for it, no others."""
        entry = self._entries.get(name) or self._entries.setdefault(name, _Entry())
        with entry.lock:
            if not entry.found:
                entry.value, entry.found = find(), True
        return entry.value  # type: ignore[no-any-return]  # what `find` gave


class _Entry:
    def __init__(self) -> None:
        from threading import RLock  # stages that fetch nothing do not need it

        self.lock = RLock()
        self.found = False
        self.value: Any = None


class Request(Record):
    """What to fetch, and how. Built once for each fetch; a changed copy is made with `but()`.

    `what` begins a failure's sentence ("contents of /etc/motd"); `headers` are for http and https. `retry` lists statuses
    below 500 that are worth another attempt; `attempts` is how many there are at most, 0 for as many as the deadline allows.
    `body` is sent along. `low_port` asks from a port below 1024, as a server does that wants to know that root is asking.
    `stopped` returns True if the response is no longer needed. `sign` gives headers for one attempt, which are valid for some
    minutes. `room` is told the length that a server announces, in bytes, and may raise.
    """

    HIDDEN = ("url", "headers", "body", "settings")

    url: str
    _: KW_ONLY
    what: str
    settings: Settings
    deadline: Deadline
    log: Log
    headers: Headers = ()
    method: str = "GET"
    retry: tuple[int, ...] = ()
    attempts: int = 0
    body: bytes = b""
    low_port: bool = False
    stopped: Callable[[], bool] = bool
    sign: Callable[[], Headers] | None = None
    room: Callable[[int], None] | None = None
    session: Session = field(default_factory=Session)

    def info(self, text: str) -> None:
        """Logs, unless the response is no longer needed."""
        if not self.stopped():
            self.log.info(text)
