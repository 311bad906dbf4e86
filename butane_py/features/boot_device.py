"""`boot_device`: a mirrored and/or encrypted boot disk becomes disks, RAID arrays, a LUKS volume and filesystems.

The partitions replicate those of the Fedora CoreOS image (its create_disk.sh): none may be smaller than there, and the
first two must start where the image's do.
"""

from __future__ import annotations

from butane_py.yaml.source import Whole
from ignition_py.spec import tables as spec
from ignition_py.spec.merge import merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py import tables
    from butane_py.compilation import Compilation
    from ignition_py.spec.model import Struct

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


def add_boot_device(work: Compilation, config: spec.Config, it: tables.BootDevice) -> spec.Config:
    """`config` merged over what the boot device needs."""
    luks = bool(it.luks.tpm2 or it.luks.tang or it.luks.cex.enabled)
    mirror = it.mirror.devices
    if not luks and not mirror:
        return config
    origin = Whole(work.source, ("boot_device",))
    storage: dict[str, list[Struct]] = {"filesystems": []}
    if mirror:
        _mirror(work, it, storage)
    if luks:
        storage["luks"] = [_luks(work, it)]
    device = "/dev/mapper/root" if luks else "/dev/md/md-root"
    storage["filesystems"].append(_filesystem(origin, device, "xfs", "root"))
    made = spec.Storage(origin, **{name: tuple(items) for name, items in storage.items()}, _sources=_list_sources(work))
    work.merged = True
    return merge(spec.Config(origin, storage=made), config)


def _list_sources(work: Compilation) -> dict[str, Whole]:
    """What in the text stands behind the lists themselves."""
    paths = {"disks": ("mirror", "devices"), "raid": ("mirror",), "luks": ("luks",)}
    return {name: Whole(work.source, ("boot_device", *path)) for name, path in paths.items()}


def _filesystem(origin: Whole, device: str, kind: str, label: str) -> spec.Filesystem:
    return spec.Filesystem(origin, device=device, format=kind, label=label, wipe_filesystem=True)


def _mirror(work: Compilation, it: tables.BootDevice, storage: dict[str, list[Struct]]) -> None:
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


def _luks(work: Compilation, it: tables.BootDevice) -> spec.Luks:
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
