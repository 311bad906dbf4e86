"""tftp: reads a file in lock step over UDP. Sources: RFC 1350; RFC 2347 and 2348 (larger blocks); RFC 1123 section 4.2.3.

The server answers from a port of its own choice, which counts from then on; packets from elsewhere are not listened to.
A packet that is lost, ours or theirs, is made up for by sending our last one again.
"""

from __future__ import annotations

import socket
from time import monotonic, sleep

from ignition_py.fetch.urls import public
from ignition_py.report.diag import FetchError
from ignition_py.spec.urls import UrlError, parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ignition_py.fetch.deadline import Deadline
    from ignition_py.fetch.request import Request

PORT = 69
BLOCK = 512  # bytes, where nothing else has been agreed on
LARGER_BLOCK = 1428  # bytes; with its headers it fits an Ethernet frame
WAIT, LONGEST_WAIT = 1.0, 5.0  # seconds for a response, doubling
RESOLVING = 60.0  # seconds for which a name may be unknown
FIRST_PAUSE = 0.1  # seconds before it is asked for again, doubling
TRIES = 8  # times that one packet is sent
_READ, _DATA, _ACK, _ERROR, _OPTIONS = 1, 3, 4, 5, 6
_NOT_FOUND, _NO_OPTIONS = 1, 8


class _RefusedOptions(Exception):  # the server wants to be asked again without them
    pass


def stream(request: Request) -> Iterator[bytes]:
    """The contents of the file. Raises FetchError."""
    where = f"{request.what}: {public(request.url)}"
    host, port, path = _parts(request.url, where)
    family, address = _resolved(request, host, port, where)
    request.log.info(f"reading {public(request.url)}")
    for block in (LARGER_BLOCK, BLOCK):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                yield from _Transfer(sock, address, where, request.deadline).read(path, block)
            except _RefusedOptions:
                continue
            except OSError as error:
                raise FetchError(f"{where}: {error.strerror}") from None
            return


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
        self._options = False  # have options been asked for, and not been answered yet?
        self._where = where
        self._deadline = deadline

    def read(self, path: str, block: int) -> Iterator[bytes]:
        """The contents. Raises FetchError, OSError, _RefusedOptions."""
        options = b"" if block == BLOCK else b"blksize\0%d\0" % block
        request = _READ.to_bytes(2) + path.encode() + b"\0octet\0" + options
        self._options = bool(options)
        kind, number, data = self._ask(request, (_DATA, _OPTIONS), 1)
        self._options = False
        size = BLOCK
        if kind == _OPTIONS:
            size = self._agreed(data, block)
            _, number, data = self._ask(_ack(0), (_DATA,), 1)
        while True:
            yield data
            if len(data) < size:
                self._sock.sendto(_ack(number), self._server)
                return
            _, number, data = self._ask(_ack(number), (_DATA,), (number + 1) & 0xFFFF)
            if len(data) > size:
                raise FetchError(f"{self._where}: the server sends larger blocks than it agreed to")

    def _ask(self, packet: bytes, wanted: tuple[int, ...], number: int) -> tuple[int, int, bytes]:
        """Sends `packet` until block `number`, or the options, come: kind, number, contents."""
        wait = WAIT
        for _ in range(TRIES):
            self._sock.sendto(packet, self._server)
            end = monotonic() + wait
            while (left := min(end, self._deadline.end or end) - monotonic()) > 0:
                packet_in = self._receive(left)
                if packet_in is None:
                    break
                kind, found, data = packet_in
                if kind == _ERROR:
                    self._refused(found, data)
                if kind in wanted and (kind == _OPTIONS or found == number):
                    return packet_in
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
        kind = int.from_bytes(packet[:2])
        if kind == _OPTIONS:
            return (kind, 0, packet[2:]) if self._options else (0, 0, b"")
        return kind, int.from_bytes(packet[2:4]), packet[4:]

    def _agreed(self, data: bytes, asked: int) -> int:
        """The block size that the server agrees to. Raises FetchError."""
        words = data.rstrip(b"\0").split(b"\0")
        options = {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=False)}
        size = options.get(b"blksize", b"%d" % BLOCK)
        if not size.isdigit() or len(size) > 5 or not 8 <= int(size) <= asked:
            raise FetchError(f"{self._where}: the server agrees to what was not asked for")
        return int(size)

    def _refused(self, code: int, data: bytes) -> None:
        if code == _NO_OPTIONS and self._options:
            raise _RefusedOptions
        if code == _NOT_FOUND:
            raise FetchError(f"{self._where} does not exist")
        text = data.partition(b"\0")[0][:200].decode("ascii", "replace")
        raise FetchError(f"{self._where}: the server refuses ({text or f'error {code}'})")


def _ack(number: int) -> bytes:
    return _ACK.to_bytes(2) + number.to_bytes(2)
