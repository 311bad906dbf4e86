"""Sends the report of an event to its sinks, once in a boot and within a limit of time.

    Occasion -> settings.py -> event.py -> local sinks one after the other, then those of the network side by side

All events of a boot share SECONDS, and each sink has at most three attempts for a request: a receiver that is down delays a boot by
that much at most. Two files beside the state file remember it over processes: `notify/told-EVENT`, which is made before anything is sent
and never again, and `notify/spent`. An error is a line in the log; nothing here fails a stage. No network is brought up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from ignition_py import quickjson as json
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import Settings
from ignition_py.notify.event import FAILED, STARTED, Report, report
from ignition_py.notify.settings import FOLDER, Wanted, told_host, wanted
from ignition_py.notify.sinks import SINKS, WHAT, Door, chosen, load
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import FetchError, IgnitionError
from ignition_py.system.host import write_private
from ignition_py.system.log import Log
from ignition_py.system.parallel import Jobs

SECONDS = 10.0  # of all events of a boot
STARTED_SECONDS = 3.0  # of these, so that a failure can still be told
RESPONSE = 3.0  # seconds until a response begins: a receiver that hangs leaves time for another attempt
FAILURE = "failure.json"
_SPENT = "spent"
_MAX = 64 << 10  # bytes of failure.json that count


class Occasion(Record):
    """An event and where it happened. `folder` is that of the stages' files; `settings` are those of the config, None where they are
    to be looked up in the config cache. `stage`: what failed, where failure.json is missing."""

    _: KW_ONLY
    event: str
    log: Log
    folder: str
    platform: str
    environ: Mapping[str, str]
    settings: Settings | None = None
    config_cache: str = ""
    stage: str = ""
    root: str = "/"


class Quiet:
    """A sink of a log that keeps nothing: what the fetcher says of its URL might hold a token."""

    where = ""
    hidden = False

    def write(self, priority: int, line: str) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


def tell(occasion: Occasion) -> None:
    """Sends the report. Raises nothing."""
    try:
        _tell(occasion)
    except Exception as error:  # whatever it is, the stage has ended as it has
        words = str(error) if isinstance(error, IgnitionError) else type(error).__name__
        occasion.log.warning(f"reporting the event {occasion.event}: {words}")


def _tell(occasion: Occasion) -> None:
    if not _first(occasion):
        return
    asked = wanted(occasion.environ)
    for sentence in asked.wrong:
        occasion.log.warning(f"reports: {sentence}")
    failure = _failure(occasion) if occasion.event == FAILED else None
    made = report(occasion.event, occasion.platform, occasion.folder, failure, occasion.root)
    names = chosen(occasion.event, occasion.platform, asked, occasion.root)
    began, spent = time.monotonic(), _spent(occasion.folder)
    left = min(SECONDS - spent, STARTED_SECONDS if occasion.event == STARTED else SECONDS)
    door = _door(occasion, asked, began + left)
    for name in names:
        if not SINKS[name].network:
            _one(name, made, door)
    remote = [name for name in names if SINKS[name].network]
    if remote:
        _side_by_side(remote, made, door)
        took = time.monotonic() - began
        write_private(
            f"{occasion.folder}/{FOLDER}/{_SPENT}", f"{spent + took:.3f}\n".encode(), what="the time that reports took"
        )


def _first(occasion: Occasion) -> bool:
    """True the first time that this event is told in this boot. Raises OSError."""
    folder = f"{occasion.folder}/{FOLDER}"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    try:
        os.close(os.open(f"{folder}/told-{occasion.event}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True


def _spent(folder: str) -> float:
    try:
        with open(f"{folder}/{FOLDER}/{_SPENT}", encoding="ascii") as file:
            return min(max(float(file.read(64)), 0.0), SECONDS)
    except (OSError, ValueError):
        return 0.0


def _failure(occasion: Occasion) -> dict[str, Any]:
    """What the stage has written of its failure; without it the stage alone."""
    try:
        with open(f"{occasion.folder}/{FAILURE}", "rb") as file:
            data = json.loads(file.read(_MAX))
    except (OSError, ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        return data
    return {
        "stage": occasion.stage or None,
        "message": "it said nothing of its failure; its journal has its last words",
    }


def _door(occasion: Occasion, asked: Wanted, end: float) -> Door:
    quiet = Log(Quiet())
    trusted = occasion.environ.get("IGNITION_TRUSTED_TIME", "")
    fetcher, direct = (Fetcher(quiet, trusted_time=trusted) for _ in range(2))
    settings = occasion.settings
    if asked.url and settings is None:
        settings = _settings_of(occasion.config_cache, fetcher)
    fetcher.settings = (settings or fetcher.settings).but(total=0.0, response_headers=RESPONSE)
    direct.settings = direct.settings.but(response_headers=RESPONSE)
    return Door(
        wanted=asked,
        log=occasion.log,
        fetcher=fetcher,
        direct=direct,
        platform=occasion.platform,
        end=end,
        root=occasion.root,
    )


def _settings_of(cache: str, fetcher: Fetcher) -> Settings | None:
    """Proxies and certificate authorities of the config that the fetch stages left, None where there is none."""
    from ignition_py.spec.read import parse_cached

    try:
        with open(cache, "rb") as file:
            config = parse_cached(file.read(), cache)
        fetcher.configure(config.ignition, check=False)
    except (OSError, IgnitionError):
        return None
    return fetcher.settings


def _side_by_side(names: list[str], made: Report, door: Door) -> None:
    """Each sink in a thread. A name that cannot be resolved has a time limit of its own, so nobody waits for the threads' ends."""
    jobs = Jobs(len(names))
    numbers = {jobs.add(_job(name, made, door)): name for name in names}
    for _ in names:
        if jobs.next(max(door.end - time.monotonic(), 0.0)) is None:
            for number, name in numbers.items():
                if not jobs.succeeded(number):
                    door.log.warning(f"reporting {made.event} to {_where(name, door)}: no response in time")
            return


def _job(name: str, made: Report, door: Door) -> Callable[[], bool]:
    return lambda: _one(name, made, door)


def _one(name: str, made: Report, door: Door) -> bool:
    """Tells one sink; errors are logged. Always True."""
    try:
        load(name)(made, door)
    except Exception as error:  # the other sinks are told all the same
        door.log.warning(f"reporting {made.event} to {_where(name, door)}: {_reason(error, door)}")
    else:
        door.log.info(f"reported {made.event} to {_where(name, door)}")
    return True


def _where(name: str, door: Door) -> str:
    return f"{SINKS[name].what} ({told_host(door.wanted.url)})" if SINKS[name].url else SINKS[name].what


def _reason(error: Exception, door: Door) -> str:
    """Why it failed, without the URL."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if not isinstance(error, IgnitionError):
        return type(error).__name__
    text = error.message
    if isinstance(error, FetchError) and door.wanted.url:
        from ignition_py.fetch.urls import public

        text = text.replace(public(door.wanted.url), told_host(door.wanted.url))
    return text.removeprefix(f"{WHAT}: ")
