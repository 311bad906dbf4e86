"""The pure pieces of fetching: URLs, gzip, digests, proxies, data URLs, certificate authorities."""

from __future__ import annotations

import gzip
import hashlib
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.fetch import gunzip as gunzip_module
from ignition_py.fetch.certificates import certificates
from ignition_py.fetch.digest import verified
from ignition_py.fetch.fetcher import Fetcher, NeedNetwork
from ignition_py.fetch.gunzip import CHUNK, gunzip
from ignition_py.fetch.proxy import proxy_for
from ignition_py.fetch.request import Settings
from ignition_py.fetch.schemes.data import encode
from ignition_py.fetch.urls import needs_network, public, scheme_of
from ignition_py.report.diag import FetchError
from ignition_py.spec.dataurl import decode
from ignition_py.spec.tables import Resource, Verification
from tests.helpers.servers import MemoryLog, make_certificate


def unpack(*chunks: bytes, trusted: bool = False) -> bytes:
    return b"".join(gunzip(iter(chunks), what="x", trusted=trusted))


@given(st.binary(max_size=3000), st.integers(1, 50))
def test_gunzip_takes_any_cut(data: bytes, step: int) -> None:
    packed = gzip.compress(data)
    assert unpack(*[packed[i : i + step] for i in range(0, len(packed), step)]) == data


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=4))
def test_gunzip_takes_several_members(parts: list[bytes]) -> None:
    assert unpack(b"".join(gzip.compress(part) for part in parts)) == b"".join(parts)


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK])
def test_gunzip_at_the_edges_of_its_pieces(size: int) -> None:
    data = bytes(size)
    packed = gzip.compress(data)
    assert unpack(packed) == data
    assert unpack(*[packed[i : i + 1] for i in range(len(packed))]) == data
    assert max(len(chunk) for chunk in gunzip([packed], what="x")) <= CHUNK


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_gunzip_refuses_what_is_cut_short(data: bytes, cut: int) -> None:
    packed = gzip.compress(data)
    with pytest.raises(FetchError, match="too early"):
        unpack(packed[: cut % len(packed)])


@pytest.mark.parametrize("bad", [b"plain text", gzip.compress(b"x") + b"\0\0", zlib.compress(b"x")])
def test_gunzip_refuses_what_is_not_gzip(bad: bytes) -> None:
    with pytest.raises(FetchError, match="not gzip, or damaged"):
        unpack(bad)


def test_gunzip_notices_a_wrong_checksum() -> None:
    packed = bytearray(gzip.compress(b"contents"))
    packed[-8] ^= 1
    with pytest.raises(FetchError, match="damaged"):
        unpack(bytes(packed))


def test_gunzip_bounds_expansion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunzip_module, "FREE_EXPANSION", 1 << 20)
    bomb = gzip.compress(bytes(20 << 20))
    with pytest.raises(FetchError, match="decompress to"):
        unpack(bomb)
    assert len(unpack(bomb, trusted=True)) == 20 << 20
    noise = random.Random(1).randbytes(3 << 20)
    assert unpack(gzip.compress(noise)) == noise


def test_gunzip_is_flat() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    for _ in gunzip([bomb], what="x"):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@given(st.binary(), st.sampled_from(["sha256", "sha512"]), st.booleans())
def test_digest(data: bytes, function: str, upper: bool) -> None:
    digest = hashlib.new(function, data).hexdigest()
    expected = f"{function}-{digest.upper() if upper else digest}"
    assert b"".join(verified([data[:3], data[3:]], expected, what="x")) == data
    with pytest.raises(FetchError, match="but the config expects"):
        list(verified([data, b"!"], expected, what="x"))


@pytest.mark.parametrize("expected", ["", "md5-00", "sha256", "sha256-00", "sha512-" + "0" * 64, "sha1-" + "0" * 40])
def test_digest_that_nobody_can_check(expected: str) -> None:
    with pytest.raises(FetchError, match="is not sha256-… or sha512-…"):
        list(verified([b""], expected, what="x"))


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("http://a", "http"),
        ("HTTPS://a", "https"),
        ("data:,x", "data"),
        ("", ""),
        ("/a:b", ""),
        (":x", ""),
        ("1a:b", ""),
    ],
)
def test_scheme(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme
    assert needs_network(url) == (scheme not in ("", "data"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@host:8/a/b?token=x#y", "https://host:8/a/b"),
        ("data:;base64,c2VjcmV0", "a data URL"),
        ("DATA:,secret", "a data URL"),
        ("http://host", "http://host"),
        ("http://a@b@host/p@th", "http://host/p@th"),
        ("arn:aws:s3:::bucket/key?versionId=1", "arn:aws:s3:::bucket/key"),
        ("http://host/a\x1b[2Jb", "http://host/a?[2Jb"),
        ("", "an empty source"),
    ],
)
def test_public_shows_no_secrets(url: str, shown: str) -> None:
    assert public(url) == shown


SETTINGS = Settings(
    http_proxy="http://p:1",
    https_proxy="q:2",
    no_proxy=(
        *("example.com", ".sub.example.org", "*.star.example", "port.example:8080"),
        *("10.0.0.0/8", "192.168.1.1", "[fd00::1]:443"),
    ),
)


@pytest.mark.parametrize(
    ("scheme", "host", "port", "proxy"),
    [
        ("http", "far.example", 80, "http://p:1"),
        ("https", "far.example", 443, "http://q:2"),
        ("http", "example.com", 80, ""),
        ("http", "EXAMPLE.com.", 80, ""),
        ("http", "a.example.com", 80, ""),
        ("http", "notexample.com", 80, "http://p:1"),
        ("http", "sub.example.org", 80, "http://p:1"),
        ("http", "a.sub.example.org", 80, ""),
        ("http", "a.star.example", 80, ""),
        ("http", "port.example", 80, "http://p:1"),
        ("http", "port.example", 8080, ""),
        ("http", "10.2.3.4", 80, ""),
        ("http", "11.2.3.4", 80, "http://p:1"),
        ("http", "192.168.1.1", 81, ""),
        ("https", "fd00::1", 443, ""),
        ("https", "fd00::1", 444, "http://q:2"),
        ("http", "localhost", 80, ""),
        ("http", "127.3.2.1", 80, ""),
        ("http", "::1", 80, ""),
    ],
)
def test_proxy_for(scheme: str, host: str, port: int, proxy: str) -> None:
    assert proxy_for(scheme, host, port, SETTINGS) == proxy


def test_proxy_for_nobody() -> None:
    assert proxy_for("http", "far.example", 80, Settings(http_proxy="http://p:1", no_proxy=("*",))) == ""
    assert proxy_for("https", "far.example", 443, Settings(http_proxy="http://p:1")) == ""


@given(st.binary())
def test_encoded_data_urls_decode(data: bytes) -> None:
    assert decode(encode(data)) == data


def test_kind_of_encoded_data_urls() -> None:
    assert encode(b"-----BEGIN CERTIFICATE-----\n").startswith("data:text/plain;charset=utf-8;base64,")
    assert encode(b"\x00\x01").startswith("data:application/octet-stream;base64,")


def test_offline_refuses_the_network_alone(log: MemoryLog) -> None:
    fetcher = Fetcher(log, offline=True)
    assert fetcher.read(Resource(source="data:,x"), what="x") == b"x"
    assert fetcher.read(Resource(), what="x") == b""
    for url in ("http://a/", "https://a/", "tftp://a/b", "s3://a/b", "arn:aws:s3:::a/b", "gs://a/b"):
        with pytest.raises(NeedNetwork):
            fetcher.read(Resource(source=url), what="x")


@pytest.mark.parametrize("url", ["ftp://a/b", "file:///etc/shadow", "a/b"])
def test_schemes_that_nobody_knows(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(FetchError, match=rf"contents of /x: {url} has a scheme that cannot be fetched; use one of data, http"):
        fetcher.read(Resource(source=url), what="contents of /x")


def test_data_url_errors_show_nothing(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError) as caught:
        fetcher.read(Resource(source="data:;base64,s3cr3t!"), what="contents of /x")
    assert "s3cr3t" not in str(caught.value)
    assert str(caught.value).startswith("contents of /x: ")


def test_data_urls_are_decompressed_and_verified(fetcher: Fetcher) -> None:
    source = encode(gzip.compress(b"text"))
    good = Verification(hash=f"sha256-{hashlib.sha256(b'text').hexdigest()}")
    assert fetcher.read(Resource(source=source, compression="gzip", verification=good), what="x") == b"text"
    with pytest.raises(FetchError, match="the contents have the hash sha256-"):
        fetcher.read(Resource(source=source, verification=good), what="x")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A certificate that signs itself."""
    folder = tmp_path_factory.mktemp("ca")
    make_certificate(folder, "ca")
    return (folder / "ca.pem").read_bytes()


@pytest.mark.subprocess
def test_bundles(bundle: bytes) -> None:
    assert len(certificates(bundle, what="x")) == 1
    assert len(certificates(bundle + b"\n\n" + bundle + b"\n\n", what="x")) == 2
    assert certificates(b"", what="x") == []


@pytest.mark.subprocess
def test_damaged_bundles(bundle: bytes) -> None:
    for bad, words in (
        (b"hello", "not a PEM bundle"),
        (bundle[:-10], "not a PEM bundle"),
        (bundle + b"rest", "not a PEM bundle"),
        (bundle.replace(b"M", b"N"), "certificate 1 of the bundle is damaged"),
    ):
        with pytest.raises(FetchError, match=words):
            certificates(bad, what="x")
