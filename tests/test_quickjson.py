"""quickjson does what json does, without what json imports."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py import quickjson

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=20,
)
BLANKS = st.text(" \t\r\n", max_size=3)


def outcome(call: Any, *args: Any, **settings: Any) -> object:
    try:
        return repr(call(*args, **settings))
    except (ValueError, TypeError) as error:
        return type(error), str(error)


@given(VALUES, st.booleans(), st.sampled_from([None, (", ", ": "), (",", ":")]), st.sampled_from([None, 0, 2]))
def test_same_text(value: object, ascii_only: bool, separators: tuple[str, str] | None, indent: int | None) -> None:
    settings: dict[str, Any] = {"ensure_ascii": ascii_only, "separators": separators, "indent": indent}
    assert quickjson.dumps(value, **settings) == json.dumps(value, **settings)


@given(VALUES, BLANKS, BLANKS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"]))
def test_same_value(value: object, before: str, after: str, encoding: str) -> None:
    text = before + json.dumps(value, ensure_ascii=False) + after
    assert quickjson.loads(text) == json.loads(text) == value
    data = text.encode(encoding)
    assert outcome(quickjson.loads, data) == outcome(json.loads, data)


@given(st.text('{}[]",:0123456789.eE+-truefalsn\\u \n\x00\ufeff', max_size=12))
def test_same_errors(text: str) -> None:
    for given_text in (text, text.encode()):
        assert outcome(quickjson.loads, given_text) == outcome(json.loads, given_text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity, -Infinity]", '{"a": 1, "a": 2}', "1" * 5000, "[" * 100000, b"\xff", b""])
def test_oddities(text: str | bytes) -> None:
    def both(**settings: Any) -> tuple[object, object]:
        found = []
        for module in (quickjson, json):
            try:
                found.append(outcome(module.loads, text, **settings))
            except RecursionError:
                found.append(RecursionError)
        return found[0], found[1]

    for settings in ({}, {"object_pairs_hook": list}, {"parse_constant": str.lower}):
        ours, theirs = both(**settings)
        assert ours == theirs


@pytest.mark.parametrize("value", [{1, 2}, [object], {"a": b""}, {(1,): 2}])
def test_what_json_cannot_write(value: object) -> None:
    assert outcome(quickjson.dumps, value) == outcome(json.dumps, value)
    loop: list[object] = []
    loop.append(loop)
    assert outcome(quickjson.dumps, loop) == outcome(json.dumps, loop)


@pytest.mark.subprocess
def test_it_imports_neither_json_nor_re() -> None:
    program = "import sys; from ignition_py import quickjson as j; j.loads(j.dumps([1])); print({'re', 'json'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-IS", "-c", f"import sys; sys.path += {sys.path!r}; {program}"], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.subprocess
@pytest.mark.parametrize("text", ['{\n\t"', '{"a" 1}', '["\\x"]', "[1,]", "", "nul", '"\n"'])
def test_errors_without_json_imported(text: str) -> None:
    """Here the C code finds no `json.decoder` to take its error from."""
    program = f"""
import sys; sys.path += {sys.path!r}
from ignition_py import quickjson
assert "json" not in sys.modules
try:
    quickjson.loads({text!r})
except ValueError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    assert done.stdout.rstrip("\n") == f"JSONDecodeError {expected.value}"
