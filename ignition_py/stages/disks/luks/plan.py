"""What happens to one LUKS volume: keep, open, reuse, make or refuse. Pure.

Source of the behaviour: the reference's rules of reuse. A volume is reused if it is LUKS2, the config gives its key
file and no Clevis, and label, UUID and discard are as the config says; what is not named does not matter, but discard
does: it is off where it is not named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ignition_py.record import Record
from ignition_py.report.diag import Cause
from ignition_py.spec.tables import Luks
from ignition_py.stages.disks import progress
from ignition_py.stages.disks.luks.found import Found, mangled, marker_of
from ignition_py.stages.disks.places import conflict
from ignition_py.stages.disks.progress import Progress

DISCARDS = "allow-discards"
MAKING, MADE = "luks-making", "luks-made"  # facts of the progress record
_NAME_BYTES = 127  # DM_NAME_LEN of linux/dm-ioctl.h, less the closing NUL


class Decision(Record):
    """What happens to a volume and why: "keep" (made and open), "open" (made, but closed), "reuse", "make", "refuse", or
    "unknown" (reused or refused) before anything is written. `hint` is the way out of a refusal."""

    action: str
    why: str
    hint: str = ""


def bound(luks: Luks) -> bool:
    """True if the volume is to be bound by Clevis."""
    clevis = luks.clevis
    return bool(clevis.tang or clevis.tpm2 or clevis.custom.pin or clevis.threshold)


def name_conflicts(volumes: Sequence[Luks]) -> list[Cause]:
    """Names that cannot be one below /dev/mapper and in a line of crypttab; two volumes on one device."""
    found = []
    devices: dict[str, Luks] = {}
    for luks in volumes:
        why = _name_problem(luks.name)
        if why:
            text = f"{luks.name!r} cannot be the name of a LUKS volume: {why}"
            found.append(conflict(text, luks, "Give it a `name` of letters, digits, - and _"))
        other = devices.setdefault(luks.device or "", luks)
        if other is not luks:
            text = f"{luks.device} is the device of two LUKS volumes, {other.name} and {luks.name}"
            found.append(conflict(text, luks, "Give one of them another `device`"))
    return found


def _name_problem(name: str) -> str:
    if name in ("", ".", "..", "control"):
        return "below /dev/mapper it means something else"
    if any(c.isspace() or not c.isprintable() for c in name):
        return "crypttab has no way to write white space and control characters"
    if name.startswith(("-", "#")):
        return f"programs take what starts with {name[0]} for something else"
    if len(mangled(name)) > _NAME_BYTES:
        return f"the kernel has room for {_NAME_BYTES} bytes"
    return ""


def fact(luks: Luks) -> tuple[str, str]:
    """The words that name the volume in a fact of the progress record."""
    return progress.word(mangled(luks.name)), progress.digest(luks)


def decide(luks: Luks, found: Found, record: Progress, opens: Callable[[], bool | None]) -> Decision:
    """Decides about a device that holds `found`. `opens` tells whether the key of the config opens it, None where that is not
    known yet."""
    unfinished = ""
    if record.has(MAKING, *fact(luks)) and not record.has(MADE, *fact(luks)):
        unfinished = "an earlier run of this boot was interrupted while making it"
    elif found.marker == marker_of(luks):
        unfinished = "an earlier boot with this config was cut off before the volume was handed over"
    done = record.has(MADE, *fact(luks))
    decision = plan_volume(luks, found, made=done, unfinished=unfinished)
    if decision.action != "reuse":
        return decision
    fits = opens()
    if fits is None:
        return Decision("unknown", "reused if its key file opens it, else refused")
    return decision if fits else refused(luks, found, ["the key file of the config does not open it"])


def plan_volume(luks: Luks, found: Found, *, made: bool = False, unfinished: str = "") -> Decision:
    """Decides. `made`: this boot has made it. `unfinished`: the proof that what is there is ours and incomplete, ""
    where there is none."""
    is_open = mangled(luks.name) in found.open_as
    busy = found.busy if not is_open else ""
    if made and found.header is not None and not busy:
        return Decision("keep" if is_open else "open", f"an earlier run of this boot has made it: {found.describe()}")
    if found.name_taken:
        why = f"the name {luks.name} is that of another device below /dev/mapper"
        return Decision("refuse", why, "Give the volume another `name`")
    if busy:
        why = f"{luks.device} cannot become the LUKS volume {luks.name}: {busy}"
        return Decision("refuse", why, f"Free {luks.device} before the first boot, or name another `device`")
    if unfinished:
        return Decision("make", f"{unfinished}; there is {found.describe()} now")
    if luks.wipe_volume:
        if is_open:
            why = f"{luks.device} cannot be wiped: it is open as {luks.name}"
            return Decision("refuse", why, f"Close it before the first boot: cryptsetup close {luks.name}")
        return Decision("make", f"wipeVolume is set; there is {found.describe()} now")
    if found.header is not None:
        problems = reuse_problems(luks, found)
        return refused(luks, found, problems) if problems else Decision("reuse", f"{found.describe()} is as wanted")
    if found.signature.type or found.signature.ambiguous or found.signature.table:
        return Decision(
            "refuse",
            f"{luks.device} holds {found.describe()}, the config wants the LUKS volume {luks.name}",
            "Set `wipeVolume: true` to destroy what is there; to keep it, take this volume out of the config",
        )
    return Decision("make", "there is nothing")


def reuse_problems(luks: Luks, found: Found) -> list[str]:
    """Why a LUKS volume that is there cannot be the one of the config; without trying the key."""
    header = found.header
    if header is None or header.version != 2:
        return ["it is not LUKS2"]
    if found.damaged:
        return ["cryptsetup does not accept its header"]
    problems = []
    if luks.cex.enabled:
        problems.append("a secure key (CEX) is always made anew")
    elif bound(luks):
        problems.append("a volume that Clevis opens is always made anew")
    elif not luks.key_file.source:
        problems.append("the config gives no key file")
    if luks.label is not None and luks.label != header.label:
        problems.append(f'its label is "{header.label}", the config wants "{luks.label}"')
    if luks.uuid is not None and luks.uuid.lower() != header.uuid.lower():
        problems.append(f"its UUID is {header.uuid}, the config wants {luks.uuid}")
    if (DISCARDS in found.flags) != bool(luks.discard):
        now, wanted = ("lets", "forbids") if DISCARDS in found.flags else ("forbids", "lets")
        problems.append(f"it {now} discards through, the config {wanted} them")
    return problems


def refused(luks: Luks, found: Found, problems: Sequence[str]) -> Decision:
    """The refusal of a volume that is there."""
    return Decision(
        "refuse",
        f"{luks.device} holds {found.describe()}, which cannot be reused as {luks.name}: "
        f"{'; '.join(problems)}",
        "Set `wipeVolume: true` to destroy it and make a new one, or correct what differs",
    )
