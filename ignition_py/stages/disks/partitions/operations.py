"""The small immutable operations a disk's plan consists of; each can say what it will do.

Log lines, dry runs and errors all use `describe()`, so they name the same thing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.stages.disks.partitions.gpt import Entry


class Operation:
    """One step of a plan. `number` is the partition it is about, 0 for the table as a whole."""

    __slots__ = ("number",)
    verb = ""
    writes = True

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def describe(self) -> str:
        return self.verb if not self.number else f"{self.verb} partition {self.number}"

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


class WipeTable(Operation):
    __slots__ = ()
    verb = "wipe the partition table"


class NewTable(Operation):
    __slots__ = ()
    verb = "make a new GPT"


class RepairTable(Operation):
    """Writes a sound copy of the table over a damaged one."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why

    def describe(self) -> str:
        return f"repair the partition table ({self.why})"


class Create(Operation):
    __slots__ = ("entry",)
    verb = "create"

    def __init__(self, number: int, entry: Entry) -> None:
        super().__init__(number)
        self.entry = entry

    def describe(self) -> str:
        return f"{super().describe()}: {entry_text(self.entry)}"


class Recreate(Create):
    __slots__ = ("why",)
    verb = "delete and create again"

    def __init__(self, number: int, entry: Entry, why: str) -> None:
        super().__init__(number, entry)
        self.why = why

    def describe(self) -> str:
        return f"{super().describe()} ({self.why})"


class Resize(Create):
    __slots__ = ("old_size",)
    verb = "resize"

    def __init__(self, number: int, entry: Entry, old_size: int) -> None:
        super().__init__(number, entry)
        self.old_size = old_size

    def describe(self) -> str:
        return f"resize partition {self.number} from {self.old_size} to {self.entry.size} sectors"


class Delete(Operation):
    __slots__ = ()
    verb = "delete"


class Keep(Operation):
    __slots__ = ()
    verb = "keep"
    writes = False


def entry_text(entry: Entry) -> str:
    label = f' "{entry.name}"' if entry.name else ""
    return f"sectors {entry.first} to {entry.last}{label}, type {entry.type_guid}, GUID {entry.guid}"
