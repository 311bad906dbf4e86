"""One JSON file a machine in a folder, replaced as a whole; a receiver that is started again goes on from them.

A file's name is the machine's, with all but letters, digits, `-`, `_` and `.` escaped as in URLs; a long one is cut, with a digest of
the whole behind it.
"""

from __future__ import annotations

import hashlib
import json
import os
from calendar import timegm
from time import strptime
from typing import Any
from urllib.parse import quote

from ignition_py.notify.event import LIMIT
from ignition_py.receiver.fleet import STATES, Fleet, Machine
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import write_private

_LONGEST = 120  # characters of a name
_SUFFIX = ".json"
_MAX = 16 * LIMIT  # bytes of a file


def file_name(machine: str) -> str:
    """The name of a machine's file: safe on any filesystem, and never another machine's."""
    safe = quote(machine, safe="").replace("~", "%7E")
    safe = f"%{ord(safe[0]):02X}{safe[1:]}" if safe[:1] in (".", "-") else safe
    if len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}%{hashlib.sha256(machine.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return safe + _SUFFIX


class Store:
    """The folder; it is made where it is missing. Raises IgnitionError, OSError."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def write(self, machine: Machine) -> None:
        """Writes a machine's file. Raises IgnitionError."""
        data = json.dumps(machine.data(), ensure_ascii=False, indent=2) + "\n"
        write_private(os.path.join(self._folder, file_name(machine.name)), data.encode(), what="the state of a machine")

    def load(self, fleet: Fleet) -> None:
        """Tells the fleet what the files hold. Files that are none of ours are passed over. Raises IgnitionError."""
        for name in sorted(os.listdir(self._folder)):
            if not name.endswith(_SUFFIX):
                continue
            path = os.path.join(self._folder, name)
            try:
                with open(path, "rb") as file:
                    data = json.loads(file.read(_MAX))
                known = _known(data)
            except OSError as error:
                raise IgnitionError(f"reading {path}: {error.strerror}") from None
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            if file_name(known[0]) == name:
                fleet.restore(*known)


def _known(data: dict[str, Any]) -> tuple[str, str, float, dict[str, Any], int]:
    """What a file holds. Raises ValueError, KeyError, TypeError for another file."""
    name, state, report = data["name"], data["state"], data["report"]
    if not isinstance(name, str) or state not in STATES or not isinstance(report, dict):
        raise ValueError
    return name, state, float(timegm(strptime(data["since"], "%Y-%m-%dT%H:%M:%SZ"))), report, int(data["reports"])
