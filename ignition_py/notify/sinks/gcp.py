"""Sink `gcp`: guest attributes `ignition/event` and `ignition/report` of the instance, by PUT to the metadata server.

The instance or its project needs the metadata `enable-guest-attributes=TRUE`; else the server answers 403. Source:
https://cloud.google.com/compute/docs/metadata/manage-guest-attributes
"""

from __future__ import annotations

from ignition_py.fetch.cloud import GOOGLE, GOOGLE_HEADERS
from ignition_py.fetch.request import NotFound, Refused
from ignition_py.notify.event import Report
from ignition_py.notify.sinks import ATTEMPTS, Door
from ignition_py.report.diag import FetchError

PATH = "/computeMetadata/v1/instance/guest-attributes/ignition"
_HEADERS = (*GOOGLE_HEADERS, ("Content-Type", "application/octet-stream"))


def tell(report: Report, door: Door) -> None:
    """Writes both, at the first address of the server that takes them; in each round each address is asked once. Raises FetchError."""
    error: FetchError | None = None
    for base in GOOGLE * ATTEMPTS:
        try:
            door.send(f"{base}{PATH}/report", "PUT", report.body, headers=_HEADERS, attempts=1)
            door.send(f"{base}{PATH}/event", "PUT", report.event.encode(), headers=_HEADERS, attempts=1)
        except (NotFound, Refused):  # the server has answered
            raise
        except FetchError as problem:
            error = error or problem
        else:
            return
    if error is not None:
        raise error
