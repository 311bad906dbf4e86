"""Platforms that deliver the config on a config drive or through a metadata service, and do not say which.

A drive that is attached is read, and no service asked. Else both are waited for, and the first that delivers wins; a
service that has no user data, or refuses, is believed only when no drive has come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ignition_py.providers import Machine, drive
from ignition_py.providers.metadata import Ask, Race, need_network
from ignition_py.report.diag import IgnitionError

PATIENCE = 30.0  # seconds from the beginning in which a drive may come after the service has failed


def fetch(machine: Machine, labels: Sequence[str], path: str, bases: Callable[[], Sequence[str]], ask: Ask) -> bytes:
    """The config from a drive with one of `labels`, file `path`, or from the service at one of `bases()`.

    `bases` is asked again and again, since network interfaces come up one by one. Raises IgnitionError. As in the
    reference, fetch-offline leaves everything to fetch: it could not know that no drive will come.
    """
    need_network(machine)
    race = Race(machine, ask)
    try:
        return _first(machine, labels, path, bases, race)
    finally:
        race.stop()


def _first(machine: Machine, labels: Sequence[str], path: str, bases: Callable[[], Sequence[str]], race: Race) -> bytes:
    end = time.monotonic() + PATIENCE
    failure: IgnitionError | None = None
    refused = False
    while True:
        label = drive.find(machine, labels)
        try:
            if label is not None:
                return drive.user_data(machine, label, path)
            for base in bases():
                race.add(base)
            response = race.response(drive.POLL)
        except IgnitionError as error:
            machine.log.warning(f"{error}; going on with the other places for a config")
            labels = [other for other in labels if other != label]
            refused = refused or label is None
            failure = error
            continue
        if response:
            return response
        if response is not None and drive.find(machine, labels) is None:
            if failure is None:
                return response
            raise failure
        if refused and failure is not None and time.monotonic() >= end:
            raise failure
