"""Platform `gcp`: the instance attribute `user-data` from the metadata server, at its IPv4 and its IPv6 address at once.

Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

from __future__ import annotations

from ignition_py.providers.metadata import LINK_LOCAL, first_answer, user_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.providers import Machine
    from ignition_py.providers.metadata import Attempt

BASES = (LINK_LOCAL, "http://[fd20:ce::254]")
PATH = "/computeMetadata/v1/instance/attributes/user-data"
HEADERS = (("Metadata-Flavor", "Google"),)


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""

    def ask(base: str, attempt: Attempt) -> bytes:
        return user_data(machine, base + PATH, headers=HEADERS, attempt=attempt)

    return first_answer(machine, BASES, ask)
