"""Certificates: PEM bundles, whom a TLS context trusts, dates, and the time that they are judged by.

IGNITION_TRUSTED_TIME is a time that the image trusts more than this machine's clock:

    image         lower bound: the build time of the image, for machines without a clock battery
    http://HOST   the time that this server says (header Date), for example the platform's metadata service

The clock is not set. OpenSSL verifies chains without looking at their dates; those of the server's own certificate are then
compared with that time here. The dates of the authorities between are not, as Python shows them from 3.13 on only.
Without the setting, or where the time is not available, the clock counts as everywhere.

Sources: RFC 7468 (PEM); systemd's /usr/lib/clock-epoch.
"""

from __future__ import annotations

import os
import ssl
import time
from binascii import Error, a2b_base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ignition_py.fetch.sockets import TimedTlsSocket
from ignition_py.fetch.urls import public
from ignition_py.report.diag import FetchError
from ignition_py.system.log import Log

IMAGE = "image"
EPOCH = "/usr/lib/clock-epoch"  # systemd takes its time for the earliest that can be
PATIENCE = 15.0  # seconds for asking a server for the time, with all attempts
DATES_PATIENCE = 2.0  # seconds for asking a server for its certificate once more
# Debian 12's Python 3.11.2 sets this option of OpenSSL 3 in each context: a connection that is cut would look like a body that ends.
_IGNORE_EOF = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
# Where distributions keep the authorities they trust; the first that exists is used.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_BEGIN = b"-----BEGIN "
_END = b"-----END "
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME


def certificates(bundle: bytes, *, what: str) -> list[bytes]:
    """The DER form of every certificate of a PEM bundle. Raises FetchError where it, or a certificate, is damaged."""
    found: list[bytes] = []
    rest = bundle.strip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    while rest:
        _, begin, tail = rest.partition(_BEGIN)
        _, _, tail = tail.partition(b"-----")
        body, end, tail = tail.partition(_END)
        _, dashes, rest = tail.partition(b"-----")
        if not (begin and end and dashes):
            raise FetchError(f"{what}: it is not a PEM bundle of certificates")
        try:
            der = a2b_base64(b"".join(body.split()), strict_mode=True)
            context.load_verify_locations(cadata=der)
        except (Error, ssl.SSLError, ValueError):
            raise FetchError(f"{what}: certificate {len(found) + 1} of the bundle is damaged") from None
        found.append(der)
        rest = rest.strip()
    return found


def tls_context(authorities: tuple[bytes, ...]) -> ssl.SSLContext:
    """Trusts the certificate authorities of `authorities` (PEM bundles), no others; see `trust_image()`. Raises FetchError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options &= ~_IGNORE_EOF
    context.sslsocket_class = TimedTlsSocket
    for pem in authorities:
        for der in certificates(pem, what="certificate authority"):
            context.load_verify_locations(cadata=der)
    return context


def trust_image(context: ssl.SSLContext) -> None:
    """Adds the image's certificate authorities, which takes OpenSSL 45 ms for a distribution's bundle.

    They are those of SSL_CERT_FILE and SSL_CERT_DIR; without them those of the distribution's bundle, and without that
    OpenSSL's default. ssl.create_default_context() would add OpenSSL's default directory to each.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        file = next((path for path in _BUNDLES if os.path.exists(path)), None)
    if file or folder:
        with suppress(OSError, ssl.SSLError):  # an image without certificate authorities can use those of the config
            context.load_verify_locations(cafile=file or None, capath=folder or None)
    else:
        context.load_default_certs()


def about_dates(validity: tuple[int, int] | None) -> str:
    """A sentence's end about the dates of a server's certificate (seconds since 1970; None: not known) and the time here."""
    now = time.time()
    here = f"the clock of this machine says {day(now)} {time.strftime('%H:%M', time.gmtime(now))} UTC"
    if validity is not None and now < validity[0]:
        return f"it is valid from {day(validity[0])} to {day(validity[1])}, but {here}: the clock is wrong"
    if now < os.stat(__file__).st_mtime:
        return f"{here}, which is before this program was made: the clock is wrong"
    if validity is not None and now > validity[1]:
        return f"it was valid from {day(validity[0])} to {day(validity[1])}, and {here}: if that is right, the server needs a new one"
    return f"{here}; check that it is right"


def validity_at(host: str, port: int, authorities: tuple[bytes, ...]) -> tuple[int, int] | None:
    """The dates of a server's certificate, from a second connection that trusts the same authorities and no clock; None where
    there is none. For messages, never for a decision."""
    import socket

    context = tls_context(authorities)
    trust_image(context)
    context.check_hostname = False
    context.verify_flags |= _NO_CHECK_TIME
    try:
        with (
            socket.create_connection((host, port), timeout=DATES_PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return _validity(secured)
    except (OSError, ValueError):
        return None


def _validity(connection: Any) -> tuple[int, int]:
    """From when to when the certificate of a server is valid, in seconds since 1970. Raises ValueError."""
    info = connection.getpeercert()
    return ssl.cert_time_to_seconds(info["notBefore"]), ssl.cert_time_to_seconds(info["notAfter"])


def day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


class Untimely(ssl.SSLCertVerificationError):
    """The server's certificate is not valid at the trusted time."""

    def __init__(self, sentence: str) -> None:
        super().__init__(1, sentence)
        self.verify_code = 0
        self.verify_message = sentence


class Moment:
    """A time that was read once and goes on since. `earliest`: the true time may be later than it."""

    def __init__(self, seconds: float, source: str, *, earliest: bool = False) -> None:
        self._ahead = seconds - time.monotonic()
        self._source = source
        self._earliest = earliest

    def judge(self, connection: Any) -> None:
        """Raises Untimely where the server's certificate is not valid now, FetchError where its dates cannot be read."""
        now = time.monotonic() + self._ahead
        try:
            begin, end = _validity(connection)
        except ValueError:
            raise FetchError("the dates of a certificate cannot be read") from None
        if now > end or (now < begin and not self._earliest):
            raise Untimely(
                f"it is valid from {day(begin)} to {day(end)}, and {'not before' if self._earliest else 'now is'} "
                f"{day(now)}, says {self._source}"
            )


def trusted_time(named: str, ask: Callable[[], float | None], log: Log) -> Moment | None:
    """The time that IGNITION_TRUSTED_TIME names, None for the machine's clock. `ask` returns the time that the server of the
    URL `named` says, in seconds since 1970, None where it does not; it may raise FetchError."""
    if named == IMAGE:
        built = _image_time()
        return Moment(built, "the image", earliest=True) if time.time() < built else None
    if not named.startswith("http://"):
        log.warning(f"IGNITION_TRUSTED_TIME is neither {IMAGE} nor an http:// URL; the clock counts")
        return None
    try:
        seconds = ask()
        reason = f"{public(named)} does not say the time"
    except FetchError as error:
        seconds, reason = None, error.message
    if seconds is None:
        log.warning(f"{reason}; certificates are judged by this machine's clock")
        return None
    log.info(f"certificates are judged by the time of {public(named)}, {day(seconds)}")
    return Moment(seconds, public(named))


def _image_time() -> float:
    """When the image was made, in seconds since 1970, as far as its files tell."""
    times = [os.stat(__file__).st_mtime]
    if os.path.exists(EPOCH):
        times.append(os.stat(EPOCH).st_mtime)
    return max(times)


def judging(context: ssl.SSLContext, at: Moment) -> None:
    """Makes the context judge the dates of what it verifies by `at`, and by nothing else."""

    class Socket(TimedTlsSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            at.judge(self)

    class Object(ssl.SSLObject):  # TLS within TLS: a proxy that is asked over https
        def do_handshake(self) -> None:
            super().do_handshake()
            at.judge(self)

    context.verify_flags |= _NO_CHECK_TIME
    context.sslsocket_class = Socket
    context.sslobject_class = Object
