"""The line for programs on a machine's console."""

from __future__ import annotations

import pytest

from ignition_py.notify.event import marker
from ignition_py.rehearsal.failure_screen import of_result, read
from ignition_py.rehearsal.marker import result

FAILED = {
    "schema": 1,
    "event": "failed",
    "stage": "disks",
    "message": "no room",
    "entry": "$.storage",
    "source": "a.bu",
    "line": 7,
    "column": 5,
}


@pytest.mark.parametrize(
    "console",
    [
        [marker(FAILED)],
        ["Welcome", f"[    3.1] {marker(FAILED)}", "more"],
        [f"{marker(FAILED)} kernel: and more"],
        [marker({"event": "started"}), marker(FAILED)],
        [
            marker(FAILED),
            "ignition-result: ",
            "ignition-result: {",
            "ignition-result: []",
            'ignition-result: {"event": "odd"}',
            marker(FAILED)[:40],
        ],
    ],
)
def test_the_last_whole_line_counts(console: list[str]) -> None:
    assert result(console) == FAILED


def test_none() -> None:
    assert result(["Welcome", "ignition: stage files is done", "ignition-result: " + "[" * 5000]) is None


def test_a_screen_that_is_cut_is_made_up_for() -> None:
    assert read([marker(FAILED)]) is None
    screen = of_result(result([marker(FAILED)]))
    assert screen is not None
    assert (screen.stage, screen.message, screen.entry, screen.source, screen.line, screen.column) == (
        "disks",
        "no room",
        "$.storage",
        "a.bu",
        7,
        5,
    )
    assert of_result(None) is None
    assert of_result({"event": "provisioned"}) is None
    odd = of_result({"event": "failed", "line": "x"})
    assert odd is not None
    assert (odd.stage, odd.line) == ("unknown", 0)
