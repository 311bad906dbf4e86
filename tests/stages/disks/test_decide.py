"""The whole matrix, every combination of its five inputs, against the table of the operator notes written out."""

from __future__ import annotations

import itertools

import pytest

from ignition_py.spec.tables import Partition
from ignition_py.stages.disks.partitions import decide, gpt

# (present, shouldExist, wipePartitionEntry) -> what happens when it matches / can be resized / differs otherwise.
TABLE = {
    (False, False, False): (decide.STAY_ABSENT,) * 3,
    (False, False, True): (decide.STAY_ABSENT,) * 3,
    (False, True, False): (decide.CREATE,) * 3,
    (False, True, True): (decide.CREATE,) * 3,
    (True, False, False): (decide.REFUSE_PRESENT,) * 3,
    (True, False, True): (decide.DELETE,) * 3,
    (True, True, False): (decide.KEEP, decide.RESIZE, decide.REFUSE_MISMATCH),
    (True, True, True): (decide.KEEP, decide.RECREATE, decide.RECREATE),
}


@pytest.mark.parametrize(("present", "exist", "wipe", "matches", "resizable"), list(itertools.product((False, True), repeat=5)))
def test_matrix(present: bool, exist: bool, wipe: bool, matches: bool, resizable: bool) -> None:
    column = 0 if matches else 1 if resizable else 2
    expected = TABLE[present, exist, wipe][column]
    got = decide.decide(present=present, should_exist=exist, wipe_entry=wipe, matches=matches, resizable=resizable)
    assert got == expected


def test_every_outcome_has_a_case() -> None:
    outcomes = set(itertools.chain.from_iterable(TABLE.values()))
    assert len(outcomes) == 8
    assert outcomes > decide.MODIFYING


GUID, OTHER = "0123ABCD-4567-89EF-0123-456789ABCDEF", "FFFFFFFF-4567-89EF-0123-456789ABCDEF"
ENTRY = gpt.Entry(2048, 4095, GUID, gpt.LINUX_DATA, gpt.encode_name("root"))


@pytest.mark.parametrize(("wanted", "start", "size", "phrases"), [
    (Partition(), None, None, []),
    (Partition(label="root", guid=GUID.lower(), type_guid=gpt.LINUX_DATA.lower()), 2048, 2048, []),
    (Partition(guid="", type_guid=""), None, None, []),
    (Partition(label=""), None, None, ["label"]),
    (Partition(label="Root"), None, None, ["label"]),
    (Partition(guid=OTHER), None, None, ["GUID is"]),
    (Partition(type_guid=OTHER), None, None, ["type GUID"]),
    (Partition(), 2049, None, ["starts at"]),
    (Partition(), None, 2047, ["size"]),
    (Partition(label="x", guid=OTHER, type_guid=OTHER), 1, 1, ["starts at", "GUID is", "type GUID", "label", "size"]),
])
def test_differences(wanted: Partition, start: int | None, size: int | None, phrases: list[str]) -> None:
    found = decide.differences(ENTRY, wanted, start, size)
    assert len(found) == len(phrases)
    assert all(phrase in text for phrase, text in zip(phrases, found, strict=True))
    but_size = decide.differences_but_size(ENTRY, wanted, start)
    assert but_size == [text for text in found if "its size" not in text]
