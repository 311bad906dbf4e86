"""Places of values: in their own text, and after merging in the text that each field came from."""

from __future__ import annotations

import pytest

from ignition_py.report.diag import Path, path_text
from ignition_py.spec.merge import merge
from ignition_py.spec.origins import place_of
from ignition_py.spec.read import parse
from ignition_py.spec.tables import Config

PARENT = """{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 5}},
"storage": {"disks": [{"device": "/dev/sda", "wipeTable": true}],
"files": [{"path": "/a", "mode": 420}]}}"""
CHILD = """{"ignition": {"version": "3.4.0"},

"storage": {"disks": [{"device": "/dev/sda",
"partitions": [{"number": 1}]}]}}"""


def config(text: str, name: str) -> Config:
    read = parse(text.encode(), name)[0]
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("path", "source", "line", "shown"),
    [
        (("storage", "disks", 0, "partitions", 0), "child", 4, "$.storage.disks.0.partitions.0"),
        (("storage", "disks", 0, "wipe_table"), "parent", 2, "$.storage.disks.0.wipeTable"),
        (("storage", "disks", 0, "device"), "child", 3, "$.storage.disks.0.device"),
        (("storage", "files", 0, "mode"), "parent", 3, "$.storage.files.0.mode"),
        (("storage", "files", 0, "user", "id"), "parent", 3, "$.storage.files.0.user.id"),
        (("storage", "files", 7), "parent", 3, "$.storage.files.7"),
        (("ignition", "timeouts", "http_total"), "parent", 1, "$.ignition.timeouts.httpTotal"),
        (("storage", "links", 0, "path"), "child", 3, "$.storage.links.0.path"),
    ],
)
def test_merged_values_keep_their_places(path: Path, source: str, line: int, shown: str) -> None:
    place = place_of(merge(config(PARENT, "parent"), config(CHILD, "child")), path)
    assert (place.source, place.line, path_text(place.path)) == (source, line, shown)


def test_what_has_no_source_keeps_its_path() -> None:
    place = place_of(Config(), ("storage", "files", 0))
    assert (place.line, path_text(place.path)) == (0, "$.storage.files.0")
