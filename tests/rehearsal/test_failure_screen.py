"""The failure screen, read back from a console, and led back to the YAML that is to blame."""

from __future__ import annotations

import pytest

from ignition_py.failure import Failure
from ignition_py.programs.inputs import Input, compile_butane
from ignition_py.rehearsal.failure_screen import Screen, read, to_yaml
from ignition_py.report.diag import Place, StageError

YAML = b"""variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/one
      contents: {inline: one}
    - path: /etc/two
      mode: 0600
  filesystems:
    - device: /dev/vdb
      format: ext4
      path: /data
      with_mount_unit: true
"""


def screen(place: Place | None) -> list[str]:
    failure = Failure.of("files", StageError("file /etc/two: a file is there already", hint="Overwrite it", place=place))
    failure.log = "dmesg"
    return failure.screen()


def test_the_whole_one_of_several() -> None:
    """The console has it twice: from the unit, where a kernel message may cut it in two, and from the emergency path."""
    lines = screen(Place(("storage", "files", 1), 4, 5, "https://a.example/b.ign"))
    cut = [f"[   12.1] ignition[77]: {lines[0]}", "[   12.2] virtio_net: link is down"]
    found = read(["Starting x...", *cut, "[FAILED] Failed to start Ignition (files).", "", *lines, "", "Power down"])
    assert found is not None
    assert found.lines == lines
    assert (found.stage, found.message) == ("files", "file /etc/two: a file is there already")
    assert (found.entry, found.line, found.column, found.source) == ("$.storage.files.1", 4, 5, "https://a.example/b.ign")


def test_a_cut_one_does_not_hide_a_whole_one() -> None:
    lines = screen(None)
    found = read([*lines, "", lines[0], "something else"])
    assert found is not None
    assert found.lines == lines
    assert (found.entry, found.line) == ("", 0)


@pytest.mark.parametrize("console", [[], ["Welcome"], ["Ignition failed in stage"], ["Not so: Ignition failed in stage FILES"]])
def test_none(console: list[str]) -> None:
    assert read(console) is None


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("$.storage.files.1", ("$.storage.files.1", 7, 7)),
        ("$.storage.files.1.mode", ("$.storage.files.1.mode", 8, 13)),
        ("$.storage.files.1.nothing.of.that", ("$.storage.files.1", 7, 7)),
        ("$.systemd.units.0.contents", ("$.storage.filesystems.0.with_mount_unit", 13, 24)),
        ("", ("", 0, 0)),
        ("$.passwd", ("$.passwd", 0, 0)),
    ],
)
def test_back_to_the_yaml(entry: str, wanted: tuple[str, int, int]) -> None:
    assert compile_butane(Input("c.bu", YAML)).data is not None
    found = Screen("files", ["Ignition failed in stage files", "  x", *([f"  asked for by: {entry}"] if entry else [])])
    to_yaml(found, YAML, "c.bu", None)
    assert (found.entry, found.line, found.column) == wanted
