"""Platform `aws`: user data from the instance metadata service, with a session token (IMDSv2) if the service knows them.

It is asked at its IPv4 and its IPv6 address at once. Source:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
"""

from __future__ import annotations

from ignition_py.fetch.cloud import AWS, AWS_TOKEN_LIFE, AWS_TOKEN_PATH, aws_token_header
from ignition_py.fetch.request import NotFound
from ignition_py.providers import Machine
from ignition_py.providers.metadata import Attempt, first_response, tell, token, user_data


def fetch(machine: Machine) -> bytes | None:
    """The user data. Raises FetchError."""

    def ask(base: str, attempt: Attempt) -> bytes:
        try:
            secret = token(machine, base + AWS_TOKEN_PATH, headers=AWS_TOKEN_LIFE, attempt=attempt)
        except NotFound:
            tell(machine, "the metadata service has no session tokens (IMDSv2); asking without (IMDSv1)", attempt)
            headers: tuple[tuple[str, str], ...] = ()
        else:
            headers = aws_token_header(secret)
        return user_data(machine, f"{base}/2019-10-01/user-data", headers=headers, attempt=attempt)

    return first_response(machine, AWS, ask)
