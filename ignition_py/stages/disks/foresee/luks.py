"""What one LUKS volume will come to, before anything is written: the rules of `luks/plan.py`, on what is there now.

`conflicts.py` calls it for each volume, in order. A volume that will stand in a partition that is yet to be made is read by an excerpt
of the disk that holds its sectors now.
"""

from __future__ import annotations

from collections.abc import Mapping

from ignition_py.spec.tables import Luks
from ignition_py.stages.disks.foresee.steps import KEEP, MAKE, REFUSE, UNKNOWN, Look
from ignition_py.stages.disks.foresee.volumes import Volume
from ignition_py.stages.disks.luks import found as luks_found
from ignition_py.stages.disks.luks import plan as luks_plan
from ignition_py.stages.disks.luks.found import Found
from ignition_py.stages.disks.progress import Progress
from ignition_py.system.blkid import Signature
from ignition_py.system.host import which
from ignition_py.system.log import Log

_HEADER = 16 * 1024 * 1024  # bytes that LUKS2 takes of a device, unless an option says otherwise (cryptsetup-luksFormat(8))
_ACTIONS = {"make": MAKE, "keep": KEEP, "open": KEEP, "reuse": KEEP, "refuse": REFUSE, "unknown": UNKNOWN}


def names(entry: Luks) -> list[str]:
    """What an opened volume is called, as udev writes it and as a config may."""
    return [luks_found.node_of(entry.name), f"/dev/mapper/{entry.name}", f"/dev/disk/by-id/dm-name-{entry.name}"]


def foresee_volume(
    log: Log, entry: Luks, under: Volume, record: Progress, look: Look, keys: Mapping[str, bytes]
) -> tuple[str, str, str, Volume]:
    """(a constant of steps.py, why, the way out of a refusal, the opened volume). `under.holds` is known, if anybody can know it.
    Raises StageError or CommandError."""
    found = _found(log, entry, under, look)
    room = under.size if entry.options else max(under.size - _HEADER, 0)
    hint = ""
    if found is None:
        action, why = (MAKE, "wipeVolume is set") if entry.wipe_volume else (UNKNOWN, "made or reused: what is there shows only later")
    else:
        decision = luks_plan.decide(entry, found, record, lambda: _opens(log, entry, under, look, keys))
        action, why, hint = _ACTIONS[decision.action], decision.why, decision.hint
    if action == MAKE and not entry.options and 0 < under.size <= _HEADER:
        action = REFUSE
        why = f"{entry.device} has {under.size} bytes, which is too small for LUKS: its header takes {_HEADER}"
        hint = f"Give {entry.device} more room than its header takes"
    opened = Volume(names(entry)[0], room, holds=Signature() if action == MAKE else None)
    if action == KEEP and found is not None and luks_found.mangled(entry.name) in found.open_as:
        opened = look.opened(entry.name) or opened
    return action, why, hint, opened


def _found(log: Log, entry: Luks, under: Volume, look: Look) -> Found | None:
    """What the stage will find where the volume is to be; None where nobody can know yet."""
    signature = under.holds
    if signature is None:
        return None
    formatted = "crypto_LUKS" in (signature.type, *signature.ambiguous)
    node = "" if under.becomes else look.node(under)
    if (node or formatted) and not which("cryptsetup"):
        return None
    if node:
        return luks_found.look(log, node, entry)
    found = luks_found.Found(signature)
    if formatted and under.path:
        with luks_found.excerpt(under.path, under.offset, under.size) as copy:
            found = luks_found.read(log, copy, signature)
    found.busy = under.busy
    found.name_taken = look.opened(entry.name) is not None
    return found


def _opens(log: Log, entry: Luks, under: Volume, look: Look, keys: Mapping[str, bytes]) -> bool | None:
    """True if the key file of the config opens the volume; None where that is not known."""
    key = keys.get(entry.name)
    if key is None:
        return None
    node = look.node(under)
    if node:
        return luks_found.opens(log, node, entry, key)
    with luks_found.excerpt(under.path, under.offset, under.size) as copy:
        return luks_found.opens(log, copy, entry, key, sure=False)
