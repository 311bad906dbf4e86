"""Every command of ignition-py on streams that fail: all of the output or a sentence, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.programs import run_program

pytestmark = pytest.mark.subprocess

LONG = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": f"/f{n}", "contents": {"source": "data:," + "x" * 300}} for n in range(600)]}})
BAD = json.dumps({"ignition": {"version": "3.4.0"}, **{f"key{n}": n for n in range(3000)}})
COMMANDS = [("render", LONG), ("convert", LONG), ("validate", BAD), ("plan", LONG)]
ENVIRONMENTS = [{}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]


def _start(command: str, path: Path, env: dict[str, str], **streams: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "ignition_py", command, str(path)]
    return subprocess.Popen(words, env={**os.environ, **env}, stderr=subprocess.PIPE, **streams)


@pytest.mark.parametrize(("command", "text"), COMMANDS, ids=[name for name, _ in COMMANDS])
@pytest.mark.parametrize("env", ENVIRONMENTS[:2], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_a_sentence(tmp_path: Path, command: str, text: str, env: dict[str, str]) -> None:
    path = tmp_path / "config.ign"
    path.write_text(text)
    with open("/dev/full", "wb") as full:
        done = _start(command, path, env, stdout=full.fileno())
        _, err = done.communicate(timeout=60)
    assert done.returncode == 1
    assert err.decode().splitlines()[-1].startswith(f"ignition-py {command}: standard output: No space left on device")
    assert b"Traceback" not in err


@pytest.mark.parametrize(("command", "text"), COMMANDS[:3], ids=[name for name, _ in COMMANDS[:3]])
@pytest.mark.parametrize("env", ENVIRONMENTS[:2], ids=["buffered", "unbuffered"])
def test_a_reader_that_goes_away_ends_the_program(tmp_path: Path, command: str, text: str, env: dict[str, str]) -> None:
    path = tmp_path / "config.ign"
    path.write_text(text)
    done = _start(command, path, env, stdout=subprocess.PIPE)
    assert done.stdout is not None
    done.stdout.read(10)
    done.stdout.close()
    assert done.stderr is not None
    err = done.stderr.read()
    assert (done.wait(60), b"Traceback" in err) == (-signal.SIGPIPE, False)


@pytest.mark.parametrize("env", ENVIRONMENTS, ids=str)
def test_all_of_the_output_whatever_the_locale(tmp_path: Path, env: dict[str, str]) -> None:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "ключ": 1, "storage": {"files": [{"path": "/ä" + "x" * 200}] * 1}}))
    done = _start("render", path, env, stdout=subprocess.PIPE)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, b"Traceback" in err) == (0, False)
    assert json.loads(out.decode())["storage"]["files"][0]["path"].startswith("/ä")


def test_a_defect_is_a_sentence() -> None:
    code = (
        "import sys; from ignition_py import cli; from ignition_py.programs import validate;"
        "sys.argv = ['ignition-validate', '-']; validate.read_input = lambda path: 1 / 0; sys.exit(cli.run())"
    )
    done = run_program("-c", code, input="")
    assert done.returncode == 1
    assert done.stderr.startswith("ignition-validate: a defect of ignition-py")
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_streams(tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    path.write_text(LONG)
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "ignition_py", "render", str(path)], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), closed
