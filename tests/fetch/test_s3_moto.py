"""s3.py against moto's server, which speaks S3's protocol with buckets, versions, regions and an instance's role."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import NotFound
from ignition_py.fetch.schemes import s3
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import Resource, Verification
from tests.helpers.servers import MemoryLog

moto_server = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")
pytestmark = [pytest.mark.sockets]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the store; buckets are named in paths here."""
    monkeypatch.setattr(
        s3, "location", lambda wanted: (urlsplit(endpoint).netloc, f"/{wanted.bucket}/{s3.escape(wanted.key, '/')}")
    )
    monkeypatch.setattr(s3, "_url", lambda host, path: f"http://{host}{path}")
    import requests

    requests.post(f"{endpoint}/moto-api/reset", timeout=10)
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def test_objects_and_versions(store: Any, log: MemoryLog) -> None:
    store.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}, ACL="public-read")
    store.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    key = "a/ä b+c&d=e%.txt"
    old = store.put_object(Bucket="bkt", Key=key, Body=b"old", ACL="public-read")["VersionId"]
    data = bytes(range(256)) * 20_000
    store.put_object(Bucket="bkt", Key=key, Body=data, ACL="public-read")
    fetcher = Fetcher(log, first_limit=10)
    check = Verification(hash=f"sha512-{hashlib.sha512(data).hexdigest()}")
    url = "s3://bkt/a/%C3%A4%20b+c&d=e%25.txt"
    assert fetcher.read(Resource(source=url, verification=check), what="x") == data
    assert fetcher.read(Resource(source=f"{url}?versionId={old}"), what="x") == b"old"
    assert fetcher.read(Resource(source=f"arn:aws:s3:::bkt/{key}?versionId={old}"), what="x") == b"old"
    with pytest.raises(NotFound):
        fetcher.read(Resource(source="s3://bkt/missing"), what="x")
    with pytest.raises(FetchError):
        fetcher.read(Resource(source=f"{url}?versionId=nonsense"), what="x")


def test_regions(store: Any, log: MemoryLog) -> None:
    store.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}, ACL="public-read")
    store.put_object(Bucket="far", Key="k", Body=b"x", ACL="public-read")
    fetcher = Fetcher(log, first_limit=10)
    assert fetcher.read(Resource(source="s3://far/k"), what="x") == b"x"
    assert fetcher._session.once("region of  far", lambda: "nothing") == "eu-west-1"
    with pytest.raises(NotFound, match="there is no bucket gone"):
        fetcher.read(Resource(source="s3://gone/k"), what="x")


def test_the_role_of_an_instance(store: Any, endpoint: str, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto stands in for the metadata service too, and answers with a role of its own."""
    from ignition_py.fetch import cloud
    from ignition_py.fetch.deadline import Deadline
    from ignition_py.fetch.request import Request, Settings

    monkeypatch.setattr(cloud, "AWS", (endpoint,))
    fetcher = Fetcher(log, platform="aws", first_limit=10)
    request = Request("s3://b/k", what="x", settings=Settings(), deadline=Deadline((5.0, "")), log=log, session=fetcher._session)
    found = cloud.aws_credentials(request)
    assert found is None or found.key
    store.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    store.put_object(Bucket="mine", Key="k", Body=b"x")
    if found is not None:
        assert fetcher.read(Resource(source="s3://mine/k"), what="x") == b"x"
