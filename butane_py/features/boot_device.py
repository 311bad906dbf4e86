"""`boot_device`: a mirrored and/or encrypted boot disk becomes disks, RAID arrays, a LUKS volume and filesystems.

The partitions replicate those of the Fedora CoreOS image (its create_disk.sh): none may be smaller than there, and the
first two must start where the image's do.
"""

from __future__ import annotations

import re

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.feature import Feature
from butane_py.registry import ButaneFindings, rule
from butane_py.variants import FCOS, Variant
from butane_py.yaml.source import Whole
from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct, extends, field

# Examples.
_STRICT = "fcos 1.8.0-experimental"
_CEX = "boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n"

RESERVED = ("reserved", 1, "8DA63339-0007-60C0-C436-083AC8230908")  # label, MiB, type GUID
BIOS = ("bios", 1, "21686148-6449-6E6F-744E-656564454649")
PREP = ("prep", 4, "9E1A2D38-C612-4316-AA26-8B49521E5A8B")
ESP = ("esp", 127, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
BOOT_MIB = 384
# layout -> what the first two partitions of each disk are
FIRST_PARTITIONS = {
    "x86_64": (BIOS, ESP),
    "aarch64": (RESERVED, ESP),
    "ppc64le": (PREP, RESERVED),
    "s390x-eckd": (RESERVED, RESERVED),
    "s390x-virt": (RESERVED, RESERVED),
    "s390x-zfcp": (RESERVED, RESERVED),
}
ROOT_PARTITION = {"s390x-eckd": "2", "s390x-zfcp": "4"}  # number of the root partition where the device is named


S390X_SINCE = 6
STRICT_SINCE = 7
_LAYOUTS = ("aarch64", "ppc64le", "x86_64")
_DEVICES = {"s390x-eckd": r"/dev/dasd[a-z]\Z", "s390x-zfcp": r"/dev/sd[a-z]\Z"}


class BootDeviceLuks(Struct):
    """Encryption of the root filesystem."""

    cex: spec.Cex = field("IBM Crypto Express card (s390x).", since=6, axis=FCOS)
    discard: bool | None = field("Whether to let discards through.", since=5, axis=FCOS)
    device: str | None = field("Device of the root partition, on s390x layouts that need it.", since=6, axis=FCOS)
    tang: tuple[spec.Tang, ...] = field("Tang servers.", since=3, axis=FCOS)
    threshold: int | None = field("How many of the pins are needed (default 1).", since=3, axis=FCOS)
    tpm2: bool | None = field("Whether to bind to the machine's TPM 2.0.", since=3, axis=FCOS)


class BootDeviceMirror(Struct):
    """Mirroring of the boot disk."""

    devices: tuple[str, ...] = field("The disks; at least two.", since=3, axis=FCOS)


class BootDevice(Struct):
    """The disk that the system boots from."""

    layout: str | None = field(
        "Layout of its partitions: x86_64, aarch64, ppc64le, by version also s390x ones.", since=3, axis=FCOS
    )
    luks: BootDeviceLuks = field("Encryption of the root filesystem.", since=3, axis=FCOS)
    mirror: BootDeviceMirror = field("Mirroring of the boot disk.", since=3, axis=FCOS)


@extends
class Config(base.Config):
    boot_device: BootDevice = field("The disk that the system boots from.", since=3, axis=FCOS)


@code(
    "mirror-layout",
    title="A mirror has no layout",
    why=(
        "Which partitions each disk of the mirror gets depends on the kind of machine. Without layout x86_64 is assumed, "
        "which does not boot elsewhere; from fcos 1.7.0 on this is an error."
    ),
    fix="Add boot_device.layout, such as layout: x86_64.",
    wrong="boot_device:\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
    severity=WARNING,
)
@rule(BootDevice)
def boot_device(it: BootDevice, find: ButaneFindings) -> None:
    if it.mirror.devices and it.layout is None:
        add = find.error if find.row.has(FCOS, since=STRICT_SINCE) else find.warning
        add("mirror-layout", "a mirror needs boot_device.layout, the kind of machine that it is for", "mirror")
    if it.layout is not None:
        _layout(it, it.layout, find)
    if it.luks.cex.enabled:
        _cex(it, find)


def layouts(row: Variant) -> tuple[str, ...]:
    """The layouts that a row knows."""
    return tuple(sorted(FIRST_PARTITIONS)) if row.has(FCOS, since=S390X_SINCE) else _LAYOUTS


@code(
    "layout-unknown",
    title="The layout is unknown",
    why=(
        "The layout names the kind of machine, which decides the partitions of its boot disk: aarch64, ppc64le, x86_64 "
        "and, from fcos 1.6.0 on, those of s390x."
    ),
    fix="Write one of the layouts that the message lists.",
    wrong="boot_device:\n  layout: riscv64\n",
    right="boot_device:\n  layout: aarch64\n",
)
@code(
    "layout-device-missing",
    title="The layout needs a device",
    why="On s390x the boot disk of an ECKD or zFCP layout cannot be found by itself.",
    fix="Add boot_device.luks.device, such as /dev/dasda (ECKD) or /dev/sda (zFCP).",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    tpm2: true\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
)
@code(
    "layout-device-name",
    title="The device does not fit the layout",
    why=(
        "Disks of s390x-eckd are /dev/dasda and so on, disks of s390x-zfcp /dev/sda and so on; another name is a disk of "
        "another kind."
    ),
    fix="Correct the device or the layout.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/dasda\n    tpm2: true\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
)
@code(
    "layout-mirror",
    title="A boot disk of s390x is to be mirrored",
    why="Fedora CoreOS has no mirrored boot disks on s390x.",
    fix="Remove mirror, or choose the layout of another architecture.",
    wrong="boot_device:\n  layout: s390x-virt\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
)
def _layout(it: BootDevice, layout: str, find: ButaneFindings) -> None:
    known = layouts(find.row)
    if layout not in known:
        find.error("layout-unknown", f"the layout {layout!r} is unknown; known: {', '.join(known)}", "layout")
    elif layout in _DEVICES:
        if not it.luks.device:
            find.error("layout-device-missing", f"the layout {layout} needs boot_device.luks.device", "layout")
        elif not re.search(_DEVICES[layout], it.luks.device):
            start = "/dev/dasd" if layout == "s390x-eckd" else "/dev/sd"
            find.error("layout-device-name", f"the device of layout {layout} is {start} and one letter", "layout")
    if find.row.has(FCOS, since=S390X_SINCE) and layout.startswith("s390x") and it.mirror.devices:
        find.error("layout-mirror", "boot disks of s390x cannot be mirrored", "layout")


@code(
    "cex-architecture",
    title="CEX is used on another architecture",
    why="IBM Crypto Express cards exist in s390x machines only.",
    fix="Set boot_device.layout to one of s390x, or remove cex.",
    wrong="boot_device:\n  layout: x86_64\n  luks:\n    cex:\n      enabled: true\n",
    right=_CEX,
)
def _cex(it: BootDevice, find: ButaneFindings) -> None:
    if it.layout is None:
        find.error("cex-architecture", "CEX is a feature of s390x: give boot_device.layout", "luks", "cex")
    elif not it.layout.startswith("s390x"):
        find.error("cex-architecture", "CEX is a feature of s390x", "layout")
    if it.luks.tang or it.luks.tpm2:
        find.error("cex-clevis", "a CEX key and Clevis cannot stand together", "luks")


@code(
    "luks-method-missing",
    title="Nothing opens the root volume",
    why="A device for LUKS is given, but none of tang, tpm2 and cex, so no key would open the volume at boot.",
    fix="Add tang, tpm2: true or cex to boot_device.luks, or remove device.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
    row=_STRICT,
)
@rule(BootDeviceLuks)
def luks_method(it: BootDeviceLuks, find: ButaneFindings) -> None:
    if (
        find.row.has(FCOS, since=STRICT_SINCE)
        and it.device
        and not (it.tpm2 or it.cex.enabled or any(_given(tang) for tang in it.tang))
    ):
        find.error("luks-method-missing", "a device is given, but none of tang, tpm2 and cex to open it", "luks")


def _given(tang: spec.Tang) -> bool:
    return bool(tang.url) or tang.thumbprint is not None or tang.advertisement is not None


@code(
    "mirror-devices",
    title="A mirror has one device only",
    why="A mirror keeps the same data on several disks; with a single one there is no copy.",
    fix="List at least two devices, or remove mirror.",
    wrong="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
)
@rule(BootDeviceMirror)
def mirror_devices(it: BootDeviceMirror, find: ButaneFindings) -> None:
    if len(it.devices) == 1:
        find.error("mirror-devices", "a mirror needs at least two devices", "devices")


def encrypted(it: BootDevice) -> bool:
    """True if the root filesystem is to be encrypted."""
    return bool(it.luks.tpm2 or it.luks.tang or it.luks.cex.enabled)


def boot_device_of(work: Compilation) -> BootDevice:
    config = work.config
    assert isinstance(config, Config)
    return config.boot_device


def desugar(work: Compilation, output: spec.Config) -> spec.Config:
    """`output` merged over what the boot device needs."""
    it = boot_device_of(work)
    luks = encrypted(it)
    mirror = it.mirror.devices
    if not luks and not mirror:
        return output
    from ignition_py.spec.merge import merge

    origin = Whole(work.source, ("boot_device",))
    storage: dict[str, list[Struct]] = {"filesystems": []}
    if mirror:
        _mirror(work, it, storage)
    if luks:
        storage["luks"] = [_luks(work, it)]
    device = "/dev/mapper/root" if luks else "/dev/md/md-root"
    storage["filesystems"].append(_filesystem(origin, device, "xfs", "root"))
    made = spec.Storage(origin, **{name: tuple(items) for name, items in storage.items()}, _sources=_list_sources(work))
    return merge(spec.Config(origin, storage=made), output)


def _list_sources(work: Compilation) -> dict[str, Whole]:
    """What in the text stands behind the lists themselves."""
    paths = {"disks": ("mirror", "devices"), "raid": ("mirror",), "luks": ("luks",)}
    return {name: Whole(work.source, ("boot_device", *path)) for name, path in paths.items()}


def _filesystem(origin: Whole, device: str, kind: str, label: str) -> spec.Filesystem:
    return spec.Filesystem(origin, device=device, format=kind, label=label, wipe_filesystem=True)


def _mirror(work: Compilation, it: BootDevice, storage: dict[str, list[Struct]]) -> None:
    """Every disk gets the image's partitions; boot and root of all disks become arrays."""
    first = FIRST_PARTITIONS[it.layout or "x86_64"]
    path = ("boot_device", "mirror")
    disks: list[Struct] = []
    for number, device in enumerate(it.mirror.devices, 1):
        origin = Whole(work.source, (*path, "devices", number - 1))
        parts = [
            spec.Partition(origin, label=f"{label}-{number}", size_mib=size, type_guid=guid)
            for label, size, guid in first
        ]
        parts.append(spec.Partition(origin, label=f"boot-{number}", size_mib=BOOT_MIB))
        parts.append(spec.Partition(origin, label=f"root-{number}"))
        disks.append(spec.Disk(origin, device=device, wipe_table=True, partitions=tuple(parts)))
        if ESP in first:
            storage["filesystems"].append(
                _filesystem(origin, f"/dev/disk/by-partlabel/esp-{number}", "vfat", f"esp-{number}")
            )
    storage["disks"] = disks
    origin = Whole(work.source, path)
    # The superblock of the boot array goes to its end, where a BIOS GRUB does not stumble over it.
    storage["raid"] = [
        _array(origin, "boot", len(disks)).but(options=("--metadata=1.0",)),
        _array(origin, "root", len(disks)),
    ]
    storage["filesystems"].append(_filesystem(origin, "/dev/md/md-boot", "ext4", "boot"))


def _array(origin: Whole, label: str, count: int) -> spec.Raid:
    devices = tuple(f"/dev/disk/by-partlabel/{label}-{number}" for number in range(1, count + 1))
    return spec.Raid(origin, name=f"md-{label}", level="raid1", devices=devices)


def _luks(work: Compilation, it: BootDevice) -> spec.Luks:
    path = ("boot_device", "luks")
    origin = Whole(work.source, path)
    wanted = it.luks
    if it.layout in ROOT_PARTITION:
        device = f"{wanted.device}{ROOT_PARTITION[it.layout]}"
    else:
        device = "/dev/md/md-root" if it.mirror.devices else "/dev/disk/by-partlabel/root"
    volume = spec.Luks(origin, name="root", label="luks-root", device=device, wipe_volume=True)
    if wanted.discard is not None:
        volume = volume.but(discard=wanted.discard, _sources={"discard": Whole(work.source, (*path, "discard"))})
    if wanted.cex.enabled:
        return volume.but(cex=wanted.cex)
    pins = {name: getattr(wanted, name) for name in ("tang", "threshold", "tpm2") if wanted.has(name)}
    return volume.but(clevis=spec.Clevis(wanted._origin, **pins))


def _merges(work: Compilation) -> bool:
    it = boot_device_of(work)
    return encrypted(it) or bool(it.mirror.devices)


FEATURE = Feature(section=FCOS, desugar=desugar, merges=_merges)
