"""What consoles show of a wait: who, how long, how long still, why the last try failed; and never a flood."""

from __future__ import annotations

import re

import pytest

from ignition_py.system import waiting
from ignition_py.system.log import NOTICE
from ignition_py.system.waiting import Waiting, spoken
from tests.helpers.servers import MemoryLog


class Clock:
    """In place of time.monotonic(), for hours in no time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "monotonic", clock)
    monkeypatch.setattr(Waiting, "_told", 0.0)
    return clock


def told(log: MemoryLog) -> list[str]:
    return [text for priority, text in log.lines if priority == NOTICE]


def pass_time(clock: Clock, waits: list[Waiting], seconds: int) -> None:
    for _ in range(seconds * 2):
        clock.now += 0.5
        for wait in waits:
            wait.tell("Connection refused")


def test_failed_tries_are_told_soon_and_ever_more_rarely(clock: Clock, log: MemoryLog) -> None:
    pass_time(clock, [Waiting(log, "x", 600, tries=True)], 300)
    assert told(log) == [
        "waiting for x, 5 s so far, 9 min more at most; last error: Connection refused",
        "waiting for x, 15 s so far, 9 min more at most; last error: Connection refused",
        "waiting for x, 35 s so far, 9 min more at most; last error: Connection refused",
        "waiting for x, 1 min so far, 8 min more at most; last error: Connection refused",
        "waiting for x, 2 min so far, 7 min more at most; last error: Connection refused",
        "waiting for x, 3 min so far, 6 min more at most; last error: Connection refused",
        "waiting for x, 4 min so far, 5 min more at most; last error: Connection refused",
    ]


def test_a_program_at_work_is_told_each_minute(clock: Clock, log: MemoryLog) -> None:
    wait = Waiting(log, "mkfs.ext4 (making ext4 on /dev/vda1)")
    assert wait.left() == 60
    for _ in range(130):
        clock.now += 1
        wait.tell()
    assert told(log) == [f"waiting for mkfs.ext4 (making ext4 on /dev/vda1), {minutes} min so far" for minutes in (1, 2)]


def test_twenty_waits_say_one_line_in_five_seconds(clock: Clock, log: MemoryLog) -> None:
    pass_time(clock, [Waiting(log, f"x{number}", tries=True) for number in range(20)], 60)
    assert len(told(log)) <= 12
    assert len({re.match(r"waiting for (x\d+),", text)[1] for text in told(log)}) > 5, "each gets its turn"  # type: ignore[index]


@pytest.mark.parametrize(("limit", "still"), [(None, ""), (float("inf"), ""), (5.5, ", 0 s more at most"), (95, ", 90 s more at most"), (200, ", 3 min more at most"), (3, ", 0 s more at most")])
def test_how_long_still(clock: Clock, log: MemoryLog, limit: float | None, still: str) -> None:
    wait = Waiting(log, "x", limit, tries=True)
    clock.now += 5
    wait.tell()
    assert told(log) == [f"waiting for x, 5 s so far{still}"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (0, "0 s"), (5.02, "5 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_spoken(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
