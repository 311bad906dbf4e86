"""The two records of an interrupted run: GUIDs on the disk, lines in the initramfs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Filesystem, Partition, Storage
from ignition_py.stages.disks import progress
from ignition_py.stages.disks.identity import TABLE, Identity, entry_role
from ignition_py.stages.disks.partitions import gpt
from tests.stages.disks.disks_lab import disk

DISK = disk("/dev/vda", Partition(label="a"), Partition(label="b"))


def test_guids_are_random_version_4_and_recognised() -> None:
    identity = Identity(DISK, 1000)
    made = {identity.make(entry_role(0)) for _ in range(200)}
    assert len(made) == 200
    for guid in made:
        assert gpt.guid_text(gpt.guid_bytes(guid)) == guid
        assert guid[14] == "4" and guid[19] in "89AB"
        assert identity.made_here(guid, entry_role(0))
        assert Identity(DISK, 1000).made_here(guid.lower(), entry_role(0))


def test_other_role_size_or_config_is_not_ours() -> None:
    guid = Identity(DISK, 1000).make(entry_role(0))
    assert not Identity(DISK, 1000).made_here(guid, entry_role(1))
    assert not Identity(DISK, 1000).made_here(guid, TABLE)
    assert not Identity(DISK, 1001).made_here(guid, entry_role(0))
    assert not Identity(disk("/dev/vda", Partition(label="a")), 1000).made_here(guid, entry_role(0))


@given(st.text(max_size=40) | st.binary(min_size=16, max_size=16).map(gpt.guid_text))
def test_foreign_guids(text: str) -> None:
    assert not Identity(DISK, 1000).made_here(text, TABLE)


STORAGE = Storage(disks=(DISK,), filesystems=(Filesystem(device="/dev/vda1", format="ext4"),))


def test_facts_survive_until_the_config_changes(tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "progress")
    first = progress.load(STORAGE, path)
    first.add("making", "/dev/vda1")
    first.add("making", "/dev/vda1")
    assert Path(path).stat().st_mode & 0o777 == 0o600
    again = progress.load(STORAGE, path)
    assert again.has("making", "/dev/vda1") and not again.has("made", "/dev/vda1")
    other = progress.load(Storage(disks=(DISK,)), path)
    assert not other.has("making", "/dev/vda1")
    assert not progress.load(STORAGE, path).has("making", "/dev/vda1")


def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    record = progress.load(STORAGE, str(path))
    record.add("made", "/dev/vda1")
    path.write_bytes(path.read_bytes()[:-1])
    assert not progress.load(STORAGE, str(path)).has("made", "/dev/vda1")
    path.write_bytes(b"\xff\0garbage")
    assert not progress.load(STORAGE, str(path)).has("made", "/dev/vda1")


def test_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StageError, match="progress"):
        progress.load(STORAGE, str(tmp_path / "file" / "progress"))


@given(st.text(), st.text())
def test_words_have_no_spaces_and_stay_apart(one: str, two: str) -> None:
    word = progress.word(one)
    assert not set(word) & set(" \n\r\t")
    assert (one == two) == (progress.word(two) == word)
