"""s3:// and arn: — objects in Amazon S3, signed with the instance's role where there is one, else anonymously.

    s3://BUCKET/KEY?versionId=V                          the bucket's region is asked for
    arn:PARTITION:s3:::BUCKET/KEY                        the same, in that partition
    arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY

An object's own request goes through http.py. Sources: the Ignition specification; "Amazon S3 endpoints and quotas", "Virtual
hosting of buckets", "Using access points"; the partitions of AWS's own SDKs. The reference's choice of regions, measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from ignition_py.fetch import cloud, http
from ignition_py.fetch.request import Headers, NotFound, Refused, Request
from ignition_py.fetch.schemes.sigv4 import canonical_query, escape, signed_headers
from ignition_py.fetch.urls import public
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import FetchError
from ignition_py.spec.urls import UrlError, parse_url

FIRST_REGION = "us-east-1"  # asked for a bucket's region where nothing is known
HINTS = {"aws": FIRST_REGION, "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
# Beginning of a region's name -> domain, and whether there are addresses for both IPv4 and IPv6.
PARTITIONS = (
    ("cn-", "amazonaws.com.cn", True),
    ("us-isob-", "sc2s.sgov.gov", False),
    ("us-isof-", "csp.hci.ic.gov", False),
    ("us-iso-", "c2s.ic.gov", False),
    ("eu-isoe-", "cloud.adc-e.uk", False),
    ("eusc-", "amazonaws.eu", True),
    ("", "amazonaws.com", True),
)
CLOCK_TOLERANCE = 300  # seconds; S3 refuses signatures that are more than 15 minutes off
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Object(Record):
    """What to fetch. `account` and `region` are those of an access point, "" for a bucket; `hint` is a region to ask first."""

    bucket: str
    key: str
    version: str | None
    _: KW_ONLY
    hint: str = ""
    region: str = ""
    account: str = ""


def stream(request: Request) -> Iterator[bytes]:
    """The object's contents. Raises FetchError."""
    where = f"{request.what}: {public(request.url)}"
    wanted = parse(request.url, where)
    credentials = cloud.aws_credentials(request) if request.session.platform == "aws" else None
    if not wanted.region:
        name = f"region of {wanted.hint} {wanted.bucket}"
        wanted.region = request.session.once(name, lambda: _region(request, wanted, where))
    host, path = location(wanted)
    query = canonical_query([] if wanted.version is None else [("versionId", wanted.version)])
    url = _url(host, path) + (f"?{query}" if query else "")
    late = 0.0  # seconds that our clock is behind

    def sign() -> Headers:
        """With the time of each attempt."""
        assert credentials is not None
        signed = signed_headers(
            credentials, method="GET", path=path, query=query, headers={"host": host}, region=wanted.region, now=time.time() + late
        )  # fmt: skip
        return tuple(signed.items())

    for attempt in (1, 2):
        begun = False
        try:
            for chunk in http.stream(request.but(url=url, sign=sign if credentials else None)):
                begun = True
                yield chunk
        except NotFound:
            raise NotFound(f"{where} does not exist (status 404)") from None
        except Refused as error:
            late = _lateness(error.date)
            if begun or attempt == 2 or error.status != 403 or credentials is None or abs(late) < CLOCK_TOLERANCE:
                anonymous = "It was asked for anonymously: this machine has no role that could be proved"
                hint = error.hint if credentials else anonymous
                raise FetchError(f"{where}: S3 answered with status {error.status}", hint=hint) from None
            request.log.warning(f"the clock of this machine is {late:.0f} seconds behind S3's; signing with the time of S3")
        else:
            return


def parse(url: str, where: str) -> Object:
    """Takes an s3: or arn: URL apart. Raises FetchError."""
    try:
        parsed = parse_url(url)
    except UrlError as error:
        raise FetchError(f"{where}: this is not a URL: {error}") from None
    version = parsed.first("versionId")
    if parsed.scheme == "s3":
        found = Object(parsed.host, parsed.path.lstrip("/"), version)
    else:
        found = _of_arn(f"arn:{parsed.opaque}", version, where)
    if not found.bucket or not found.key or not _is_host(found.bucket.lower().replace("_", "-")):
        raise FetchError(f"{where}: the URL does not name a bucket and a key")
    return found


def _of_arn(text: str, version: str | None, where: str) -> Object:
    _, partition, service, region, account, rest = [*text.split(":", 5), *("",) * 5][:6]
    hint = HINTS.get(partition, "")
    if service == "s3" and rest.startswith("accesspoint/"):
        _, name, kind, key = [*rest.split("/", 3), *("",) * 3][:4]
        if kind == "object" and set(account + region + name.lower()) <= _LABEL and account and region:
            return Object(name, key, version, hint=hint, region=region, account=account)
    elif service == "s3":
        bucket, _, key = rest.partition("/")
        return Object(bucket.rpartition(":")[2], key, version, hint=hint)
    raise FetchError(f"{where}: the ARN does not name an object in S3")


def location(wanted: Object) -> tuple[str, str]:
    """Host and (escaped) path of an object in a known region."""
    domain, dual = next((domain, dual) for begin, domain, dual in PARTITIONS if wanted.region.startswith(begin))
    stack = ".dualstack" if dual else ""
    path = "/" + escape(wanted.key, "/")
    if wanted.account:
        return f"{wanted.bucket}-{wanted.account}.s3-accesspoint{stack}.{wanted.region}.{domain}", path
    host = f"s3{stack}.{wanted.region}.{domain}"
    # The certificate is for one label; and not every old bucket's name can be one.
    if set(wanted.bucket) <= _LABEL and 3 <= len(wanted.bucket) <= 63 and wanted.bucket.strip("-") == wanted.bucket:
        return f"{wanted.bucket}.{host}", path
    return host, f"/{escape(wanted.bucket)}{path}"


def _url(host: str, path: str) -> str:
    return f"https://{host}{path}"


def _region(request: Request, wanted: Object, where: str) -> str:
    """The region of a bucket, which any region of its partition tells in a header of its response. Raises FetchError."""
    hint = wanted.hint or (cloud.aws_region(request) if request.session.platform == "aws" else "") or FIRST_REGION
    host, path = location(Object(wanted.bucket, "", None, region=hint))
    status, headers = http.head(request.but(url=_url(host, path), method="HEAD", headers=()))
    region = headers.get("x-amz-bucket-region", "")
    if region and _is_host(region):
        return region
    if status == 404:
        raise NotFound(f"{where}: there is no bucket {wanted.bucket}")
    raise FetchError(f"{where}: S3 does not say which region the bucket is in (status {status})")


def _is_host(text: str) -> bool:
    return set(text) <= _LABEL | {"."}


def _lateness(date: str) -> float:
    """How many seconds this machine's clock is behind a server's; 0 where that does not say the time."""
    seconds = http.seconds_of(date)
    return 0.0 if seconds is None else seconds - time.time()
