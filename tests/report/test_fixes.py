"""Fixes: applied byte for byte, until none is left, never two to one place; `--fix` and `--diff`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from ignition_py.report.diag import WARNING, Entry, Fix, Place, Report
from ignition_py.report.fixes import apply, fixed, unified_diff
from ignition_py.spec.read import parse

ROOT = Path(__file__).parents[2]
HEAD = "variant: fcos\nversion: 1.6.0\n"
SUM = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _fix(line: int, column: int, end_column: int, text: str, end_line: int = 0) -> Fix:
    place = Place((), line, column, "a", end_line=end_line or line, end_column=end_column)
    return Fix(f"write {text}", place, text)


@pytest.mark.parametrize(
    ("before", "fixes", "after"),
    [
        (b"a: b\n", [_fix(1, 4, 5, "c")], b"a: c\n"),
        (b"\xef\xbb\xbfa: b\r\nc: d\r\n", [_fix(2, 4, 5, "e")], b"\xef\xbb\xbfa: b\r\nc: e\r\n"),
        ("ä: b\n".encode("utf-16"), [_fix(1, 4, 5, "c")], "ä: c\n".encode("utf-16")),
        ("日本: b".encode(), [_fix(1, 5, 6, "c")], "日本: c".encode()),
        (b"abcd\n", [_fix(1, 1, 3, "X"), _fix(1, 2, 4, "Y")], b"Xcd\n"),  # overlapping: the first
        (b"abcd\n", [_fix(1, 3, 5, "Y"), _fix(1, 1, 3, "X")], b"XY\n"),  # side by side, in any order
        (b"a\nb\nc\n", [_fix(1, 1, 2, "X", end_line=2)], b"X\nc\n"),  # several lines
        (b"a: b\n", [_fix(9, 1, 2, "c"), _fix(1, 4, 99, "c")], b"a: b\n"),  # not in the text
        (b"a: \xff\n", [_fix(1, 1, 2, "c")], b"a: \xff\n"),  # not UTF-8
    ],
)
def test_apply(before: bytes, fixes: list[Fix], after: bytes) -> None:
    assert apply(before, fixes)[0] == after


def test_applied_until_none_is_left() -> None:
    chain = {b"a\n": "b", b"b\n": "c", b"c\n": ""}

    def check(data: bytes) -> Report:
        text = chain[data]
        return Report([Entry(WARNING, "x", "x", Place(()), fix=_fix(1, 1, 2, text))] if text else [])

    result = fixed(b"a\n", "a", check)
    assert (result.data, [fix.replacement for fix in result.applied], len(result.report)) == (b"c\n", ["b", "c"], 0)


def test_a_circle_ends() -> None:
    def check(data: bytes) -> Report:
        return Report([Entry(WARNING, "x", "x", Place(()), fix=_fix(1, 1, 2, "b" if data == b"a\n" else "a"))])

    assert fixed(b"a\n", "a", check).data in (b"a\n", b"b\n")


def test_fixes_of_other_files_are_left_alone() -> None:
    report = Report([Entry(WARNING, "x", "x", Place(()), fix=_fix(1, 1, 2, "b"))])
    assert fixed(b"a\n", "other", lambda _: report).data == b"a\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("storage:\n  files:\n    - path: etc//motd  # c\n", "storage:\n  files:\n    - path: /etc/motd  # c\n"),
        ("storage:\n  files:\n    - {path: '/a b/'}\n", "storage:\n  files:\n    - {path: '/a b'}\n"),
        ('storage:\n  files:\n    - path: "/a//\\tb"\n', 'storage:\n  files:\n    - path: "/a/\\tb"\n'),
        ("storage:\n  files:\n    - path: /a//'b\n", "storage:\n  files:\n    - path: '/a/''b'\n"),
        ("storage:\n  files:\n    - path: /a//b:c\n", "storage:\n  files:\n    - path: '/a/b:c'\n"),
        ("storage:\n  files:\n    - path: /a\n      mode: 755\n", "storage:\n  files:\n    - path: /a\n      mode: 0755\n"),
        ("storage:\n  directories:\n    - path: /a/\n      mode: 700\n", "storage:\n  directories:\n    - path: /a\n      mode: 0700\n"),
        ("systemd:\n  units:\n    - name: a.servise\n", "systemd:\n  units:\n    - name: a.service\n"),
        ("systemd:\n  units:\n    - name: 'true'\n", "systemd:\n  units:\n    - name: 'true.service'\n"),
        (
            "systemd:\n  units:\n    - name: a.service\n      dropins: [{name: x, contents: '[Unit]'}]\n",
            "systemd:\n  units:\n    - name: a.service\n      dropins: [{name: x.conf, contents: '[Unit]'}]\n",
        ),
        (
            f"storage:\n  files:\n    - path: /a\n      contents: {{source: 'https://x', verification: {{hash: {SUM}}}}}\n",
            f"storage:\n  files:\n    - path: /a\n      contents: {{source: 'https://x', verification: {{hash: sha256-{SUM}}}}}\n",
        ),
        (
            f"storage:\n  files:\n    - path: /a\n      contents: {{source: 'https://x', verification: {{hash: 'SHA256:{SUM.upper()}'}}}}\n",
            f"storage:\n  files:\n    - path: /a\n      contents: {{source: 'https://x', verification: {{hash: 'sha256-{SUM}'}}}}\n",
        ),
        ("storage:\n  files:\n    - path: /a\n      contnets: {inline: x}\n", "storage:\n  files:\n    - path: /a\n      contents: {inline: x}\n"),
        # No fix: a config inside the config, whose paths are its own, an alias, a block scalar, a quadlet, a mode that means what it says.
        (
            "storage: {files: [{path: /a}]}\nignition:\n  config:\n    merge:\n"
            '      - inline: \'{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/a//b"}]}}\'\n',
            "storage: {files: [{path: /a}]}\nignition:\n  config:\n    merge:\n"
            '      - inline: \'{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/a//b"}]}}\'\n',
        ),
        ("x: &p /a//b\nstorage:\n  files:\n    - path: *p\n", "x: &p /a//b\nstorage:\n  files:\n    - path: *p\n"),
        ("storage:\n  files:\n    - path: >-\n        /a//b\n", "storage:\n  files:\n    - path: >-\n        /a//b\n"),
        ("systemd:\n  units:\n    - name: a.container\n", "systemd:\n  units:\n    - name: a.container\n"),
        ("storage:\n  files:\n    - path: /a\n      mode: 420\n", "storage:\n  files:\n    - path: /a\n      mode: 420\n"),
    ],
)
def test_fixes_of_configs(before: str, after: str) -> None:
    result = fixed((HEAD + before).encode(), "a.bu", lambda data: compile_source(data, "a.bu", Options()).report)
    assert result.data.decode() == HEAD + after
    if before != after:
        assert compile_source(result.data, "a.bu", Options()).output is not None


def test_fixes_of_ignition_configs() -> None:
    text = '{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/ä//b"}, {"path": "etc"}]}}'
    result = fixed(text.encode(), "a.ign", lambda data: parse(data, "a.ign")[2], is_json=True)
    assert result.data.decode() == text.replace("/ä//b", "/ä/b").replace('"etc"', '"/etc"')
    assert len(result.report) == 0


def test_unified_diff() -> None:
    assert unified_diff("a.bu", b"a\nb\n", b"a\nc\n") == "--- a/a.bu\n+++ b/a.bu\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    assert unified_diff("a.bu", b"a\r\nb", b"a\r\nc").endswith("-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n")
    assert unified_diff("a.bu", b"a\n", b"a\n") == ""


def _butane(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from butane_py.cli.main import run; run()", *argv]
    return subprocess.run(command, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)


WRONG = HEAD + "storage:\n  files:\n    - path: /etc//motd  # here\n      mode: 644\n"
RIGHT = HEAD + "storage:\n  files:\n    - path: /etc/motd  # here\n      mode: 0644\n"


@pytest.mark.subprocess
def test_fix_writes_and_diff_shows(tmp_path: Path) -> None:
    names = ("a.bu", "sub/b.bu", "sub/c.bu")
    (tmp_path / "sub").mkdir()
    for name in names:
        (tmp_path / name).write_text(WRONG)
    (tmp_path / "sub/c.bu").write_text(RIGHT)
    (tmp_path / "a.bu").chmod(0o600)
    ran = _butane("--diff", "a.bu", cwd=tmp_path)
    assert (ran.returncode, (tmp_path / "a.bu").read_text()) == (0, WRONG)
    assert "-    - path: /etc//motd  # here\n-      mode: 644\n+    - path: /etc/motd  # here\n+      mode: 0644\n" in ran.stdout
    ran = _butane("--fix", "a.bu", "sub", "missing.bu", cwd=tmp_path)
    assert ran.returncode == 1  # one of them is missing; the others are corrected
    assert ran.stdout == ""
    assert [(tmp_path / name).read_text() for name in names] == [RIGHT] * 3
    assert (tmp_path / "a.bu").stat().st_mode & 0o777 == 0o600
    assert "a.bu: 2 fixes (write /etc/motd; write 0644) applied\n" in ran.stderr and "sub/c.bu: nothing to fix\n" in ran.stderr
    assert json.loads(_butane("a.bu", cwd=tmp_path).stdout)


@pytest.mark.subprocess
def test_what_does_not_compile_afterwards_is_not_written(tmp_path: Path) -> None:
    text = WRONG + "    - path: /etc/x\n      overwrite: true\n"
    (tmp_path / "a.bu").write_text(text)
    ran = _butane("--fix", "a.bu", cwd=tmp_path)
    assert (ran.returncode, (tmp_path / "a.bu").read_text()) == (1, text)
    assert "overwrite-without-source" in ran.stderr and "nothing was written" in ran.stderr


@pytest.mark.subprocess
@pytest.mark.parametrize("argv", [("--fix",), ("--fix", "a.bu", "-o", "x"), ("--diff", "a.bu", "--output-dir", "x")])
def test_wrong_usage(argv: tuple[str, ...], tmp_path: Path) -> None:
    assert _butane(*argv, cwd=tmp_path).returncode == 2
