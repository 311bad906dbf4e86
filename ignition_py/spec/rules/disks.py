"""Checks of disks, partitions, RAID, LUKS and filesystems."""

from __future__ import annotations

from ignition_py.spec.rules.paths import check_path
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.rules.resources import url_problem
from ignition_py.spec.tables import ClevisCustom, Disk, Filesystem, Luks, Partition, Raid, Tang
from ignition_py.spec.urls import UrlError, parse_url

_HEX = frozenset("0123456789abcdefABCDEF")
_GUID_GROUPS = [8, 4, 4, 4, 12]  # digits in each
FORMATS = {"ext4": 0, "btrfs": 0, "xfs": 0, "swap": 0, "vfat": 0, "none": 3, "virtiofs": 7}  # -> minor version
LABEL_BYTES = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
RAID_LEVELS = (
    "linear",
    "raid0",
    "0",
    "stripe",
    "raid1",
    "1",
    "mirror",
    "raid4",
    "4",
    "raid5",
    "5",
    "raid6",
    "6",
    "raid10",
    "10",
)
_NO_SPARES = ("linear", "raid0", "0", "stripe")
_VIRTIOFS_TAG_BYTES = 36
_LUKS_LABEL_BYTES = 47  # LUKS2 header: 48 with the closing NUL
_GPT_NAME = 36  # UTF-16 units of a GPT entry's name
_WRAP = 1 << 63
CLEVIS_PINS = ("tpm2", "tang", "sss")


@rule(Disk)
def disk(it: Disk, findings: Findings) -> None:
    if not it.device:
        findings.error("device-missing", "a disk needs its device", "device")
        return
    check_path(findings, it.device, "device")
    _numbers_collide(it, findings)
    _partitions_overlap(it, findings)
    _labels_collide(it, findings)


def _numbers_collide(it: Disk, findings: Findings) -> None:
    seen: set[int] = set()
    for i, part in enumerate(it.partitions):
        if part.number and part.number in seen:
            findings.error("partition-number-twice", f"two partitions have the number {part.number}", "partitions", i)
            return
        seen.add(part.number)


def _labels_collide(it: Disk, findings: Findings) -> None:
    seen: set[str] = set()
    for i, part in enumerate(it.partitions):
        if part.label is not None:
            if part.label in seen:
                findings.error(
                    "partition-label-twice", f"two partitions have the label {part.label!r}", "partitions", i
                )
                return
            seen.add(part.label)


def _partitions_overlap(it: Disk, findings: Findings) -> None:
    """Only partitions with a start and a size can be compared; the rest is placed when the disk is known."""
    spans = []
    for i, part in enumerate(it.partitions):
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
                findings.error("partitions-overlap", f"partitions {i} and {j} of {it.device} overlap", "partitions", j)
                return


@rule(Partition)
def partition(it: Partition, findings: Findings) -> None:
    if it.should_exist is False and (
        it.label is not None or it.type_guid or it.guid or it.start_mib is not None or it.size_mib is not None
    ):
        findings.error("partition-absent-with-fields", "a partition that is not to exist can have a number only")
    if it.number == 0 and it.label is None:
        findings.error("partition-unnamed", "a partition needs a number or a label")
    if it.label is not None and len(it.label.encode()) > _GPT_NAME:
        findings.error("partition-label-long", f"a partition's label has at most {_GPT_NAME} characters", "label")
    elif it.label is not None and ":" in it.label:
        findings.error("partition-label-colon", "a partition's label must not have a colon", "label")
    for name, guid in (("guid", it.guid), ("type_guid", it.type_guid)):
        if guid and not _is_guid(guid):
            findings.error("guid-malformed", "a GUID is written 01234567-89AB-CDEF-0123-456789ABCDEF", name)


def _is_guid(text: str) -> bool:
    groups = text.split("-")
    return [len(group) for group in groups] == _GUID_GROUPS and _HEX.issuperset("".join(groups))


@rule(Filesystem)
def filesystem(it: Filesystem, findings: Findings) -> None:
    if it.path:
        check_path(findings, it.path, "path")
    if it.format == "virtiofs" and findings.version >= FORMATS["virtiofs"]:
        _virtiofs(it, findings)
    else:
        check_path(findings, it.device, "device")
    if not it.format:
        if it.path or it.label or it.uuid or it.wipe_filesystem or it.options or it.mount_options:
            findings.error(
                "format-missing", "the format is needed as soon as anything but the device is given", "format"
            )
    elif findings.version < FORMATS.get(it.format, 1 << 20):
        known = ", ".join(name for name, since in FORMATS.items() if since <= findings.version)
        findings.error("format-unknown", f"the format {it.format!r} is unknown; known: {known}", "format")
    if it.label:
        _filesystem_label(it, it.label, findings)


def _virtiofs(it: Filesystem, findings: Findings) -> None:
    if not it.device:
        findings.error("device-missing", "virtiofs needs the tag of the share as its device", "device")
    elif len(it.device.encode()) > _VIRTIOFS_TAG_BYTES:
        findings.error(
            "virtiofs-tag-long", f"the tag of a virtiofs share has at most {_VIRTIOFS_TAG_BYTES} bytes", "device"
        )
    if it.uuid:
        findings.error("virtiofs-uuid", "virtiofs has no UUID", "uuid")
    if it.wipe_filesystem:
        findings.error("virtiofs-wipe", "virtiofs cannot be wiped: the host owns it", "wipe_filesystem")
    if it.options:
        findings.error("virtiofs-options", "virtiofs is not made by mkfs, so it takes no options", "options")


def _filesystem_label(it: Filesystem, label: str, findings: Findings) -> None:
    if not it.format:
        findings.error("label-without-format", "a label needs a format", "label")
    elif it.format == "virtiofs" and findings.version >= FORMATS["virtiofs"]:
        findings.error("virtiofs-label", "virtiofs has no label", "label")
    elif len(label.encode()) > LABEL_BYTES.get(it.format, 1 << 20):
        findings.error(
            "filesystem-label-long", f"a label of {it.format} has at most {LABEL_BYTES[it.format]} bytes", "label"
        )


@rule(Raid)
def raid(it: Raid, findings: Findings) -> None:
    if not it.level:
        findings.error("raid-level-missing", "an array needs its level", "level")
    elif it.level not in RAID_LEVELS:
        findings.error(
            "raid-level-unknown", f"the level {it.level!r} is unknown; known: {', '.join(RAID_LEVELS)}", "level"
        )
    elif it.spares and it.level in _NO_SPARES:
        findings.error("raid-spares", f"{it.level} has no redundancy, so it takes no spares", "level")
    if not it.devices:
        findings.error("raid-devices-missing", "an array needs devices", "devices")
    for i, device in enumerate(it.devices):
        check_path(findings, device, "devices", i)


@rule(Luks)
def luks(it: Luks, findings: Findings) -> None:
    if "/" in it.name:
        findings.error("luks-name-slash", "the name of a volume must not have a slash", "name")
    if it.label and len(it.label.encode()) > _LUKS_LABEL_BYTES:
        findings.error("luks-label-long", f"a label of LUKS has at most {_LUKS_LABEL_BYTES} bytes", "label")
    if not it.device:
        findings.error("device-missing", "a volume needs its device", "device")
    else:
        check_path(findings, it.device, "device")
    _clevis(it, findings)
    if it.key_file.source and url_problem(it.key_file.source, findings.version):
        findings.error("luks-key-file", "the source of the key file is not a URL that can be fetched", "keys")


def _clevis(it: Luks, findings: Findings) -> None:
    clevis = it.clevis
    custom = clevis.has("custom") if findings.version == 2 else bool(clevis.custom.pin)
    others = bool(clevis.tang or clevis.tpm2 or clevis.threshold)
    if custom and others:
        findings.error("clevis-custom", "a custom pin cannot stand beside tang, tpm2 or threshold", "clevis")
    if it.cex.enabled and (clevis.custom.pin or others):
        findings.error("cex-clevis", "a CEX key and Clevis cannot stand together", "cex")
    if it.cex.enabled and it.key_file.source:
        findings.error("cex-key-file", "a CEX key and a key file cannot stand together", "cex")


@rule(ClevisCustom)
def clevis_custom(it: ClevisCustom, findings: Findings) -> None:
    if not it.pin and not it.config and not (it.needs_network and findings.version >= 3):
        return
    if not it.pin and findings.version >= 3:
        findings.error("clevis-pin-missing", "a custom pin needs its name", "pin")
    elif it.pin not in CLEVIS_PINS and findings.version < 6:
        findings.error("clevis-pin-unknown", f"the pin {it.pin!r} is unknown; known: {', '.join(CLEVIS_PINS)}", "pin")
    if not it.config:
        findings.error("clevis-config-missing", "a custom pin needs its configuration", "config")


@rule(Tang)
def tang(it: Tang, findings: Findings) -> None:
    try:
        scheme = parse_url(it.url).scheme
    except UrlError as error:
        findings.error("url-malformed", f"this is not a URL: {error}", "url")
    else:
        if scheme not in ("http", "https"):
            findings.error("tang-scheme", "the URL of a Tang server starts with http:// or https://", "url")
    if not it.thumbprint:
        findings.error("tang-thumbprint-missing", "a Tang server needs the thumbprint of its key", "thumbprint")
    if it.advertisement:
        _advertisement(it.advertisement, findings)


def _advertisement(text: str, findings: Findings) -> None:
    from ignition_py.spec.jsonscan import has_huge_number, scan_error

    data = text.encode()
    error = scan_error(data)
    if error is not None:
        findings.error("tang-advertisement", f"the advertisement is not JSON: {error}", "advertisement")
    elif has_huge_number(data):
        findings.error("tang-advertisement", "the advertisement has a number that is too large", "advertisement")
