"""Sink `url`: the report by POST to a URL of the operator's, as JSON, or as the form that cloud-init's phone_home sends.

    Idempotency-Key: BOOT-EVENT, so that a report that arrives twice counts once

Source: cloud-init's documentation, module phone_home (instance_id, hostname, fqdn and the host keys `pub_key_*`, of which there are
none before sshd has first run); the form is for success only, as there.
"""

from __future__ import annotations

from ignition_py.notify.event import PROVISIONED, Report
from ignition_py.notify.settings import PHONE_HOME
from ignition_py.notify.sinks import Door

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


def tell(report: Report, door: Door) -> None:
    """Sends it. Raises FetchError."""
    form = door.wanted.format == PHONE_HOME
    if form and report.event != PROVISIONED:
        return
    headers = (("Content-Type", _FORM if form else _JSON), ("Idempotency-Key", report.key))
    door.send(door.wanted.url, "POST", _phone_home(report) if form else report.body, headers=headers, direct=False)


def _phone_home(report: Report) -> bytes:
    """The form. Without a cloud's name for it, a machine's instance_id is its UUID, else its boot."""
    from urllib.parse import urlencode

    machine = report.data["machine"]
    name = machine["hostname"] or ""
    fields = {
        "instance_id": machine["uuid"] or report.data["boot"] or "",
        "hostname": name.partition(".")[0],
        "fqdn": name,
    }
    return urlencode(fields).encode()
