"""Bytes that are not UTF-8, in local files, in names and behind !!binary: U+FFFD for each, as the reference's encoders write it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source

BAD = b"[Unit]\nDescription=a\xff\xe2\x82b\n"


def compiled(text: str, files_dir: Path) -> str:
    output = compile_source(text.encode(), "x", Options(str(files_dir))).output
    assert output is not None
    return output


def test_in_json_they_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "a.service").write_bytes(BAD)
    tree = tmp_path / "tree"
    tree.mkdir()
    Path(os.fsdecode(b"%s/n\xff" % os.fsencode(tree))).write_text("x")
    os.symlink(b"to\xfe", b"%s/l" % os.fsencode(tree))
    head = "variant: fcos\nversion: 1.5.0\nstorage: {trees: [{local: tree}]}\nsystemd: {units: [{name: a.service, contents_local: a.service}]}\n"
    output = compiled(head + "kernel_arguments: {should_exist: [!!binary /w==]}\n", tmp_path)
    for part in (r"Description=a\ufffd\ufffd\ufffdb", r'"path":"/n\ufffd"', r'"target":"to\ufffd"', r'"shouldExist":["\ufffd"]'):
        assert part in output


def test_in_yaml_they_are_characters(tmp_path: Path) -> None:
    (tmp_path / "a.service").write_bytes(BAD)
    head = "variant: openshift\nversion: 4.14.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n"
    output = compiled(head + "systemd: {units: [{name: a.service, contents_local: a.service}]}\n", tmp_path)
    assert "Description=a\ufffd\ufffd\ufffdb" in output


def test_contents_keep_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff")
    text = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {local: bad}}, {path: /b, contents: {inline: !!binary /w==}}]}\n"
    assert compiled(text, tmp_path).count('"source":"data:,%FF"') == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [("\ufeffstorage: {}\n", "unused-key"), ("\ufeff", "yaml"), ('storage: {files: [{path: /a, contents: {inline: "\ufeff:a"}}]}\n', None),
     ("storage: {files: [{path: /a, contents: {inline: \ufeffa:b}}]}\n", None)],
)  # fmt: skip
def test_a_byte_order_mark_inside_is_a_character(text: str, code: str | None) -> None:
    result = compile_source(f"\ufeffvariant: fcos\nversion: 1.5.0\n{text}".encode(), "x", Options())
    assert [entry.code for entry in result.report] == ([code] if code else [])
    if not code:
        assert result.output is not None
        assert "data:,%EF%BB%BF" in result.output


@pytest.mark.parametrize(("text", "written"), [("a\nb\u2028", "    b\u2028spec:"), ("a\nb\u2028\n", "    b\u2028\nspec:"), ("a\n\u2029\u2029", "\u2029\u2029spec:")])
def test_unicode_line_breaks_at_the_end_of_a_text(text: str, written: str) -> None:
    shown = text.replace("\n", "\\n").replace("\u2028", "\\L").replace("\u2029", "\\P")
    head = f'variant: openshift\nversion: 4.14.0\nmetadata: {{name: "{shown}", labels: {{machineconfiguration.openshift.io/role: worker}}}}\n'
    output = compile_source(head.encode(), "x", Options()).output
    assert output is not None
    assert written in output


@pytest.mark.parametrize("ending", ["\r", "\r\n", "\n", "\x85", "\u2028", "\u2029"])
def test_a_syntax_error_behind_any_line_break_has_its_line(ending: str) -> None:
    [entry] = compile_source(f"a: 1{ending}b: {{".encode(), "a.bu", Options()).report
    assert (entry.code, entry.place.line, entry.place.column) == ("yaml", 2, 4)
