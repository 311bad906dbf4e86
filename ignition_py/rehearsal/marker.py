"""The line `ignition-result: {…}` that the executor writes to a machine's console (ignition_py/notify/event.py), read back.

Other messages may share the console: a line that is cut in two is no JSON and is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ignition_py.notify.event import EVENTS, MARKER


def result(console: Iterable[str]) -> dict[str, Any] | None:
    """The last such line that is whole, None where there is none."""
    found: dict[str, Any] | None = None
    for text in console:
        _, marker, rest = text.partition(MARKER)
        if not marker:
            continue
        try:
            data, _ = json.JSONDecoder().raw_decode(rest)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and data.get("event") in EVENTS:
            found = data
    return found
