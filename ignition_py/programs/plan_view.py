"""What `ignition-py plan` shows, as data: each disk before and after, the steps that follow, and what forbids them.

`plan.py` builds a `View` here; `plan_text.py` and `plan_svg.py` draw it, `View.data()` is the JSON. GUIDs that are left to the
machine are not part of it: they will be others each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ignition_py.author import respelled
from ignition_py.record import Record, field
from ignition_py.report.diag import Cause
from ignition_py.stages.disks.foresee.steps import KEEP as KEPT
from ignition_py.stages.disks.foresee.steps import UNKNOWN, Foreseen, Step
from ignition_py.stages.disks.foresee.volumes import Volume
from ignition_py.stages.disks.partitions import operations
from ignition_py.stages.disks.partitions.gpt import Entry, Table
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log

KEEP, CREATE, DELETE, RESIZE, RECREATE = "keep", "create", "delete", "resize", "recreate"
FREE = "free"
TYPES = {
    "0FC63DAF-8483-4772-8E79-3D69D8477DE4": "Linux data",
    "C12A7328-F81F-11D2-BA4B-00A0C93EC93B": "EFI system",
    "21686148-6449-6E6F-744E-656564454649": "BIOS boot",
    "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F": "swap",
    "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709": "root x86-64",
    "A19D880F-05FC-4D3B-A006-743F0F84911E": "RAID",
    "CA7D7CCB-63ED-4C53-861C-1742536059CC": "LUKS",
    "9E1A2D38-C612-4316-AA26-8B49521E5A8B": "PReP boot",
}


class Segment(Record):
    """A piece of a disk, in bytes: a partition (`number`) or free space (0). `action` is what happens to it; `holds` what is
    in it."""

    start: int
    size: int
    number: int = 0
    label: str = ""
    action: str = FREE
    holds: str = ""

    def data(self) -> dict[str, Any]:
        return {"start": self.start, "size": self.size, **({"number": self.number, "label": self.label} if self.number else {})}


class Row(Record):
    """One partition number: as it is (`before`), as it will be (`after`), and what happens."""

    number: int
    before: Entry | None
    after: Entry | None
    action: str
    holds: str = ""
    becomes: str = ""
    busy: str = ""
    why: str = ""

    @property
    def label(self) -> str:
        entry = self.after or self.before
        return printable(entry.name) if entry is not None else ""

    @property
    def type(self) -> str:
        entry = self.after or self.before
        return TYPES.get(entry.type_guid, entry.type_guid) if entry is not None else ""


class DiskView(Record):
    """One disk. `table` says what happens to the table as a whole; `device` as the config names it."""

    device: str
    image: str
    sector_size: int
    sectors: int
    table: str
    conflicts: list[str]
    warnings: list[str]
    rows: list[Row] = field(default_factory=list)
    before: list[Segment] = field(default_factory=list)
    after: list[Segment] = field(default_factory=list)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.sectors * self.sector_size

    def data(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "image": self.image or None,
            "sectorSize": self.sector_size,
            "sectors": self.sectors,
            "table": self.table or None,
            "before": [segment.data() for segment in self.before],
            "after": [segment.data() for segment in self.after],
            "partitions": [self._row(row) for row in self.rows],
            "conflicts": self.conflicts,
            "warnings": self.warnings,
        }

    def _row(self, row: Row) -> dict[str, Any]:
        return {
            "number": row.number,
            "action": row.action,
            "before": _entry(row.before, with_guid=True),
            "after": _entry(row.after, with_guid=row.action in (KEEP, RESIZE)),
            "holds": row.holds or None,
            "becomes": row.becomes or None,
            "inUse": row.busy or None,
        }


class View(Record):
    """All of it. `result` is "nothing", "changes" or "refused"."""

    disks: list[DiskView]
    steps: list[Step]
    conflicts: list[str]

    @property
    def result(self) -> str:
        changed = any(disk.table or any(row.action != KEEP for row in disk.rows) for disk in self.disks)
        changed = changed or any(step.action not in (KEPT, UNKNOWN) for step in self.steps)
        return "refused" if self.conflicts else "changes" if changed else "nothing"

    def data(self) -> dict[str, Any]:
        """For JSON: sizes and starts of segments in bytes, of partitions in sectors."""
        return {
            "result": self.result,
            "disks": [disk.data() for disk in self.disks],
            "steps": [
                {
                    "kind": step.kind,
                    "name": step.name,
                    "format": step.format or None,
                    "action": step.action,
                    "why": step.why,
                    "device": step.device.name if step.device is not None else None,
                    "size": step.device.size if step.device is not None else None,
                }
                for step in self.steps
            ],
            "conflicts": self.conflicts,
        }


def build(
    log: Log, plans: Sequence[DiskPlan], foreseen: Foreseen, problems: Sequence[Cause], checks: Sequence[Cause], *, yaml: bool
) -> View:
    """`yaml`: the config's author writes Butane, and its keys are spelled so. Raises StageError or CommandError where a disk cannot
    be read."""
    disks = [_disk(log, plan, foreseen.partitions[plan.state.device], yaml) for plan in plans]
    conflicts = [*problems, *checks, *(why for plan in plans for why in plan.conflicts)]
    conflicts += [why for kind in ("raid", "luks", "filesystem") for why in foreseen.conflicts[kind]]
    if not conflicts:  # what disks that are refused or missing would have provided is unknown
        conflicts = list(foreseen.missing.values())
    return View(disks, foreseen.steps, _sentences(conflicts, yaml))


def _sentences(causes: Sequence[Cause], yaml: bool) -> list[str]:
    return [respelled(text, yaml=yaml) for text in dict.fromkeys(map(str, causes))]


def _disk(log: Log, plan: DiskPlan, partitions: Mapping[int, Volume], yaml: bool) -> DiskView:
    state = plan.state
    table = "; ".join(step.describe() for step in plan.operations if step.writes and not step.number)
    view = DiskView(
        state.device, state.node, state.sector_size, state.sectors, table, _sentences(plan.conflicts, yaml), list(plan.warnings)
    )
    before = state.reading.primary or state.reading.backup
    after = before if plan.conflicts or (plan.after is None and not plan.writes) else plan.after
    actions = _actions(plan, before)
    then = {} if after is None else after.entries
    for number in sorted({*({} if before is None else before.entries), *then}):
        old = before.entries.get(number) if before is not None else None
        row = Row(number, old, then.get(number), actions.get(number, KEEP))
        row.busy = state.busy_partitions.get(number, "")
        if old is not None:
            row.holds = _holds(log, plan, old)
        if number in partitions and not plan.conflicts:
            row.becomes = ", ".join(partitions[number].becomes)
        view.rows.append(row)
    view.before = _segments(view, before, {row.number: (row.action, row.holds) for row in view.rows})
    view.after = _segments(view, after, {row.number: (row.action, row.becomes or _kept(row)) for row in view.rows})
    return view


def _kept(row: Row) -> str:
    return row.holds if row.action in (KEEP, RESIZE) else ""


def _actions(plan: DiskPlan, before: Table | None) -> dict[int, str]:
    """What happens to each number."""
    if plan.conflicts:
        return {}
    wiped = any(isinstance(step, operations.WipeTable) for step in plan.operations)
    found = dict.fromkeys(before.entries, DELETE) if wiped and before is not None else {}
    names = {"Create": CREATE, "Recreate": RECREATE, "Resize": RESIZE, "Delete": DELETE, "Keep": KEEP}
    for step in plan.operations:
        if step.number:
            action = names[type(step).__name__]
            found[step.number] = RECREATE if step.number in found and action == CREATE else action
    return found


def _holds(log: Log, plan: DiskPlan, entry: Entry) -> str:
    """What is in a partition now, in a few words."""
    state = plan.state
    if not state.node or entry.size <= 0 or entry.last >= state.sectors:
        return ""
    found = probe(log, state.node, entry.first * state.sector_size, entry.size * state.sector_size)
    return short(found)


def short(found: Signature) -> str:
    """`ext4 "ROOT"`, "" for nothing."""
    if found.ambiguous:
        return found.describe()
    return printable(f'{found.type} "{found.label}"' if found.type and found.label else found.type)


def _segments(view: DiskView, table: Table | None, what: Mapping[int, tuple[str, str]]) -> list[Segment]:
    """Partitions and the free space between them, in order; alignment gaps of less than a MiB are left out."""
    unit, found = view.sector_size, []
    at, end = (0, view.sectors) if table is None else (table.first_usable, min(table.last_usable + 1, view.sectors))
    for number, entry in sorted((table.entries if table is not None else {}).items(), key=lambda item: item[1].first):
        if (entry.first - at) * unit >= _GAP:
            found.append(Segment(at * unit, (entry.first - at) * unit))
        action, holds = what.get(number, (KEEP, ""))
        found.append(Segment(entry.first * unit, entry.size * unit, number, printable(entry.name), action, holds))
        at = max(at, entry.last + 1)
    if (end - at) * unit >= _GAP:
        found.append(Segment(at * unit, (end - at) * unit))
    return found


_GAP = 1024 * 1024  # bytes


def _entry(entry: Entry | None, *, with_guid: bool) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "first": entry.first,
        "last": entry.last,
        "label": printable(entry.name),
        "type": entry.type_guid,
        **({"guid": entry.guid} if with_guid else {}),
    }


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
