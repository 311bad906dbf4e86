"""The state of each machine, by the reports that have arrived: waiting, running, failed, provisioned.

A report that arrives twice counts once (its Idempotency-Key); `started` of a boot whose end is known already came late and changes
nothing. A machine that failed and is provisioned by a later boot is provisioned.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ignition_py.notify.event import FAILED, PROVISIONED, STARTED
from ignition_py.receiver.arrived import Arrived
from ignition_py.record import KW_ONLY, Record, field

WAITING, RUNNING = "waiting", "running"
STATES = (FAILED, RUNNING, WAITING, PROVISIONED)  # what needs a person first
MOST_MACHINES = 100_000
_STATE_OF = {STARTED: RUNNING, FAILED: FAILED, PROVISIONED: PROVISIONED}
_KEYS = 64  # that are remembered of a machine


class Machine(Record):
    """A machine: its `state` `since` (seconds since 1970) and the `report` that said so. `expected`: it is in the inventory."""

    name: str
    _: KW_ONLY
    expected: bool = False
    state: str = WAITING
    since: float = 0.0
    reports: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """The JSON of the machine's file and of a line of output."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.since))
        facts = {"name": self.name, "expected": self.expected, "state": self.state, "since": at}
        return {**facts, "reports": self.reports, "report": self.report}


class Fleet:
    """All machines, for any number of threads. `changed` is called with a machine behind each change, one call at a time."""

    def __init__(self, expected: Iterable[str], changed: Callable[[Machine], None], most: int = MOST_MACHINES) -> None:
        now = time.time()
        self._machines = {name: Machine(name, expected=True, since=now) for name in expected}
        self._changed = changed
        self._most = max(most, len(self._machines))
        self.condition = threading.Condition()

    def restore(self, name: str, state: str, since: float, report: dict[str, Any], reports: int) -> None:
        """Takes over what an earlier run of the receiver has known of a machine."""
        machine = self._machines.get(name) or Machine(name)
        machine.state, machine.since, machine.report, machine.reports = state, since, report, reports
        if len(self._machines) < self._most:
            self._machines.setdefault(name, machine)

    def take(self, name: str, arrived: Arrived) -> bool:
        """Takes a report. False where there are too many machines to remember another."""
        with self.condition:
            machine = self._machines.get(name)
            if machine is None:
                if len(self._machines) >= self._most:
                    return False
                machine = self._machines[name] = Machine(name)
            if arrived.key and arrived.key in machine.keys:
                return True
            machine.keys = [*machine.keys[1 - _KEYS :], arrived.key] if arrived.key else machine.keys
            boot = machine.report.get("boot")
            if (
                arrived.event == STARTED
                and machine.state in (FAILED, PROVISIONED)
                and boot
                and boot == arrived.data.get("boot")
            ):
                return True
            machine.state, machine.since = _STATE_OF[arrived.event], time.time()
            machine.report, machine.reports = arrived.data, machine.reports + 1
            self._changed(machine)
            self.condition.notify_all()
            return True

    def machines(self) -> list[Machine]:
        """All machines, failed ones first, then by name."""
        with self.condition:
            return sorted(self._machines.values(), key=lambda machine: (STATES.index(machine.state), machine.name))

    def counts(self) -> dict[str, int]:
        """State -> number of machines."""
        with self.condition:
            counts = dict.fromkeys(STATES, 0)
            for machine in self._machines.values():
                counts[machine.state] += 1
            return counts

    def ended(self, *, keep_going: bool) -> bool | None:
        """True if every expected machine is provisioned, False if one has failed, else None. `keep_going`: a failure counts once
        every expected machine has ended."""
        with self.condition:
            states = [machine.state for machine in self._machines.values() if machine.expected]
        if not states or (keep_going and not all(state in (FAILED, PROVISIONED) for state in states)):
            return None
        if FAILED in states:
            return False
        return True if all(state == PROVISIONED for state in states) else None
