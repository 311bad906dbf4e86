"""What a report says, and that it is never too long and never broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.notify.event import EVENTS, LIMIT, MARKER, MARKER_LIMIT, fitted, machine, marker, report
from tests.notify.conftest import FAILURE, MakeReport


def test_a_failure(make_report: MakeReport) -> None:
    made = make_report()
    data = json.loads(made.body)
    assert data == made.data
    assert data["machine"]["uuid"] == "4c4c4544-0042"
    assert (data["machine"]["serial"], data["machine"]["macs"]) == ("SN1", ["52:54:00:00:00:01"])
    assert (data["event"], data["stage"], data["line"], data["written"]) == (
        "failed",
        "disks",
        1,
        {"file": "node.bu", "line": 7},
    )
    assert (data["config_sha512"], data["os"]) == ("ab" * 64, "Debian GNU/Linux 12")
    assert not {"said", "command", "log", "report"} & set(data)
    assert made.key == f"{data['boot']}-failed"
    assert data["seconds"] > 0


@pytest.mark.parametrize("event", [event for event in EVENTS if event != "failed"])
def test_other_events_have_the_same_fields(make_report: MakeReport, event: str) -> None:
    data = make_report(event).data
    assert set(data) == set(make_report().data)
    assert [data[name] for name in ("stage", "message", "written", "line")] == [None] * 4


def test_a_machine_that_shows_nothing(tmp_path: Path) -> None:
    found = machine(str(tmp_path))
    assert (found["uuid"], found["serial"], found["macs"]) == (None, None, [])
    assert report("provisioned", "", str(tmp_path), None, str(tmp_path)).data["config_sha512"] is None


@given(st.dictionaries(st.sampled_from(["message", "hint", "entry", "source"]), st.text(max_size=9000), min_size=1))
def test_a_body_is_never_too_long(texts: dict[str, str]) -> None:
    data = {
        "schema": 1,
        "event": "failed",
        "config_sha512": "ab" * 64,
        "written": {"file": "x" * 9000, "line": 3},
        **texts,
    }
    for limit in (LIMIT, MARKER_LIMIT):
        text = fitted(data, limit)
        assert len(text.encode()) <= limit
        short = json.loads(text)
        assert (short["event"], short["config_sha512"], short["written"]["line"]) == ("failed", "ab" * 64, 3)
        assert set(short) == set(data)


def test_the_longest_text_is_shortened_alone(make_report: MakeReport) -> None:
    made = make_report(message="\N{GRINNING FACE}" * 4000, hint="Make it smaller")
    data = json.loads(made.body)
    assert data["message"].startswith("\N{GRINNING FACE}" * 100)
    assert data["message"].endswith("…")
    assert data["hint"] == "Make it smaller"
    assert LIMIT * 0.7 < len(made.body) <= LIMIT


def test_the_marker_is_one_line(make_report: MakeReport) -> None:
    line = marker(make_report(message="two\nlines \x1b[31m " + "x" * 2000).data)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= MARKER_LIMIT
    data = json.loads(line.removeprefix(MARKER))
    assert (data["event"], data["stage"], data["written"]["line"]) == ("failed", "disks", FAILURE["written"]["line"])
