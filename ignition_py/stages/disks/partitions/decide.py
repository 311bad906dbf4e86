"""What happens to one partition: the matrix of present, shouldExist, wipePartitionEntry, matches, resize.

Pure; `plan.py` asks, `tests/stages/disks/test_decide.py` holds every combination. Source of the behaviour: the
"Partition Reuse Semantics" of Ignition's operator notes.
"""

from __future__ import annotations

from ignition_py.spec.tables import Partition
from ignition_py.stages.disks.partitions.gpt import Entry

STAY_ABSENT = "stay absent"
CREATE = "create"
KEEP = "keep"
DELETE = "delete"
RESIZE = "resize"
RECREATE = "recreate"
REFUSE_PRESENT = "refuse: present"
REFUSE_MISMATCH = "refuse: mismatch"

MODIFYING = frozenset({CREATE, DELETE, RESIZE, RECREATE})


def decide(*, present: bool, should_exist: bool, wipe_entry: bool, matches: bool, resizable: bool) -> str:
    """One of the constants above. `matches`: every attribute the config names is as it is on the disk. `resizable`:
    the config allows resizing and nothing but the size differs. Both mean nothing for a partition that is not
    present."""
    if not present:
        return CREATE if should_exist else STAY_ABSENT
    if not should_exist:
        return DELETE if wipe_entry else REFUSE_PRESENT
    if matches:
        return KEEP
    if wipe_entry:
        return RECREATE
    return RESIZE if resizable else REFUSE_MISMATCH


def differences(entry: Entry, wanted: Partition, start: int | None, size: int | None) -> list[str]:
    """What of `entry` is not as `wanted` (and `start`, `size` in sectors; None: does not matter), one phrase each.
    An empty GUID or type GUID in the config counts as not given."""
    found = differences_but_size(entry, wanted, start)
    if size is not None and size != entry.size:
        found.append(f"its size is {entry.size} sectors instead of {size}")
    return found


def differences_but_size(entry: Entry, wanted: Partition, start: int | None) -> list[str]:
    found = []
    if start is not None and start != entry.first:
        found.append(f"it starts at sector {entry.first} instead of {start}")
    if wanted.guid and wanted.guid.upper() != entry.guid:
        found.append(f"its GUID is {entry.guid} instead of {wanted.guid.upper()}")
    if wanted.type_guid and wanted.type_guid.upper() != entry.type_guid:
        found.append(f"its type GUID is {entry.type_guid} instead of {wanted.type_guid.upper()}")
    if wanted.label is not None and wanted.label != entry.name:
        found.append(f"its label is {entry.name!r} instead of {wanted.label!r}")
    return found
