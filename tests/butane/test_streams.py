"""All bytes or an error, whatever the standard streams are: pipes that block, do not block or close, full disks, closed descriptors."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.subprocess
ROOT = Path(__file__).parents[2]
HEAD = "variant: fcos\nversion: 1.5.0\n"
ENTRY = '    - path: /etc/file-%d\n      contents: {inline: "text of file %d"}\n'
BIG = HEAD + "storage:\n  files:\n" + "".join(ENTRY % (i, i) for i in range(1200))
RUN = "from butane_py.cli.main import run; run()"
# PYTHONUNBUFFERED=1 takes the buffer away from sys.stdout: a write may then be a part of what it was given.
ENVIRONMENTS = [{}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}]


class Files:
    """One big config for each command, and what each writes to an ordinary pipe."""

    def __init__(self, folder: Path) -> None:
        (folder / "big.bu").write_text(BIG)
        self.commands = {"compile": [str(folder / "big.bu")]}
        (folder / "big.ign").write_bytes(started(self.commands["compile"], stdout=subprocess.PIPE).communicate()[0])
        self.commands["decompile"] = ["decompile", str(folder / "big.ign")]
        self.commands["upgrade"] = ["upgrade", "--to", "1.6.0", str(folder / "big.bu")]
        self.whole = {
            name: started(argv, stdout=subprocess.PIPE).communicate()[0] for name, argv in self.commands.items()
        }
        assert all(len(data) > 70_000 for data in self.whole.values())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("streams"))


@pytest.fixture(params=ENVIRONMENTS, ids=["buffered", "unbuffered", "latin-1"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    chosen: dict[str, str] = request.param
    return chosen


def started(argv: list[str], environment: dict[str, str] | None = None, **streams: object) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    env.pop("PYTHONUNBUFFERED", None)
    return subprocess.Popen([sys.executable, "-c", RUN, *argv], env={**env, **(environment or {})}, **streams)  # type: ignore[call-overload,no-any-return]


def read_slowly(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 30_000):
        pieces.append(piece)
        time.sleep(0.002)
    return b"".join(pieces)


@pytest.mark.parametrize("command", ["compile", "decompile", "upgrade"])
def test_output_pipe_that_does_not_block(command: str, files: Files, environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(writing, fcntl.F_GETFL))
    with started(files.commands[command], environment, stdout=writing) as process:
        os.close(writing)
        data = read_slowly(reading)
    os.close(reading)
    assert process.returncode == 0
    assert data == files.whole[command]


@pytest.mark.parametrize("command", ["compile", "decompile", "upgrade"])
def test_reader_that_goes_away(command: str, files: Files, environment: dict[str, str]) -> None:
    """Ended by SIGPIPE, as the reference is, without a word."""
    process = started(files.commands[command], environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    assert len(process.stdout.read1(1000)) > 0  # type: ignore[attr-defined]
    process.stdout.close()
    assert process.stderr.read() == b"" or command == "upgrade"
    assert process.wait() == -signal.SIGPIPE
    process.stderr.close()


def test_process_that_is_stopped_while_it_writes(files: Files, environment: dict[str, str]) -> None:
    with started(files.commands["compile"], environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        data = process.stdout.read1(1000)  # type: ignore[attr-defined]
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        process.send_signal(signal.SIGCONT)
        data += process.stdout.read()
    assert process.returncode == 0
    assert data == files.whole["compile"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.root
@pytest.mark.parametrize("command", ["compile", "decompile", "upgrade"])
def test_full_disk(command: str, files: Files, environment: dict[str, str], small_disk: Path) -> None:
    with open(small_disk / "output", "wb") as output:
        process = started(files.commands[command], environment, stdout=output, stderr=subprocess.PIPE)
        message = process.communicate()[1].decode()
    assert process.returncode == 1
    assert message.splitlines()[-1].endswith(
        "standard output: No space left on device; make room there, or write somewhere else"
    )
    assert "Traceback" not in message


@pytest.mark.parametrize("argv", [[], ["decompile", "-"], ["upgrade", "--to", "1.6.0", "-"], ["-"]])
def test_input_that_comes_in_two_halves_and_does_not_block(
    argv: list[str], files: Files, environment: dict[str, str]
) -> None:
    command = next((name for name in files.commands if name in argv), "compile")
    source = Path(files.commands[command][-1]).read_bytes()
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(reading, fcntl.F_GETFL))
    process = started(argv, environment, stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)

    def feed() -> None:
        with open(writing, "wb", buffering=0) as stream:
            time.sleep(0.3)  # the program is there first, and finds nothing
            for half in (source[: len(source) // 2], source[len(source) // 2 :]):
                rest = half
                while rest:
                    rest = rest[stream.write(rest) or 0 :]
                time.sleep(0.1)

    feeder = threading.Thread(target=feed)
    feeder.start()
    output = process.communicate()[0]
    feeder.join()
    assert process.returncode == 0
    assert output == files.whole[command]


@pytest.mark.parametrize("argv", [[], ["decompile"], ["upgrade", "--to", "1.6.0", "-"]])
def test_input_that_cannot_be_read(argv: list[str]) -> None:
    with open(os.devnull, "wb") as wrong:
        process = started(argv, stdin=wrong, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, message = process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert message.decode().endswith("standard input: Bad file descriptor\n")


def test_output_that_is_open_for_reading_only(files: Files) -> None:
    with open(os.devnull, "rb") as wrong:
        process = started(files.commands["compile"], stdout=wrong, stderr=subprocess.PIPE)
        message = process.communicate()[1]
    assert (process.returncode, message) == (1, b"butane-py: standard output: Bad file descriptor\n")


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_descriptors(closed: int, files: Files) -> None:
    """They are /dev/null, and no file of the program is opened under their number."""
    command = [sys.executable, "-c", RUN, *files.commands["compile"]]
    redirection = f"{closed}{'<' if closed == 0 else '>'}&-"
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", *command]
    ran = subprocess.run(shell, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == (b"" if closed == 1 else files.whole["compile"])


def test_standard_error_that_nobody_reads(tmp_path: Path) -> None:
    """A report that cannot be written is no reason to keep the config back."""
    (tmp_path / "one.bu").write_text(HEAD + "storage: {files: [{path: /a, mode: 444}]}\n")
    reading, writing = os.pipe()
    os.close(reading)
    process = started([str(tmp_path / "one.bu")], stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    output = process.communicate()[0]
    assert (process.returncode, output[-2:]) == (0, b"}\n")


def test_dash_as_output_is_standard_output(files: Files, tmp_path: Path) -> None:
    for command in ("compile", "decompile", "upgrade"):
        process = started([*files.commands[command], "-o", "-"], stdout=subprocess.PIPE, cwd=tmp_path)
        assert process.communicate()[0] == files.whole[command]
    assert list(tmp_path.iterdir()) == []


DEFECTS = {
    "raise ValueError('x')": (1, "p: a defect of ignition-py "),
    "raise MemoryError": (1, "p: there is not enough memory ("),
    "raise OSError(13, 'Permission denied', b'/a')": (1, "p: /a: Permission denied\n"),
    "raise BrokenPipeError(32, 'Broken pipe', '/run/socket')": (1, "p: /run/socket: Broken pipe\n"),
    "raise KeyboardInterrupt": (130, ""),
    "raise SystemExit": (0, ""),
    "raise SystemExit(3)": (3, ""),
    "raise SystemExit('a sentence')": (1, "a sentence\n"),
    "raise __import__('ignition_py.report.diag').report.diag.IgnitionError('a sentence')": (1, "p: a sentence\n"),
    "print('\\udcff', file=sys.stderr); return 4": (4, "\udcff\n"),
}


@pytest.mark.parametrize("body", DEFECTS)
def test_last_door(body: str) -> None:
    code = f"import sys\nfrom ignition_py.system.streams import last_door\ndef main():\n    {body}\nsys.exit(last_door('p', main))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    status, message = DEFECTS[body]
    assert ran.returncode == status
    assert ran.stderr.decode(errors="surrogateescape").startswith(message)
    assert b"Traceback" not in ran.stderr
    assert bool(ran.stderr) == bool(message)


def test_print_is_whole_behind_the_last_door() -> None:
    """What other libraries write by `print` or `sys.stdout.buffer` goes the same way."""
    code = "import sys\nfrom ignition_py.system.streams import last_door\ndef main():\n    print('x' * 300_000)\n    sys.stdout.buffer.write(b'y' * 300_000)\n    return 0\nsys.exit(last_door('p', main))"
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(writing, fcntl.F_GETFL))
    process = subprocess.Popen([sys.executable, "-u", "-c", code], cwd=ROOT, stdout=writing)
    os.close(writing)
    assert read_slowly(reading) == b"x" * 300_000 + b"\n" + b"y" * 300_000
    os.close(reading)
    assert process.wait() == 0
