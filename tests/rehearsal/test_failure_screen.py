"""The failure screen, read back from a console, and led back to the YAML that is to blame."""

from __future__ import annotations

import pytest

from ignition_py.failure import Failure
from ignition_py.rehearsal.failure_screen import read
from ignition_py.report.diag import Place, StageError


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


def test_the_place_of_the_author() -> None:
    """In the YAML where the config has a source map; a place of a text that cannot be read has no entry."""
    asked, written = Place(("storage", "files", 1), 1, 77, "qemu"), Place(("storage", "trees", 0), 7, 5, "a very long name " * 5 + "web.bu")
    failure = Failure("files", "file /etc/two: a file is there already", place=asked, written=written)
    found = read(failure.screen())
    assert found is not None and max(map(len, found.lines)) <= 80
    assert (found.entry, found.line, found.column, found.source) == ("$.storage.trees.0", 7, 5, written.source)
    found = read(Failure("fetch", "the config from qemu is not valid", place=Place((), 4, 1, "qemu")).screen())
    assert found is not None
    assert (found.entry, found.line, found.column, found.source) == ("", 4, 1, "qemu")
