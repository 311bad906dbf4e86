"""What a question over http comes to: an answer, or one of two errors; and the clock over the question.

Made by plain.py and by_requests.py, chosen between by transport.py, used by http.py.
"""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Iterator, Mapping

IDLE = 60.0  # seconds without a byte of the body
CONNECT = 30.0  # seconds, as the reference
MAX_INTERIM = 5
LONGEST_LINE = 1 << 16  # bytes
CHUNK = 1 << 16  # bytes
NOT_HTTP = "the answer is not HTTP"
BROKEN_OFF = "the connection was closed without an answer"
TOO_SHORT = "it is shorter than announced"
IN_THE_MIDDLE = "it ends in the middle"
NO_CONNECTION = "no connection in time"
NO_ANSWER = "no answer in time"


class Broken(Exception):
    """The connection broke, or what came is no answer. `reason` is a phrase that shows nothing of URLs, headers or bodies."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unusable(Exception):
    """The URL, a header or the proxy is such that nobody can be asked."""


class Answer:
    """Status and headers (names in lower case); the body is read by iterating over `chunks()`, once."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> Iterator[bytes]:
        """The body as it came, at most CHUNK bytes at a time. Raises Broken."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives the connection up, unless the body has been read to its end."""
        raise NotImplementedError

    def length(self) -> int | None:
        """Content-Length, None where there is none or it does not count. Raises Broken where it is no length."""
        if "transfer-encoding" in self.headers:
            return None
        lengths = {text.strip() for text in self.headers.get("content-length", "").split(",")}
        if lengths == {""}:
            return None
        (length, *others) = lengths
        if others or not (length.isascii() and length.isdecimal()) or len(length) > 18:
            raise Broken(NOT_HTTP)
        return int(length)


class Guard:
    """The clock over one question: `limit` seconds for an answer, and a moment by which everything has to be there.

    Time limits of a socket start anew with every byte, so a server that drips would never meet them. plain.py looks at the
    clock before it waits; what by_requests.py waits for is not in our hands, so a timer shuts the connection down.
    """

    def __init__(self, headers: float, total: float | None) -> None:
        self.limit = shortest(headers, total)
        self.expired = False
        self._end = None if total is None else monotonic() + total
        self._sock: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def watch(self, sock: socket.socket | None) -> None:
        """A question has been sent on `sock`, which is to be shut down in time."""
        self._sock = sock
        self._start(shortest(self.limit, self.left()))

    def answered(self) -> None:
        """The headers are there, the body follows."""
        self._start(self.left())
        if self._sock is not None:
            self._sock.settimeout(IDLE)

    def done(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def left(self) -> float | None:
        """Seconds left for everything, at least 1 ms; None for no limit."""
        return None if self._end is None else max(self._end - monotonic(), 0.001)

    def _start(self, seconds: float | None) -> None:
        self.done()
        if seconds is not None:
            from threading import Timer

            self._timer = Timer(seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        import socket

        self.expired = True
        if self._sock is not None:
            try:
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already


def shortest(*limits: float | None) -> float | None:
    """The shortest of some time limits; 0 and None are none."""
    return min((limit for limit in limits if limit), default=None)
