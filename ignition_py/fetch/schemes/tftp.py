"""tftp: reads a file in lock step over UDP, in blocks of 512 bytes as the reference does. Sources: RFC 1350; RFC 1123 section 4.2.3.

The server answers from a port of its own choice, which counts from then on; packets from elsewhere are not listened to.
A packet that is lost, ours or theirs, is made up for by sending our last one again.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

from ignition_py.fetch.deadline import Deadline
from ignition_py.fetch.request import Request
from ignition_py.fetch.urls import public
from ignition_py.report.diag import FetchError
from ignition_py.spec.urls import UrlError, parse_url

PORT = 69
BLOCK = 512  # bytes
WAIT, LONGEST_WAIT = 1.0, 5.0  # seconds for a response, doubling
RESOLVING = 60.0  # seconds for which a name may be unknown
FIRST_PAUSE = 0.1  # seconds before it is asked for again, doubling
TRIES = 8  # times that one packet is sent
_READ, _DATA, _ACK, _ERROR = 1, 3, 4, 5
_NOT_FOUND = 1


def stream(request: Request) -> Iterator[bytes]:
    """The contents of the file. Raises FetchError."""
    where = f"{request.what}: {public(request.url)}"
    host, port, path = _parts(request.url, where)
    family, address = _resolved(request, host, port, where)
    request.log.info(f"reading {public(request.url)}")
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            yield from _Transfer(sock, address, where, request.deadline).read(path)
        except OSError as error:
            raise FetchError(f"{where}: {error.strerror}") from None


def _resolved(request: Request, host: str, port: int, where: str) -> tuple[int, Any]:
    """Family and address of the server. A resolver that is not ready yet is asked again. Raises FetchError."""
    pause, end = FIRST_PAUSE, monotonic() + min(request.deadline.left() or RESOLVING, RESOLVING)
    while True:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            if monotonic() + pause > end or request.stopped():
                raise FetchError(f"{where}: the name {host} cannot be resolved ({error.strerror})") from None
            request.log.info(
                f"{where}: the name {host} cannot be resolved yet ({error.strerror}); trying again in {pause:g} s"
            )
            sleep(pause)
            pause = min(pause * 2, LONGEST_WAIT)
        else:
            return family, address


def _parts(url: str, where: str) -> tuple[str, int, str]:
    """Host, port and file name; the name begins with the slash of the URL, as the reference asks for it."""
    try:
        parsed = parse_url(url)
        host, colon, port = parsed.host.rpartition("@")[2].rpartition(":")
        if not colon or "]" in port:
            host, port = host + colon + port, ""
        number = int(port) if port else PORT
    except (UrlError, ValueError):
        raise FetchError(f"{where}: the URL cannot be used") from None
    if not 0 < number < 65536 or not host or "\0" in parsed.path:
        raise FetchError(f"{where}: the URL cannot be used")
    return host.strip("[]"), number, parsed.path


class _Transfer:
    """One file on one socket."""

    def __init__(self, sock: socket.socket, address: Any, where: str, deadline: Deadline) -> None:
        self._sock = sock
        self._server = address
        self._chosen = False  # has the server chosen its port?
        self._where = where
        self._deadline = deadline

    def read(self, path: str) -> Iterator[bytes]:
        """The contents. Raises FetchError, OSError."""
        packet, number = _READ.to_bytes(2) + path.encode() + b"\0octet\0", 1
        while True:
            data = self._ask(packet, number)
            if len(data) > BLOCK:
                raise FetchError(f"{self._where}: the server sends larger blocks than were asked for")
            yield data
            packet = _ACK.to_bytes(2) + number.to_bytes(2)
            if len(data) < BLOCK:
                self._sock.sendto(packet, self._server)
                return
            number = (number + 1) & 0xFFFF

    def _ask(self, packet: bytes, number: int) -> bytes:
        """Sends `packet` until block `number` comes; its contents."""
        wait = WAIT
        for _ in range(TRIES):
            self._sock.sendto(packet, self._server)
            end = monotonic() + wait
            while (left := min(end, self._deadline.end or end) - monotonic()) > 0:
                received = self._receive(left)
                if received is None:
                    break
                kind, found, data = received
                if kind == _ERROR:
                    self._refused(found, data)
                if kind == _DATA and found == number:
                    return data
            if self._deadline.over():
                raise FetchError(f"{self._where}: not complete in time", hint=self._deadline.hint)
            wait = min(wait * 2, LONGEST_WAIT)
        raise FetchError(
            f"{self._where}: the server does not respond", hint="Check that the network and the server are up"
        )

    def _receive(self, seconds: float) -> tuple[int, int, bytes] | None:
        """The next packet of the server: kind, number, rest; (0, 0, b"") for one of another sender; None for none."""
        self._sock.settimeout(seconds)
        try:
            packet, sender = self._sock.recvfrom(65536)
        except TimeoutError:
            return None
        if sender[0] != self._server[0] or (self._chosen and sender[1] != self._server[1]) or len(packet) < 2:
            return 0, 0, b""
        self._server, self._chosen = sender, True
        return int.from_bytes(packet[:2]), int.from_bytes(packet[2:4]), packet[4:]

    def _refused(self, code: int, data: bytes) -> None:
        if code == _NOT_FOUND:
            raise FetchError(f"{self._where} does not exist")
        text = data.partition(b"\0")[0][:200].decode("ascii", "replace")
        raise FetchError(f"{self._where}: the server refuses ({text or f'error {code}'})")
