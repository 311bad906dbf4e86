"""What is known of the LUKS volumes before the first write, handed from `stage.py` to `make.py`."""

from __future__ import annotations

from typing import Any

from ignition_py.record import Record, field
from ignition_py.report.diag import Cause


class Prepared(Record):
    """`conflicts`, the `keys` that the config gives by volume, Tang `advertisements` by URL."""

    conflicts: list[Cause] = field(default_factory=list)
    keys: dict[str, bytes] = field(default_factory=dict)
    advertisements: dict[str, Any] = field(default_factory=dict)

    HIDDEN = ("keys",)
