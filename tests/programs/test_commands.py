"""commands.py: the manner that all commands of our own share, by click's runner and by the shells that complete words."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ignition_py.programs.commands import DURATION, FILE, Command, Group, coloured, command, completion_command

ROOT = Path(__file__).parents[2]
PROGRAM = '''
import sys
from tests.programs.test_commands import program
sys.exit(program.run(prog_name="greeter"))
'''


@click.group("greeter", cls=Group, version="greeter 1.2", invoke_without_command=False)
def program() -> None:
    """Greets."""


@command("greet", example="greeter greet --to world", statuses={0: "greeted", 3: "nobody there"}, usage_status=1)
@click.option("--to", required=True, help="whom to greet")
@click.option("--fetch-timeout", type=DURATION, default="1m30s", help="how long to try")
@click.option("--loud", is_flag=True, help="in capitals")
@click.option("--output", "-o", type=FILE, default="-", help="where to write it")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="how to show it")
@click.option("--also", multiple=True, help="whom else to greet")
@click.argument("words", nargs=-1, type=FILE)
def greet(
    to: str, fetch_timeout: float, loud: bool, output: str, form: str, also: tuple[str, ...], words: tuple[str, ...]
) -> int:
    """Greets somebody."""
    click.echo(f"{to} {fetch_timeout} {loud} {output} {form} {also} {words}")
    return 3 if to == "nobody" else 0


program.add_command(greet)
program.add_command(completion_command("greeter"))


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(program, list(words), prog_name="greeter")
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "greet --to a --fetch-timeout 1s --loud --output x --also b --also c w",
        "greet -to a -fetch-timeout=1s -loud -o x -also b -also=c w",
        "greet -to=a -fetch-timeout 1s -loud=true -o=x --also=b -also c w",
        "greet w --loud=false --loud=1 -to a -ox -also b -also c --fetch-timeout 1000ms",
        "greet --to a --fetch-timeout 1s --loud -output x --also b --also c -- w",
    ],
)
def test_both_spellings_of_flags(words: str) -> None:
    assert run(*words.split()) == (0, "a 1.0 True x text ('b', 'c') ('w',)\n", "")


def test_a_value_is_a_value_whatever_it_looks_like() -> None:
    assert run("greet", "--to", "-loud", "--also", "--format", "-") == (0, "-loud 90.0 False - text ('--format',) ('-',)\n", "")
    assert run("greet", "--to", "a", "--loud", "--loud=false", "--", "-loud")[1] == "a 90.0 False - text () ('-loud',)\n"


def test_what_a_command_returns_is_the_exit_status() -> None:
    assert run("greet", "--to", "nobody")[0] == 3
    assert program.run(["greet", "--to", "nobody"], "greeter") == 3


@pytest.mark.parametrize(
    ("words", "status", "error", "path"),
    [
        ("greet", 1, "Missing option '--to'", "greeter greet"),
        ("greet -to", 1, "requires an argument", "greeter greet"),
        ("greet --to a --lout", 1, "Did you mean ", "greeter greet"),
        ("greet --to a -lout", 1, "Did you mean ", "greeter greet"),
        ("greet --to a --loud=maybe", 1, "--loud=maybe is neither true nor false", "greeter greet"),
        ("greet --to a --fetch-timeout 5", 1, "its unit is missing", "greeter greet"),
        ("greet --to a --format jsn", 1, "'json'", "greeter greet"),
        ("gret", 2, "there is no command 'gret'; did you mean greet?", "greeter"),
        ("zzz", 2, "there is no command 'zzz'; there are completion, greet", "greeter"),
        ("--bogus", 2, "--bogus", "greeter"),
    ],
)
def test_a_usage_error_is_the_error_and_one_line(words: str, status: int, error: str, path: str) -> None:
    got, out, err = run(*words.split())
    assert (got, out) == (status, "")
    first, second = err.splitlines()
    assert first.startswith(f"{path}: ")
    assert error in first
    assert second == f"Try '{path} --help'."


@pytest.mark.parametrize("flag", ["-h", "--help", "-help"])
def test_help_has_an_example_and_the_exit_statuses(flag: str) -> None:
    status, out, err = run("greet", flag)
    assert (status, err) == (0, "")
    assert "Usage: greeter greet [OPTIONS] [WORDS]..." in out
    assert "Example:\n  greeter greet --to world\n" in out
    assert "Exit status:\n  0  greeted\n  3  nobody there\n" in out
    assert "[default: 1m30s]" in out
    assert "  -h, --help" in out


@pytest.mark.parametrize("words", ["--version", "-version", "greet --version", "greet -version"])
def test_version(words: str) -> None:
    assert run(*words.split()) == (0, "greeter 1.2\n", "")


def test_a_group_alone_lists_its_commands() -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert "greet       Greets somebody." in err


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not coloured(io.StringIO())
    ours, theirs = os.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        assert coloured(terminal)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not coloured(terminal)
        monkeypatch.setenv("NO_COLOR", "")
        monkeypatch.setenv("TERM", "dumb")
        assert not coloured(terminal)
    os.close(ours)


def test_a_command_without_a_group() -> None:
    alone = Command("alone", callback=lambda: 4, version="alone 1")
    assert CliRunner().invoke(alone, []).exit_code == 4
    assert CliRunner().invoke(alone, ["--version"]).stdout == "alone 1\n"


# Completion, by the shells themselves

BASH = """
source <(greeter completion bash)
COMP_WORDS=({words} '{last}')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMPREPLY=()
_greeter_completion greeter
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
CASES = [
    ("greeter", "g", ["greet"]),
    ("greeter greet", "--f", ["--fetch-timeout", "--format"]),
    ("greeter greet --format", "", ["json", "text"]),
    ("greeter completion", "f", ["fish"]),
]


def _environment(folder: Path) -> dict[str, str]:
    script = folder / "greeter"
    script.write_text(f"#!{sys.executable}\n{PROGRAM}")
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.mark.subprocess
@pytest.mark.parametrize(("words", "last", "wanted"), CASES)
def test_bash_completes(tmp_path: Path, words: str, last: str, wanted: list[str]) -> None:
    script = BASH.format(words=words, last=last)
    done = subprocess.run(["bash", "-c", script], env=_environment(tmp_path), capture_output=True, text=True, check=False)
    assert (sorted(done.stdout.split()), done.stderr) == (wanted, "")


@pytest.mark.subprocess
@pytest.mark.parametrize(("words", "last", "wanted"), CASES)
def test_fish_completes(tmp_path: Path, words: str, last: str, wanted: list[str]) -> None:
    assert shutil.which("fish"), "tools/setup.sh test installs it"
    script = f"greeter completion fish | source; complete --do-complete '{words} {last}'"
    env = {**_environment(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(["fish", "--no-config", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert sorted(line.split("\t")[0] for line in done.stdout.splitlines()) == wanted


@pytest.mark.subprocess
def test_zsh_takes_the_script(tmp_path: Path) -> None:
    """What the script asks for is what bash and fish get; zsh's line editor needs a terminal."""
    assert shutil.which("zsh"), "tools/setup.sh test installs it"
    script = 'autoload -U compinit; compinit -u -d "$HOME/dump"; eval "$(greeter completion zsh)"; print ${_comps[greeter]}'
    env = {**_environment(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(["zsh", "-f", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("_greeter_completion\n", "")
