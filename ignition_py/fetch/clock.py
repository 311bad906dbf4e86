"""A certificate that is refused for its dates: is it the certificate that is wrong, or the clock of this machine?

Used by `trouble.py` for a sentence, never for a decision (that is `trusted_time.py`): the server is asked for its certificate
once more, without trust, and nothing else is said to it. Source: RFC 5280, section 4.1 (validity); X.690 for the encoding.
"""

from __future__ import annotations

import calendar
import os
import socket
import ssl
import time

PATIENCE = 2.0  # seconds
_seen: dict[tuple[str, int], tuple[int, int] | None] = {}


def about_dates(host: str, port: int) -> str:
    """A sentence's end about the dates of the server's certificate and the time here. Asks a server once in a process."""
    now = time.time()
    if (host, port) not in _seen:
        _seen[host, port] = _ask(host, port)
    here = f"the clock of this machine says {day(now)} {time.strftime('%H:%M', time.gmtime(now))} UTC"
    validity = _seen[host, port]
    if validity is not None and now < validity[0]:
        return f"it is valid from {day(validity[0])} to {day(validity[1])}, but {here}: the clock is wrong"
    if now < os.stat(__file__).st_mtime:
        return f"{here}, which is before this program was made: the clock is wrong"
    if validity is not None and now > validity[1]:
        return f"it was valid from {day(validity[0])} to {day(validity[1])}, and {here}: if that is right, the server needs a new one"
    return f"{here}; is it right?"


def validity_of(certificate: bytes) -> tuple[int, int]:
    """From when to when a certificate (DER) is valid, in seconds since 1970. Raises ValueError."""
    _, body, _ = _element(certificate)
    _, body, _ = _element(body)  # to be signed
    tag, _, rest = _element(body)
    if tag == 0xA0:  # version
        _, _, rest = _element(rest)  # serial number
    _, _, rest = _element(rest)  # signature algorithm
    _, _, rest = _element(rest)  # issuer
    _, dates, _ = _element(rest)
    first, begin, dates = _element(dates)
    second, end, _ = _element(dates)
    return _seconds(first, begin), _seconds(second, end)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, contents and what follows. Raises ValueError."""
    if len(data) < 2:
        raise ValueError("cut short")
    tag, size, start = data[0], data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start])
    if len(data) < start + size or start > 6:
        raise ValueError("cut short")
    return tag, data[start : start + size], data[start + size :]


def _seconds(tag: int, text: bytes) -> int:
    """UTCTime (two digits of the year, from 1950 on) or GeneralizedTime."""
    digits = text.decode("ascii")
    if tag == 0x17:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return calendar.timegm(time.strptime(digits, "%Y%m%d%H%M%SZ"))


def _ask(host: str, port: int) -> tuple[int, int] | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return validity_of(secured.getpeercert(True) or b"")
    except (OSError, ValueError):
        return None


def day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
