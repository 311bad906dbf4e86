"""Object stores of clouds (s3.py, gs.py, azure_blob.py) and what proves who asks (cloud.py), against small servers."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from ignition_py.fetch import cloud, deadline, http
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import NotFound, Request
from ignition_py.fetch.schemes import gs, s3
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import HTTPHeader, Resource, Timeouts
from tests.helpers.servers import Answer, MemoryLog, Server, body, in_turn

pytestmark = pytest.mark.sockets
SECRET = "wJalrXUtnFEMIsecret"
ROLE = {"Code": "Success", "AccessKeyId": "ASIAROLE", "SecretAccessKey": SECRET, "Token": "session-token"}


@pytest.fixture(autouse=True)
def _nearby(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services' addresses, here."""
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(cloud, "ROUNDS", (0.2, 0.5, 2.0, 10.0, 30.0))  # the later ones for a busy machine
    monkeypatch.setattr(cloud, "PATIENCE", 30.0)
    base = server.url("")
    for name in ("AWS", "GOOGLE"):
        monkeypatch.setattr(cloud, name, ("http://127.0.0.1:1", base))  # the first address cannot be reached
    monkeypatch.setattr(cloud, "AZURE", base)
    monkeypatch.setattr(gs, "SERVICE", base)
    original = s3.location
    monkeypatch.setattr(
        s3, "location", lambda wanted: (urlsplit(base).netloc, f"/{original(wanted)[0]}{original(wanted)[1]}")
    )
    monkeypatch.setattr(s3, "_url", lambda host, path: f"http://{host}{path}")


def fetch(platform: str, url: str, log: MemoryLog, **values: Any) -> bytes:
    fetcher = Fetcher(log, platform=platform, first_limit=100)
    return fetcher.read(Resource(source=url, **values), what="contents of /x")


def aws_instance(server: Server, role: dict[str, str] | None = ROLE, *, tokens: bool = True) -> None:
    guard = {"x-aws-ec2-metadata-token": "imds-token"}
    if tokens:
        server.at["/latest/api/token"] = body(b"imds-token")
    server.at["/latest/meta-data/placement/region"] = protected(body(b"eu-central-1"), guard if tokens else {})
    if role is not None:
        folder = "/latest/meta-data/iam/security-credentials/"
        server.at[folder] = protected(body(b"web server"), guard if tokens else {})
        server.at[f"{folder}web%20server"] = protected(body(json.dumps(role).encode()), guard if tokens else {})


def protected(answer: Answer, wanted: dict[str, str]) -> Answer:
    def guarded(handler: BaseHTTPRequestHandler) -> None:
        good = all(handler.headers.get(name) == value for name, value in wanted.items())
        (answer if good else body(b"", status=401))(handler)

    return guarded


def bucket(server: Server, region: str, *, hint: str, name: str = "bkt", status: int = 403) -> None:
    """What every region says about the bucket, in the headers of a refusal."""
    server.at[f"/{name}.s3.dualstack.{hint}.amazonaws.com/"] = body(
        b"", status=status, headers={"x-amz-bucket-region": region}
    )


def seen(server: Server, path: str) -> list[dict[str, str]]:
    return [headers for found, headers in server.seen if found.partition("?")[0] == path]


# S3

OBJECT = "/bkt.s3.dualstack.eu-west-1.amazonaws.com/a/b%20c.txt"


def test_s3_with_a_role(server: Server, log: MemoryLog) -> None:
    aws_instance(server)
    bucket(server, "eu-west-1", hint="eu-central-1")
    server.at[OBJECT] = body(b"contents")
    assert fetch("aws", "s3://bkt/a/b c.txt?versionId=v%2F1", log) == b"contents"
    assert server.paths()[-1] == OBJECT + "?versionId=v%2F1"
    (headers,) = seen(server, OBJECT)
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIAROLE/")
    assert "/eu-west-1/s3/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "session-token"
    assert SECRET not in log.text
    assert "session-token" not in log.text


def test_s3_region_is_asked_for_anonymously_and_once(
    server: Server, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud, "AWS", (server.url(""),))
    monkeypatch.setattr(cloud, "ROUNDS", (30.0,))  # a second round would ask again
    aws_instance(server)
    bucket(server, "eu-west-1", hint="eu-central-1")
    server.at["*"] = body(b"x")
    fetcher = Fetcher(log, platform="aws", first_limit=100)
    for key in ("a", "b"):
        assert fetcher.read(Resource(source=f"s3://bkt/{key}"), what="x") == b"x"
    asked = seen(server, "/bkt.s3.dualstack.eu-central-1.amazonaws.com/")
    assert len(asked) == 1
    assert "authorization" not in asked[0]
    assert server.paths().count("/latest/api/token") == 1


def test_s3_without_a_role(server: Server, log: MemoryLog) -> None:
    aws_instance(server, None)
    bucket(server, "eu-west-1", hint="eu-central-1")
    server.at[OBJECT] = body(b"public")
    assert fetch("aws", "s3://bkt/a/b c.txt", log) == b"public"
    assert "authorization" not in seen(server, OBJECT)[0]
    assert "this instance has no role; going on anonymously" in log.text


@pytest.mark.parametrize("bad", [{"Code": "AssumeRoleUnauthorizedAccess"}, {"AccessKeyId": 1}, []])
def test_s3_with_a_role_that_gives_nothing(server: Server, log: MemoryLog, bad: Any) -> None:
    aws_instance(server, bad)
    bucket(server, "eu-west-1", hint="eu-central-1")
    server.at[OBJECT] = body(b"public")
    assert fetch("aws", "s3://bkt/a/b c.txt", log) == b"public"


def test_s3_with_the_first_version_of_the_metadata_service(server: Server, log: MemoryLog) -> None:
    aws_instance(server, tokens=False)
    bucket(server, "eu-west-1", hint="eu-central-1")
    server.at[OBJECT] = body(b"x")
    assert fetch("aws", "s3://bkt/a/b c.txt", log) == b"x"
    assert "authorization" in seen(server, OBJECT)[0]


def test_s3_elsewhere_asks_no_metadata_service(server: Server, log: MemoryLog) -> None:
    aws_instance(server)
    bucket(server, "eu-west-1", hint="us-east-1")
    server.at[OBJECT] = body(b"public")
    assert fetch("qemu", "s3://bkt/a/b c.txt", log) == b"public"
    assert not [path for path in server.paths() if path.startswith("/latest")]


def test_s3_without_a_metadata_service(server: Server, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "AWS", ("http://127.0.0.1:1",))
    monkeypatch.setattr(cloud, "ROUNDS", (0.2, 0.4))
    bucket(server, "eu-west-1", hint="us-east-1")
    server.at[OBJECT] = body(b"public")
    assert fetch("aws", "s3://bkt/a/b c.txt", log) == b"public"


@pytest.mark.parametrize(
    ("url", "first", "place"),
    [
        (
            "arn:aws:s3:::bkt/a/b%20c",
            "bkt.s3.dualstack.us-east-1.amazonaws.com",
            "bkt.s3.dualstack.REGION.amazonaws.com/a/b%2520c",
        ),
        (
            "arn:aws-cn:s3:::bkt/k",
            "bkt.s3.dualstack.cn-north-1.amazonaws.com.cn",
            "bkt.s3.dualstack.REGION.amazonaws.com/k",
        ),
        (
            "arn:aws-us-gov:s3:::bkt/k",
            "bkt.s3.dualstack.us-gov-west-1.amazonaws.com",
            "bkt.s3.dualstack.REGION.amazonaws.com/k",
        ),
        (
            "arn:aws-new:s3:::bkt/k",
            "bkt.s3.dualstack.us-east-1.amazonaws.com",
            "bkt.s3.dualstack.REGION.amazonaws.com/k",
        ),
        ("s3://b.k.t/k", "s3.dualstack.us-east-1.amazonaws.com/b.k.t", "s3.dualstack.REGION.amazonaws.com/b.k.t/k"),
        (
            "s3://Old_Bucket/k",
            "s3.dualstack.us-east-1.amazonaws.com/Old_Bucket",
            "s3.dualstack.REGION.amazonaws.com/Old_Bucket/k",
        ),
    ],
)
def test_s3_places(server: Server, log: MemoryLog, url: str, first: str, place: str) -> None:
    server.at[f"/{first}/"] = body(
        b"", status=301, headers={"x-amz-bucket-region": "ap-south-2", "Location": "http://127.0.0.1:1/"}
    )
    path = "/" + place.replace("REGION", "ap-south-2")
    server.at[path] = body(b"x")
    assert fetch("qemu", url, log) == b"x", server.paths()


def test_s3_access_points_have_their_region(server: Server, log: MemoryLog) -> None:
    path = "/point-123456789012.s3-accesspoint.dualstack.cn-north-1.amazonaws.com.cn/a/object/b"
    server.at[path] = body(b"x")
    url = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point/object/a/object/b?versionId=7"
    assert fetch("qemu", url, log) == b"x"
    assert server.paths() == [f"{path}?versionId=7"]


def test_s3_in_secret_partitions_has_one_kind_of_address() -> None:
    assert original_location("us-iso-east-1") == ("bkt.s3.us-iso-east-1.c2s.ic.gov", "/k")
    assert original_location("eusc-de-east-1") == ("bkt.s3.dualstack.eusc-de-east-1.amazonaws.eu", "/k")


def original_location(region: str) -> tuple[str, str]:
    place, path = s3.location(s3.Object("bkt", "k", None, region=region))[1].lstrip("/").split("/", 1)
    return place, f"/{path}"


@pytest.mark.parametrize(
    "url",
    [
        "s3://bkt",
        "s3:///k",
        "arn:aws:s3:::bkt",
        "arn:aws:sns:::bkt/k",
        "arn:aws:s3:x:1:accesspoint/p/other/k",
        "arn:aws",
    ],
)
def test_s3_urls_that_name_nothing(server: Server, log: MemoryLog, url: str) -> None:
    with pytest.raises(FetchError, match=r"contents of /x: .* does not name"):
        fetch("qemu", url, log)
    assert server.seen == []


def test_s3_without_such_a_bucket_or_object(server: Server, log: MemoryLog) -> None:
    with pytest.raises(NotFound, match="there is no bucket bkt"):
        fetch("qemu", "s3://bkt/k", log)
    bucket(server, "eu-west-1", hint="us-east-1")
    with pytest.raises(NotFound, match=r"contents of /x: s3://bkt/k does not exist"):
        fetch("qemu", "s3://bkt/k", log)


def test_s3_region_from_a_server_that_is_none(server: Server, log: MemoryLog) -> None:
    bucket(server, "evil.example/", hint="us-east-1", status=200)
    with pytest.raises(FetchError, match="does not say which region"):
        fetch("qemu", "s3://bkt/k", log)


def test_s3_that_refuses(server: Server, log: MemoryLog) -> None:
    bucket(server, "eu-west-1", hint="us-east-1")
    server.at["*"] = body(b"", status=403)
    with pytest.raises(FetchError, match=r"S3 answered with status 403.*asked for anonymously"):
        fetch("qemu", "s3://bkt/k", log)
    assert len(server.seen) == 2


def test_s3_with_a_clock_that_is_years_off(server: Server, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures hold for 15 minutes; the time of S3 is taken from its refusal, and the clock is left alone."""
    monkeypatch.setattr(s3, "time", SimpleNamespace(time=lambda: time.time() - 10 * 365 * 86400))
    aws_instance(server)
    bucket(server, "eu-west-1", hint="eu-central-1")

    def skewed(handler: BaseHTTPRequestHandler) -> None:
        signed = calendar.timegm(time.strptime(handler.headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
        body(b"x", status=200 if abs(signed - time.time()) < 60 else 403)(handler)

    server.at[OBJECT] = skewed
    assert fetch("aws", "s3://bkt/a/b c.txt", log) == b"x"
    assert "seconds behind S3's" in log.text


def test_s3_signs_every_attempt_anew(server: Server, log: MemoryLog) -> None:
    aws_instance(server)
    bucket(server, "eu-west-1", hint="eu-central-1")

    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(1.1)
        body(b"", status=503)(handler)

    server.at[OBJECT] = in_turn(slow, body(b"x"))
    assert fetch("aws", "s3://bkt/a/b c.txt", log) == b"x"
    assert len({headers["x-amz-date"] for headers in seen(server, OBJECT)}) == 2


# Google Cloud Storage

BLOB = "/storage/v1/b/bkt/o/a%2Fb%20c"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"


def google_instance(server: Server) -> None:
    flavor = {"Metadata-Flavor": "Google"}
    server.at[f"{ACCOUNT}/scopes"] = protected(body(b"https://www.googleapis.com/auth/devstorage.read_only\n"), flavor)
    token = {"access_token": f"ya29.{SECRET}", "expires_in": 3599, "token_type": "Bearer"}
    server.at[f"{ACCOUNT}/token"] = protected(body(json.dumps(token).encode()), flavor)


def test_gs_with_a_service_account(server: Server, log: MemoryLog) -> None:
    google_instance(server)
    server.at[BLOB] = protected(body(b"contents"), {"Authorization": f"Bearer ya29.{SECRET}"})
    fetcher = Fetcher(log, platform="gcp", first_limit=100)
    for _ in range(2):
        assert fetcher.read(Resource(source="gs://bkt/a/b c"), what="x") == b"contents"
    assert server.paths()[-1] == f"{BLOB}?alt=media"
    assert len(seen(server, f"{ACCOUNT}/token")) == 1
    assert SECRET not in log.text


@pytest.mark.parametrize("platform", ["gcp", "qemu"])
def test_gs_without_one(server: Server, log: MemoryLog, platform: str) -> None:
    server.at[BLOB] = body(b"public")
    assert fetch(platform, "gs://bkt/a/b c", log) == b"public"
    assert bool([path for path in server.paths() if path.startswith("/compute")]) == (platform == "gcp")
    assert "authorization" not in seen(server, BLOB)[0]


def test_gs_with_a_token_that_is_none(server: Server, log: MemoryLog) -> None:
    google_instance(server)
    server.at[f"{ACCOUNT}/token"] = body(b'{"access_token": "a\\r\\nX: y"}')
    with pytest.raises(FetchError, match="a token of the service account: the metadata service's response has none"):
        fetch("gcp", "gs://bkt/a/b c", log)


def test_gs_that_refuses(server: Server, log: MemoryLog) -> None:
    server.at[BLOB] = body(b"", status=401)
    with pytest.raises(
        FetchError, match=r"contents of /x: gs://bkt/a/b c: Cloud Storage answered with status 401.*anonymously"
    ):
        fetch("qemu", "gs://bkt/a/b c", log)
    with pytest.raises(NotFound, match="gs://bkt/none does not exist"):
        fetch("qemu", "gs://bkt/none", log)
    with pytest.raises(FetchError, match="does not name"):
        fetch("qemu", "gs://bkt/", log)


# Azure blobs

TOKEN = "/metadata/identity/oauth2/token"


def azure_instance(server: Server) -> None:
    answer = body(json.dumps({"access_token": SECRET, "token_type": "Bearer"}).encode())
    server.at[TOKEN] = protected(answer, {"Metadata": "true"})


@pytest.fixture
def stored(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a blob. Its https leads to the plain server here."""
    stream = http.stream

    def rerouted(request: Request) -> Iterator[bytes]:
        host = urlsplit(request.url).netloc
        return stream(
            request.but(
                url=request.url.replace(f"https://{host}", server.url("")), headers=(("x-host", host), *request.headers)
            )
        )

    monkeypatch.setattr(http, "stream", rerouted)
    return "https://account.blob.core.windows.net/container/blob.ign"


def test_azure_with_a_managed_identity(server: Server, log: MemoryLog, stored: str) -> None:
    azure_instance(server)
    server.at["/container/blob.ign"] = protected(
        body(b"contents"), {"Authorization": f"Bearer {SECRET}", "x-ms-version": "2021-12-02"}
    )
    assert fetch("azure", stored, log) == b"contents"
    assert "resource=https%3A%2F%2Fstorage.azure.com%2F" in next(path for path in server.paths() if TOKEN in path)
    assert SECRET not in log.text


def test_azure_without_one(server: Server, log: MemoryLog, stored: str) -> None:
    server.at["/container/blob.ign"] = body(b"public")
    assert fetch("azure", stored, log) == b"public"
    assert "authorization" not in seen(server, "/container/blob.ign")[0]


def test_azure_with_an_identity_that_may_not(server: Server, log: MemoryLog, stored: str) -> None:
    azure_instance(server)

    def public(handler: BaseHTTPRequestHandler) -> None:
        body(b"public", status=403 if "Authorization" in handler.headers else 200)(handler)

    server.at["/container/blob.ign"] = public
    assert fetch("azure", stored, log) == b"public"
    assert "asking without" in log.text


@pytest.mark.parametrize(
    ("platform", "change", "headers"),
    [
        ("qemu", ("", ""), ()),
        ("azure", ("blob.core", "file.core"), ()),
        ("azure", (".windows.net", ".windows.net.example"), ()),
        ("azure", ("blob.ign", "blob.ign?sv=1&sig=abc"), ()),
        ("azure", ("/container", ""), ()),
        ("azure", ("", ""), (HTTPHeader(name="Authorization", value="Bearer mine"),)),
    ],
)
def test_azure_tokens_go_to_blobs_alone(
    server: Server, log: MemoryLog, stored: str, platform: str, change: tuple[str, str], headers: tuple[HTTPHeader, ...]
) -> None:
    azure_instance(server)
    server.at["*"] = body(b"x")
    assert fetch(platform, stored.replace(*change), log, http_headers=headers) == b"x"
    assert not [path for path in server.paths() if TOKEN in path]
    assert SECRET not in str(server.seen)


def test_metadata_services_are_asked_past_every_proxy(server: Server, log: MemoryLog) -> None:
    from ignition_py.spec.tables import Ignition, Proxy

    google_instance(server)
    fetcher = Fetcher(log, platform="gcp")
    fetcher.configure(
        Ignition(proxy=Proxy(http_proxy="http://127.0.0.1:1", no_proxy=()), timeouts=Timeouts(http_total=1))
    )
    server.at[BLOB] = body(b"x")
    assert fetcher.read(Resource(source="gs://bkt/a/b c"), what="x") == b"x"
