"""Platform `packet` (Equinix Metal): user data from the metadata service, and a message about each stage's end.

    fetch()   the user data
    report()  tells the machine's timeline, through the address that the metadata has for that

Source: https://deploy.equinix.com/developers/docs/metal/server-metadata/metadata/
"""

from __future__ import annotations

from json import dumps, loads

from ignition_py.providers import Machine
from ignition_py.providers.metadata import user_data
from ignition_py.report.diag import FetchError, IgnitionError

SERVICE = "https://metadata.packet.net"
# The service answers "not acceptable" to the Accept that the fetcher sends.
HEADERS = (("Accept", "*/*"),)
PHONE_HOME, EVENTS = "/phone-home", "/events"
REPORT_TIME = 10.0  # seconds for each of the two requests; a boot does not hang on a message
_LIMIT = 1 << 20  # bytes


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError, also where there is none, as the reference does."""
    return user_data(machine, f"{SERVICE}/userdata", headers=HEADERS, required=True)


def report(machine: Machine, stage: str, error: IgnitionError | None) -> None:
    """Says that `stage` is done, or how it failed. Raises FetchError."""
    state = "running" if error is None else "failed"
    text = "finished successfully" if error is None else error.message
    message = {"state": state, "message": f"[{stage}] Ignition {'status' if error is None else 'error'}: {text}"}
    metadata = machine.fetcher.get(
        f"{SERVICE}/metadata",
        what="the metadata of this machine",
        headers=HEADERS,
        limit=_LIMIT,
        seconds=REPORT_TIME,
    )
    machine.fetcher.get(
        _address(metadata),
        what="the message to the machine's timeline",
        headers=(("Content-Type", "application/json"), *HEADERS),
        method="POST",
        body=dumps(message).encode(),
        limit=_LIMIT,
        seconds=REPORT_TIME,
    )


def _address(metadata: bytes) -> str:
    """Where messages go to. Raises FetchError."""
    try:
        url = loads(metadata)["phone_home_url"]
    except (ValueError, TypeError, KeyError, RecursionError):
        url = None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise FetchError("the metadata of this machine names no address for messages (phone_home_url)")
    return url.removesuffix(PHONE_HOME) + EVENTS
