"""system/console.py: progress on every console of the kernel's, and on plymouth's socket."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from ignition_py.system import console as module
from ignition_py.system.console import Console, wanted
from ignition_py.system.log import Log


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Two consoles and one that is not enabled; name -> what shows what is on it."""
    shown, opened = {}, []
    for name in ("ttyS0", "tty0", "ttyS1"):
        screen, line = pty.openpty()
        tty.setraw(line)
        (tmp_path / name).symlink_to(os.ttyname(line))
        shown[name] = screen
        opened += [screen, line]
    (tmp_path / "consoles").write_text(
        "ttyS0                -W- (EC p a)    4:64\ntty0                 -WU (E  p  )    4:7\nttyS1                -W- (   p a)    4:65\n"
    )
    yield shown
    for fd in opened:
        os.close(fd)


def on(screen: int) -> str:
    data = b""
    while select.select([screen], [], [], 0)[0]:
        data += os.read(screen, 65536)
    return data.decode()


def make(tmp_path: Path) -> Console:
    return Console(str(tmp_path / "consoles"), str(tmp_path))


def test_every_console_that_is_enabled(tmp_path: Path, terminals: dict[str, int]) -> None:
    make(tmp_path).say("disks: making ext4 on /dev/vda1\x1b[2J")
    wanted_line = "ignition: disks: making ext4 on /dev/vda1?[2J\n"
    assert {name: on(screen) for name, screen in terminals.items()} == {"ttyS0": wanted_line, "tty0": wanted_line, "ttyS1": ""}


def test_steps_notices_and_warnings_of_a_log(tmp_path: Path, terminals: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(to_stdout=True)
    log.console = make(tmp_path)
    with log.step("disks: partition table of /dev/vdb"):
        log.info("not of interest")
    log.warning("a warning\nwith more")
    log.notice("a notice")
    log.error("the screen says it")
    log.progress("only here")
    assert on(terminals["ttyS0"]).splitlines() == [
        f"ignition: {text}" for text in ("disks: partition table of /dev/vdb", "warning: a warning", "a notice", "only here")
    ]
    assert "only here" not in capsys.readouterr().out


def test_thousands_of_lines_are_thinned_out(tmp_path: Path, terminals: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    console = make(tmp_path)
    for number in range(5000):
        now[0] = number / 1000
        console.say(f"files: {number}")
        if number % 1000 == 999:
            os.set_blocking(terminals["tty0"], False)
    lines = on(terminals["ttyS0"]).splitlines()
    assert lines[:40] == [f"ignition: files: {number}" for number in range(40)]
    assert len(lines) == 44


def test_consoles_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "consoles").write_text("ttyS0  -W- (EC p a)  4:64\n(\n\n")
    make(tmp_path).say("to nobody")
    Console(str(tmp_path / "nothing"), str(tmp_path)).say("to nobody")


@pytest.mark.parametrize(("value", "is_wanted"), [(None, False), ("", False), ("0", False), ("no", False), ("1", True), ("yes", True)])
def test_wanted(value: str | None, is_wanted: bool) -> None:
    assert wanted({} if value is None else {module.SETTING: value}) == is_wanted


@pytest.mark.sockets
def test_the_splash_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """plymouth's protocol: `M`, 2, length with the NUL, text, NUL; it answers 6. One that does not answer is not asked again."""
    address = f"\0ignition-test-{os.getpid()}"
    (tmp_path / "pid").write_text("1")
    monkeypatch.setattr(module, "_SPLASH", address)
    monkeypatch.setattr(module, "_SPLASH_RUNS", str(tmp_path / "pid"))
    got: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(address)
        listening.listen()

        def answer() -> None:
            for reply in (b"\x06", b"\x15"):
                peer, _ = listening.accept()
                with peer:
                    got.append(peer.recv(1024))
                    peer.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        console = make(tmp_path)
        console.say("disks: ä")
        console.say("x" * 500)
        console.say("nobody hears this")
        thread.join()
    assert got == [b"M\x02\x0adisks: \xc3\xa4\0", b"M\x02\xc9" + b"x" * 200 + b"\0"]


def test_a_stage_that_is_silent_says_that_it_is_at_work(tmp_path: Path, terminals: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEAT", 0.05)
    shown = make(tmp_path)
    shown.say("disks: making ext4 on /dev/vdb")
    monkeypatch.setattr(shown, "_last", 0.0)
    end = shown.watch("disks")
    deadline = time.monotonic() + 60
    text = ""
    while "still at work" not in text and time.monotonic() < deadline:
        time.sleep(0.02)
        text += on(terminals["ttyS0"])
    end()
    assert "ignition: stage disks is still at work after 0 min; last step: disks: making ext4 on /dev/vdb" in text.splitlines()
