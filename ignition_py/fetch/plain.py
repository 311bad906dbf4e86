"""http without TLS, to the server itself: what configs and metadata services are asked for most, without loading `requests`.

Importing requests takes longer than any other part of a boot's fetching. What is not quite ordinary (TLS, proxies, low ports, names
that are not ASCII) is for by_requests.py: `place_of()` tells. Used by transport.py. Sources: RFC 9110, RFC 9112.
"""

from __future__ import annotations

import _socket  # as dial.py
import select
from _thread import allocate_lock
from time import monotonic

from ignition_py.fetch.answer import (
    BROKEN_OFF,
    CHUNK,
    CONNECT,
    IDLE,
    IN_THE_MIDDLE,
    LONGEST_LINE,
    MAX_INTERIM,
    NO_ANSWER,
    NO_CONNECTION,
    NOT_HTTP,
    TOO_SHORT,
    Answer,
    Broken,
    shortest,
)  # fmt: skip
from ignition_py.fetch.dial import connect
from ignition_py.fetch.question import authority

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ignition_py.fetch.answer import Guard
    from ignition_py.fetch.request import Request

    Headers = dict[str, str | bytes]
    Place = tuple[str, int]

KEPT = 20  # idle connections to one server; as many as are used side by side
MAX_HEADERS = 100
LONGEST = 2e6  # seconds, 23 days: the system counts milliseconds in 32 bits
_LINES = 1 << 12  # bytes that are received for a line: what comes behind it is copied with each line of a body in small chunks
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_ADDRESS = frozenset("0123456789abcdefABCDEF:.")
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_WITHOUT_BODY = (101, 204, 304)


def place_of(url: str) -> Place | None:
    """Host (an IPv6 address in brackets) and port of a bare URL; None where it is not for this module."""
    written = authority(url)
    host, colon, digits = written.rpartition(":")
    if written.endswith("]") or not colon:
        host, digits = written, "80"
    if not url.lower().startswith("http://") or not (digits.isascii() and digits.isdecimal() and 0 < int(digits[:6]) < 65536):
        return None
    if host.startswith("[") and host.endswith("]"):
        return (host, int(digits)) if ":" in host and set(host[1:-1]) <= _ADDRESS else None
    labels = host.split(".")
    good = len(host) < 254 and all(0 < len(label) < 64 and set(label) <= _LETTERS for label in labels)
    return (host, int(digits)) if good else None


class Plain:
    """Asks over connections of its own, which are kept for the next question; for any number of threads."""

    def __init__(self) -> None:
        self._kept: dict[Place, list[_socket.socket]] = {}
        self._lock = allocate_lock()

    def ask(self, request: Request, place: Place, target: str, headers: Headers, guard: Guard) -> Answer:
        """The answer's status and headers. Raises Broken."""
        sock = self._connection(place, guard)
        try:
            end = shortest(guard.limit, guard.left())
            sock.settimeout(end)
            sock.sendall(_question(request.method, target, headers, request.body))
            sock.settimeout(0)
            return _PlainAnswer(self, place, sock, guard, end, request.method)
        except OSError as error:
            sock.close()
            guard.expired = isinstance(error, TimeoutError)
            raise Broken(_reason(error, NO_ANSWER)) from None
        except BaseException:
            sock.close()
            raise

    def keep(self, place: Place, sock: _socket.socket) -> None:
        """The connection can be asked again."""
        with self._lock:
            kept = self._kept.setdefault(place, [])
            if len(kept) < KEPT:
                kept.append(sock)
                return
        sock.close()

    def _connection(self, place: Place, guard: Guard) -> _socket.socket:
        while True:
            with self._lock:
                kept = self._kept.get(place)
                sock = kept.pop() if kept else None
            if sock is None:
                break
            if not _readable(sock, 0):  # a server that has something to say unasked has closed it, or means somebody else
                return sock
            sock.close()
        host, port = place
        try:
            at_once = (_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            return connect(host, port, shortest(CONNECT, guard.limit) or CONNECT, [at_once], make=_socket.socket)
        except _socket.gaierror as error:
            raise Broken(f"the name {host} cannot be resolved ({error.strerror})") from None
        except OSError as error:
            raise Broken(_reason(error, NO_CONNECTION)) from None


def _readable(sock: _socket.socket, seconds: float | None) -> bool:
    """Waits until there is something to receive, or the end; without a time limit where `seconds` is None."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(None if seconds is None else min(seconds, LONGEST) * 1000))


def _reason(error: OSError, too_late: str) -> str:
    if isinstance(error, TimeoutError):
        return too_late
    return error.strerror or f"the connection failed ({type(error).__name__})"


def _question(method: str, target: str, headers: Headers, body: bytes) -> bytes:
    """The bytes of a question. Names and values have been looked at (question.py)."""
    lines = [f"{method} {target} HTTP/1.1".encode()]
    for name, value in headers.items():
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    if body or method not in ("GET", "HEAD"):
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class _PlainAnswer(Answer):
    """Reads the answer from its socket, with the clock in view. `seconds` are left for the headers."""

    def __init__(self, owner: Plain, place: Place, sock: _socket.socket, guard: Guard, seconds: float | None, method: str) -> None:
        self._owner, self._place = owner, place
        self._sock: _socket.socket | None = sock
        self._guard = guard
        self._ahead = b""  # what was received behind what has been read
        self._end = None if seconds is None else monotonic() + seconds
        self._idle: float | None = None
        for _ in range(MAX_INTERIM + 1):
            version, self.status = self._status()
            self.headers = self._headers()
            if self.status == 101 or self.status >= 200:
                break
        else:
            raise Broken(NOT_HTTP)
        self._reusable = version == b"HTTP/1.1" and "close" not in self.headers.get("connection", "").lower()
        self._reusable = self._reusable and self.status != 101
        self._bodiless = method == "HEAD" or self.status in _WITHOUT_BODY
        left = guard.left()
        self._end = None if left is None else monotonic() + left
        self._idle = IDLE

    def chunks(self) -> Iterator[bytes]:
        length = 0 if self._bodiless else self.length()
        coding = "" if self._bodiless else self.headers.get("transfer-encoding", "").strip().lower()
        if coding not in ("", "chunked"):
            raise Broken(NOT_HTTP)
        try:
            if coding:
                yield from self._chunked()
            elif length is not None:
                yield from self._exactly(length, TOO_SHORT)
            else:
                self._reusable = False
                while data := self._some(CHUNK):
                    yield data
        except OSError as error:
            if isinstance(error, TimeoutError) and self._end is not None and monotonic() >= self._end:
                self._guard.expired = True
            raise Broken(_reason(error, NO_ANSWER)) from None
        if self._reusable and not self._ahead and self._sock is not None:
            self._owner.keep(self._place, self._sock)
            self._sock = None

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _status(self) -> tuple[bytes, int]:
        line = self._line()
        version, _, rest = line.partition(b" ")
        digits = rest.strip()[:4].rstrip()
        if not version.startswith(b"HTTP/1.") or len(digits) != 3 or not digits.isdigit() or digits < b"100":
            raise Broken(NOT_HTTP)
        return version, int(digits)

    def _headers(self) -> dict[str, str]:
        """Those of one name are joined by commas (RFC 9110, section 5.3)."""
        found: dict[str, str] = {}
        name = ""
        for _ in range(MAX_HEADERS + 1):
            line = self._line()
            if not line:
                return found
            text = line.decode("latin-1")
            if text[0] in " \t" and name:  # a value that goes on (RFC 9112, section 5.2)
                found[name] += " " + text.strip()
                continue
            name, colon, value = text.partition(":")
            name = name.lower()
            if not colon or not name or name != name.strip():
                break
            found[name] = f"{found[name]}, {value.strip()}" if name in found else value.strip()
        raise Broken(NOT_HTTP)

    def _line(self, broken_off: str = BROKEN_OFF) -> bytes:
        """Without its end. Raises Broken where the connection ends before the line does."""
        while (at := self._ahead.find(b"\n")) < 0:
            if len(self._ahead) > LONGEST_LINE:
                raise Broken(NOT_HTTP)
            data = self._receive(_LINES)
            if not data:
                raise Broken(broken_off)
            self._ahead += data
        line, self._ahead = self._ahead[:at], self._ahead[at + 1 :]
        return line.removesuffix(b"\r")

    def _chunked(self) -> Iterator[bytes]:
        """RFC 9112, section 7.1."""
        while True:
            digits = self._line(IN_THE_MIDDLE).partition(b";")[0].strip()
            if not 0 < len(digits) <= 15 or not set(digits) <= _HEXADECIMAL:
                raise Broken(NOT_HTTP)
            size = int(digits, 16)
            if size == 0:
                break
            yield from self._exactly(size, IN_THE_MIDDLE)
            if self._line(IN_THE_MIDDLE):
                raise Broken(NOT_HTTP)
        for _ in range(MAX_HEADERS):  # trailers
            if not self._line(IN_THE_MIDDLE):
                return
        raise Broken(NOT_HTTP)

    def _exactly(self, size: int, cut_short: str) -> Iterator[bytes]:
        while size:
            data = self._some(min(size, CHUNK))
            if not data:
                raise Broken(cut_short)
            size -= len(data)
            yield data

    def _some(self, size: int) -> bytes:
        """What is there, at most `size` bytes; b"" where there is no more."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return self._receive(size)

    def _receive(self, size: int) -> bytes:
        """What is there: a socket with a time limit of its own would ask the system twice, each time with others in the way."""
        assert self._sock is not None
        while True:
            left = None if self._end is None else self._end - monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            try:
                return self._sock.recv(size)
            except BlockingIOError:
                if not _readable(self._sock, shortest(self._idle, left)):
                    raise TimeoutError from None
