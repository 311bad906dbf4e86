"""docs/architecture.md names files and places; they have to be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from butane_py.yaml.source import Source

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/architecture.md").read_text()
# Names in it may leave out the package, or all folders where the sentence before has said them.
NAMES = sorted(set(re.findall(r"`((?:[a-z0-9_]+/)*[a-z0-9_-]+\.(?:py|sh|md|bu|service))`", TEXT)))


@pytest.mark.parametrize("name", NAMES)
def test_files_are_there(name: str) -> None:
    places = [ROOT, ROOT / "ignition_py", ROOT / "butane_py"]
    assert any((place / name).exists() for place in places) or [
        path for package in ("ignition_py", "butane_py") for path in (ROOT / package).rglob(name) if path.is_file()
    ]


def test_the_partition_stands_where_it_says() -> None:
    place = Source((ROOT / "testdata/quickstart/quickstart.bu").read_bytes(), "").place(("storage", "disks", 0, "partitions", 0))
    assert f"line {place.line}, column {place.column}." in TEXT


def test_the_message_stands_where_it_says() -> None:
    example = (ROOT / "README.md").read_text().partition("$ cat config.bu\n")[2].partition("$ ")[0].replace("mode: 0644", "mode: 644")
    place = Source(example.encode(), "").place(("storage", "files", 0, "mode"))
    assert f"line {place.line}, column {place.column} (of the README's example)" in TEXT
