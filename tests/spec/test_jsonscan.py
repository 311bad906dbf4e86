"""Where JSON text goes wrong: the byte behind the first one that no JSON text could have there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.spec.jsonscan import scan_error
from ignition_py.spec.jsontext import JsonDocument


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("x", 1),
        ("[1,]", 4),
        ('{"a" 1}', 6),
        ('{"a":1,}', 8),
        ("{} {}", 4),
        ("01", 2),
        ("-", 1),
        ("-x", 2),
        ("1.", 2),
        ("1.x", 3),
        ("1e", 2),
        ("1e+x", 4),
        ("[3.1.0]", 5),  # a number has one fraction: the second dot is not part of it
        ("[1e5.0]", 5),
        ("[1e5e5]", 5),
        ("[1.5e3.]", 7),
        ("tru", 3),
        ("trux", 4),
        ('"a\tb"', 3),
        (r'"\x"', 3),
        (r'"\u12"', 6),
        ('"abc', 4),
        ("\ufeff{}", 1),
    ],
)
def test_the_first_wrong_byte(text: str, offset: int) -> None:
    error = scan_error(text.encode())
    assert error is not None
    assert error.offset == offset


_PIECES = st.sampled_from([*'[]{},:"\\.-+eE017 \n', "true", "null", '"a"', '"a":', "1.5", "2e3", "\\u00e9", "\u00e9", "\x07"])


def _python_takes(text: str) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(st.lists(_PIECES, max_size=8).map("".join))
def test_it_agrees_with_the_fast_parser(text: str) -> None:
    assert (scan_error(text.encode()) is None) == _python_takes(text)


@given(st.lists(st.sampled_from([b"\n", b"x" * 5000, b"\n" * 4095, b"\r\n", b"{}"]), max_size=8).map(b"".join), st.data())
def test_lines_and_columns_are_those_of_a_plain_count(data: bytes, draw: st.DataObject) -> None:
    document = JsonDocument(data)
    assert document.position(len(data)) == (0, 0)
    for offset in draw.draw(st.lists(st.integers(0, max(0, len(data) - 1)), max_size=5)) if data else ():
        before = data[:offset]
        assert document.position(offset) == (before.count(b"\n") + 1, offset - before.rfind(b"\n"))
