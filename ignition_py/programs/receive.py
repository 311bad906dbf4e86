"""`ignition-py receive`: waits for the reports of a fleet's first boots."""

from __future__ import annotations

import queue
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from ignition_py.receiver.fleet import Fleet, Machine
from ignition_py.receiver.hosts import Hosts, read_hosts, read_secret
from ignition_py.receiver.screen import Lines, Objects, Table, View
from ignition_py.receiver.server import METRICS, Server
from ignition_py.receiver.store import Store
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import IgnitionError
from ignition_py.system import streams

PROVISIONED, FAILED, USAGE, TIME_OVER = 0, 1, 2, 3
_TICK = 1.0  # seconds between two drawings of the table
_LAST = 2.0  # seconds for requests that are being answered when it ends
_NAME = "ignition-py receive"


class Wishes(Record):
    """What was asked for on the command line."""

    _: KW_ONLY
    listen: tuple[str, int]
    state: str = ""
    inventories: tuple[str, ...] = ()
    timeout: float = 0.0
    as_json: bool = False
    keep_going: bool = False
    token_file: str = ""
    certificate: str = ""
    key: str = ""


def hosts_of(inventories: Sequence[str], token_file: str) -> Hosts:
    """Raises IgnitionError, OSError."""
    secret = read_secret(token_file) if token_file else b""
    return read_hosts(inventories, secret) if inventories else Hosts(secret=secret)


def paths(hosts: Hosts, base: str) -> str:
    """A line for each host: its name and the URL for its reports."""
    return "".join(f"{name}\t{base.rstrip('/')}{hosts.path(name)}\n" for name in hosts.names)


def receive(wishes: Wishes) -> int:
    """Takes reports until all hosts of the inventory are provisioned, one has failed, or the time is over; the exit status.

    Raises IgnitionError, OSError.
    """
    changes: queue.SimpleQueue[Machine] = queue.SimpleQueue()
    hosts = hosts_of(wishes.inventories, wishes.token_file)
    store = Store(wishes.state) if wishes.state else None
    fleet = Fleet(hosts.names, lambda machine: _changed(machine, store, changes))
    if store is not None:
        store.load(fleet)
    tls = _tls(wishes)
    with Server(wishes.listen, fleet, hosts, lambda why: streams.say(f"{_NAME}: {why}\n"), tls) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = wishes.listen[0], server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        streams.say(
            f"{_NAME}: listening at {'https' if tls else 'http'}://{shown}:{port}; {METRICS} is for Prometheus\n"
        )
        try:
            return _wait(wishes, fleet, changes)
        finally:
            server.shutdown()
            server.drain(_LAST)


def _changed(machine: Machine, store: Store | None, changes: queue.SimpleQueue[Machine]) -> None:
    """Keeps a change and hands it on to whoever shows it."""
    if store is not None:
        try:
            store.write(machine)
        except IgnitionError as error:
            streams.say(f"{_NAME}: {error}\n")
    changes.put(machine.but())


def _wait(wishes: Wishes, fleet: Fleet, changes: queue.SimpleQueue[Machine]) -> int:
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    view: View = Objects(fleet) if wishes.as_json else Table(fleet) if on_terminal else Lines(fleet)
    end = time.monotonic() + wishes.timeout if wishes.timeout else float("inf")
    status = TIME_OVER
    while time.monotonic() < end:
        view.tick()
        with suppress(queue.Empty):
            view.change(changes.get(timeout=max(min(_TICK, end - time.monotonic()), 0.0)))
        ended = fleet.ended(keep_going=wishes.keep_going)
        if ended is not None:
            status = PROVISIONED if ended else FAILED
            break
    with suppress(queue.Empty):
        while True:
            view.change(changes.get_nowait())
    view.end()
    return status


def _tls(wishes: Wishes) -> ssl.SSLContext | None:
    """Raises IgnitionError, OSError."""
    if not wishes.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(wishes.certificate, wishes.key or None)
    except ssl.SSLError:
        raise IgnitionError(
            f"{wishes.certificate} and {wishes.key or 'the key in it'} are no certificate and its key"
        ) from None
    return context
