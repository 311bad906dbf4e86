"""What went wrong with a connection, in one phrase. Shows nothing of URLs, headers or bodies: they can hold secrets."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from urllib.parse import urlsplit

import requests
import urllib3

from ignition_py.fetch.request import Request

NO_RESPONSE = "no response in time"
MALFORMED = "the response is not HTTP"
# X509_V_ERR_CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED; _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH of X509_STORE_CTX_get_error(3)
_NOT_YET_VALID, _EXPIRED = 9, 10
_NAMES = (62, 64)


def explain(error: BaseException, request: Request) -> tuple[str, str]:
    """The cause at the bottom of `error`, for the log and for the sentence of a failure, and what to do about it ("": not known)."""
    cause = _bottom(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause, request), _about_certificate(cause)
    return _reason(error, cause, request), _way_out(cause)


def _way_out(cause: BaseException) -> str:
    if isinstance(cause, socket.gaierror):
        return "Check the name in the URL, and that the network gives the machine a name server (DHCP, or ip= and nameserver=)"
    if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
        return "Give the machine an address and a route: a DHCP server, or ip= on the kernel command line"
    if isinstance(cause, ConnectionRefusedError):
        return "Start the server, or correct host and port of the URL"
    return ""


def _about_certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED, 0):
        return "Set the machine's clock in its firmware, or IGNITION_TRUSTED_TIME in the image; or renew the server's certificate"
    if error.verify_code in _NAMES:
        return "Use a name in the URL that the certificate is for, or give the server one for this name"
    return "Add the authority that signed it to `ignition.security.tls.certificateAuthorities`, or to the image"


def _reason(error: BaseException, cause: BaseException, request: Request) -> str:
    host = urlsplit(request.url).hostname or "the server"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return NO_RESPONSE
    if isinstance(cause, socket.gaierror):
        return f"the name {host} cannot be resolved ({cause.strerror})"
    # An error of another class in Debian 12's Python 3.11.2.
    if isinstance(cause, ssl.SSLEOFError) or getattr(cause, "reason", "") == "UNEXPECTED_EOF_WHILE_READING":
        return "the TLS connection was cut off"
    if isinstance(cause, ssl.SSLError):
        return f"TLS with {host} failed ({cause.reason or 'connection closed'})"
    if isinstance(cause, http.client.IncompleteRead | urllib3.exceptions.IncompleteRead):
        return "the body is shorter than announced"
    if isinstance(cause, http.client.RemoteDisconnected):
        return "the connection was closed without a response"
    if isinstance(cause, http.client.HTTPException | urllib3.exceptions.InvalidHeader):
        return MALFORMED
    if isinstance(cause, urllib3.exceptions.ProtocolError):
        return "the body ends in the middle"
    if isinstance(cause, TimeoutError) and not cause.errno:  # the kernel's own have one
        return NO_RESPONSE
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return f"the connection failed ({type(cause).__name__})"


def _certificate(error: ssl.SSLCertVerificationError, request: Request) -> str:
    parts = urlsplit(request.url)
    host, port = parts.hostname or "the server", parts.port or 443
    text = f"the certificate of {host} is not accepted: {error.verify_message}"
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        from ignition_py.fetch.certificates import about_dates, validity_at

        validity = request.session.once(("dates", host, port), lambda: validity_at(host, port, request.settings.authorities))
        text += f" ({about_dates(validity)})"
    return text


def _bottom(error: BaseException) -> BaseException:
    """Follows what the layers of requests and urllib3 wrap into each other."""
    for _ in range(10):
        reason = getattr(error, "reason", None)
        inner = [item for item in (reason, *reversed(error.args)) if isinstance(item, BaseException)]
        below = inner[0] if inner else error.__cause__
        if below is None and isinstance(error.__context__, OSError) and not error.__suppress_context__:
            below = error.__context__
        if below is None or isinstance(error, ssl.SSLError | socket.gaierror):
            break
        error = below
    return error
