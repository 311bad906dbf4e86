"""User data from a metadata service: what the platforms that have one share.

    user_data()   one request; what a missing one means is the platform's to say
    token()       a session token that the service wants to see again
    Race          the same requests to several addresses of a service at once; the first response counts

How often and for how long is tried is the fetcher's: until there is a response, for as long as `--fetch-timeout` allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ignition_py.fetch.cloud import TOKEN_LIMIT
from ignition_py.fetch.fetcher import NeedNetwork
from ignition_py.fetch.request import NotFound
from ignition_py.fetch.urls import public
from ignition_py.providers import Machine
from ignition_py.record import Record
from ignition_py.report.diag import FetchError

Headers: TypeAlias = "tuple[tuple[str, str], ...]"
Ask: TypeAlias = "Callable[[str, Attempt], bytes]"

WHAT = "user data from the metadata service"
LIMIT = 16 << 20  # bytes; clouds allow from 16 KiB to 256 KiB
ADDRESSES = 64  # asked at once: one for each network interface


class Attempt(Record):
    """The requests to one address of a race. `place` is where the config was found there, "" for nowhere."""

    stopped: Callable[[], bool]
    place: str = ""


def need_network(machine: Machine) -> None:
    """For platforms that decide with the network only, whatever else they look at. Raises NeedNetwork in fetch-offline."""
    if machine.fetcher.offline:
        raise NeedNetwork(f"{WHAT} needs the network")


def user_data(
    machine: Machine,
    url: str,
    *,
    headers: Headers = (),
    retry: tuple[int, ...] = (),
    required: bool = False,
    low_port: bool = False,
    attempt: Attempt | None = None,
) -> bytes:
    """The user data; b"" where the service has none (status 404), unless it is `required`. Raises FetchError."""
    try:
        data = machine.fetcher.get(
            url, what=WHAT, headers=headers, retry=retry, limit=LIMIT, low_port=low_port, stopped=_stopped(attempt)
        )
    except NotFound:
        if required:
            raise
        data = b""
    if data and attempt is not None:
        attempt.place = public(url)
    elif data:
        machine.found(public(url))
    else:
        tell(machine, "the metadata service has no user data", attempt)
    return data


def tell(machine: Machine, text: str, attempt: Attempt | None) -> None:
    """Logs, unless the race of the attempt is over: a late line would stand below the error."""
    if not _stopped(attempt)():
        machine.log.info(text)


def token(machine: Machine, url: str, *, headers: Headers, attempt: Attempt | None = None) -> str:
    """A session token, asked for with PUT. Raises NotFound where the service knows no tokens, FetchError."""
    what = "a session token from the metadata service"
    response = machine.fetcher.get(
        url, what=what, headers=headers, method="PUT", limit=TOKEN_LIMIT, stopped=_stopped(attempt)
    )
    try:
        text = response.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise FetchError(f"{what}: the service answered, but not with a token")
    return text


def _stopped(attempt: Attempt | None) -> Callable[[], bool]:
    return bool if attempt is None else attempt.stopped


def first_response(machine: Machine, bases: Sequence[str], ask: Ask) -> bytes:
    """Asks at all `bases` ("http://[fd00:ec2::254]") at once; the first response, good or bad. Raises FetchError.

    For services with an IPv4 and an IPv6 address: which one can be reached only trying tells, and it is one service.
    """
    need_network(machine)
    race = Race(machine, ask)
    try:
        for base in bases:
            race.add(base)
        response = race.response(None)
    finally:
        race.stop()
    assert response is not None
    return response


class Race:
    """Requests to several addresses at once. An address that cannot be reached gives no response until the fetcher's time is
    over; everything else is the service's answer, an error included."""

    def __init__(self, machine: Machine, ask: Ask) -> None:
        from ignition_py.system.parallel import Jobs

        self._machine = machine
        self._ask = ask
        self._bases: set[str] = set()
        self._jobs = Jobs(ADDRESSES)

    def add(self, base: str) -> None:
        """Begins to ask at `base`, once."""
        if base not in self._bases:
            self._bases.add(base)
            self._jobs.add(lambda: self._attempt(base))

    def response(self, wait: float | None) -> bytes | None:
        """The next response, None where there is none after `wait` seconds (None: waits for it). Raises FetchError.

        Only the response that is returned says where the config was found.
        """
        found: tuple[bytes, str] | None = self._jobs.next(wait)
        if found is None:
            return None
        data, place = found
        if place:
            self._machine.found(place)
        return data

    def stop(self) -> None:
        """The other responses are no longer needed."""
        self._jobs.stop()

    def _attempt(self, base: str) -> tuple[bytes, str]:
        attempt = Attempt(self._jobs.stopped)
        return self._ask(base, attempt), attempt.place
