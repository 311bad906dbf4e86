"""Selection, severities, settings files, comments, and the command line of the linter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.linter.settings import Settings, load, matches
from butane_py.pipeline import compile_source
from ignition_py.report.diag import ConfigError
from tests.butane.lint.linted import codes, entries, file

ROOT = Path(__file__).parents[3]
BAD = file("/etc/hosts", "a")  # gets lint-file-in-image
REMOTE = "storage:\n  files:\n    - path: /opt/a\n      contents:\n        source: http://example.com/a\n"  # gets lint-http-unverified


@pytest.mark.parametrize(
    ("code", "names", "found"),
    [
        ("lint-unit-target", ("lint-unit",), True), ("lint-unit-target", ("lint-unit-target",), True), ("lint-unit-target", ("lint-un",), False),
        ("lint-unit-target", ("lint",), True), ("lint-unit-target", ("lint-unit-*",), True), ("lint-unit-target", ("lint-unit-target-x",), False),
        ("lint-unit-target", (), False), ("lint-unit-target", ("", "*"), False), ("unused-key", ("lint",), False),
    ],
)  # fmt: skip
def test_codes_and_their_beginnings(code: str, names: tuple[str, ...], found: bool) -> None:
    assert matches(code, names) is found


def test_selecting_and_ignoring() -> None:
    assert codes(BAD + REMOTE.removeprefix("storage:\n  files:\n")) == ["lint-file-in-image", "lint-http-unverified"]
    assert codes(BAD + REMOTE.removeprefix("storage:\n  files:\n"), select=("lint-http",)) == ["lint-http-unverified"]
    assert codes(BAD + REMOTE.removeprefix("storage:\n  files:\n"), ignore=("lint-http",)) == ["lint-file-in-image"]
    assert codes(BAD, select=("lint-file",), ignore=("lint-file-in-image",)) == []


@pytest.mark.parametrize(("severity", "seen"), [("info", ["info"]), ("error", ["error"]), ("off", []), ("warning", ["warning"])])
def test_severities(severity: str, seen: list[str]) -> None:
    settings = Settings(("lint-file",), severity={"lint": "off", "lint-file": severity})
    result = compile_source(f"variant: fcos\nversion: 1.7.0\n{BAD}".encode(), "x", Options(lint=True, settings=settings))
    assert [entry.severity for entry in result.report] == seen
    assert (result.output is None) is (severity == "error")


def test_errors_of_the_compiler_stay() -> None:
    settings = Settings(ignore=("path",), severity={"path-relative": "off"})
    text = b"# butane-py: ignore-file\nvariant: fcos\nversion: 1.7.0\nstorage: {files: [{path: a}]}\n"
    assert compile_source(text, "x", Options(lint=True, settings=settings)).report.fatal


def test_warnings_of_the_compiler_can_be_left_out() -> None:
    text = b"variant: fcos\nversion: 1.7.0\nstorage: {files: [{path: /opt/a, mode: 644}]}\n"
    assert "mode-decimal" in [entry.code for entry in compile_source(text, "x", Options()).report]
    silenced = text.replace(b"644}]}", b"644}]}  # butane-py: ignore[mode-decimal, mode-special-bits]")
    assert [entry.code for entry in compile_source(silenced, "x", Options()).report] == []


COMMENTED = """\
storage:
  files:
    - path: /etc/hosts{0}
      contents:{1}
        source: http://example.com/a{2}
    - path: /etc/profile
      contents:
        source: http://example.com/b
"""


@pytest.mark.parametrize(
    ("places", "left"),
    [
        ({}, ["lint-file-in-image", "lint-http-unverified"] * 2),
        ({0: "[lint-file-in-image]"}, ["lint-http-unverified", "lint-file-in-image", "lint-http-unverified"]),
        ({0: "[lint-file-in-image, lint-http]"}, ["lint-file-in-image", "lint-http-unverified"]),
        ({0: ""}, ["lint-file-in-image", "lint-http-unverified"]),
        ({2: "[lint-http-unverified]"}, ["lint-file-in-image"] * 2 + ["lint-http-unverified"]),
        ({2: "[lint-crlf]"}, ["lint-file-in-image", "lint-http-unverified", "lint-file-in-image", "lint-http-unverified", "lint-unused-ignore"]),
        ({1: "[lint-http-unverified]"}, ["lint-file-in-image", "lint-http-unverified", "lint-file-in-image", "lint-http-unverified", "lint-unused-ignore"]),
    ],
)
def test_comments(places: dict[int, str], left: list[str]) -> None:
    marks = [f"  # butane-py: ignore{places[i]}" if i in places else "" for i in range(3)]
    assert sorted(codes(COMMENTED.format(*marks))) == sorted(left)


def test_a_comment_on_a_line_of_its_own_speaks_of_the_line_below() -> None:
    text = COMMENTED.format("", "", "").replace("        source: http://example.com/a", "        # butane-py: ignore[lint-http]\n        # why\n        source: http://example.com/a")
    assert codes(text) == ["lint-file-in-image", "lint-file-in-image", "lint-http-unverified"]


def test_a_comment_for_the_file() -> None:
    head = "# butane-py: ignore-file[lint-http-unverified]\nvariant: fcos\nversion: 1.7.0\n"
    assert codes(head + COMMENTED.format("", "", "")) == ["lint-file-in-image"] * 2
    assert codes(head.replace("[lint-http-unverified]", "") + COMMENTED.format("", "", "")) == []


def test_what_looks_like_a_comment_inside_of_a_text_belongs_to_it() -> None:
    text = file("/etc/hosts", "# butane-py: ignore-file\n# butane-py: ignore[lint-file-in-image]")
    assert codes(text) == ["lint-file-in-image"]
    quoted = 'storage:\n  files:\n    - path: /etc/hosts\n      contents: {inline: "a # butane-py: ignore\n        # butane-py: ignore"}\n'
    assert [code for code in codes(quoted) if code != "lint-unused-ignore"] == ["lint-file-in-image"]


def test_ignores_of_rules_that_do_not_run_are_not_superfluous() -> None:
    text = COMMENTED.format("", "", "  # butane-py: ignore[lint-crlf]")
    assert "lint-unused-ignore" not in codes(text, select=("lint-http", "lint-unused-ignore"))
    assert "lint-unused-ignore" in codes(text, select=("lint-crlf", "lint-unused-ignore"))
    assert "lint-unused-ignore" not in codes(text, ignore=("lint-unused-ignore",))


def test_settings_are_found_upwards(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    config = str(tmp_path / "a" / "b" / "c.bu")
    (tmp_path / "pyproject.toml").write_text('[tool.butane-py]\nignore = ["lint-x"]\n[tool.butane-py.severity]\nlint-y = "off"\n')
    assert load(config) == Settings(ignore=("lint-x",), severity={"lint-y": "off"})
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\n")
    assert load(config).ignore == ("lint-x",)
    (tmp_path / "a" / "butane-py.toml").write_text('select = ["lint"]\nverify = true\nallow-extensions = true\nplatforms = ["aws"]\n')
    assert load(config) == Settings(("lint",), verify=True, allow_extensions=True, platforms=("aws",))
    (tmp_path / "a" / "b" / "pyproject.toml").write_text("not toml [")
    assert load(config).select == ("lint",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "did you mean select?"), ("select = 1", "not a list"), ("select = [1]", "not a list"), ("verify = 1", "neither true nor false"),
        ("severity = 1", "not a table"), ('[severity]\nlint-a = "bad"', "one of error, warning, info, off"), ('platforms = ["awss"]', "did you mean aws?"),
        ("a = [", "cannot be read"),
    ],
)  # fmt: skip
def test_wrong_settings(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "butane-py.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path / "c.bu"))
    assert message in caught.value.message and str(tmp_path) in caught.value.message


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "butane_py", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})


def _codes(done: subprocess.CompletedProcess[str]) -> list[str]:
    import re

    return re.findall(r"\[(lint-[a-z-]+|unused-key)\]", done.stdout + done.stderr)


@pytest.mark.subprocess
def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.bu").write_text(f"variant: fcos\nversion: 1.7.0\n{BAD}")
    assert _codes(_run(tmp_path, "a.bu")) == []
    assert _codes(_run(tmp_path, "--lint", "a.bu")) == ["lint-no-login", "lint-file-in-image"]
    assert _codes(_run(tmp_path, "--select", "lint-file", "a.bu")) == ["lint-file-in-image"]
    assert _codes(_run(tmp_path, "--lint", "--ignore", "lint-no-login,lint-file", "a.bu")) == []
    assert _codes(_run(tmp_path, "--lint=off", "--select", "lint-file", "a.bu")) == []
    strict = _run(tmp_path, "--lint", "--strict", "a.bu")
    assert (strict.returncode, strict.stdout) == (1, "")
    only_info = _run(tmp_path, "--select=lint-no-login", "--strict", "a.bu")
    assert only_info.returncode == 0 and json.loads(only_info.stdout)
    (tmp_path / "butane-py.toml").write_text('ignore = ["lint-no-login"]\n[severity]\nlint-file-in-image = "error"\n')
    refused = _run(tmp_path, "--lint", "a.bu")
    assert _codes(refused) == ["lint-file-in-image"] and refused.returncode == 1
    assert _run(tmp_path, "a.bu").returncode == 0
    (tmp_path / "butane-py.toml").write_text("ignor = []")
    wrong = _run(tmp_path, "--lint", "a.bu")
    assert wrong.returncode == 1 and "did you mean ignore?" in wrong.stderr and "Traceback" not in wrong.stderr


@pytest.mark.subprocess
def test_extensions(tmp_path: Path) -> None:
    text = "variant: fcos\nversion: 1.7.0\nx-mine: &a\n  mode: 0644\nstorage:\n  files:\n    - {<<: *a, path: /opt/a}\n    - {x-b: 1, path: /opt/b}\n"
    (tmp_path / "a.bu").write_text(text)
    assert len(_codes(_run(tmp_path, "a.bu"))) == 3
    assert len(_codes(_run(tmp_path, "--allow-extensions", "a.bu"))) == 1
    (tmp_path / "a.bu").write_text(text.replace("x-b: 1, ", ""))
    assert _run(tmp_path, "--allow-extensions", "--strict", "a.bu").returncode == 0
    (tmp_path / "butane-py.toml").write_text('select = ["lint-crlf"]\nallow-extensions = true\n')
    assert _run(tmp_path, "--lint", "--strict", "a.bu").returncode == 0


@pytest.mark.subprocess
def test_nothing_of_the_linter_is_loaded_without_it(tmp_path: Path) -> None:
    (tmp_path / "a.bu").write_text(f"variant: fcos\nversion: 1.7.0\n{BAD}")
    code = "import sys\nfrom butane_py.cli.main import main\nmain(['butane-py', 'a.bu', '-o', 'a.ign'])\nprint([m for m in sys.modules if 'lint' in m])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "[]"


def test_platforms_decide_about_the_size(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(range(256)) * 80)
    text = "storage:\n  files: [{path: /opt/a, contents: {local: data, compression: ''}}]\n"
    import os

    (tmp_path / "data").write_bytes(os.urandom(20_000))
    select = ("lint-user-data-size",)
    assert [entry.severity for entry in entries(text, tmp_path, select=select)] == ["info"]
    assert [entry.severity for entry in entries(text, tmp_path, select=select, platforms=("aws", "gcp"))] == ["warning"]
    assert entries(text, tmp_path, select=select, platforms=("gcp",)) == []
    assert [entry.severity for entry in entries(text, tmp_path, select=select, platforms=("akamai",))] == ["info"]
