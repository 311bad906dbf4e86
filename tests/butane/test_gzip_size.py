"""How long the reference's gzip is, and what follows for the encoding of contents.

The expected lengths were recorded from Go 1.27's compress/gzip at level 9, for contents that are made from a seed here.
"""

from __future__ import annotations

import random
import zlib

import pytest

from butane_py import gzip_size, resources
from butane_py.deflate.huffman import code_lengths
from butane_py.gzip_size import go_gzip_size

_WORDS = b"server listen 0.0.0.0 :8080 [Unit] [Service] ExecStart=/usr/bin/ After=network.target key=value # true false \n \n\n".split(b" ")


def _contents(kind: str, seed: int, length: int) -> bytes:
    """The same bytes on every version of Python: only `random()` is used, whose sequence is promised to stay."""
    pick = random.Random(seed).random
    if kind == "bytes":
        return bytes([int(pick() * 256) for _ in range(length)])
    if kind == "alphabet":  # about as many symbols as base64 has
        return bytes([48 + int(pick() * 64) for _ in range(length)])
    if kind == "skewed":
        return bytes([int(pick() ** 4 * 256) for _ in range(length)])
    if kind == "words":
        parts = [_WORDS[int(pick() * len(_WORDS))] for _ in range(length // 3)]
        return b" ".join(parts)[:length]
    done = bytearray()  # repeats: new bytes, and copies of what was there
    while len(done) < length:
        start = int(pick() * len(done))
        done += done[start : start + int(pick() * 40)] if pick() < 0.6 else _contents("skewed", int(pick() * 1e9), 1 + int(pick() * 12))
    return bytes(done[:length])


_RECORDED: list[tuple[str, int, int, int]] = [
    ("bytes", 0, 7, 28),
    ("bytes", 1, 40, 62),
    ("bytes", 2, 100, 125),
    ("bytes", 3, 180, 205),
    ("bytes", 4, 251, 276),
    ("bytes", 5, 257, 282),
    ("bytes", 6, 400, 425),
    ("bytes", 7, 1_100, 1_125),
    ("bytes", 8, 5_000, 5_025),
    ("bytes", 9, 33_000, 33_030),
    ("alphabet", 0, 7, 28),
    ("alphabet", 1, 40, 61),
    ("alphabet", 2, 100, 121),
    ("alphabet", 3, 180, 185),
    ("alphabet", 4, 251, 235),
    ("alphabet", 5, 257, 241),
    ("alphabet", 6, 400, 345),
    ("alphabet", 7, 1_100, 866),
    ("alphabet", 8, 5_000, 3_797),
    ("alphabet", 9, 33_000, 24_875),
    ("skewed", 0, 7, 28),
    ("skewed", 1, 40, 61),
    ("skewed", 2, 100, 124),
    ("skewed", 3, 180, 204),
    ("skewed", 4, 251, 260),
    ("skewed", 5, 257, 275),
    ("skewed", 6, 400, 397),
    ("skewed", 7, 1_100, 922),
    ("skewed", 8, 5_000, 4_008),
    ("skewed", 9, 33_000, 26_034),
    ("words", 0, 7, 28),
    ("words", 1, 40, 61),
    ("words", 2, 100, 98),
    ("words", 3, 180, 123),
    ("words", 4, 251, 155),
    ("words", 5, 257, 157),
    ("words", 6, 400, 182),
    ("words", 7, 1_100, 295),
    ("words", 8, 5_000, 800),
    ("words", 9, 33_000, 4_022),
    ("repeats", 0, 7, 28),
    ("repeats", 1, 40, 36),
    ("repeats", 2, 100, 48),
    ("repeats", 3, 180, 112),
    ("repeats", 4, 251, 109),
    ("repeats", 5, 257, 105),
    ("repeats", 6, 400, 154),
    ("repeats", 7, 1_100, 406),
    ("repeats", 8, 5_000, 1_265),
    ("repeats", 9, 33_000, 8_744),
    ("alphabet", 1, 66_000, 49_710),
    ("alphabet", 2, 131_077, 98_640),
    ("skewed", 3, 65_536, 51_822),
    ("skewed", 4, 140_000, 110_649),
    ("repeats", 5, 150_000, 52_721),
    ("words", 6, 110_000, 12_141),
    ("bytes", 7, 98_304, 98_339),
]


@pytest.mark.parametrize(("kind", "seed", "length", "size"), _RECORDED)
def test_the_length_is_the_reference_s(kind: str, seed: int, length: int, size: int) -> None:
    assert go_gzip_size(_contents(kind, seed, length)) == size


def test_the_length_of_what_is_hardly_there() -> None:
    assert go_gzip_size(b"") == 20
    assert go_gzip_size(b"a") == 22
    assert go_gzip_size(bytes(65537)) == 98


@pytest.mark.parametrize(
    ("kind", "seed", "length", "gzip"),
    [
        ("repeats", 20, 120, False),
        ("repeats", 541, 76, False),
        ("repeats", 538, 53, False),
        ("skewed", 212, 423, True),
        ("skewed", 972, 307, True),
        ("skewed", 943, 364, True),
        ("skewed", 819, 450, True),
        ("skewed", 457, 412, True),
        ("alphabet", 156, 200, False),
        ("alphabet", 594, 230, False),
        ("alphabet", 980, 260, False),
        ("alphabet", 606, 300, False),
    ],
)
def test_the_choice_is_the_reference_s_near_the_border(kind: str, seed: int, length: int, gzip: bool) -> None:
    """In all of these the length of zlib 1.2's stream would say otherwise."""
    _, compression = resources.data_url(_contents(kind, seed, length), None, may_compress=True)
    assert (compression == "gzip") == gzip


@pytest.mark.parametrize(
    ("kind", "length"),
    [("words", 400), ("words", 20_000), ("bytes", 60), ("bytes", 300_000), ("skewed", 30_000), ("repeats", 9_000)],
)
def test_nothing_is_computed_far_from_the_border(kind: str, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(contents: bytes) -> int:
        raise AssertionError(f"computed for {len(contents)} bytes")

    monkeypatch.setattr(gzip_size, "go_gzip_size", never)
    resources.data_url(_contents(kind, 1, length), None, may_compress=True)


def test_large_contents_are_decided_by_zlib_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip_size, "go_gzip_size", lambda contents: pytest.fail("computed"))
    contents = bytes((1 << 22) + 1)
    size = len(resources.gzip_stream(contents))
    assert resources.gzip_pays(contents, resources.gzip_stream(contents), size)
    assert not resources.gzip_pays(contents, resources.gzip_stream(contents), size - 1)


def test_our_gzip_has_the_contents() -> None:
    for length in (1, 250, 999, 1000, 16_384, 70_000):
        contents = _contents("repeats", 5, length)
        assert zlib.decompress(resources.gzip_stream(contents), 31) == contents
        assert zlib.decompress(resources.gzip_stream(contents, long_matches=True), 31) == contents


@pytest.mark.parametrize("limit", [7, 9, 15])
def test_codes_are_complete_and_not_longer_than_the_limit(limit: int) -> None:
    pick = random.Random(limit).random
    for symbols in range(3, 100):
        frequencies = [1 + int(pick() ** 9 * 30_000) for _ in range(symbols)]
        frequencies[symbols // 2] = 0
        lengths = code_lengths(frequencies, limit)
        assert max(lengths) <= limit
        assert [not bits for bits in lengths] == [not count for count in frequencies]
        if symbols > 3:
            assert sum(2 ** (limit - bits) for bits in lengths if bits) == 2**limit
        by_count = sorted((count, -bits) for count, bits in zip(frequencies, lengths, strict=True) if count)
        assert [bits for _, bits in by_count] == sorted(bits for _, bits in by_count)
