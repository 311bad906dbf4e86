"""Rules of disks and partitions."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.examples import disk as disk_example
from ignition_py.report.examples import partition as example
from ignition_py.spec.rules.paths import check_path
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Disk, Partition

_HEX = frozenset("0123456789abcdefABCDEF")
_GUID_GROUPS = [8, 4, 4, 4, 12]  # digits in each
_GPT_NAME = 36  # UTF-16 units of a GPT entry's name
_WRAP = 1 << 63


@rule(
    Disk,
    "device-missing",
    title="A device is missing",
    why="A disk, a LUKS volume and a virtiofs share are found by their device; without it nothing can be done with them.",
    fix="Add device. Names below /dev/disk/by-id stay the same from boot to boot.",
    wrong="storage:\n  disks:\n    - wipe_table: true\n",
    right=disk_example("wipe_table: true"),
)
def disk(disk: Disk, findings: Findings) -> None:
    if not disk.device:
        hint = "add device, such as /dev/disk/by-id/…"
        findings.error("device-missing", "a disk needs its device", "device", hint=hint)
        return
    check_path(findings, disk.device, "device")
    _numbers_collide(disk, findings)
    _partitions_overlap(disk, findings)
    _labels_collide(disk, findings)


@code(
    "partition-number-twice",
    title="Two partitions have the same number",
    why="The number is the partition's place in the table, which holds one partition only.",
    fix="Give each partition its own number; 0, or none, means the next free one.",
    wrong=example("number: 1, size_mib: 10", "number: 1, label: b"),
    right=example("number: 1, size_mib: 10", "number: 2, label: b"),
)
def _numbers_collide(disk: Disk, findings: Findings) -> None:
    seen: dict[int, int] = {}
    for i, part in enumerate(disk.partitions):
        if part.number and part.number in seen:
            message = f"two partitions have the number {part.number}"
            free = next(
                number for number in range(1, 1 << 16) if all(each.number != number for each in disk.partitions)
            )
            related = (("first given here", ("partitions", seen[part.number], "number")),)
            hint = f"the next free number is {free}"
            findings.error("partition-number-twice", message, "partitions", i, hint=hint, related=related)
            return
        seen[part.number] = i


@code(
    "partition-label-twice",
    title="Two partitions of a disk have the same label",
    why="Partitions are found by label, as /dev/disk/by-partlabel/LABEL; with two of them it is left to chance which one is used.",
    fix="Give each partition its own label.",
    wrong=example("number: 1, label: a, size_mib: 10", "number: 2, label: a"),
    right=example("number: 1, label: a, size_mib: 10", "number: 2, label: b"),
)
def _labels_collide(disk: Disk, findings: Findings) -> None:
    seen: dict[str, int] = {}
    for i, part in enumerate(disk.partitions):
        if part.label is not None:
            if part.label in seen:
                message = f"two partitions have the label {part.label!r}"
                related = (("first given here", ("partitions", seen[part.label], "label")),)
                hint = "give each partition its own label"
                findings.error("partition-label-twice", message, "partitions", i, hint=hint, related=related)
                return
            seen[part.label] = i


@code(
    "partitions-overlap",
    title="Partitions overlap",
    why="The starts and sizes give two partitions the same sectors of the disk, so writing one would destroy the other.",
    fix="Move or shrink one of them: a partition ends at start_mib + size_mib. Without start_mib it goes where there is room.",
    wrong=example("number: 1, start_mib: 1, size_mib: 100", "number: 2, start_mib: 50, size_mib: 100"),
    right=example("number: 1, start_mib: 1, size_mib: 100", "number: 2, start_mib: 101, size_mib: 100"),
)
def _partitions_overlap(disk: Disk, findings: Findings) -> None:
    """Only partitions with a start and a size can be compared; the rest is placed when the disk is known."""
    spans = []
    for i, part in enumerate(disk.partitions):
        if part.start_mib and part.size_mib is not None:
            end = part.start_mib + part.size_mib - 1 if part.size_mib else part.start_mib
            end = (end + _WRAP) % (2 * _WRAP) - _WRAP  # the reference's integers have 64 bits
            spans.append((i, part.start_mib, end))
    for i, start, end in spans:
        for j, other_start, other_end in spans:
            if i != j and (
                other_start <= start <= other_end
                or other_start <= end <= other_end
                or (start < other_start and end > other_end)
            ):
                message = f"partitions {i} and {j} of {disk.device} overlap"
                low = f"partition {i} covers MiB {start} to {end}, partition {j} MiB {other_start} to {other_end}"
                related = (("the other partition", ("partitions", i)),)
                findings.error("partitions-overlap", message, "partitions", j, hint=low, related=related)
                return


@rule(
    Partition,
    "partition-absent-with-fields",
    title="A partition that is to be deleted has more than a number",
    why="With should_exist: false the partition is deleted, so a label, size or GUID could not take effect.",
    fix="Keep number and should_exist only, or remove should_exist: false to create the partition.",
    wrong=example("number: 1, should_exist: false, label: a"),
    right=example("number: 1, should_exist: false"),
)
@code(
    "partition-unnamed",
    title="A partition has neither a number nor a label",
    why="On the next run Ignition finds a partition again by its number or its label; without both it cannot.",
    fix="Add number (its place in the table) or label.",
    wrong=example("size_mib: 100"),
    right=example("number: 1, size_mib: 100"),
)
@code(
    "partition-label-long",
    title="A partition's label is too long",
    why="The name of an entry of a GUID partition table has room for 36 characters.",
    fix="Shorten the label to 36 characters.",
    wrong=example(f"number: 1, label: {'x' * 37}"),
    right=example(f"number: 1, label: {'x' * 36}"),
)
@code(
    "partition-label-colon",
    title="A partition's label has a colon",
    why="sgdisk, which the reference writes partition tables with, separates its arguments by colons.",
    fix="Use another character, such as a dash.",
    wrong=example("number: 1, label: 'a:b'"),
    right=example("number: 1, label: a-b"),
)
@code(
    "guid-malformed",
    title="A GUID is malformed",
    why="GUIDs of partitions and of their types are 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.",
    fix="Write it as 01234567-89AB-CDEF-0123-456789ABCDEF; `uuidgen` makes a new one.",
    wrong=example("number: 1, guid: 1234"),
    right=example("number: 1, guid: 01234567-89AB-CDEF-0123-456789ABCDEF"),
)
def partition(part: Partition, findings: Findings) -> None:
    if part.should_exist is False and (
        part.label is not None or part.type_guid or part.guid or part.start_mib is not None or part.size_mib is not None
    ):
        message = "a partition with should_exist: false can have a number only"
        hint = "remove the other keys, or remove should_exist to create the partition"
        findings.error("partition-absent-with-fields", message, hint=hint)
    if part.number == 0 and part.label is None:
        hint = "add number: N, its place in the table, or label: NAME"
        findings.error("partition-unnamed", "a partition needs a number or a label", hint=hint)
    if part.label is not None and len(part.label.encode()) > _GPT_NAME:
        message = f"a partition's label has at most {_GPT_NAME} characters; this has {len(part.label.encode())}"
        findings.error("partition-label-long", message, "label", hint="shorten the label")
    elif part.label is not None and ":" in part.label:
        better = part.label.replace(":", "-")
        message = "a partition's label must not contain a colon"
        findings.error("partition-label-colon", message, "label", hint=f"write {better}")
    for name, guid in (("guid", part.guid), ("type_guid", part.type_guid)):
        if guid and not _is_guid(guid):
            _malformed(guid, name, findings)


def _is_guid(text: str) -> bool:
    groups = text.split("-")
    return [len(group) for group in groups] == _GUID_GROUPS and _HEX.issuperset("".join(groups))


def _malformed(guid: str, name: str, findings: Findings) -> None:
    digits = guid.strip("{}").replace("-", "")
    whole = ""
    if len(digits) == sum(_GUID_GROUPS) and _HEX.issuperset(digits):
        whole = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    hint = f"write {whole}" if whole else "write 32 hexadecimal digits as 01234567-89AB-CDEF-0123-456789ABCDEF"
    findings.error("guid-malformed", "this is not a GUID", name, hint=hint, fix=whole or None)
