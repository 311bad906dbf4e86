"""Connections to names with several addresses: tried at short intervals, not one after the other; the first that is made counts.

Used by plain.py and by_requests.py. A machine whose network has IPv6 addresses but no way out with them would else wait for each of them to
fail. Source: RFC 8305 (Happy Eyeballs), sections 4 and 5.

`_socket` is what `socket` is made of: the latter, and the codec that it takes for names in place of bytes, import twenty modules
between them, regular expressions and enumerations among them, in a boot that else has no use for those.
"""

from __future__ import annotations

import _socket
import os
from errno import EINPROGRESS
from select import POLLOUT, poll
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    Sock = TypeVar("Sock", bound=_socket.socket)

INTERVAL = 0.25  # seconds between attempts
LONGEST = 3600.0  # seconds of one wait, which the system counts in a small number of milliseconds


def connect(
    host: str, port: int, timeout: float, options: Sequence[Any] = (), source_port: int = 0, *, make: Callable[..., Sock]
) -> Sock:
    """A connection to one of the addresses of `host`, within `timeout` seconds; the socket, of the type `make`, keeps that time limit.

    `options` are those of setsockopt(). Raises gaierror for names without an address, TimeoutError, else the OSError of the
    last attempt.
    """
    name = host.strip("[]")
    rest = _interleaved(_socket.getaddrinfo(name.encode() if name.isascii() else name, port, type=_socket.SOCK_STREAM))
    if source_port:  # several attempts would take it from each other
        del rest[1:]
    end = monotonic() + timeout
    last: OSError | None = None
    begun = 0.0
    under_way: dict[int, Sock] = {}
    ready = poll()
    try:
        while rest or under_way:
            now = monotonic()
            if now >= end:
                raise TimeoutError("no connection in time")
            if rest and (not under_way or now >= begun + INTERVAL):
                begun = now
                try:
                    sock = _begin(rest.pop(0), options, source_port, make)
                except OSError as error:
                    last = error
                else:
                    under_way[sock.fileno()] = sock
                    ready.register(sock, POLLOUT)
                continue
            until = min(begun + INTERVAL, end) if rest else end
            for number, _ in ready.poll(min(until - now, LONGEST) * 1000):
                ready.unregister(number)
                made = under_way.pop(number)
                last = _failure(made)
                if last is None:
                    made.settimeout(timeout)
                    return made
    finally:
        for sock in under_way.values():
            sock.close()
    raise last or OSError("the name has no address")


def _interleaved(found: Sequence[Any]) -> list[Any]:
    """The resolver's answers with their families taking turns; each family's own order stays."""
    families: dict[int, list[Any]] = {}
    for answer in found:
        families.setdefault(answer[0], []).append(answer)
    longest = max(map(len, families.values()), default=0)
    return [answers[index] for index in range(longest) for answers in families.values() if index < len(answers)]


def _begin(answer: Any, options: Sequence[Any], source_port: int, make: Callable[..., Sock]) -> Sock:
    """Begins to connect. Raises OSError where that fails at once."""
    family, kind, protocol, _, address = answer
    sock = make(family, kind, protocol)
    try:
        for option in options:
            sock.setsockopt(*option)
        if source_port:
            sock.bind(("", source_port))
        sock.setblocking(False)
        number = sock.connect_ex(address)
        if number not in (0, EINPROGRESS):
            raise OSError(number, os.strerror(number))
    except BaseException:
        sock.close()
        raise
    return sock


def _failure(sock: _socket.socket) -> OSError | None:
    """How the attempt has ended; its socket is closed where it has failed."""
    number = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if number == 0:
        return None
    sock.close()
    return OSError(number, os.strerror(number))
