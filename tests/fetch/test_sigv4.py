"""fetch/sigv4.py against the examples that AWS publishes, and against botocore where that is installed."""

from __future__ import annotations

import calendar
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.fetch.schemes.sigv4 import Credentials, canonical_query, escape, signed_headers, signing_key

# Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header", its examples.
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = calendar.timegm((2013, 5, 24, 0, 0, 0))
HOST = {"host": "examplebucket.s3.amazonaws.com"}


@pytest.mark.parametrize(
    ("path", "pairs", "headers", "signature"),
    [
        ("/test.txt", [], {"range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/", [("lifecycle", "")], {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "/",
            [("prefix", "J"), ("max-keys", "2")],
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_examples_of_s3(path: str, pairs: list[tuple[str, str]], headers: dict[str, str], signature: str) -> None:
    found = signed_headers(
        EXAMPLE,
        method="GET",
        path=path,
        query=canonical_query(pairs),
        headers={**HOST, **headers},
        region="us-east-1",
        now=NOW,
    )
    names = ";".join(sorted(["host", *headers, "x-amz-content-sha256", "x-amz-date"]))
    assert found["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    assert found["x-amz-date"] == "20130524T000000Z"


def test_example_of_another_service() -> None:
    """From the test suite of Signature Version 4: `get-vanilla`."""
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    now = calendar.timegm((2015, 8, 30, 12, 36, 0))
    found = signed_headers(
        credentials, method="GET", path="/", query="", headers={"Host": "example.amazonaws.com"}, region="us-east-1", now=now,
        service="service",
    )  # fmt: skip
    assert found["authorization"].endswith("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")


def test_example_of_a_signing_key() -> None:
    """AWS general reference, "Deriving the signing key"."""
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_escapes() -> None:
    assert escape("a b/ä~*") == "a%20b%2F%C3%A4~%2A"
    assert escape("a b/c", "/") == "a%20b/c"
    assert canonical_query([("b", "2"), ("a", "x y"), ("a", "")]) == "a=&a=x%20y&b=2"


@given(
    key=st.text(min_size=1).filter(lambda text: text.isprintable()),
    version=st.text(max_size=9),
    token=st.sampled_from(["", "to/ken=="]),
)
def test_the_same_as_botocore(key: str, version: str, token: str) -> None:
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as TheirCredentials

    path, query = "/" + escape(key, "/"), canonical_query([("versionId", version)])
    url = f"https://b.s3.eu-west-1.amazonaws.com{path}?{query}"
    request = AWSRequest("GET", url, headers={"host": "b.s3.eu-west-1.amazonaws.com"})
    signer = auth.S3SigV4Auth(TheirCredentials("AKID", "secret", token or None), "s3", "eu-west-1")
    signer.add_auth(request)
    moment = request.headers["X-Amz-Date"]
    mine = signed_headers(
        Credentials("AKID", "secret", token), method="GET", path=path, query=query, headers={"host": "b.s3.eu-west-1.amazonaws.com"},
        region="eu-west-1", now=calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ")),
        payload=request.headers["X-Amz-Content-SHA256"],
    )  # fmt: skip
    assert mine["authorization"] == request.headers["Authorization"]
