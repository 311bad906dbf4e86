"""Sinks of reports: a table; each is one small file with `tell(report, door)`, which raises IgnitionError or OSError.

Adding one is a file and its row. Rows of a platform are used where the image says IGNITION_REPORT=platform.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeAlias

from ignition_py import module
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import Headers, TooSlow
from ignition_py.notify.event import EVENTS, FAILED, PROVISIONED, STARTED, Report
from ignition_py.notify.settings import Wanted
from ignition_py.record import KW_ONLY, Record
from ignition_py.system.log import Log

Tell: TypeAlias = "Callable[[Report, Door], None]"

WHAT = "the report"
ATTEMPTS = 3
_LIMIT = 64 << 10  # bytes of a response
ENDS = (FAILED, PROVISIONED)
NOTIFY_SOCKET = "/run/credentials/@system/vmm.notify_socket"  # where systemd keeps the system's credentials


class Door(Record):
    """What a sink may use. `fetcher` has the settings of the config (proxies, certificate authorities), `direct` has none: a
    platform's service is behind no proxy. `end` is the moment (time.monotonic()) by which it has to be done. `root` is "/" on a
    machine."""

    _: KW_ONLY
    wanted: Wanted
    log: Log
    fetcher: Fetcher
    direct: Fetcher
    platform: str
    end: float
    root: str = "/"

    def path(self, absolute: str) -> str:
        """Where an absolute path of the machine is."""
        return absolute if self.root == "/" else self.root + absolute

    def send(
        self,
        url: str,
        method: str = "GET",
        body: bytes = b"",
        *,
        headers: Headers = (),
        direct: bool = True,
        attempts: int = ATTEMPTS,
    ) -> bytes:
        """The response to one request, within the time that is left. Raises FetchError."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TooSlow("there is no time left for it")
        fetcher = self.direct if direct else self.fetcher
        return fetcher.get(
            url, what=WHAT, method=method, body=body, headers=headers, limit=_LIMIT, seconds=left, attempts=attempts
        )


class Sink(Record):
    """A row: what people call it, its events, whether it takes the network, and the platforms that it is of (none: asked for by a
    URL where `url`, else on all). `needs`: a file of the machine without which there is no such sink.
    """

    what: str
    _: KW_ONLY
    events: tuple[str, ...] = ENDS
    network: bool = False
    platforms: tuple[str, ...] = ()
    url: bool = False
    always: bool = False
    needs: str = ""


# Module of this package -> row. Local ones come first: they take no time. Azure's host reads the key-value pairs when it is told
# of health, so `kvp` is before `azure`. In the real root a shell script writes the serial line (handover.py).
SINKS = {
    "serial": Sink("the consoles", events=(STARTED, FAILED), always=True),
    "kvp": Sink("Hyper-V's key-value pairs", platforms=("azure", "hyperv")),
    "vmware": Sink("VMware's guestinfo", events=EVENTS, platforms=("vmware",)),
    "vsock": Sink("the virtual machine monitor's notify socket", events=EVENTS, needs=NOTIFY_SOCKET),
    "azure": Sink("Azure's health service", events=EVENTS, network=True, platforms=("azure",)),
    "gcp": Sink("Google's guest attributes", events=EVENTS, network=True, platforms=("gcp",)),
    "url": Sink("the URL for reports", events=EVENTS, network=True, url=True),
}


def chosen(event: str, platform: str, wanted: Wanted, root: str = "/") -> list[str]:
    """The sinks that this event goes to, in the order of the table. `root` is where what a sink needs is looked for."""
    there = "" if root == "/" else root
    return [
        name
        for name, sink in SINKS.items()
        if event in sink.events
        and _asked_for(sink, platform, wanted)
        and (not sink.needs or os.path.exists(there + sink.needs))
    ]


def _asked_for(sink: Sink, platform: str, wanted: Wanted) -> bool:
    if sink.always or sink.url:
        return sink.always or bool(wanted.url)
    return wanted.platform and (not sink.platforms or platform in sink.platforms)


def load(name: str) -> Tell:
    """The function of a sink."""
    tell: Tell = module(f"ignition_py.notify.sinks.{name}").tell
    return tell
