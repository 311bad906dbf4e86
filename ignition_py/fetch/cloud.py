"""The metadata services of clouds: addresses, headers and limits, for user data (providers/) and for what proves who this machine
is: credentials of its role, tokens.

The latter are used by s3.py, gs.py and azure_blob.py, on the platform that owns the address only. Their requests go past every
proxy and are given up soon: without a response resources are fetched anonymously. Responses are never logged.

Sources: AWS "Use IMDSv2" and "Retrieve security credentials from instance metadata"; Google "About VM metadata",
"Authenticate workloads to Google Cloud APIs using service accounts"; Azure "Use managed identities … to acquire tokens".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ignition_py.fetch.deadline import Deadline, collected
from ignition_py.fetch.request import Headers, NotFound, Request, Settings, TooSlow
from ignition_py.report.diag import FetchError

if TYPE_CHECKING:
    from ignition_py.fetch.schemes.sigv4 import Credentials

T = TypeVar("T")

LINK_LOCAL = "http://169.254.169.254"  # where most platforms have their service
AWS = (LINK_LOCAL, "http://[fd00:ec2::254]")
GOOGLE = (LINK_LOCAL, "http://[fd20:ce::254]")
AZURE = LINK_LOCAL
AZURE_BLOBS = ".blob.core.windows.net"  # behind the name of a storage account
AWS_TOKEN_PATH = "/latest/api/token"  # noqa: S105  # a path
AWS_TOKEN_LIFE = (("x-aws-ec2-metadata-token-ttl-seconds", "21600"),)  # six hours: the longest there is
GOOGLE_HEADERS = (("Metadata-Flavor", "Google"),)
AZURE_HEADERS = (("Metadata", "true"),)
TOKEN_LIMIT = 8 << 10  # bytes
PATIENCE = 15.0  # seconds for one request with its retries
ROUNDS = (1.0, 3.0, 10.0)  # the same, as long as it is not known which address can be reached
_HEADERS = 5.0  # seconds until a response begins
LIMIT = 1 << 20  # bytes
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_AZURE_RESOURCE = "https%3A%2F%2Fstorage.azure.com%2F"


class NoIdentity(FetchError):  # a finding: what is public can be fetched all the same
    """The metadata service knows nothing to prove who this machine is with."""


def aws_token_header(token: str) -> Headers:
    """What a request with a session token (IMDSv2) carries."""
    return (("x-aws-ec2-metadata-token", token),)


def aws_credentials(request: Request) -> Credentials | None:
    """The instance role's credentials, None where there is no role. Asked once in a process."""

    def find() -> Credentials | None:
        try:
            return _role(request)
        except FetchError as error:
            request.log.info(f"{error.message}; going on anonymously")
            return None

    return request.session.once("aws credentials", find)


def aws_region(request: Request) -> str:
    """The region that this machine is in, "" where the service does not say."""

    def find() -> str:
        try:
            base, token = _session(request)
            return _ask(
                request, f"{base}/latest/meta-data/placement/region", "the region of this instance", token
            ).decode("ascii")
        except (FetchError, UnicodeDecodeError):
            request.log.warning("the metadata service does not say which region this instance is in")
            return ""

    return request.session.once("aws region", find)


def _session(request: Request) -> tuple[str, Headers]:
    """Which address answers, and the header with the session token (none for a service that knows no tokens)."""

    def find() -> tuple[str, Headers]:
        what = "a session token from the metadata service"

        def ask(base: str, patience: float) -> tuple[str, Headers]:
            try:
                token = _ask(request, f"{base}{AWS_TOKEN_PATH}", what, AWS_TOKEN_LIFE, patience, method="PUT").decode(
                    "ascii", "replace"
                )
            except NotFound:
                return base, ()
            return base, aws_token_header(token)

        return _first(AWS, ask)

    return request.session.once("aws session", find)


def _role(request: Request) -> Credentials:
    """Raises FetchError."""
    from ignition_py.fetch.schemes.sigv4 import Credentials

    what = "the credentials of the instance role"
    base, token = _session(request)
    folder = f"{base}/latest/meta-data/iam/security-credentials/"
    try:
        role = _ask(request, folder, what, token).decode("utf-8", "replace").partition("\n")[0].strip()
    except NotFound:
        role = ""
    if not role:
        raise NoIdentity(f"{what}: this instance has no role")
    from ignition_py.fetch.schemes.sigv4 import escape

    data = _json(_ask(request, folder + escape(role), what, token), what)
    found = [data.get(name) for name in ("AccessKeyId", "SecretAccessKey", "Token")]
    key, secret, session = (value if isinstance(value, str) else "" for value in found)
    if data.get("Code", "Success") != "Success" or not (key and secret):
        raise FetchError(f"{what}: the metadata service does not give them out")
    return Credentials(key, secret, session)


def google_token(request: Request) -> str:
    """The value of an Authorization header for the default service account, "" where there is none."""

    def find() -> str:
        what = "a token of the service account"

        def ask(base: str, patience: float) -> str:
            account = f"{base}/computeMetadata/v1/instance/service-accounts/default"
            _ask(request, f"{account}/scopes", what, GOOGLE_HEADERS, patience)
            return account

        try:
            account = _first(GOOGLE, ask)
        except FetchError as error:
            request.log.info(f"{error.message}; asking Cloud Storage anonymously")
            return ""
        return _bearer(
            _json(_ask(request, f"{account}/token?scopes={_GOOGLE_SCOPE}", what, GOOGLE_HEADERS), what), what
        )

    return request.session.once("google token", find)


def azure_token(request: Request) -> str:
    """The value of an Authorization header for the managed identity, "" where there is none."""

    def find() -> str:
        what = "a token of the managed identity"
        url = f"{AZURE}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={_AZURE_RESOURCE}"
        try:
            return _bearer(_json(_ask(request, url, what, AZURE_HEADERS), what), what)
        except FetchError as error:
            request.log.info(f"{error.message}; asking anonymously")
            return ""

    return request.session.once("azure token", find)


def _first(bases: tuple[str, ...], ask: Callable[[str, float], T]) -> T:
    """What the first reachable address returns; each is tried in turn, with longer limits each round. Raises FetchError."""
    last: TooSlow | None = None
    for patience in ROUNDS:
        for base in bases:
            try:
                return ask(base, patience)
            except TooSlow as error:
                last = error
    raise last or NoIdentity("the metadata service has no address")


def _ask(
    request: Request, url: str, what: str, headers: Headers, patience: float = PATIENCE, *, method: str = "GET"
) -> bytes:
    """The response of a metadata service. Raises NotFound, TooSlow, FetchError."""
    settings = Settings(response_headers=min(_HEADERS, patience))
    asked = request.but(
        url=url, what=what, settings=settings, deadline=Deadline((patience, "")), headers=headers, method=method,
        body=b"", retry=(), sign=None, room=None, low_port=False,
    )  # fmt: skip
    from ignition_py.fetch import http  # providers import this module offline as well

    return collected(asked, lambda: http.stream(asked), LIMIT)


def _json(data: bytes, what: str) -> dict[str, Any]:
    import json

    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FetchError(f"{what}: the metadata service's response is not a JSON object")
    return found


def _bearer(data: dict[str, Any], what: str) -> str:
    token = data.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise FetchError(f"{what}: the metadata service's response has none")
    return f"Bearer {token}"
