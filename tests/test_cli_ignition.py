"""cli.py and goflags.py: what the command line takes, and the exit status. The table below was measured on the reference."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py import cli, version_text
from ignition_py.goflags import (
    DURATION,
    POSIX,
    SWITCH,
    TEXT,
    Flag,
    HelpRequested,
    Parser,
    UsageError,
    Values,
    seconds,
)
from ignition_py.programs.cli.group import COMMANDS


@pytest.mark.parametrize(
    ("words", "status", "out", "err"),
    [
        ("", 2, "", "--platform is required"),
        ("foo", 2, "", "there is no command 'foo'"),
        ("-- -version", 2, "", "--platform is required"),
        ("- -version", 2, "", "--platform is required"),
        ("-log-to-stdout false -version", 2, "", "--platform is required"),
        ("-stage fetch", 2, "", "--platform is required"),
        ("-platform file", 2, "", "--stage is required"),
        ("-platform", 2, "", "-platform needs a value"),
        ("-platform=x -stage fetch", 2, "", "'x' is not a valid platform"),
        ("-platform file -stage foo", 2, "", "'foo' is not a valid stage"),
        ("-platform= -stage fetch", 2, "", "'' is not a valid platform"),
        ("-x", 2, "", "there is no flag --x"),
        ("--platform-x=1", 2, "", "there is no flag --platform-x"),
        ("---x", 2, "", "'---x' is not a flag"),
        ("-=x", 2, "", "'-=x' is not a flag"),
        ("--=x", 2, "", "'--=x' is not a flag"),
        ("-fetch-timeout 5", 2, "", "its unit is missing"),
        ("-fetch-timeout 1.5h30m -platform", 2, "", "-platform needs a value"),
        ("-version=maybe", 2, "", "neither true nor false"),
        ("-version -bogus", 2, "", "there is no flag --bogus"),
        ("-version=T", 0, "Ignition 2.", ""),
        ("--version", 0, "Ignition 2.", ""),
        ("-version=1 -version=0 -platform file", 2, "", "--stage is required"),
        ("-h", 0, "", "usage: ignition [flags]"),
        ("--h", 0, "", "usage: ignition [flags]"),
        ("--help", 0, "", "usage: ignition [flags]"),
        ("-help=1", 0, "", "usage: ignition [flags]"),
        ("-platform file -help", 0, "", "usage: ignition [flags]"),
    ],
)
def test_command_line(words: str, status: int, out: str, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["/usr/bin/ignition", *words.split()]) == status
    captured = capsys.readouterr()
    assert captured.out.startswith(out)
    assert bool(captured.out) == bool(out)
    assert err in captured.err
    assert bool(captured.err) == bool(err)


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["ignition", "-help"])
    text = capsys.readouterr().err
    for flag in cli.parser("ignition").flags:
        assert f"      --{flag.name}" in text
    assert "(default 2m0s)" in text
    assert "nvidiabluefield" in text
    assert "fetch-offline" in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.subprocess
@pytest.mark.parametrize("program", ["ignition", "ignition-py"])
def test_programs_as_they_are_installed(tmp_path: Path, program: str) -> None:
    """A shim of either name, and `python -m`, are one program."""
    shim = tmp_path / program
    shim.write_text(f"#!{sys.executable}\nimport sys\nfrom ignition_py.cli import main\nsys.exit(main())\n")
    shim.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    for argv in ([str(shim)], [sys.executable, "-m", "ignition_py"]):
        done = subprocess.run([*argv, "-stage", "bogus"], capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 2
        assert f"{program if argv[0] == str(shim) else 'ignition-py'}: 'bogus' is not a valid stage" in done.stderr
        assert subprocess.run([*argv, "--version"], capture_output=True, env=env, check=False).returncode == 0


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """A word first is a command, under either name of the program; flags first are a stage."""
    for program in ("ignition-py", "/usr/bin/ignition", "__main__.py"):
        assert cli.main([program, "gret"]) == 2
        assert "there is no command 'gret'" in capsys.readouterr().err
    assert cli.main(["ignition-py"]) == 2
    assert "validate " in capsys.readouterr().err
    assert cli.main(["ignition-py", "-help"]) == 0
    assert "validate " in capsys.readouterr().out
    assert cli.main(["ignition-py", "-version"]) == 0
    assert capsys.readouterr().out == f"{version_text()}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_exit_statuses(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ignition-py", name, "--help"]) == 0
    text = capsys.readouterr().out
    below = name == "initrd"  # its commands have them
    assert ("Example:" in text and "Exit status:" in text) or below
    assert cli.main(["ignition-py", name, "--version"]) == 0
    assert cli.main(["ignition-py", name, "--no-such-flag"]) == (1 if name == "plan" else 2)


@pytest.mark.subprocess
@pytest.mark.parametrize("words", [["-platform", "file", "-help"], ["-version"]])
def test_a_stage_does_not_import_click(words: list[str]) -> None:
    """Where it is missing, a command is a sentence with the way out; the initramfs has no commands at all."""
    code = "import sys; sys.modules['click'] = None; from ignition_py.cli import main; sys.exit(main(['ignition', *sys.argv[1:]]))"
    assert subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False).returncode == 0
    done = subprocess.run([sys.executable, "-c", code, "status"], capture_output=True, text=True, check=False)
    words = "the command 'status' needs the Python package click (python3-click on Debian), which is not installed"
    assert (done.returncode, done.stderr) == (2, f"ignition: {words}\n")
    code = code.replace("'click'", "'ignition_py.programs.cli'")
    done = subprocess.run([sys.executable, "-c", code, "status"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "ignition: an initramfs has no commands such as 'status'; see ignition --help\n")


def test_programs_can_be_imported() -> None:
    from importlib import import_module

    for module in cli.PROGRAMS.values():
        assert callable(import_module(module).main)


# Durations


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-0", 0.0),
        ("2m0s", 120.0),
        ("1h2m3s", 3723.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("5.s", 5.0),
        ("-1.5m", -90.0),
        ("+3s", 3.0),
        ("1m1h", 3660.0),
        ("1500ms", 1.5),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        ("1μs", 1e-6),
        ("3ns", 3e-9),
        ("9223372036854775807ns", 9223372036.854775807),
    ],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "-", "+", "5", "1.5", ".s", "s", "1x", "1 s", "1s ", "1m5", "--1s", "9223372036854775808ns", "1e3s", "٣s"],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"\bit\b|\bits\b|there is no unit"):
        seconds(text)


@given(st.text(alphabet="0123456789.+-hmsnuµ ", max_size=12))
def test_durations_fail_in_one_way_only(text: str) -> None:
    try:
        assert isinstance(seconds(text), float)
    except ValueError as error:
        assert type(error) is ValueError


# pflag's manner, for the compiler

COMPILER = Parser(
    "butane-py",
    (
        Flag("strict", SWITCH, "fail on any warning", short="s"),
        Flag("pretty", SWITCH, "indent", short="p"),
        Flag("output", TEXT, "write to", short="o", noun="file"),
        Flag("color", TEXT, "color", bare="always", choices=("always", "never")),
        Flag("dir", TEXT, "folder", short="d"),
        Flag("wait", DURATION, "time", default=1.0),
    ),
    manner=POSIX,
    operands="[FILE…]",
)


def said(text: str) -> Values:
    return COMPILER.parse(text.split())


@pytest.mark.parametrize(
    "text", ["-sp -o x in", "in -spox", "-p -s --output=x in", "--strict in -p -o=x", "-spo x -- in"]
)
def test_posix(text: str) -> None:
    values = said(text)
    assert (values.on("strict"), values.on("pretty"), values.text("output")) == (True, True, "x")
    assert values.arguments == ("in",)


def test_posix_values() -> None:
    assert said("--strict=false").on("strict") is False
    assert said("--strict false").on("strict") is True
    assert said("--strict false").arguments == ("false",)
    assert said("--color x").text("color") == "always"
    assert said("--color=never").text("color") == "never"
    assert said("-d a --dir b -dc").text("dir") == "c"
    assert said("").text("dir") == ""
    assert said("--wait 2s").seconds("wait") == 2.0
    assert said("").given("wait") is False
    assert said("--wait 1s").given("wait") is True
    assert said("- -- -s").arguments == ("-", "-s")
    assert said("-o - x").text("output") == "-"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--stric", "there is no flag --stric"),
        ("-sx", r"there is no flag -x \(in -sx\)"),
        ("-x", "there is no flag -x$"),
        ("--output", "--output needs a value"),
        ("-so", "-o needs a value"),
        ("--color=red", "'red' is not a valid"),
        ("--=", "'--=' is not a flag"),
        ("---s", "'---s' is not a flag"),
        ("-s=x", "-s=x is neither"),
        ("-strict", "there is no flag -t"),
    ],
)
def test_posix_mistakes(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        said(text)


@pytest.mark.parametrize("text", ["-h", "--help", "-sh", "x --help"])
def test_posix_help(text: str) -> None:
    with pytest.raises(HelpRequested):
        said(text)
    assert "  -o, --output file         write to" in COMPILER.usage()
    assert "      --color[=text]        color: always never" in COMPILER.usage()
    assert "usage: butane-py [flags] [FILE…]" in COMPILER.usage()


@given(st.lists(st.text(alphabet="-=spodh x", max_size=6), max_size=5))
def test_posix_fails_in_known_ways_only(words: list[str]) -> None:
    with suppress(UsageError, HelpRequested):
        assert isinstance(COMPILER.parse(words), Values)
