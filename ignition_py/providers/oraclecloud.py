"""Platform `oraclecloud`: user data from the instance metadata service (version 2), base64.

It is asked at its IPv4 and its IPv6 address at once. Source:
https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm
"""

from __future__ import annotations

from ignition_py.fetch.cloud import LINK_LOCAL
from ignition_py.providers import Machine
from ignition_py.providers.encodings import base64
from ignition_py.providers.metadata import WHAT, Attempt, first_response, user_data

BASES = (LINK_LOCAL, "http://[fd00:c1::a9fe:a9fe]")
HEADERS = (("Authorization", "Bearer Oracle"),)  # the same for everybody: it keeps out requests that were forwarded


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""

    def ask(base: str, attempt: Attempt) -> bytes:
        return user_data(machine, f"{base}/opc/v2/instance/metadata/user_data", headers=HEADERS, attempt=attempt)

    return base64(first_response(machine, BASES, ask), what=WHAT)
