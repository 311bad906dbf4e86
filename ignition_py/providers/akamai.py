"""Platform `akamai` (Linode): user data from the metadata service, with a token; base64, and perhaps gzip inside.

Source: https://techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service
"""

from __future__ import annotations

from ignition_py.fetch.cloud import LINK_LOCAL
from ignition_py.providers import Machine
from ignition_py.providers.encodings import GZIP, base64, gunzip
from ignition_py.providers.metadata import WHAT, Attempt, first_response, token, user_data

BASES = (LINK_LOCAL, "http://[fd00:a9fe:a9fe::1]")
LIFETIME = "300"  # seconds


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError, also where there is none, as the reference does."""

    def ask(base: str, attempt: Attempt) -> bytes:
        # without Accept, the service refuses the one that the fetcher sends
        life = (("Accept", "text/plain"), ("Metadata-Token-Expiry-Seconds", LIFETIME))
        secret = token(machine, f"{base}/v1/token", headers=life, attempt=attempt)
        headers = (("Accept", "*/*"), ("Metadata-Token", secret))
        return user_data(machine, f"{base}/v1/user-data", headers=headers, required=True, attempt=attempt)

    data = base64(first_response(machine, BASES, ask), what=WHAT)
    return gunzip(data, what=WHAT) if data.startswith(GZIP) else data
