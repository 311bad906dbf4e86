"""What the config will come to, step by step, before anything is written: RAID, LUKS and filesystems on what will be there.

    plan.py (each disk) ──► foresee() ──► Foreseen ──► stage.py      refuses all conflicts before the first write
                                                  └──► programs/plan.py  shows it

Writes nothing. What is on a partition that does not exist yet is what its sectors hold now: nothing wipes them in between but for
what the config allows to destroy (`Volume.wipe`), which goes before the kernel, and with it udev, learns of the partition.
A new array is taken to be empty; what is in a LUKS volume that is reused is known only if it is open, else nothing is refused for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ignition_py.report.diag import Cause
from ignition_py.spec.model import Struct
from ignition_py.spec.tables import Filesystem, Luks, Raid, Storage
from ignition_py.stages.disks import raid
from ignition_py.stages.disks.filesystems import make as make_filesystems
from ignition_py.stages.disks.filesystems import plan as filesystems
from ignition_py.stages.disks.foresee import luks as foresee_luks
from ignition_py.stages.disks.foresee import volumes
from ignition_py.stages.disks.foresee.steps import KEEP, MAKE, REFUSE, UNKNOWN, Foreseen, Look, Step
from ignition_py.stages.disks.foresee.volumes import Volume
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.stages.disks.places import conflict
from ignition_py.stages.disks.progress import Progress
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log
from ignition_py.system.udev import HINT as DEVICE_HINT

# An action of steps.py, why in words, and the conflicts of a refusal.
Verdict: TypeAlias = "tuple[str, str, list[Cause]]"

_MIB = 1024 * 1024
_LEAST = {"btrfs": 16 * _MIB, "xfs": 16 * _MIB, "swap": 40 * 1024}  # bytes; no version of mkfs takes less


def foresee(
    log: Log, storage: Storage, plans: Sequence[DiskPlan], record: Progress, look: Look, keys: Mapping[str, bytes]
) -> Foreseen:
    """`keys`: what is in the key files of the config, as far as it is known, by volume. Raises StageError or CommandError where a
    device cannot be read."""
    devices = _Devices(log, plans, record, look, keys)
    for array in storage.raid:
        devices.array(array)
    for volume in storage.luks:
        devices.luks(volume)
    for entry in storage.filesystems:
        devices.filesystem(entry)
    return devices.result


class _Devices:
    """The devices so far, by name; each step adds what it makes."""

    def __init__(
        self, log: Log, plans: Sequence[DiskPlan], record: Progress, look: Look, keys: Mapping[str, bytes]
    ) -> None:
        self.result = Foreseen()
        self._keys = keys
        self._log = log
        self._record = record
        self._look = look
        self._known: dict[str, Volume] = {}
        self._made: dict[Volume, tuple[Filesystem, bool]] = {}
        for plan in plans:
            partitions = self.result.partitions[plan.state.device] = volumes.of_disk(plan)
            table = plan.after or plan.state.reading.primary or plan.state.reading.backup
            names = list(dict.fromkeys((plan.state.device, plan.state.node, *look.names(plan))))
            whole = volumes.whole(plan)
            self._known.update(dict.fromkeys(names, whole))
            for number, volume in partitions.items():
                more = () if table is None else volumes.entry_names(table.entries[number])
                for name in (*(n for disk in names for n in volumes.partition_names(disk, number)), *more):
                    self._known.setdefault(name, volume)

    def volume(self, name: str) -> Volume | None:
        """The device of that name as it will be; None where nothing is known to provide it."""
        name = os.path.normpath(name)
        if name not in self._known and name.startswith(("/dev/disk/by-label/", "/dev/disk/by-uuid/")):
            for volume in [v for partitions in self.result.partitions.values() for v in partitions.values()]:
                for link in volumes.content_names(self.holds(volume) or Signature()):
                    self._known.setdefault(link, volume)
        if name not in self._known:
            found = self._look.device(name)
            if found is not None and found.partition[0]:
                disk, number = found.partition
                found = self.result.partitions[disk].get(number) if number else self._known[disk]
            if found is None:
                return None
            # Two names of one device are one volume.
            same = (v for v in self._known.values() if v.path and (v.path, v.offset) == (found.path, found.offset))
            self._known[name] = next(same, found)
        return self._known[name]

    def holds(self, volume: Volume) -> Signature | None:
        if volume.holds is None and volume.path:
            volume.holds = probe(self._log, volume.path, volume.offset, volume.size)
        return volume.holds

    def _wipe(self, volume: Volume) -> None:
        """What is in the volume may be destroyed by the config."""
        found = self.holds(volume)
        if found is not None and (found.type or found.ambiguous or found.table) and not volume.becomes:
            volume.wipe = found.describe()

    def _missing(self, name: str, entry: Struct) -> None:
        text = f"{name} is not there, and nothing in the config is known to make it"
        self.result.missing.setdefault(name, conflict(text, entry, DEVICE_HINT))

    def array(self, array: Raid) -> None:
        result = self.result
        members = [(device, self.volume(device)) for device in array.devices]
        for device, member in members:
            if member is None:
                self._missing(device, array)
        present = [member for _, member in members if member is not None]
        node = raid.node_of(array.name)
        running = self._look.running(array)
        if running is None and present and len(present) == len(members):
            running = self._assembled(array, present)
        if running is not None:
            self._known[node] = running
            result.steps.append(Step("raid", array.name, KEEP, "an earlier run of this config made it", array, running))
        else:
            stopped = self._look.unfinished(array)
            conflicts = [
                cause
                for device, member in members
                if member is not None
                and (cause := self._member_conflict(array, device, member, "" if stopped else member.busy))
            ]
            result.conflicts["raid"] += conflicts
            size = raid.capacity(array, [member.size for member in present])
            volume = self._known[node] = Volume(node, size, holds=Signature())
            why = conflicts[0].message if conflicts else f"{array.level} of {', '.join(array.devices)}"
            result.steps.append(Step("raid", array.name, REFUSE if conflicts else MAKE, why, array, volume))
        for member in present:
            if running is None:
                self._wipe(member)
            member.becomes.append(f"member of RAID {array.name}")
            member.busy = member.busy or f"the RAID array {array.name} is built on it"
            member.holds = Signature("linux_raid_member")

    def _assembled(self, array: Raid, members: Sequence[Volume]) -> Volume | None:
        """The array in images as the kernel would start it: all members ours, and in one array of that name."""
        found = [self.holds(member) or Signature() for member in members]
        names = {signature.label.rpartition(":")[2] for signature in found if signature.type == "linux_raid_member"}
        ours = all(member.ours and not member.busy for member in members)
        if not ours or any(signature.type != "linux_raid_member" for signature in found) or names != {os.path.basename(array.name)}:
            return None
        return Volume(raid.node_of(array.name), raid.capacity(array, [member.size for member in members]))

    def _member_conflict(self, array: Raid, device: str, member: Volume, busy: str) -> Cause | None:
        return raid.member_conflict(array, device, busy, self.holds(member) or Signature(), proven=member.ours)

    def luks(self, entry: Luks) -> None:
        names = foresee_luks.names(entry)
        result = self.result
        device = entry.device or ""
        under = self.volume(device)
        if under is None:
            self._missing(device, entry)
            self._known.update(dict.fromkeys(names, Volume(names[0], 0)))
            return
        self.holds(under)
        if entry.wipe_volume:
            self._wipe(under)
        action, why, hint, opened = foresee_luks.foresee_volume(
            self._log, entry, under, self._record, self._look, self._keys
        )
        if action == REFUSE:
            result.conflicts["luks"].append(conflict(why, entry, hint))
        self._known.update(dict.fromkeys(names, opened))
        under.becomes.append(f"LUKS {entry.name}")
        under.busy = under.busy or f"the LUKS volume {entry.name} is in it"
        under.holds = Signature("crypto_LUKS", entry.label or "", entry.uuid or "")
        result.steps.append(Step("luks", entry.name, action, why, entry, opened))

    def filesystem(self, entry: Filesystem) -> None:
        result = self.result
        mounted = f" at {entry.path}" if entry.path else ""
        if not filesystems.on_device(entry):
            result.steps.append(Step("filesystem", entry.device, KEEP, f"only mounted{mounted}", entry, format=entry.format or ""))
            return
        volume = self.volume(entry.device)
        if volume is None:
            self._missing(entry.device, entry)
            return
        if not entry.format:
            result.steps.append(Step("filesystem", entry.device, KEEP, "waited for", entry, volume))
            return
        if entry.wipe_filesystem:
            self._wipe(volume)
        action, why, refusals = self._decide(entry, volume)
        result.conflicts["filesystem"] += refusals
        label = f' "{entry.label}"' if entry.label else ""
        if entry.format != "none":
            volume.becomes.append(f"{entry.format}{label}{mounted}")
        result.steps.append(Step("filesystem", entry.device, action, why, entry, volume, format=entry.format))

    def _decide(self, entry: Filesystem, volume: Volume) -> Verdict:
        other, was_made = self._made.get(volume, (entry, False))
        action, why, refusals = self._decide_alone(entry, volume)
        self._made.setdefault(volume, (entry, action == MAKE))
        if other is entry or action == REFUSE or not (was_made or action == MAKE):
            return action, why, refusals
        different = filesystems.disagreement(other, entry)
        return _refused(different) if different else (KEEP, f"it is what {other.device} is called too", [])

    def _decide_alone(self, entry: Filesystem, volume: Volume) -> Verdict:
        found = self.holds(volume)
        if found is None:
            if entry.wipe_filesystem:
                return MAKE, "wipeFilesystem is set", []
            return UNKNOWN, "made or reused: what is inside shows only when it has been opened", []
        half = make_filesystems.half_made(entry, found, volume.path, volume.offset) if volume.path else ""
        decision = make_filesystems.decide_found(self._log, entry, found, half, self._record, made_here=volume.ours)
        if decision.action == "refuse":
            return _refused(conflict(decision.why, entry, decision.hint))
        if decision.action == "reuse":
            return KEEP, decision.why, []
        least = 0 if entry.options else _LEAST.get(entry.format or "", 0)
        if 0 < volume.size < least:
            text = f"{entry.device} has {volume.size} bytes, which is too small for {entry.format}: that needs {least} at least"
            return _refused(conflict(text, entry, f"Give {entry.device} {least} bytes or more, or choose another `format`"))
        hindrances = make_filesystems.hindrances(entry, volume.busy)
        return _refused(*hindrances) if hindrances else (MAKE, decision.why, [])


def _refused(*causes: Cause) -> Verdict:
    return REFUSE, "; ".join(cause.message for cause in causes), list(causes)

