"""http and https: retries, redirects, time limits, proxies and TLS in one place, on `requests`.

    stream()   delivers the body; a body that breaks off is asked for again and continued
    _answer()  asks until the server has an answer: errors of the connection and statuses from 500 on are retried
    Transport  one question with its redirects, on connections that are kept

Imported only when something is fetched over http. Behaviour (what is retried, which headers are sent where, which time
limit covers what): the Ignition specification and the reference, measured. Differences: redirects and continued bodies
are bounded, and a body that stays silent for a minute counts as broken off.
"""

from __future__ import annotations

import hashlib
import http.client
import time
from _thread import allocate_lock

import requests
import urllib3

from ignition_py import COMPATIBLE
from ignition_py.diag import FetchError
from ignition_py.fetch.question import with_headers
from ignition_py.fetch.request import NotFound, Refused, TooSlow
from ignition_py.fetch.transport import Guard, Transport
from ignition_py.fetch.trouble import explain
from ignition_py.fetch.url import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ignition_py.fetch.request import Request

CHUNK = 1 << 16  # bytes
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts, doubling
LONGEST_RETRY_AFTER = 30.0  # seconds that a server may ask for
BODY_ATTEMPTS = 5
_making = allocate_lock()
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
_REFUSED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidProxyURL,
    urllib3.exceptions.LocationParseError,
)


class Deadline:
    """A moment by which everything has to be done; `seconds` 0 is never."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds if seconds else 0.0

    def left(self) -> float | None:
        """Seconds left (at least 1 ms, so that it can be given as a time limit), None for no limit."""
        return max(self._end - time.monotonic(), 0.001) if self.seconds else None

    def over(self) -> bool:
        return bool(self.seconds) and time.monotonic() >= self._end


def stream(request: Request) -> Iterator[bytes]:
    """The body of the answer. Raises FetchError."""
    transport = _transport(request)
    deadline = Deadline(request.settings.total)
    seen, digest = 0, hashlib.sha256()
    for attempt in range(1, BODY_ATTEMPTS + 1):
        response, guard = _answer(request, transport, deadline)
        try:
            _check_status(request, response)
            chunks = _body(request, response)
            if seen:
                chunks = _continued(request, chunks, seen, digest.digest())
            for chunk in chunks:
                seen += len(chunk)
                digest.update(chunk)
                yield chunk
            return  # noqa: TRY300  # the `except` is for the loop, not for what comes behind it
        except _BROKEN as error:
            _say_broken(request, error, seen, deadline, guard, attempt)
        finally:
            guard.done()
            response.close()
        _pause(request, min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE), deadline, "the body broke off")


def head(request: Request) -> tuple[int, Mapping[str, str]]:
    """Status and headers of the answer, which is not to have a body, whatever it says. Raises FetchError."""
    response, guard = _answer(request, _transport(request), Deadline(request.settings.total))
    guard.done()
    response.close()
    return response.status_code, response.headers


def _transport(request: Request) -> Transport:
    """The connections of the request's settings, which all of their requests share."""
    with _making:
        if request.settings.transport is None:
            request.settings.transport = Transport(request.settings)
        return request.settings.transport


def _say_broken(request: Request, error: Exception, seen: int, deadline: Deadline, guard: Guard, attempt: int) -> None:
    """Raises FetchError where a body that broke off is not to be tried again."""
    reason = "it took too long" if guard.expired else explain(error, request.url)
    where = f"{request.what}: {public(request.url)}: the body broke off after {seen} bytes"
    if deadline.over() or guard.expired:
        raise TooSlow(
            f"{where}: not complete within {deadline.seconds:g} seconds", hint="See `timeouts.httpTotal`"
        ) from None
    if attempt == BODY_ATTEMPTS:
        raise FetchError(f"{where} in each of {attempt} attempts: {reason}") from None
    request.log.warning(f"{where}: {reason}; asking for it again")


def _answer(request: Request, transport: Transport, deadline: Deadline) -> tuple[requests.Response, Guard]:
    """Asks until there is an answer that is not to be retried. Raises FetchError when the time is over."""
    shown = public(request.url)
    pause, attempt = FIRST_PAUSE, 1
    while True:
        if request.stopped is not None and request.stopped():
            raise FetchError(f"{request.what}: {shown}: another answer came first")
        request.log.info(f"{request.method} {shown}: attempt #{attempt}")
        guard = Guard(request.settings.response_headers, deadline.left())
        try:
            response = transport.send(request, _request_headers(request), guard)
        except _REFUSED:
            raise FetchError(f"{request.what}: {shown}: the URL, a header or the proxy cannot be used") from None
        except _BROKEN as error:
            reason = f"no answer within {guard.limit or 0:g} seconds" if guard.expired else explain(error, request.url)
        else:
            request.log.info(f"{request.method} {shown}: status {response.status_code}")
            if response.status_code < 500 and response.status_code not in request.retry:
                return response, guard
            reason = f"status {response.status_code}"
            pause = max(pause, _retry_after(response))
            response.close()
        guard.done()
        request.log.info(f"{request.method} {shown}: {reason}; trying again in {pause:g} s")
        _pause(request, pause, deadline, reason)
        pause, attempt = min(pause * 2, LONGEST_PAUSE), attempt + 1


def _retry_after(response: requests.Response) -> float:
    """For how many seconds the server wants to be left alone; 0 where it does not say, and never very long."""
    value = response.headers.get("retry-after", "")
    return min(float(value), LONGEST_RETRY_AFTER) if value.isascii() and value.isdecimal() else 0.0


def _pause(request: Request, seconds: float, deadline: Deadline, reason: str) -> None:
    """Waits before the next attempt. Raises FetchError when the time is over by then."""
    left = deadline.left()
    time.sleep(seconds if left is None else min(seconds, left))
    if deadline.over():
        raise TooSlow(
            f"{request.what}: {public(request.url)} was not to be had in {deadline.seconds:g} seconds; last: {reason}",
            hint="Is the network up, and the server?",
        )


def _request_headers(request: Request) -> dict[str, str | bytes]:
    """The headers of the first request: the usual ones, those of the config in their place. Raises FetchError."""
    usual: dict[str, str | bytes] = {
        "user-agent": f"Ignition/{COMPATIBLE}",
        "accept": "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1",
        "accept-encoding": "identity",
    }
    chosen = (*request.headers, *(request.sign() if request.sign is not None else ()))
    return with_headers(usual, chosen, request.what)


def _check_status(request: Request, response: requests.Response) -> None:
    status = response.status_code
    if status in (200, 204) or (request.method == "POST" and 200 <= status < 300):
        return
    where = f"{request.what}: {public(request.url)}"
    if status == 404:
        raise NotFound(f"{where} does not exist (status 404)")
    meaning = http.client.responses.get(status, "unknown")
    hint = "Check the headers and permissions" if status in (401, 403) else ""
    raise Refused(
        f"{where}: the server answered with status {status} ({meaning})",
        status=status, date=response.headers.get("date", ""), hint=hint,
    )  # fmt: skip


def _body(request: Request, response: requests.Response) -> Iterator[bytes]:
    """The body as it came. Raises one of _BROKEN where it is shorter than announced."""
    expected = None if "transfer-encoding" in response.headers else _announced(response)
    size = 0
    if expected is not None and request.room is not None:
        request.room(expected)
    if response.status_code != 204:
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            size += len(chunk)
            yield chunk
        if expected is not None and size != expected:
            raise http.client.IncompleteRead(b"", expected - size)


def _announced(response: requests.Response) -> int | None:
    """Content-Length, None where there is none. Raises HTTPException where it is no length."""
    lengths = {text.strip() for text in response.headers.get("content-length", "").split(",")}
    if lengths == {""}:
        return None
    (length, *others) = lengths
    if others or not (length.isascii() and length.isdecimal()):
        raise http.client.HTTPException("the length is not a number")
    return int(length)


def _continued(request: Request, chunks: Iterator[bytes], count: int, digest: bytes) -> Iterator[bytes]:
    """`chunks` behind their first `count` bytes, which were delivered already and must be the same again."""
    again = hashlib.sha256()
    for chunk in chunks:
        again.update(chunk[:count])
        if len(chunk) < count:
            count -= len(chunk)
            continue
        if again.digest() != digest:
            raise FetchError(f"{request.what}: {public(request.url)} changed while it was fetched")
        if len(chunk) > count:
            yield chunk[count:]
        yield from chunks
        return
    raise FetchError(f"{request.what}: {public(request.url)} changed while it was fetched")
