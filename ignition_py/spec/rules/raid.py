"""Rules of RAID arrays."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.examples import array as example
from ignition_py.spec.rules.paths import check_path
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Raid

# fmt: off
RAID_LEVELS = ("linear", "raid0", "0", "stripe", "raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6", "raid10", "10")
# fmt: on
_NO_SPARES = ("linear", "raid0", "0", "stripe")
_RIGHT = example("level: raid1\ndevices: [/dev/sda, /dev/sdb]")


@rule(
    Raid,
    "raid-level-missing",
    title="An array has no level",
    why="The level says how data is spread over the devices; mdadm does not create an array without it.",
    fix="Add level: raid1 keeps a copy on each device, raid5 and raid6 survive one and two lost devices, raid0 none.",
    wrong=example("devices: [/dev/sda, /dev/sdb]"),
    right=_RIGHT,
)
@code(
    "raid-level-unknown",
    title="The level of an array is unknown",
    why="mdadm knows linear, raid0, raid1, raid4, raid5, raid6 and raid10, and their short names.",
    fix="Write one of them, such as raid1.",
    wrong=example("level: raid2\ndevices: [/dev/sda, /dev/sdb]"),
    right=_RIGHT,
)
@code(
    "raid-spares",
    title="An array without redundancy has spares",
    why="A spare replaces a lost device from what the others hold. linear and raid0 hold each byte once, so a spare could never be used.",
    fix="Remove spares, or use a level with redundancy, such as raid1.",
    wrong=example("level: raid0\ndevices: [/dev/sda, /dev/sdb]\nspares: 1"),
    right=example("level: raid1\ndevices: [/dev/sda, /dev/sdb]\nspares: 1"),
)
@code(
    "raid-devices-missing",
    title="An array has no devices",
    why="An array is made of devices: whole disks or partitions.",
    fix="Add devices, a list of at least two.",
    wrong=example("level: raid1"),
    right=_RIGHT,
)
def raid(array: Raid, findings: Findings) -> None:
    if not array.level:
        findings.error(
            "raid-level-missing", "an array needs its level", "level", hint="add a level, such as level: raid1"
        )
    elif array.level not in RAID_LEVELS:
        message = f"the level {array.level!r} is unknown; known: {', '.join(RAID_LEVELS)}"
        meant = array.level.lower().replace("-", "").replace(" ", "")
        known = meant in RAID_LEVELS
        hint = f"write {meant}" if known else "write one of these, such as raid1"
        findings.error("raid-level-unknown", message, "level", hint=hint, fix=meant if known else None)
    elif array.spares and array.level in _NO_SPARES:
        message = f"{array.level} has no redundancy, so it takes no spares"
        hint = "remove spares, or use a level such as raid1"
        findings.error("raid-spares", message, "level", hint=hint, related=(("the spares", ("spares",)),))
    if not array.devices:
        hint = "add devices: a list of disks or partitions"
        findings.error("raid-devices-missing", "an array needs devices", "devices", hint=hint)
    for i, device in enumerate(array.devices):
        check_path(findings, device, "devices", i)
