"""Connections to names with several addresses: tried at short intervals, not one after the other; the first that is made counts.

Used by transport.py. A machine whose network has IPv6 addresses but no way out with them would else wait for each of them to
fail. Source: RFC 8305 (Happy Eyeballs), sections 4 and 5.
"""

from __future__ import annotations

import os
import selectors
import socket
from errno import EINPROGRESS
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

INTERVAL = 0.25  # seconds between attempts


def connect(host: str, port: int, timeout: float, options: Sequence[Any] = (), source_port: int = 0) -> socket.socket:
    """A connection to one of the addresses of `host`, within `timeout` seconds; the socket keeps that time limit.

    `options` are those of setsockopt(). Raises socket.gaierror for names without an address, TimeoutError, else the
    OSError of the last attempt.
    """
    rest = _interleaved(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
    if source_port:  # several attempts would take it from each other
        del rest[1:]
    end = monotonic() + timeout
    last: OSError | None = None
    begun = 0.0
    with selectors.DefaultSelector() as under_way:
        try:
            while rest or under_way.get_map():
                now = monotonic()
                if now >= end:
                    raise TimeoutError("no connection in time")
                if rest and (not under_way.get_map() or now >= begun + INTERVAL):
                    begun = now
                    try:
                        sock = _begin(rest.pop(0), options, source_port)
                        under_way.register(sock, selectors.EVENT_WRITE, sock)
                    except OSError as error:
                        last = error
                    continue
                for key, _ in under_way.select((min(begun + INTERVAL, end) if rest else end) - now):
                    under_way.unregister(key.fileobj)
                    last = _failure(key.data)
                    if last is None:
                        made: socket.socket = key.data
                        made.settimeout(timeout)
                        return made
        finally:
            for key in list(under_way.get_map().values()):
                key.data.close()
    raise last or OSError("the name has no address")


def _interleaved(found: Sequence[Any]) -> list[Any]:
    """The resolver's answers with their families taking turns; each family's own order stays."""
    families: dict[int, list[Any]] = {}
    for answer in found:
        families.setdefault(answer[0], []).append(answer)
    longest = max(map(len, families.values()), default=0)
    return [answers[index] for index in range(longest) for answers in families.values() if index < len(answers)]


def _begin(answer: Any, options: Sequence[Any], source_port: int) -> socket.socket:
    """Begins to connect. Raises OSError where that fails at once."""
    family, kind, protocol, _, address = answer
    sock = socket.socket(family, kind, protocol)
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


def _failure(sock: socket.socket) -> OSError | None:
    """How the attempt has ended; its socket is closed where it has failed."""
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number == 0:
        return None
    sock.close()
    return OSError(number, os.strerror(number))
