"""Block devices as they will be: the values that `conflicts.py` works with, and the names that udev gives them.

Names follow the kernel (Documentation/admin-guide/devices.rst: a disk whose name ends in a digit gets a `p` before the
partition's number) and systemd's rules 60-persistent-storage.rules (by-partlabel, by-partuuid, by-label, by-uuid, `-partN`).
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.record import KW_ONLY, Record, field
from ignition_py.stages.disks.partitions.gpt import Entry
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.system.blkid import Signature

_PLAIN = frozenset("#+-.:=@_/")  # of ASCII, what udev leaves in a link's name besides letters and digits


class Volume(Record):
    """A block device as a step of the stage will find it.

    `name` as the config names it, `size` in bytes. Its bytes are now in `path`, `size` of them from `offset` on; `path` ""
    is a device that is yet to be made. `holds` is what it will hold (None: not read yet, or, without a `path`, not
    known). `wipe`: what it holds may go and is wiped before the kernel is told of it, in words. `ours`: this config provably
    made it. `busy`: why it must not be changed. `becomes`: what the steps so
    far make of it, in words. `partition` is (disk of the plan, number).
    """

    name: str
    size: int
    _: KW_ONLY
    path: str = ""
    offset: int = 0
    wipe: str = ""
    ours: bool = False
    busy: str = ""
    holds: Signature | None = None
    partition: tuple[str, int] = ("", 0)
    becomes: list[str] = field(default_factory=list)

    # Two devices with the same values are still two, and one stays the same while its values change.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Volume({self.name}, {self.size} bytes, {self.holds!r})"


def partition_names(disk: str, number: int) -> Iterator[str]:
    """What partition `number` of `disk` is called by the kernel, and below /dev/disk/ and /dev/mapper/."""
    mapped = disk.startswith(("/dev/mapper/", "/dev/disk/by-id/dm-name-"))
    if mapped or not disk.startswith("/dev/disk/"):
        yield f"{disk}{'p' if mapped or disk[-1:].isdigit() else ''}{number}"
    if mapped and not disk[-1:].isdigit():
        yield f"{disk}{number}"
    if disk.startswith(("/dev/disk/", "/dev/mapper/")):
        yield f"{disk}-part{number}"


def entry_names(entry: Entry) -> Iterator[str]:
    """The links that udev makes for what a table says of a partition."""
    yield f"/dev/disk/by-partuuid/{entry.guid.lower()}"
    if entry.name:
        yield f"/dev/disk/by-partlabel/{link_name(entry.name)}"


def content_names(found: Signature) -> Iterator[str]:
    """The links that udev makes for what a device holds."""
    if found.type and found.uuid:
        yield f"/dev/disk/by-uuid/{link_name(found.uuid)}"
    if found.type and found.label:
        yield f"/dev/disk/by-label/{link_name(found.label)}"


def link_name(text: str) -> str:
    """`text` as udev writes it into the name of a link: `a b` is `a\\x20b`."""
    return "".join(
        c if c != "/" and (c.isalnum() or c in _PLAIN or ord(c) > 127) else "".join(f"\\x{b:02x}" for b in c.encode())
        for c in text
    )


def whole(plan: DiskPlan) -> Volume:
    """A disk itself. Where its table goes and none comes, nothing is left on it."""
    state = plan.state
    size = state.sectors * state.sector_size
    if plan.writes:
        holds = Signature(table="gpt" if plan.after is not None else "")
        busy = "" if plan.discards and not plan.conflicts else state.busy
        return Volume(state.device, size, busy=busy, holds=holds, partition=(state.device, 0))
    busy = state.busy or next(iter(state.busy_partitions.values()), "")
    return Volume(state.device, size, path=state.node, busy=busy, holds=state.signature, partition=(state.device, 0))


def of_disk(plan: DiskPlan) -> dict[int, Volume]:
    """The partitions that a disk will have, by number. Of a plan with conflicts, what would be new in a partition is not
    known: `path` and `holds` are left out where the plan changes something."""
    state, found = plan.state, {}
    now = state.reading.primary or state.reading.backup
    table = plan.after if plan.after is not None or plan.writes else now
    for number, entry in (table.entries if table is not None else {}).items():
        unit = state.sector_size
        readable = not plan.conflicts or (now is not None and now.entries.get(number) == entry)
        readable = readable and entry.first <= entry.last < state.sectors  # a hostile table that nothing writes may say anything
        found[number] = Volume(
            next(partition_names(state.device, number)),
            entry.size * unit,
            path=state.node if readable else "",
            offset=entry.first * unit,
            ours=number in plan.ours,
            busy="" if plan.discards and not plan.conflicts else state.busy_partitions.get(number, ""),
            holds=Signature() if readable and not state.node else None,  # a blank disk has no node
            partition=(state.device, number),
        )
    return found
