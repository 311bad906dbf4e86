"""Which encoding contents get: of escaped text, base64 and gzip in base64 the shortest; earlier ones where two are as short."""

from __future__ import annotations

import base64
import gzip
import random
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from butane_py.resources import data_url, gzip_stream

CONTENTS = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(str.encode),
    st.builds(lambda part, count: part * count, st.binary(min_size=1, max_size=20), st.integers(1, 2000)),
)


def decoded(url: str, compression: str | None) -> bytes:
    head, _, data = url.partition(",")
    contents = base64.b64decode(data, validate=True) if head == "data:;base64" else unquote_to_bytes(data)
    return gzip.decompress(contents) if compression else contents


def lengths(contents: bytes) -> tuple[int, int, int]:
    """Of the URLs: escaped, base64, and gzip with the `"compression":"gzip"` that it needs."""
    reserved = sum(
        byte not in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()" for byte in contents
    )
    escaped = len("data:,") + len(contents) + 2 * reserved
    encoded = len("data:;base64,") + len(base64.b64encode(contents))
    return escaped, encoded, len("data:;base64,gzip") + len(base64.b64encode(gzip_stream(contents)))


@given(CONTENTS)
def test_the_contents_come_back(contents: bytes) -> None:
    assert decoded(*data_url(contents, None, may_compress=True)) == contents
    assert decoded(data_url(contents, None, may_compress=False)[0], None) == contents


@given(CONTENTS)
def test_the_shortest_is_taken(contents: bytes) -> None:
    url, compression = data_url(contents, None, may_compress=True)
    escaped, encoded, packed = lengths(contents)
    chosen = len(url) + (len("gzip") if compression else 0)
    assert chosen == min(escaped, encoded, packed)
    assert bool(compression) == (packed < min(escaped, encoded))


@pytest.mark.parametrize("length", [1, 250, 999, 1000, 16_383, 16_384, 70_000])
def test_gzip_streams_are_whole(length: int) -> None:
    pick = random.Random(length).random
    contents = bytes(int(pick() ** 4 * 256) for _ in range(length))
    assert gzip.decompress(gzip_stream(contents)) == contents
    assert gzip_stream(contents)[4:8] == bytes(4)  # no time in it


@pytest.mark.parametrize("declared", ["gzip", "zstd"])
def test_declared_contents_are_not_compressed_again(declared: str) -> None:
    contents = bytes(5000)
    assert data_url(contents, declared, may_compress=True)[1] is None


def test_what_a_consumer_cannot_unpack_is_not_compressed() -> None:
    assert data_url(bytes(5000), None, may_compress=False)[1] == ""
