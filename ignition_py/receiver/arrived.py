"""What a report says: the JSON of notify/event.py, or the form of cloud-init's phone_home, checked for types and sizes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from ignition_py.notify.event import EVENTS, LIMIT, PROVISIONED
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import IgnitionError

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
LONGEST = 500  # characters of a text
_KEY = 200  # characters of an Idempotency-Key
_MOST_MACS = 16
_TEXTS = ("platform", "config_sha512", "stage", "message", "hint", "entry", "source", "boot", "os", "version")
_NUMBERS = ("line", "column", "seconds")
_FIELDS = 50  # of a form


class Wrong(IgnitionError):
    """A body that is no report; the message says why, without what it holds."""


class Arrived(Record):
    """A report as it came. `data` has the fields of the schema (docs/report.md), what is not known is null. `key` is its
    Idempotency-Key, "" for none."""

    _: KW_ONLY
    event: str
    data: dict[str, Any]
    key: str = ""

    def text(self, name: str) -> str:
        """A text, "" where it is not known."""
        return self.data.get(name) or ""

    def machine(self, name: str) -> str:
        """A text of the machine's facts, "" where it is not known."""
        return self.data["machine"].get(name) or ""


def parse(body: bytes, kind: str, key: str = "") -> Arrived:
    """The report in a body of that media type. Raises Wrong."""
    if len(body) > LIMIT:
        raise Wrong(f"a report has at most {LIMIT} bytes")
    kind = kind.partition(";")[0].strip().lower()
    if kind == JSON:
        data = _json(body)
    elif kind == FORM:
        data = _form(body)
    else:
        raise Wrong(f"a report is {JSON}, or {FORM} as cloud-init's phone_home sends it")
    return Arrived(event=data["event"], data=data, key=key[:_KEY])


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Wrong("the body is not JSON") from None
    if not isinstance(data, dict) or data.get("event") not in EVENTS:
        raise Wrong(f"the body is no report: its event is none of {', '.join(EVENTS)}")
    machine: Any = data.get("machine")
    machine = machine if isinstance(machine, dict) else {}
    written: Any = data.get("written")
    macs: Any = machine.get("macs")
    macs = macs if isinstance(macs, list) else []
    return {
        "event": data["event"],
        "machine": {
            **{name: _text(machine.get(name)) for name in ("uuid", "serial", "hostname")},
            "macs": [mac for mac in map(_text, macs[:_MOST_MACS]) if mac],
        },
        **{name: _text(data.get(name)) for name in _TEXTS},
        **{name: _number(data.get(name)) for name in _NUMBERS},
        "written": None
        if not isinstance(written, dict)
        else {"file": _text(written.get("file")), "line": _number(written.get("line"))},
    }


def _form(body: bytes) -> dict[str, Any]:
    """phone_home is sent by machines that are up: it is the event `provisioned`."""
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=_FIELDS, strict_parsing=True))
    except ValueError:
        raise Wrong("the body is not a form") from None
    if not fields.get("instance_id") and not fields.get("hostname") and not fields.get("fqdn"):
        raise Wrong("the form has neither instance_id nor hostname nor fqdn")
    machine = {
        "uuid": _text(fields.get("instance_id")),
        "serial": None,
        "hostname": _text(fields.get("fqdn") or fields.get("hostname")),
    }
    empty = dict.fromkeys((*_TEXTS, *_NUMBERS, "written"))
    return {"event": PROVISIONED, "machine": {**machine, "macs": []}, **empty}


def _text(value: object) -> str | None:
    """A text that can be written as UTF-8, cut to its longest; anything else is null."""
    return value[:LONGEST].encode("utf-8", "replace").decode() or None if isinstance(value, str) else None


def _number(value: object) -> int | float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return value if good else None  # type: ignore[return-value]  # it is a number then


def _no_number(name: str) -> object:
    raise ValueError(name)
