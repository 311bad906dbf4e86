"""The time that a fetch may take, with all of its attempts; and the attempts to get a body that breaks off.

A body that breaks off is fetched again from the start, and what came before is thrown away: nothing is put together from
two responses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep

from ignition_py.fetch.request import Request, TooSlow
from ignition_py.fetch.urls import public
from ignition_py.report.diag import FetchError

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts, doubling
BODY_ATTEMPTS = 5
STEP = 0.2  # seconds after which a pause looks whether it is still needed
CONFIG_LIMIT = "To wait longer, raise `timeouts.httpTotal`"  # what to do where the config's limit was too short


class Deadline:
    """A moment by which everything has to be done: the first of some limits, each in seconds (0 is none) with its hint."""

    def __init__(self, *limits: tuple[float, str]) -> None:
        self.seconds, self.hint = min((limit for limit in limits if limit[0]), default=(0.0, ""))
        self.end = monotonic() + self.seconds if self.seconds else None

    def left(self) -> float | None:
        """Seconds, at least 1 ms, so that they can be given as a time limit; None for no limit."""
        return None if self.end is None else max(self.end - monotonic(), 0.001)

    def over(self) -> bool:
        return self.end is not None and monotonic() >= self.end


class Interrupted(FetchError):
    """The body broke off after some bytes. `reason` is a phrase."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(f"{message}: {reason}")
        self.where = message
        self.reason = reason


def check_needed(request: Request) -> None:
    """Raises FetchError where the response is no longer needed."""
    if request.stopped():
        raise FetchError(f"{request.what}: {public(request.url)}: no longer needed")


def pause(request: Request, seconds: float, reason: str, hint: str = "") -> None:
    """Waits before the next attempt. Raises FetchError where the deadline passes, or the response is no longer needed."""
    end = monotonic() + min(seconds, request.deadline.left() or seconds)
    while (left := end - monotonic()) > 0:
        check_needed(request)
        sleep(min(left, STEP))
    if request.deadline.over():
        raise TooSlow(
            f"{request.what}: could not fetch {public(request.url)} within {request.deadline.seconds:g} s; last error: {reason}",
            hint=". ".join(filter(None, (hint or "Check that the network and the server are up", request.deadline.hint))),
        )


def collected(request: Request, begin: Callable[[], Iterator[bytes]], limit: int) -> bytes:
    """The body of `attempts()` in memory, at most `limit` bytes. Raises FetchError."""
    data = bytearray()
    for chunk in attempts(request, begin, data.clear):
        data += chunk
        if len(data) > limit:
            raise FetchError(f"{request.what}: the contents are larger than {limit} bytes")
    return bytes(data)


def attempts(request: Request, begin: Callable[[], Iterator[bytes]], restart: Callable[[], None]) -> Iterator[bytes]:
    """The chunks of `begin()`. Where the body breaks off, `restart()` has to throw away what came, and it begins again.

    Raises FetchError.
    """
    for attempt in range(1, BODY_ATTEMPTS + 1):
        try:
            yield from begin()
            return  # noqa: TRY300  # the `except` is for the loop, not for what comes behind it
        except Interrupted as error:
            if attempt == BODY_ATTEMPTS:
                raise FetchError(f"{error.where} in each of {attempt} attempts: {error.reason}") from None
            request.log.warning(f"{error.message}; fetching it again from the start")
        restart()
        pause(request, min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE), "the body broke off")
