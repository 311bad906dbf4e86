"""spec/dataurl.py: long bodies are decoded in pieces; memory is counted in bytes that are allocated, not in time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest

from butane_py.resources import escaped_url
from ignition_py.spec import dataurl
from ignition_py.spec.dataurl import DataUrlError, check, decode

MIB = 1 << 20
LONG = {
    "escapes": "data:," + "%41" * (MIB // 3),
    "escapes and text": "data:," + "abcdefg%41" * (MIB // 10),
    "one escape": "data:," + "%41" + "a" * MIB,
    "text": "data:," + "a" * MIB,
    "base64": "data:;base64," + "QUJD" * (MIB // 4),
}


def peak(step: Callable[[], object]) -> int:
    """The bytes that are allocated at once, at most."""
    tracemalloc.start()
    try:
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("function", [decode, check])
@pytest.mark.parametrize("kind", LONG)
def test_memory_is_a_few_times_the_size(kind: str, function: Callable[[str], object]) -> None:
    assert peak(lambda: function(LONG[kind])) < 5 * len(LONG[kind])


@pytest.mark.parametrize("contents", [bytes(range(256)) * (MIB // 256), b"%" * MIB], ids=["all bytes", "percent signs"])
def test_memory_of_escaping_is_a_few_times_the_size(contents: bytes) -> None:
    assert peak(lambda: escaped_url(contents)) < 5 * len(escaped_url(contents))
    assert decode(escaped_url(contents)) == contents


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("body", ["", "a", "%41", "%41%42%43%44", "a%41b%42cc%43ddd%44", "%4a" * 9 + "x" * 9, "x" * 20])
def test_escapes_at_the_edges_of_pieces(monkeypatch: pytest.MonkeyPatch, size: int, body: str) -> None:
    monkeypatch.setattr(dataurl, "_PIECE", size + 2)
    assert decode(f"data:,{body}") == unquote_to_bytes(body)


@pytest.mark.parametrize("size", [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("body", ["abcdefg%", "abcdefg%4", "abcdef%4x", "%%4141414", "abcdef%%41", "41%41%4", "abcdefg<", "aaaaaaa%x1", "%%%%%%%%%"])
def test_what_is_wrong_at_the_edges_of_pieces(monkeypatch: pytest.MonkeyPatch, size: int, body: str) -> None:
    monkeypatch.setattr(dataurl, "_PIECE", size)
    for function in (decode, check):
        with pytest.raises(DataUrlError):
            function(f"data:,{body}")
