"""What went wrong with a connection, in one phrase. Shows nothing of URLs, headers or bodies: they can hold secrets."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

import requests
import urllib3.util.ssl_match_hostname

_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def explain(error: BaseException, url: str) -> str:
    """The cause at the bottom of `error`, for the log and for the sentence of a failure."""
    host = urlsplit(url).hostname or "the server"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return "no answer in time"
    cause = _bottom(error)
    if isinstance(cause, socket.gaierror):
        return f"the name {host} cannot be resolved ({cause.strerror})"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause, url)
    if isinstance(cause, urllib3.util.ssl_match_hostname.CertificateError):
        return f"the certificate of {host} is not accepted: it is for another name"
    if isinstance(cause, ssl.SSLError):
        return f"TLS with {host} failed ({cause.reason or 'connection closed'})"
    if isinstance(cause, http.client.IncompleteRead | urllib3.exceptions.IncompleteRead):
        return "it is shorter than announced"
    if isinstance(cause, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(cause, http.client.HTTPException | urllib3.exceptions.InvalidHeader):
        return "the answer is not HTTP"
    if isinstance(cause, urllib3.exceptions.ProtocolError):
        return "it ends in the middle"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return f"the connection failed ({type(cause).__name__})"


def _certificate(error: ssl.SSLCertVerificationError, url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or "the server"
    text = f"the certificate of {host} is not accepted: {error.verify_message}"
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        from ignition_py.fetch.clock import about_dates

        text += f" ({about_dates(host, parts.port or 443)})"
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
