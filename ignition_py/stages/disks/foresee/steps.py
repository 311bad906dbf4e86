"""What foreseeing yields, and where it looks: the values that `conflicts.py` and `luks.py` share with `programs/plan*.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ignition_py.record import KW_ONLY, Record, field
from ignition_py.report.diag import Cause
from ignition_py.spec.model import Struct
from ignition_py.spec.tables import Raid
from ignition_py.stages.disks.foresee.volumes import Volume
from ignition_py.stages.disks.partitions.plan import DiskPlan


class Look(Protocol):
    """Where devices are looked at that the config's disks do not provide: this machine, or image files."""

    def device(self, name: str) -> Volume | None:
        """A device that is there now and that no plan changes."""

    def names(self, plan: DiskPlan) -> Iterable[str]:
        """All paths of a disk."""

    def running(self, array: Raid) -> Volume | None:
        """An array that an earlier run of this config made and that is running."""

    def unfinished(self, array: Raid) -> bool:
        """True if an array that was cut off holds its members, and will be stopped."""

    def node(self, volume: Volume) -> str:
        """The kernel's node that has the very bytes of `volume` now, "" for none."""

    def opened(self, name: str) -> Volume | None:
        """What is below /dev/mapper by the name of a LUKS volume."""


MAKE, KEEP, REFUSE, UNKNOWN = "make", "keep", "refuse", "unknown"


class Step(Record):
    """One thing that happens to a device after partitioning.

    `kind` "raid", "luks" or "filesystem", the latter of a `format`; `name` what the config calls it; `action` one of the constants
    above; `why` in words; `device` the volume that it is about (None where there is none).
    """

    kind: str
    name: str
    action: str
    why: str
    entry: Struct
    device: Volume | None = None
    _: KW_ONLY
    format: str = ""

    def describe(self, *, refusals: bool = True) -> str:
        """`make xfs on /dev/vda2: there is no filesystem`. `refusals` False leaves out why something is refused."""
        verb = {MAKE: "make", KEEP: "keep", REFUSE: "refuse", UNKNOWN: "make or keep"}[self.action]
        what = f"{self.format or self.kind} on {self.name}" if self.kind == "filesystem" else f"{self.kind.upper()} {self.name}"
        return f"{verb} {what}" if self.action == REFUSE and not refusals else f"{verb} {what}: {self.why}"


class Foreseen(Record):
    """The partitions that each disk will have (`partitions`, by the device's name), the steps after partitioning, and what
    forbids them: `conflicts` by kind of step, `missing` for devices that nothing is known to provide (by name)."""

    partitions: dict[str, dict[int, Volume]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    conflicts: dict[str, list[Cause]] = field(default_factory=lambda: {"raid": [], "luks": [], "filesystem": []})
    missing: dict[str, Cause] = field(default_factory=dict)
