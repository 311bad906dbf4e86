"""http and https: attempts, redirects, statuses.

    stream()   the body of one response
    head()     status and headers

Imported only when something is fetched over http. Behaviour (what is retried, which headers are sent where, which time
limit covers what): the Ignition specification and the reference, measured. Differences: redirects and attempts to get a
body are bounded, and servers that ask to come back later (BUSY, or 202 with Retry-After) are asked again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urljoin, urlsplit

from ignition_py import COMPATIBLE
from ignition_py.fetch import deadline as times
from ignition_py.fetch.connection import NO_RESPONSE, Broken, Client, Response, Unusable
from ignition_py.fetch.deadline import CONFIG_LIMIT, Deadline, Interrupted, check_needed, pause
from ignition_py.fetch.request import NotFound, Refused, Request, Settings, TooSlow
from ignition_py.fetch.urls import bare, public, with_headers
from ignition_py.report.diag import FetchError
from ignition_py.system.waiting import Waiting

if TYPE_CHECKING:
    from ignition_py.fetch.certificates import Moment

Sent: TypeAlias = "dict[str, str | bytes]"

BUSY = (408, 425, 429)  # statuses that are tried again, beside those from 500 on: Request Timeout, Too Early, Too Many Requests
LONGEST_RETRY_AFTER = 30.0  # seconds that a server may ask for
MAX_REDIRECTS = 30
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")  # RFC 9110, section 5.6.7
# What to do about a final status.
_STATUS_HINTS = dict.fromkeys((401, 403), "Check the credentials in `httpHeaders` and the permissions on the server")
_REDIRECTS = (301, 302, 303, 307, 308)
# What redirected requests carry of the first one's headers. All others of the config are for the server that it names.
_REDIRECTED_HEADERS = ("user-agent", "accept", "accept-encoding")


def stream(request: Request) -> Iterator[bytes]:
    """The body of the response. Raises Interrupted where it breaks off, other FetchError."""
    response = _response(request)
    size = 0
    try:
        _check_status(request, response)
        expected = response.length()
        if expected is not None and request.room is not None:
            request.room(expected)
        for chunk in response.chunks() if response.status != 204 else ():
            size += len(chunk)
            yield chunk
        if expected is not None and size != expected and response.status != 204:
            raise Broken("the body is shorter than announced")
    except Broken as error:
        where = f"{request.what}: {public(request.url)}: the body broke off after {size} bytes"
        if request.deadline.over():
            raise TooSlow(
                f"{where}: not complete within {request.deadline.seconds:g} seconds", hint=request.deadline.hint
            ) from None
        raise Interrupted(where, error.reason) from None
    finally:
        response.close()


def head(request: Request) -> tuple[int, Mapping[str, str]]:
    """Status and headers (names in lower case) of a HEAD response; a body is ignored. Raises FetchError."""
    response = _response(request)
    response.close()
    return response.status, response.headers


def seconds_of(date: str) -> float | None:
    """The time of a Date header in seconds since 1970, None where it is none."""
    from calendar import timegm  # with locale and datetime; few runs ask for a time

    for form in _DATES:
        with suppress(ValueError):
            return timegm(time.strptime(date, form))
    return None


def _response(request: Request) -> Response:
    """Asks until there is a response that is not to be retried. Raises FetchError when the time is over."""
    shown = public(request.url)
    wait, attempt = times.FIRST_PAUSE, 1
    waiting = Waiting(request.log, f"{request.what} from {shown}", request.deadline.left(), tries=True)
    while True:
        check_needed(request)
        request.info(f"{request.method} {shown}: attempt #{attempt}")
        try:
            response = _redirected(request)
        except Unusable as error:
            raise FetchError(f"{request.what}: {shown}: {error}") from None
        except Broken as error:
            reason, hint = error.reason, error.hint
            if reason == NO_RESPONSE:
                limits = (request.settings.response_headers, request.deadline.seconds)
                reason = f"no response within {min((limit for limit in limits if limit), default=0):g} seconds"
        else:
            request.info(f"{request.method} {shown}: status {response.status}")
            if _is_final(request, response):
                return response
            reason, hint = f"status {response.status}", "See the log of the server"
            wait = max(wait, _retry_after(response))
            response.close()
        if attempt == request.attempts:
            raise TooSlow(f"{request.what}: no good response of {shown} in {attempt} attempts; last error: {reason}")
        request.info(f"{request.method} {shown}: {reason}; trying again in {wait:g} s")
        pause(request, wait, reason, hint)
        waiting.tell(reason)
        wait, attempt = min(wait * 2, times.LONGEST_PAUSE), attempt + 1


def _redirected(request: Request) -> Response:
    """One request with its redirects. Raises FetchError for those that lead nowhere, Broken, Unusable."""
    client = request.session.once(
        ("connections", request.settings.connections()),
        lambda: Client(request.settings, lambda: _trusted_time(request)),
    )
    url, headers = request.url, _headers(request)
    kept = {name: headers[name] for name in _REDIRECTED_HEADERS}
    for _ in range(MAX_REDIRECTS + 1):
        plain, password = bare(url)
        own: Sent = {"authorization": password} if password else {}
        response = client.send(request, plain, {**own, **headers})
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location or request.method == "HEAD":
            return response
        response.close()
        url, headers = _target(request, url, location), kept
        request.info(f"redirected to {public(url)}")
    raise FetchError(f"{request.what}: {public(request.url)} redirects more than {MAX_REDIRECTS} times")


def _target(request: Request, url: str, location: str) -> str:
    """Where a redirect leads. Raises FetchError where that is not http or https."""
    try:
        url = urljoin(url, location.encode("latin-1").decode("utf-8", "replace"))
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise FetchError(f"{request.what}: {public(request.url)} redirects to a URL that is neither http nor https")
    return url


def _trusted_time(request: Request) -> Moment | None:
    """The time to judge certificates by, None for the machine's clock. Asked once in a process."""
    named = request.settings.trusted_time
    if not named:
        return None
    from ignition_py.fetch import certificates

    def ask() -> float | None:
        settings = Settings(response_headers=certificates.PATIENCE)
        limit = Deadline((certificates.PATIENCE, CONFIG_LIMIT))
        what = "the time that certificates are judged by"
        asked = request.but(
            url=named, what=what, settings=settings, deadline=limit, method="HEAD",
            headers=(), body=b"", sign=None, low_port=False,
        )  # fmt: skip
        return seconds_of(head(asked)[1].get("date", ""))

    return request.session.once(("time", named), lambda: certificates.trusted_time(named, ask, request.log))


def _is_final(request: Request, response: Response) -> bool:
    """False where the server may answer otherwise in a while."""
    status = response.status
    if status >= 500 or status in BUSY or status in request.retry:
        return False
    return status != 202 or request.method == "POST" or "retry-after" not in response.headers


def _retry_after(response: Response) -> float:
    """For how many seconds the server wants to be left alone; 0 where it does not say, and never very long."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER)
    until = seconds_of(value) if value else None
    if until is None:
        return 0.0
    now = seconds_of(response.headers.get("date", ""))  # the server's clock: that of this machine may be wrong
    return min(max(until - (time.time() if now is None else now), 0.0), LONGEST_RETRY_AFTER)


def _headers(request: Request) -> Sent:
    """The headers of the first request: the usual ones, those of the config in their place. Raises FetchError."""
    usual: Sent = {
        "user-agent": f"Ignition/{COMPATIBLE}",
        "accept": "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1",
        "accept-encoding": "identity",
    }
    chosen = (*request.headers, *(request.sign() if request.sign is not None else ()))
    return with_headers(usual, chosen, request.what)


def _check_status(request: Request, response: Response) -> None:
    status = response.status
    if status in (200, 204) or (request.method in ("POST", "PUT") and 200 <= status < 300):
        return
    where = f"{request.what}: {public(request.url)}"
    if status == 404:
        raise NotFound(f"{where} does not exist (status 404)", hint="Correct the `source`, or put the file on the server")
    from http.client import responses

    hint = _STATUS_HINTS.get(status, "Correct the `source`, or see the log of the server")
    raise Refused(
        f"{where}: the server answered with status {status} ({responses.get(status, 'unknown')})",
        status=status, date=response.headers.get("date", ""), hint=hint,
    )  # fmt: skip
