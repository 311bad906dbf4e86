"""A machine's console: lines with their times, and the begin of a line that nothing follows."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ignition_py.rehearsal import console
from ignition_py.rehearsal.console import Console


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Console]]:
    """The machine's end, and the console that reads the other one."""
    monkeypatch.setattr(console, "UNFINISHED", 0.05)
    there, machine = os.pipe()
    with open(there, "rb") as stream:
        shown = Console(stream)
        yield machine, shown
        if not shown.closed:
            os.close(machine)
        shown.join(60)


def texts(shown: Console) -> list[str]:
    return [text for _, text in shown.lines]


def test_lines_however_they_come(wire: tuple[int, Console]) -> None:
    machine, shown = wire
    for piece in (b"\x1b[0;32mfirst\x1b[0m\r\n\r\nsec", b"ond\nthird"):
        os.write(machine, piece)
    os.close(machine)
    shown.join(60)
    assert texts(shown) == ["first", "second", "third"]
    assert shown.wait_for("fourth", 10) is None


def test_a_question_is_shown_before_its_answer(wire: tuple[int, Console]) -> None:
    machine, shown = wire
    os.write(machine, b"Please unlock disk root: ")
    assert shown.wait_for("^Please unlock disk root:$", 10) is not None
    os.write(machine, b"opened\n")
    assert shown.wait_for("^opened$", 10) is not None


def test_a_line_without_end_is_not_kept(wire: tuple[int, Console]) -> None:
    machine, shown = wire
    for _ in range(6):
        os.write(machine, b"x" * 30_000)
    os.close(machine)
    shown.join(60)
    assert "".join(texts(shown)) == "x" * 180_000
    assert len(texts(shown)) > 1


@pytest.mark.parametrize(
    ("lines", "waited_for"),
    [
        (["ignition: disks: making ext4 on /dev/vdb1", "ignition: waiting for /dev/vdc, 5 s so far, 85 s more at most", "[ OK ] x"],
         "/dev/vdc, 5 s so far, 85 s more at most"),
        (["ignition: network: waiting for an address, 10 s so far"], "an address, 10 s so far"),
        (["[ ***  ] A start job is running for Ignition (fetch) (1min 3s / no limit)"], "Ignition (fetch) (1min 3s / no limit)"),
        (["ignition: waiting for a", "ignition: disks: making ext4 on /dev/vdb1"], "disks: making ext4 on /dev/vdb1"),
        (["Booting `Debian'"], ""),
    ],
)  # fmt: skip
def test_what_the_machine_waited_for(wire: tuple[int, Console], lines: list[str], waited_for: str) -> None:
    machine, shown = wire
    os.write(machine, "".join(f"{line}\n" for line in lines).encode())
    os.close(machine)
    shown.join(60)
    assert shown.waited_for() == waited_for
