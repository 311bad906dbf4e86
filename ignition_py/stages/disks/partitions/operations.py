"""The small immutable operations a disk's plan consists of; each can say what it will do.

Log lines, dry runs and errors all use `describe()`, so they name the same thing.
"""

from __future__ import annotations

from ignition_py.record import Record
from ignition_py.stages.disks.partitions.gpt import Entry


class Operation(Record):
    """One step of a plan. `number` is the partition it is about, 0 for the table as a whole."""

    number: int

    verb = ""
    writes = True

    def describe(self) -> str:
        return self.verb if not self.number else f"{self.verb} partition {self.number}"


class Stop(Operation):
    """Ends an array or a logical volume of an earlier installation, by the kernel's name, that stands on the disk."""

    name: str
    what: str

    def describe(self) -> str:
        return f"stop {self.what}"


class WipeTable(Operation):
    verb = "wipe the partition table and the signatures of the disk"


class NewTable(Operation):
    verb = "make a new GPT"


class RepairTable(Operation):
    """Writes a sound copy of the table over a damaged one."""

    why: str

    def describe(self) -> str:
        return f"repair the partition table ({self.why})"


class ExtendTable(Operation):
    """Moves the end of the table to that of a disk which has grown."""

    verb = "extend the partition table to the end of the disk"


class Create(Operation):
    entry: Entry

    verb = "create"

    def describe(self) -> str:
        return f"{super().describe()}: {entry_text(self.entry)}"


class Recreate(Create):
    why: str

    verb = "delete and create again"

    def describe(self) -> str:
        return f"{super().describe()} ({self.why})"


class Resize(Create):
    old_size: int

    verb = "resize"

    def describe(self) -> str:
        return f"resize partition {self.number} from {self.old_size} to {self.entry.size} sectors"


class Delete(Operation):
    verb = "delete"


class Keep(Operation):
    verb = "keep"
    writes = False


def entry_text(entry: Entry) -> str:
    label = f' "{entry.name}"' if entry.name else ""
    return f"sectors {entry.first} to {entry.last}{label}, type {entry.type_guid}, GUID {entry.guid}"
