"""What is said of common mistakes: the code, the line, and words of the cause and of the way out.

YAML that cannot be read, values of a wrong type, headers, and texts of another kind. Mistakes that rules find have their own
tests (tests/spec/test_way_out.py, tests/butane/lint).
"""

from __future__ import annotations

import gzip

import pytest

import butane_py
from ignition_py.report.diag import Entry

HEAD = "variant: fcos\nversion: 1.6.0\n"
FILE = HEAD + "storage:\n  files:\n    - path: /a\n"


def first(text: str | bytes) -> Entry:
    result = butane_py.compile(text)
    assert result.output is None
    return result.report.entries[0]


@pytest.mark.parametrize(
    ("text", "line", "cause", "way_out"),
    [
        pytest.param(FILE + "\tmode: 0644\n", 6, "a tab indents this line", "by spaces", id="tab"),
        pytest.param(HEAD + "storage:\n\tfiles: []\n", 4, "a tab indents", "by spaces", id="tab alone"),
        pytest.param(FILE + '      contents: {inline: "x}\n      mode: 0644\n', 6, 'the quote " that opens here is never closed', 'close it with "', id="quote"),
        pytest.param(FILE + "      contents:\n        inline: 'it's'\n", 7, "behind the closing quote '", "write ''", id="quote inside"),
        pytest.param(FILE + '      contents:\n        inline: "C:\\Users"\n', 7, "backslash", "single quotes", id="escape"),
        pytest.param(FILE + "      contents:\n        inline: a: b\n", 7, "a colon and a space", 'inline: "a: b"', id="colon"),
        pytest.param(FILE + "      contents:\n        inline: say \"x\": b\n", 7, "a colon and a space", "inline: 'say \"x\": b'", id="colon and quotes"),
        pytest.param(HEAD + "storage: x\n  files: []\n", 4, "deeper than the line above", "indentation of the line above", id="deeper"),
        pytest.param(FILE + "     mode: 0644\n", 6, "indented by 5 spaces, and its neighbours are by 6", "by 6 spaces", id="indented less"),
        pytest.param(HEAD + "storage:\n   files: []\n  links: []\n", 5, "indented by 2 spaces, and its neighbours are by 3", "by 3 spaces", id="mapping"),
        pytest.param(FILE + "      contents:\n        inline: @x\n", 7, "cannot begin with @", '"@x"', id="reserved character"),
        pytest.param(FILE + "      contents:\n        inline: `x`\n", 7, "cannot begin with `", '"`x`"', id="backtick"),
        pytest.param(HEAD + "storage: {files: [{path: /a}\n", 3, "is never closed", "close it with", id="bracket"),
        pytest.param(HEAD + "storage:\n  files: [{path: /a} {path: /b}]\n", 4, "comma", "commas", id="comma"),
        pytest.param(FILE + "      contents:\n        inline: |x\n          y\n", 7, "behind the | or >", "next line", id="block"),
        pytest.param(HEAD + "storage: *base\n", 3, "the alias *base has no anchor", "&base", id="alias"),
        pytest.param(FILE + "      <<: 5\n", 6, "<< takes a mapping", "<<: *", id="merge key"),
        pytest.param(FILE + "      contents:\n        inline: a\x07b\n", 7, "control character", "escape", id="control character"),
        pytest.param((FILE + "      mode: 0644 # f\u00fcr alle\n").encode("latin-1"), 6, "not UTF-8", "save it as UTF-8", id="latin-1"),
    ],
)  # fmt: skip
def test_text_that_is_not_yaml(text: str | bytes, line: int, cause: str, way_out: str) -> None:
    entry = first(text)
    assert entry.code == "yaml"
    assert cause in entry.message
    assert way_out in entry.hint
    assert entry.place.line == line


def test_the_second_place_of_a_syntax_error_is_where_it_begins() -> None:
    entry = first(FILE + "     mode: 0644\n")
    assert [(each.place.line, each.place.column) for each in entry.related] == [(5, 7)]


@pytest.mark.parametrize(
    ("text", "cause", "way_out", "fix"),
    [
        pytest.param(FILE + "      mode: rw-r--r--\n", "'rw-r--r--'", "write 0644", "0644", id="mode in letters"),
        pytest.param(FILE + "      mode: -rwsr-xr-t\n", "'-rwsr-xr-t'", "write 05755", "05755", id="special bits"),
        pytest.param(FILE + "      mode: rwxrwxrwT\n", "'rwxrwxrwT'", "write 01776", "01776", id="sticky alone"),
        pytest.param(FILE + "      mode: '0644'\n", "'0644'", "without quotes: 0644", "0644", id="quoted mode"),
        pytest.param(FILE + "      mode: '644'\n", "'644'", "without quotes: 0644", "0644", id="quoted decimal"),
        pytest.param(FILE + "      mode: '0888'\n", "'0888'", "from 0 to 7", "", id="no octal digit"),
        pytest.param(FILE + "      mode: [0644]\n", "a list", "one number", "", id="mode as list"),
        pytest.param(FILE + "      user: {id: '5'}\n", "'5'", "without quotes: 5", "5", id="quoted number"),
        pytest.param(FILE + "      overwrite: 'yes please'\n", "'yes please'", "overwrite: true or overwrite: false", "", id="bool"),
        pytest.param(FILE + "      overwrite: enabled\n", "'enabled'", "write true", "true", id="bool in words"),
        pytest.param(FILE + "      contents: hello\n", "has to be a mapping", "contents: {inline: …}", "", id="contents as text"),
        pytest.param(FILE + "      contents: https://a.example/b\n", "has to be a mapping", "contents: {source: …}", "", id="contents as URL"),
        pytest.param(FILE + "      user: core\n", "has to be a mapping", "user: {name: core}", "", id="user as text"),
        pytest.param(FILE + "      user: '500'\n", "has to be a mapping", "user: {id: 500}", "", id="user as number"),
        pytest.param(FILE + "      contents: {inline: {{ text }}}\n", "a mapping", "render the template", "", id="template"),
        pytest.param(FILE + "      mode: ${mode}\n", "'${mode}'", "template that has not been rendered", "", id="placeholder"),
        pytest.param(HEAD + "storage:\n  files:\n    path: /a\n", "a mapping; it has to be a list", "`- path: …`", "", id="list forgotten"),
        pytest.param(HEAD + "storage:\n  files:\n    /etc/a:\n      mode: 0644\n", "has to be a list", "`- path: /etc/a`", "", id="paths as keys"),
        pytest.param(HEAD + "passwd:\n  users:\n    core: {}\n", "has to be a list", "`- name: core`", "", id="users as keys"),
        pytest.param(HEAD + "passwd:\n  users: core\n", "has to be a list", "begin each entry with `- `", "", id="list as text"),
        pytest.param(HEAD + "passwd:\n  users: [{name: core, groups: wheel}]\n", "has to be a list", "groups: [wheel]", "", id="text as list"),
        pytest.param(HEAD + "storage:\n  - files: []\n", "has to be a mapping", "remove the dashes", "", id="mapping as list"),
        pytest.param(HEAD + "systemd:\n  units: [{name: [a.service]}]\n", "has to be a string", "write name: a.service", "", id="string as list"),
    ],
)  # fmt: skip
def test_values_of_a_wrong_type(text: str, cause: str, way_out: str, fix: str) -> None:
    entry = first(text)
    assert entry.code == "wrong-type"
    assert cause in entry.message
    assert way_out in entry.hint
    assert (entry.fix.replacement if entry.fix else "") == fix


@pytest.mark.parametrize(
    ("size", "fix"),
    [("10GiB", "10240"), ("10G", "10240"), ("1.5 GB", "1536"), ("512M", "512"), ("1TiB", "1048576"), ("1024K", "1"), ("1K", ""), ("10 parsecs", "")],
)
def test_sizes_with_units(size: str, fix: str) -> None:
    entry = first(HEAD + f"storage:\n  disks: [{{device: /dev/a, partitions: [{{label: a, size_mib: {size}}}]}}]\n")
    assert (entry.fix.replacement if entry.fix else "") == fix
    assert "MiB" in entry.hint


@pytest.mark.parametrize(
    ("text", "line", "first_line"),
    [
        (HEAD + "storage: {}\nstorage: {}\n", 4, 3),
        ("variant: fcos\nversion: 1.6.0\nvariant: fcos\n", 3, 1),
        ("version: 1.6.0\nvariant: fcos\nversion: 1.6.0\n", 3, 1),
        (FILE + "      mode: 0644\n      mode: 0644\n", 7, 6),
    ],
)
def test_keys_that_are_repeated(text: str, line: int, first_line: int) -> None:
    entry = first(text)
    assert (entry.code, entry.place.line) == ("key-repeated", line)
    assert [each.place.line for each in entry.related] == [first_line]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("version: 1.6.0\n", "variant-missing", "variant: fcos"),
        ("version: 1.6.0\nstorage:\n  files: []\n", "variant-missing", "variant: fcos"),
        ("storage:\n  files: []\n", "variant-missing", "variant: fcos"),
        ("Variant: fcos\nversion: 1.6.0\n", "variant-missing", "write variant:"),
        ("varient: fcos\nversion: 1.6.0\n", "variant-missing", "write variant:"),
        ("variant: [fcos]\nversion: 1.6.0\n", "wrong-type", "write variant: fcos"),
        ("variant: fcos\nversion: v1.6.0\n", "version-invalid", "write version: 1.6.0"),
        ("variant: fcos\nversion: '1.6.0 '\n", "version-invalid", "write version: 1.6.0"),
        ("variant: fcos\nversion: 1.6\n", "version-invalid", "write 1.6.0"),
        ("variant: fcos\nversion: 1.9.0\n", "version-unknown", "the newest stable version"),
        ("variant: fcos\nversion: 1.7.0-experimental\n", "version-unknown", "write 1.7.0, which is stable now"),
        ("variant: flatcar\nversion: 1.2.0\n", "version-unknown", "write 1.2.0-experimental, which is experimental still"),
        ("variant: fcos\nversion: 3.5.0\n", "version-unknown", "version of Ignition's spec, which fcos 1.6.0 compiles to"),
        ("- variant: fcos\n", "wrong-type", "variant: and version:"),
    ],
)
def test_headers(text: str, code: str, words: str) -> None:
    entry = first(text)
    assert entry.code == code
    assert words in entry.hint


@pytest.mark.parametrize(
    ("data", "kind", "way_out"),
    [
        (b'{"ignition": {"version": "3.4.0"}}', "an Ignition config", "butane-py decompile"),
        (b"kind: MachineConfig\napiVersion: machineconfiguration.openshift.io/v1\n", "a MachineConfig", "butane-py decompile"),
        (b"#cloud-config\nusers: []\n", "a cloud-config", "butane-py import"),
        (b"#!/bin/sh\necho\n", "a script", "contents: local"),
        (b"<!DOCTYPE html>\n<p>log in", "a web page", "portal"),
        (gzip.compress(b"variant: fcos\n"), "gzip", "gunzip"),
        (b"networkd:\n  units: []\n", "a Container Linux Config", "ct"),
        (b"storage:\n  files:\n    - filesystem: root\n      path: /a\n", "a Container Linux Config", "ct"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n--x\n", "MIME", "variant:"),
    ],
)
def test_texts_of_another_kind(data: bytes, kind: str, way_out: str) -> None:
    entry = first(data)
    assert entry.code == "not-butane"
    assert kind in entry.message
    assert way_out in entry.hint


def test_utf_16_with_a_byte_order_mark_is_read() -> None:
    assert butane_py.compile(HEAD.encode("utf-16")).ok


@pytest.mark.parametrize(
    ("contents", "line", "way_out"),
    [
        ("|\n        [Service]\n        ExecStart=/bin/a\n          --flag \\\n", "line 3: `  --flag", "line 2 does not end with a backslash"),
        ("|\n        [Service] oops\n", "line 1: `[Service] oops`", "[Service]"),
        ("'[Unit]\\nAfter=a\\n'", "line 1: `[Unit]\\nAfter", "contents: |"),
        ('"[Service]\\nExecStart=/bin/a \\\\ \\n  --flag\\n"', "line 3: `  --flag`", "remove the blanks"),
        ('"[Service]\\r\\nExecStart=/bin/a \\\\\\r\\n  --flag\\r\\n"', "line 3: `  --flag", "CRLF"),
    ],
)
def test_the_line_inside_of_a_unit(contents: str, line: str, way_out: str) -> None:
    entry = first(HEAD + f"systemd:\n  units:\n    - name: a.service\n      contents: {contents}\n")
    assert entry.code == "unit-contents"
    assert line in entry.message
    assert way_out in entry.hint
