"""http and https: retries, redirects and time limits in one place.

    stream()   delivers the body; a body that breaks off is asked for again and continued
    _answer()  asks until the server has an answer: errors of the connection and statuses from 500 on are retried
    Transport  one question with its redirects, on connections that are kept (transport.py: plain.py, by_requests.py)

Imported only when something is fetched over http. Behaviour (what is retried, which headers are sent where, which time
limit covers what): the Ignition specification and the reference, measured. Differences: redirects and continued bodies
are bounded, and a body that stays silent for a minute counts as broken off.
"""

from __future__ import annotations

import time
from _thread import allocate_lock
from zlib import crc32

from ignition_py import COMPATIBLE
from ignition_py.fetch.answer import TOO_SHORT, Broken, Guard, Unusable
from ignition_py.fetch.question import with_headers
from ignition_py.fetch.request import NotFound, Refused, TooSlow
from ignition_py.fetch.transport import Transport
from ignition_py.fetch.url import public
from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ignition_py.fetch.answer import Answer
    from ignition_py.fetch.request import Request

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts, doubling
LONGEST_RETRY_AFTER = 30.0  # seconds that a server may ask for
BODY_ATTEMPTS = 5
_STRIDE = 61  # of so many bytes one is in the checksum; prime, so that no column of a table is left out
_making = allocate_lock()


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
    seen, check = 0, 0
    for attempt in range(1, BODY_ATTEMPTS + 1):
        answer, guard = _answer(request, transport, deadline)
        try:
            _check_status(request, answer)
            chunks = _body(request, answer)
            if seen:
                chunks = _continued(request, chunks, seen, check)
            for chunk in chunks:
                check = crc32(chunk[-seen % _STRIDE :: _STRIDE], check)
                seen += len(chunk)
                yield chunk
            return  # noqa: TRY300  # the `except` is for the loop, not for what comes behind it
        except Broken as error:
            _say_broken(request, error.reason, seen, deadline, guard, attempt)
        finally:
            guard.done()
            answer.close()
        _pause(request, min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE), deadline, "the body broke off")


def head(request: Request) -> tuple[int, Mapping[str, str]]:
    """Status and headers of the answer, which is not to have a body, whatever it says. Raises FetchError."""
    answer, guard = _answer(request, _transport(request), Deadline(request.settings.total))
    guard.done()
    answer.close()
    return answer.status, answer.headers


def _transport(request: Request) -> Transport:
    """The connections of the request's settings, which all of their requests share."""
    with _making:
        if request.settings.transport is None:
            request.settings.transport = Transport(request.settings)
        return request.settings.transport


def _say_broken(request: Request, reason: str, seen: int, deadline: Deadline, guard: Guard, attempt: int) -> None:
    """Raises FetchError where a body that broke off is not to be tried again."""
    reason = "it took too long" if guard.expired else reason
    where = f"{request.what}: {public(request.url)}: the body broke off after {seen} bytes"
    if deadline.over() or guard.expired:
        raise TooSlow(
            f"{where}: not complete within {deadline.seconds:g} seconds", hint="See `timeouts.httpTotal`"
        ) from None
    if attempt == BODY_ATTEMPTS:
        raise FetchError(f"{where} in each of {attempt} attempts: {reason}") from None
    request.log.warning(f"{where}: {reason}; asking for it again")


def _answer(request: Request, transport: Transport, deadline: Deadline) -> tuple[Answer, Guard]:
    """Asks until there is an answer that is not to be retried. Raises FetchError when the time is over."""
    shown = public(request.url)
    pause, attempt = FIRST_PAUSE, 1
    while True:
        if request.stopped is not None and request.stopped():
            raise FetchError(f"{request.what}: {shown}: another answer came first")
        request.log.info(f"{request.method} {shown}: attempt #{attempt}")
        guard = Guard(request.settings.response_headers, deadline.left())
        try:
            answer = transport.send(request, _request_headers(request), guard)
        except Unusable:
            raise FetchError(f"{request.what}: {shown}: the URL, a header or the proxy cannot be used") from None
        except Broken as error:
            reason = f"no answer within {guard.limit or 0:g} seconds" if guard.expired else error.reason
        else:
            request.log.info(f"{request.method} {shown}: status {answer.status}")
            if answer.status < 500 and answer.status not in request.retry:
                return answer, guard
            reason = f"status {answer.status}"
            pause = max(pause, _retry_after(answer))
            answer.close()
        guard.done()
        request.log.info(f"{request.method} {shown}: {reason}; trying again in {pause:g} s")
        _pause(request, pause, deadline, reason)
        pause, attempt = min(pause * 2, LONGEST_PAUSE), attempt + 1


def _retry_after(answer: Answer) -> float:
    """For how many seconds the server wants to be left alone; 0 where it does not say, and never very long."""
    value = answer.headers.get("retry-after", "")
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


def _check_status(request: Request, answer: Answer) -> None:
    status = answer.status
    if status in (200, 204) or (request.method == "POST" and 200 <= status < 300):
        return
    where = f"{request.what}: {public(request.url)}"
    if status == 404:
        raise NotFound(f"{where} does not exist (status 404)")
    from http.client import responses

    hint = "Check the headers and permissions" if status in (401, 403) else ""
    raise Refused(
        f"{where}: the server answered with status {status} ({responses.get(status, 'unknown')})",
        status=status, date=answer.headers.get("date", ""), hint=hint,
    )  # fmt: skip


def _body(request: Request, answer: Answer) -> Iterator[bytes]:
    """The body as it came. Raises Broken where it is shorter than announced."""
    expected = answer.length()
    size = 0
    if expected is not None and request.room is not None:
        request.room(expected)
    if answer.status != 204:
        for chunk in answer.chunks():
            size += len(chunk)
            yield chunk
        if expected is not None and size != expected:
            raise Broken(TOO_SHORT)


def _continued(request: Request, chunks: Iterator[bytes], count: int, check: int) -> Iterator[bytes]:
    """`chunks` behind their first `count` bytes, which were delivered already and must be the same again.

    A checksum of some of them is enough: it is for a file that was replaced meanwhile. Who means harm can as well send it whole, and a
    digest in the config holds for all of it. Of all bytes it would be a tenth of what a download costs.
    """
    again, at = 0, 0
    for chunk in chunks:
        again = crc32(chunk[:count][-at % _STRIDE :: _STRIDE], again)
        at += len(chunk)
        if len(chunk) < count:
            count -= len(chunk)
            continue
        if again != check:
            raise FetchError(f"{request.what}: {public(request.url)} changed while it was fetched")
        if len(chunk) > count:
            yield chunk[count:]
        yield from chunks
        return
    raise FetchError(f"{request.what}: {public(request.url)} changed while it was fetched")
