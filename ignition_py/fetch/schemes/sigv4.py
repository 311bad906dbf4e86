"""Signs requests to AWS: Signature Version 4 in the `Authorization` header.

Source: "Signature Version 4 signing process" (AWS IAM user guide) and "Authenticating Requests: Using the Authorization
Header" (Amazon S3 API reference), whose examples are the tests. Pure: the time is given.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

from ignition_py.record import Record

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()  # of the body of a GET
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Credentials(Record):
    """What a role of this machine signs with; `token` is "" for keys that are not temporary."""

    HIDDEN = ("key", "secret", "token")

    key: str
    secret: str
    token: str = ""


def escape(text: str, keep: str = "") -> str:
    """Percent escapes in the one form that a signature knows: upper case, everything but unreserved characters and `keep`."""
    kept = _PLAIN | set(keep.encode())
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(sorted(f"{escape(name)}={escape(value)}" for name, value in pairs))


def signed_headers(
    credentials: Credentials, *, method: str, path: str, query: str, headers: Mapping[str, str], region: str,
    now: float, service: str = "s3", payload: str = EMPTY,
) -> dict[str, str]:  # fmt: skip
    """The headers to send beside `headers`, which are signed too; `host` has to be one of them.

    `path` is escaped already, `query` is canonical, `now` in seconds since 1970, `payload` the digest of the body.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    added = {"x-amz-date": moment}
    if service == "s3":
        added["x-amz-content-sha256"] = payload
    if credentials.token:
        added["x-amz-security-token"] = credentials.token
    every = {name.lower(): " ".join(value.split()) for name, value in {**headers, **added}.items()}
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{every[name]}\n" for name in sorted(every))
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _hmac(signing_key(credentials.secret, moment[:8], region, service), text).hex()
    grant = f"Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**added, "authorization": f"{ALGORITHM} {grant}"}


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
