"""report/masked.py: lines of a source that a report shows, without secrets, each character in its column."""

from __future__ import annotations

import pytest

from ignition_py.report.masked import masked

FIELDS = {"password_hash": True, "passwordHash": True, "source": True, "value": True, "inline": True, "config": True, "name": False, "path": False,
          "contents": False, "merge": False}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password_hash: abc def\nname: core", "password_hash: *** ***\nname: core"),
        ("- name: core\n  password_hash: 'a''b'\n  x: 1", "- name: core\n  password_hash: '*''*'\n  x: 1"),
        ("{name: core, password_hash: abc, path: /x}", "{name: core, password_hash: ***, path: /x}"),
        ('{"passwordHash":"a\\"b","name":"core"}', '{"passwordHash":"**"*","name":"core"}'),
        ('{"passwordHash":["abc", "d"],"name":"core"}', '{"passwordHash":*"***"* "*"*,"name":"core"}'),
        ("password_hash:\n  - abc\nname: core", "password_hash:\n  * ***\nname: core"),
        ("inline: |\n  one\n\n  two\npath: /x", "inline: |\n  ***\n\n  ***\npath: /x"),
        ("- inline: >-\n    one\n  path: /x", "- inline: >*\n    ***\n  path: /x"),
        ("pasword_hash: abc", "pasword_hash: ***"),
        ("db_password: abc", "db_password: ***"),
        ('password_hash: "abc\nname: core', 'password_hash: "***\nname: core'),
        ("source: https://host/path/file", "source: https://host/path/file"),
        ("source: https://me:pw@host/path", f"source: https://{'*' * 15}"),
        ("source: https://host/path?sig=1#x", f"source: https://host/path{'*' * 8}"),
        ('source: "data:,abc"', 'source: "data:,***"'),
        ("config:\n  merge:\n    - source: data:,abc", "config:\n  merge:\n    - source: data:,***"),
        ('{"config":{"merge":[{"source":"data:,x"}]}}', '{"config":{"merge":[{"source":"data:,*"}]}}'),
        ("config: '{\"k\": 1}'", "config: '*\"*\"* **'"),
        ("name: password_hash", "name: password_hash"),
        ("path: /a/password_hash:x", "path: /a/password_hash:x"),
        ("", ""),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text, FIELDS) == shown
    assert len(masked(text, FIELDS)) == len(text)


def test_columns_of_json_count_bytes() -> None:
    text = '{"value": "aé…\U0001d7ce", "name": 1}'
    assert len(masked(text, FIELDS).encode()) == len(text.encode())
    assert masked(text, FIELDS) == '{"value": "*·…\U0001d7ce", "name": 1}'


def test_references_to_variables_are_shown() -> None:
    assert masked("password_hash: a ${{ hash | lower }} b", FIELDS) == "password_hash: * ${{ hash | lower }} *"
    assert "hunter" not in masked("password_hash: ${{ x | default('hunter') }}", FIELDS)
    assert masked("password_hash: ${{ x", FIELDS) == "password_hash: *** *"
