"""A time to judge certificates by that the image trusts more than this machine's clock: IGNITION_TRUSTED_TIME.

    image         it is not earlier than when the image was made; helps a machine whose clock starts in the past
    http://HOST   it is what this server says (header Date), for example the platform's metadata service

The clock is not set. OpenSSL verifies chains without looking at their dates, which are then held against that time here.
Without the setting, or where the time cannot be had, the clock counts as everywhere. Used by transport.py.
Sources: RFC 5280, section 4.1.2.5 (validity); RFC 9110, section 6.6.1 (Date); systemd's /usr/lib/clock-epoch.
"""

from __future__ import annotations

import os
import ssl
import time

from ignition_py.fetch.clock import day, validity_of
from ignition_py.fetch.request import Request, Settings
from ignition_py.fetch.url import public
from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IMAGE = "image"
EPOCH = "/usr/lib/clock-epoch"  # systemd takes its time for the earliest that can be
PATIENCE = 15.0  # seconds for asking, retries included
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
_DER = 2  # encoding of _ssl.Certificate.public_bytes()


class Untimely(ssl.SSLCertVerificationError):
    """A certificate of the chain is not valid at the trusted time."""

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

    def judge(self, chain: list[bytes]) -> None:
        """Raises Untimely where a certificate (DER) is not valid now, FetchError where its dates cannot be read."""
        now = time.monotonic() + self._ahead
        for certificate in chain:
            try:
                begin, end = validity_of(certificate)
            except ValueError:
                raise FetchError("the dates of a certificate cannot be read") from None
            if now > end or (now < begin and not self._earliest):
                raise Untimely(
                    f"it is valid from {day(begin)} to {day(end)}, and {'not before' if self._earliest else 'now is'} "
                    f"{day(now)}, says {self._source}"
                )


def moment(request: Request) -> Moment | None:
    """The trusted time, None where the machine's clock is what counts. Asked once in a process."""
    named = request.settings.trusted_time
    if not named:
        return None
    found: Moment | None = request.identity.once(f"time of {named}", lambda: _find(request, named))
    return found


def _find(request: Request, named: str) -> Moment | None:
    if named == IMAGE:
        made = _image_time()
        return Moment(made, "the image", earliest=True) if time.time() < made else None
    if not named.startswith("http://"):
        request.log.warning(f"IGNITION_TRUSTED_TIME is neither {IMAGE} nor an http:// URL; the clock counts")
        return None
    from ignition_py.fetch import http

    what = "the time that certificates are judged by"
    settings = Settings(response_headers=PATIENCE, total=PATIENCE)
    try:
        asked = Request(named, what=what, settings=settings, log=request.log, method="HEAD", stopped=request.stopped)
        _, headers = http.head(asked)
        seconds = _seconds(headers.get("date", ""))
    except (FetchError, ValueError) as error:
        trouble = error.message if isinstance(error, FetchError) else f"{public(named)} does not say the time"
        request.log.warning(f"{trouble}; certificates are judged by this machine's clock")
        return None
    request.log.info(f"certificates are judged by the time of {public(named)}, {day(seconds)}")
    return Moment(seconds, public(named))


def _image_time() -> float:
    """When the image was made, in seconds since 1970, as far as its files tell."""
    times = [os.stat(__file__).st_mtime]
    if os.path.exists(EPOCH):
        times.append(os.stat(EPOCH).st_mtime)
    return max(times)


def _seconds(date: str) -> float:
    """Raises ValueError."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, IndexError, OverflowError):
        raise ValueError("no date") from None


def judging(context: ssl.SSLContext, at: Moment) -> None:
    """Makes the context judge the dates of what it verifies by `at`, and by nothing else."""

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            at.judge(_chain(self))

    class Object(ssl.SSLObject):  # TLS within TLS: a proxy that is asked over https
        def do_handshake(self) -> None:
            super().do_handshake()
            at.judge(_chain(self))

    context.verify_flags |= _NO_CHECK_TIME
    context.sslsocket_class = Socket
    context.sslobject_class = Object


def _chain(connection: Any) -> list[bytes]:
    """The verified chain in DER form. Python has a public name for it from 3.13 on."""
    found = connection._sslobj.get_verified_chain()
    return [item if isinstance(item, bytes) else item.public_bytes(_DER) for item in found]
