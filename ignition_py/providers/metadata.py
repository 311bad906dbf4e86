"""User data from a metadata service: what the platforms that have one share.

    user_data()   one question; what a missing one means is the platform's to say
    token()       a session token that the service wants to see again
    Race          the same questions to several addresses of a service at once; the first answer counts

How often and for how long is tried is the fetcher's: until there is an answer, for as long as `-fetch-timeout` allows.
"""

from __future__ import annotations

from ignition_py.fetch.fetcher import NeedNetwork
from ignition_py.fetch.request import NotFound
from ignition_py.fetch.url import public
from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from queue import SimpleQueue

    from ignition_py.providers import Machine

    Headers = tuple[tuple[str, str], ...]
    Stopped = Callable[[], bool]
    Ask = Callable[[str, Stopped], bytes]

WHAT = "user data from the metadata service"
LINK_LOCAL = "http://169.254.169.254"  # where most platforms have their service
LIMIT = 16 << 20  # bytes; clouds allow from 16 KiB to 256 KiB
BUSY = (429,)  # beside statuses from 500 on, which are always tried again; the reference gives up at it
_TOKEN_LIMIT = 8 << 10  # bytes


def need_network(machine: Machine) -> None:
    """For platforms that decide with the network only, whatever else they look at. Raises NeedNetwork in fetch-offline."""
    if machine.fetcher.offline:
        raise NeedNetwork(f"{WHAT} needs the network")


def user_data(
    machine: Machine,
    url: str,
    *,
    headers: Headers = (),
    retry: tuple[int, ...] = BUSY,
    required: bool = False,
    low_port: bool = False,
    stopped: Stopped | None = None,
) -> bytes:
    """The user data; b"" where the service has none (status 404), unless it is `required`. Raises FetchError."""
    try:
        data = machine.fetcher.get(
            url, what=WHAT, headers=headers, retry=retry, limit=LIMIT, low_port=low_port, stopped=stopped
        )
    except NotFound:
        if required:
            raise
        data = b""
    if data:
        machine.found(public(url))
    else:
        machine.log.info("the metadata service has no user data")
    return data


def token(machine: Machine, url: str, *, headers: Headers, stopped: Stopped | None = None) -> str:
    """A session token, asked for with PUT. Raises NotFound where the service knows no tokens, FetchError."""
    what = "a session token from the metadata service"
    answer = machine.fetcher.get(
        url, what=what, headers=headers, retry=BUSY, method="PUT", limit=_TOKEN_LIMIT, stopped=stopped
    )
    try:
        text = answer.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise FetchError(f"{what}: the service answered, but not with a token")
    return text


def first_answer(machine: Machine, bases: Sequence[str], ask: Ask) -> bytes:
    """Asks at all `bases` ("http://[fd00:ec2::254]") at once; the first answer, good or bad. Raises FetchError.

    For services with an IPv4 and an IPv6 address: which one can be reached only trying tells, and it is one service.
    """
    need_network(machine)
    race = Race(machine, ask)
    try:
        for base in bases:
            race.add(base)
        answer = race.answer(None)
    finally:
        race.stop()
    assert answer is not None
    return answer


class Race:
    """Questions under way, each in a thread of its own. An address that cannot be reached gives no answer until the
    fetcher's time is over; everything else is the service's answer, an error included."""

    def __init__(self, machine: Machine, ask: Ask) -> None:
        from queue import SimpleQueue
        from threading import Event

        self._machine = machine
        self._ask = ask
        self._stop = Event()
        self._bases: set[str] = set()
        self._answers: SimpleQueue[bytes | BaseException] = SimpleQueue()

    def add(self, base: str) -> None:
        """Begins to ask at `base`, once."""
        if base in self._bases:
            return
        from threading import Thread

        self._bases.add(base)
        Thread(target=self._run, args=(base,), name=base, daemon=True).start()

    def answer(self, wait: float | None) -> bytes | None:
        """The answer, None where there is none after `wait` seconds (None: waits for it). Raises FetchError."""
        from queue import Empty

        try:
            answer = self._answers.get(timeout=wait)
        except Empty:
            return None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        """The other answers are not wanted any more."""
        self._stop.set()

    def _run(self, base: str) -> None:
        try:
            self._answers.put(self._ask(base, self._stop.is_set))
        except BaseException as error:
            self._answers.put(error)
