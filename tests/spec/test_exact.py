"""Keys given twice, huge numbers, deep nesting: read value by value, as the reference's decoder reads them."""

from __future__ import annotations

import pytest

from ignition_py.report.diag import path_text
from ignition_py.spec.read import parse


def _read(text: str) -> tuple[object, list[tuple[str, str, int, int]]]:
    config, _, report = parse(text.encode())
    spots = [(e.code, path_text(e.place.path) if e.place.path else "", e.place.line, e.place.column) for e in report]
    return config, spots


def test_the_second_value_is_decoded_into_the_first() -> None:
    config, spots = _read(
        '{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 5}, "timeouts": {"httpResponseHeaders": 7}}}'
    )
    assert spots == []
    assert config.ignition.timeouts.http_total == 5  # type: ignore[attr-defined]
    assert config.ignition.timeouts.http_response_headers == 7  # type: ignore[attr-defined]


def test_a_shorter_list_cuts_the_longer_one() -> None:
    one = '{"path": "/a", "mode": 420}'
    config, spots = _read(
        '{"ignition": {"version": "3.4.0"}, "storage": {"files": [%s, %s], "files": [{"path": "/b"}]}}' % (one, one)
    )
    assert spots == []
    (file,) = config.storage.files  # type: ignore[attr-defined]
    assert (file.path, file.mode) == ("/b", 420)


def test_a_third_list_shows_what_the_second_hid() -> None:
    lists = ['[{"path": "/a"}, {"path": "/b", "mode": 99999}]', '[{"path": "/x"}]', '[{"path": "/y"}, {"path": "/z"}]']
    _, spots = _read(
        '{"ignition": {"version": "3.6.0"}, "storage": {%s}}' % ", ".join(f'"files": {one}' for one in lists)
    )
    assert [(code, path) for code, path, _, _ in spots] == [("mode-range", "$.storage.files.1.mode")]


def test_null_takes_back_what_may_be_absent() -> None:
    config, _ = _read(
        '{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "a", "uid": 3, "uid": null, "name": null}]}}'
    )
    (user,) = config.passwd.users  # type: ignore[attr-defined]
    assert (user.name, user.uid) == ("a", None)


def test_a_wrong_type_counts_even_where_a_later_value_hides_it() -> None:
    _, spots = _read('{"ignition": {"version": "3.4.0"}, "storage": 7, "storage": {}}')
    assert spots == [("wrong-type", "", 1, 48)]


def test_keys_in_another_case_are_the_same_field() -> None:
    config, spots = _read('{"ignition": {"version": "3.4.0"}, "passwd": {}, "PASSWD": {"users": [{"name": "a"}]}}')
    assert spots == [("unused-key", "$.PASSWD", 1, 50)]
    assert config.passwd.users[0].name == "a"  # type: ignore[attr-defined]


def test_a_number_that_no_float_holds_takes_the_places_away() -> None:
    _, spots = _read('{"ignition": {"version": "3.4.0", "x": 1e400}, "storage": {"files": [{"path": "a"}]}}')
    assert spots == [("path-relative", "$.storage.files.0.path", 0, 0)]


@pytest.mark.parametrize("depth", [900, 5000])
def test_deep_nesting_below_an_unknown_key_is_only_unused(depth: int) -> None:
    config, spots = _read('{"ignition": {"version": "3.4.0"}, "x": %s%s}' % ("[" * depth, "]" * depth))
    assert config is not None
    assert spots == [("unused-key", "$.x", 1, 36)]


def test_deeper_than_the_reference_goes_is_refused() -> None:
    config, spots = _read('{"x": %s' % ("[" * 200_000))
    assert config is None
    assert [code for code, *_ in spots] == ["json-syntax"]


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("3.4.0-", True),
        ("03.4.0", True),
        ("3.4.0+", True),
        ("3.4.0+x", False),
        ("3.4.0-x", False),
        ("3.4", False),
        ("\uff13.4.0", False),
    ],
)
def test_spellings_of_a_version(version: str, known: bool) -> None:
    config, _ = _read('{"ignition": {"version": "%s"}}' % version)
    assert (config is not None) == known


def test_bytes_that_are_no_utf8_are_one_replacement_character_each() -> None:
    config, _, _ = parse(b'{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "\xf0\x9f\x98"}]}}')
    assert config is not None
    assert config.passwd.users[0].name == "\ufffd" * 3
