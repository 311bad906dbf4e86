"""The command line: flags as the reference takes them, exit statuses, output whole or not at all, reports in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.subprocess
ROOT = Path(__file__).parents[2]
GOOD = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/one\n      contents: {inline: hi}\n"
WARNED = GOOD + "      mode: 444\n"
BAD = GOOD + "      mode: x\n"


def butane(*argv: str, text: str | None = None, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from butane_py.cli.main import run; run()", *argv]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(program, input=text or "", capture_output=True, text=True, cwd=cwd, env=env, check=False)


def test_standard_input_to_standard_output() -> None:
    ran = butane(text=GOOD)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("}\n")
    assert json.loads(ran.stdout)["ignition"] == {"version": "3.4.0"}


@pytest.mark.parametrize(
    ("flags", "text", "status"),
    [
        ([], WARNED, 0),
        (["--strict"], WARNED, 1),
        (["-s"], WARNED, 1),
        (["--strict=false"], WARNED, 0),
        ([], BAD, 1),
        ([], "", 1),
        (["-c"], GOOD, 0),
        (["-ps"], GOOD, 0),
        (["--nonsense"], GOOD, 2),
        (["a", "b"], GOOD, 2),
        (["--input", "a", "b"], GOOD, 2),
        (["-o"], GOOD, 2),
        (["--strict=maybe"], GOOD, 2),
        (["--format", "xml"], GOOD, 2),
        (["--output-dir", "x"], GOOD, 2),
        (["--watch"], GOOD, 2),
        (["missing.bu"], GOOD, 1),
        (["--help"], GOOD, 0),
        (["-h"], GOOD, 0),
        (["-V"], GOOD, 0),
        (["--color=nonsense"], GOOD, 0),
        ([""], GOOD, 0),
    ],
)
def test_exit_status(flags: list[str], text: str, status: int) -> None:
    ran = butane(*flags, text=text)
    assert ran.returncode == status, ran.stderr
    assert "Traceback" not in ran.stderr
    if status or flags == ["-c"]:
        assert ran.stdout == ""


@pytest.mark.parametrize("flag", ["-p", "--pretty"])
def test_pretty(flag: str) -> None:
    assert butane(flag, text=GOOD).stdout.startswith('{\n  "ignition": {\n')


def test_raw_errors_are_a_line_each() -> None:
    ran = butane("--raw-errors", text=WARNED)
    assert ran.stderr.startswith("warning at $.storage.files.0.mode, line 7 col 13: ")
    assert ran.stderr.count("\n") == 1


def test_errors_of_the_whole_text_have_a_line_too() -> None:
    assert butane("--raw-errors", text="{").stderr.startswith("error at $, line ")


def test_pretty_reports_show_the_line_and_a_caret() -> None:
    ran = butane(text=WARNED)
    assert "7 |       mode: 444" in ran.stderr
    assert "^^^" in ran.stderr
    assert "\x1b" not in ran.stderr


@pytest.mark.parametrize(
    ("flags", "coloured"),
    [(["--color"], True), (["--colour=always"], True), (["--color=yes"], True), (["--color=always", "--colour=never"], False),
     (["--colour=never", "--color=always"], True), (["--color", "never"], True), ([], False), (["--color=auto"], False)],
)  # fmt: skip
def test_colour(flags: list[str], coloured: bool, tmp_path: Path) -> None:
    (tmp_path / "never").write_text(WARNED)
    (tmp_path / "one.bu").write_text(WARNED)
    operands = [] if flags[-1:] == ["never"] else ["one.bu"]
    ran = butane(*flags, *operands, cwd=tmp_path)
    assert ("\x1b[" in ran.stderr) is coloured


def test_no_color_does_not_forbid_what_is_asked_for() -> None:
    assert "\x1b[" in butane("--color=always", text=WARNED, NO_COLOR="1").stderr


def test_old_input_flag(tmp_path: Path) -> None:
    (tmp_path / "one.bu").write_text(GOOD)
    ran = butane("--input", "one.bu", cwd=tmp_path)
    assert ran.returncode == 0
    assert "deprecated" in ran.stderr


def test_output_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "out.ign"
    target.write_text("before")
    target.chmod(0o640)
    assert butane("-o", str(target), text=BAD).returncode == 1
    assert butane("-c", "-o", str(target), text=GOOD).returncode == 0
    assert target.read_text() == "before"
    assert butane("-o", str(target), text=GOOD).returncode == 0
    assert json.loads(target.read_text())
    assert target.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.ign"]


def test_new_output_has_the_mode_of_the_reference(tmp_path: Path) -> None:
    butane("-o", "out.ign", text=GOOD, cwd=tmp_path)
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "out.ign").stat().st_mode & 0o777 == 0o644 & ~mask


def test_output_follows_links_and_writes_to_devices(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to("real")
    butane("-o", "link", text=GOOD, cwd=tmp_path)
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "real").read_text())
    assert json.loads(butane("-o", "/dev/stdout", text=GOOD).stdout)


def test_output_that_cannot_be_written() -> None:
    ran = butane("-o", "/nowhere/at/all", text=GOOD)
    assert ran.returncode == 1
    assert "/nowhere/at/all" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("path", ["../secret", "/../secret", "sub/../../secret", "../files-too/secret"])
def test_files_dir_cannot_be_left(path: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "sub").mkdir(parents=True)
    (tmp_path / "files-too").mkdir()
    (tmp_path / "secret").write_text("hidden-word")
    (tmp_path / "files-too" / "secret").write_text("hidden-word")
    ran = butane("--raw-errors", "-d", str(files), text=GOOD.replace("inline: hi", f"local: {path}"))
    assert ran.returncode == 1
    assert "hidden-word" not in ran.stdout + ran.stderr
    assert "at $.storage.files.0.contents.local, line 6" in ran.stderr


def test_absolute_paths_are_below_files_dir_and_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one").write_text("one")
    (tmp_path / "two").write_text("two")
    (tmp_path / "files" / "link").symlink_to("../two")
    for path, found in (("/one", "data:,one"), ("link", "data:,two")):
        assert found in butane("-d", str(tmp_path / "files"), text=GOOD.replace("inline: hi", f"local: {path}")).stdout


def test_json_reports_are_a_line() -> None:
    report = json.loads(butane("--format", "json", text=WARNED).stderr)
    assert report["file"] == "<stdin>"
    assert report["reports"][0]["code"] == "mode-decimal"
    assert (report["reports"][0]["line"], report["reports"][0]["column"]) == (7, 13)
    assert json.loads(butane("--format=json", text=GOOD).stderr)["reports"] == []


def test_debug_names_the_places() -> None:
    assert "$.storage.files.0.contents.inline \u2192 $.storage.files.0.contents.source\n" in butane("-D", text=GOOD).stderr


def test_explain() -> None:
    ran = butane("explain", "mode-decimal")
    assert ran.returncode == 0
    assert "mode: 0644" in ran.stdout
    assert "mode-decimal" in butane("explain").stdout
    ran = butane("explain", "mode-decimla")
    assert ran.returncode == 1
    assert "mode-decimal" in ran.stderr


@pytest.mark.parametrize(("closing", "status"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), ("2>/dev/full", 0), (">/dev/full", 1)])
def test_closed_and_full_streams(closing: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "one.bu").write_text(WARNED)
    command = f"{sys.executable} -c 'from butane_py.cli.main import run; run()' one.bu {closing}"
    ran = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == status
    assert "Traceback" not in ran.stderr


def test_closed_standard_input_is_an_empty_config() -> None:
    command = f"{sys.executable} -c 'from butane_py.cli.main import run; run()' --raw-errors <&-"
    ran = subprocess.run(
        ["sh", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr.startswith("error at $, line 1")) == (1, True)


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["explain", "--list"], ["upgrade", "--help"]])
def test_help_that_cannot_be_written(argv: list[str]) -> None:
    program = [sys.executable, "-c", "from butane_py.cli.main import run; run()", *argv]
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)


def test_help_tells_all_and_usage_errors_little() -> None:
    shown = butane("--help").stdout
    for words in ("decompile", "explain", "schema", "upgrade", "completion", "Example:", "NO_COLOR", "Exit status:", "-d, --files-dir"):
        assert words in shown
    ran = butane("--nonsense")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "butane-py: there is no flag --nonsense\nTry 'butane-py --help'.\n" or ran.stderr.count("\n") == 2


def test_files_with_names_of_commands(tmp_path: Path) -> None:
    (tmp_path / "explain").write_text(GOOD)
    assert json.loads(butane("./explain", cwd=tmp_path).stdout)["ignition"]
    ran = butane("explain", "mode-decimal", cwd=tmp_path)
    assert "mode-decimal" in ran.stdout
    assert "./explain" in ran.stderr


@pytest.mark.parametrize("command", ["decompile", "explain", "schema", "upgrade"])
def test_help_of_commands(command: str) -> None:
    ran = butane(command, "--help")
    assert ran.returncode == 0
    for words in ("Example:", "Exit status:", f"butane-py {command}" if command == "upgrade" else command):
        assert words in ran.stdout
    ran = butane(command, "--nonsense")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    assert "_BUTANE_PY_COMPLETE" in butane("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("butane-py ", "upgrade"),
        ("butane-py --str", "--strict"),
        ("butane-py --format ", "sarif"),
        ("butane-py decompile --variant fl", "flatcar"),
        ("butane-py upgrade --to lat", "latest"),
        ("butane-py explain mode-dec", "mode-decimal"),
        ("butane-py schema f", "fcos"),
        ("butane-py completion z", "zsh"),
    ],
)
def test_completions(words: str, expected: str) -> None:
    parts = words.split(" ")
    ran = butane(_BUTANE_PY_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(parts) - 1))
    assert f"plain,{expected}" in ran.stdout.splitlines(), ran.stdout + ran.stderr
