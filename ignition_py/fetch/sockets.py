"""Sockets with a deadline, and connections to names with several addresses.

The addresses of a name are tried at short intervals, not one after the other; the first connection counts. A machine whose
network has IPv6 addresses but no route for them would otherwise wait for each of them to fail. Source: RFC 8305 (Happy
Eyeballs), sections 4 and 5.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Sequence
from errno import EINPROGRESS
from select import POLLOUT, poll
from time import monotonic
from typing import Any

from ignition_py.system.waiting import Waiting

INTERVAL = 0.25  # seconds between attempts
LONGEST = 1e6  # seconds of one wait, which the system counts in milliseconds of 32 bits
# The other end is asked for a sign of life after 30 seconds of silence, as the reference does, and given up after five without one.
KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5),
)


def earliest(*moments: float | None) -> float | None:
    """The smallest of some time limits, or moments; 0 and None are none."""
    return min((moment for moment in moments if moment), default=None)


class Timed:
    """For a socket: a moment (time.monotonic()) by which everything has been received. Until then silence is waited out, and
    `waiting` tells the console of it.

    A socket's own timeout starts anew with every byte, so a server that drips would never meet it.
    """

    _end: float | None = None
    waiting: Waiting | None = None

    def limit(self, end: float | None) -> None:
        self._end, self.waiting = end, None
        self._set()

    def recv(self, *args: Any) -> bytes:
        data: bytes = self._received(super().recv, *args)  # type: ignore[misc]  # of the socket
        return data

    def recv_into(self, *args: Any) -> int:
        size: int = self._received(super().recv_into, *args)  # type: ignore[misc]  # of the socket
        return size

    def _received(self, receive: Callable[..., Any], *args: Any) -> Any:
        """Raises TimeoutError where the moment has passed, or the kernel has had no sign of life of the other end."""
        while True:
            self._set()
            try:
                return receive(*args)
            except TimeoutError as error:
                if error.errno is not None:
                    raise
                if self.waiting is not None:
                    self.waiting.tell()

    def _set(self) -> None:
        """Raises TimeoutError where the moment has passed."""
        left = None if self._end is None else self._end - monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        next_line = None if self.waiting is None else max(self.waiting.left(), 0.001)
        self.settimeout(earliest(left, next_line, LONGEST))  # type: ignore[attr-defined]  # of the socket


class TimedSocket(Timed, socket.socket):
    pass


class TimedTlsSocket(Timed, ssl.SSLSocket):
    pass


def connect(host: str, port: int, timeout: float, options: Sequence[Any] = (), source_port: int = 0) -> TimedSocket:
    """A connection to one of the addresses of `host`, within `timeout` seconds. `options` are those of setsockopt().

    Raises gaierror for names without an address, UnicodeError for what is no name, TimeoutError, else the OSError of the
    last attempt.
    """
    addresses = _interleaved(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
    if source_port:  # several attempts would take it from each other
        del addresses[1:]
    end = monotonic() + timeout
    last: OSError | None = None
    begun = 0.0
    under_way: dict[int, TimedSocket] = {}
    ready = poll()
    try:
        while addresses or under_way:
            now = monotonic()
            if now >= end:
                raise TimeoutError("no connection in time")
            if addresses and (not under_way or now >= begun + INTERVAL):
                begun = now
                try:
                    sock = _begin(addresses.pop(0), options, source_port)
                except OSError as error:
                    last = error
                else:
                    under_way[sock.fileno()] = sock
                    ready.register(sock, POLLOUT)
                continue
            until = min(begun + INTERVAL, end) if addresses else end
            for number, _ in ready.poll(min(until - now, LONGEST) * 1000):
                ready.unregister(number)
                connected = under_way.pop(number)
                last = _failure(connected)
                if last is None:
                    return connected
    finally:
        for sock in under_way.values():
            sock.close()
    raise last or OSError("the name has no address")


def _interleaved(found: Sequence[Any]) -> list[Any]:
    """The resolver's addresses with their families taking turns; each family's own order stays."""
    families: dict[int, list[Any]] = {}
    for address in found:
        families.setdefault(address[0], []).append(address)
    longest = max(map(len, families.values()), default=0)
    return [addresses[index] for index in range(longest) for addresses in families.values() if index < len(addresses)]


def _begin(address: Any, options: Sequence[Any], source_port: int) -> TimedSocket:
    """Begins to connect. Raises OSError where that fails at once."""
    family, kind, protocol, _, target = address
    sock = TimedSocket(family, kind, protocol)
    try:
        for option in (*KEEP_ALIVE, *options):
            sock.setsockopt(*option)
        if source_port:
            sock.bind(("", source_port))
        sock.setblocking(False)
        number = sock.connect_ex(target)
        if number not in (0, EINPROGRESS):
            raise OSError(number, os.strerror(number))
    except BaseException:
        sock.close()
        raise
    return sock


def _failure(sock: TimedSocket) -> OSError | None:
    """How the attempt has ended; its socket is closed where it has failed."""
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number == 0:
        return None
    sock.close()
    return OSError(number, os.strerror(number))
