"""The Butane language: what it adds to the Ignition language, every field once.

Structures derive from those of `ignition_py.spec.tables` and inherit their fields under their snake-case names; only sugar
is declared here. `since` counts minor versions of the Ignition spec (the base language 0.N goes with spec 3.(N-1)); fields
of a variant's own sections count that variant's versions (`axis`).
Field facts: the published Butane specifications.
"""

from __future__ import annotations

from ignition_py.spec import tables as spec
from ignition_py.spec.model import NEVER, Struct, field

TYPE_CHECKING = False

FCOS = "fcos"
OPENSHIFT = "openshift"


class Resource(spec.Resource):
    """Contents: fetched from a URL, written here, or read from a local file."""

    inline: str | None = field("The contents themselves.", secret=True)
    local: str | None = field("Path of a local file with the contents, below the files directory.", since=1)


class ConfigReference(spec.ConfigReference):
    """Another Ignition config, to be merged or to replace this one."""

    inline: str | None = field("The Ignition config itself.", since=1, secret=True)
    local: str | None = field("Path of a local Ignition config, below the files directory.", since=1)


class CaReference(spec.CaReference):
    """A bundle of certificate authorities (PEM)."""

    inline: str | None = field("The bundle itself.", since=1, secret=True)
    local: str | None = field("Path of a local bundle, below the files directory.", since=1)


class IgnitionConfig(spec.IgnitionConfig):
    """Other configs that belong to this one."""


class TLS(spec.TLS):
    """Settings for https."""


class Security(spec.Security):
    """Security of fetching."""


class Ignition(spec.Ignition):
    """How to fetch what this config names."""

    version: str = field("Written by the compiler.", since=NEVER)


class PasswdUser(spec.PasswdUser):
    """A user account."""

    ssh_authorized_keys_local: tuple[str, ...] = field(
        "Paths of local files with public SSH keys, a key a line.", since=4
    )


class Passwd(spec.Passwd):
    """Accounts."""


class File(spec.File):
    """A file."""


class Filesystem(spec.Filesystem):
    """A filesystem, its making and its mounting."""

    with_mount_unit: bool | None = field("Whether to write a mount unit (or swap unit) for it.", since=1)


class Luks(spec.Luks):
    """A LUKS2 volume."""


class Tree(Struct):
    """A local directory whose files, directories and symbolic links are embedded."""

    group: spec.NodeGroup = field("Group that owns what is embedded.", since=6)
    local: str = field("Path of the directory, below the files directory.", since=1, required=True)
    path: str | None = field("Where it goes in the new root (default /).", since=1)
    user: spec.NodeUser = field("User that owns what is embedded.", since=6)
    file_mode: int | None = field("Permissions of its files (default 0644, or 0755 for executable ones).", since=6)
    dir_mode: int | None = field("Permissions of its directories (default 0755).", since=6)


class Storage(spec.Storage):
    """Disks and what is on them."""

    trees: tuple[Tree, ...] = field("Local directories to embed.", since=1)


class Dropin(spec.Dropin):
    """A drop-in of a systemd unit or a quadlet."""

    contents_local: str | None = field("Path of a local file with the text, below the files directory.", since=4)


class Unit(spec.Unit):
    """A systemd unit."""

    contents_local: str | None = field("Path of a local file with the text, below the files directory.", since=4)


class Quadlet(Struct):
    """A Podman quadlet."""

    contents: str | None = field("Text of the quadlet.", since=7)
    contents_local: str | None = field("Path of a local file with the text, below the files directory.", since=7)
    name: str = field("File name of the quadlet, such as web.container.", since=7, required=True)
    rootful: bool = field("Whether root runs it (default: users do).", since=7)
    dropins: tuple[Dropin, ...] = field("Drop-ins of the quadlet.", since=7)


class Systemd(spec.Systemd):
    """systemd units and quadlets."""

    quadlets: tuple[Quadlet, ...] = field("Podman quadlets.", since=7)


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


class GrubUser(Struct):
    """A user of the boot loader."""

    name: str = field("Name of the user.", since=5, axis=FCOS, required=True)
    password_hash: str | None = field("PBKDF2 hash made by grub2-mkpasswd-pbkdf2.", since=5, axis=FCOS, secret=True)


class Grub(Struct):
    """The GRUB boot loader."""

    users: tuple[GrubUser, ...] = field("Users that may change boot entries.", since=5, axis=FCOS)


class Metadata(Struct):
    """Metadata of a MachineConfig. `labels` maps strings to strings."""

    name: str = field("Name of the MachineConfig.", since=8, axis=OPENSHIFT, required=True)
    labels: dict[str, str] = field("Labels; machineconfiguration.openshift.io/role is needed.", since=8, axis=OPENSHIFT)


class OpenShift(Struct):
    """What a MachineConfig has besides the Ignition config."""

    kernel_arguments: tuple[str, ...] = field("Arguments of the kernel's command line.", since=8, axis=OPENSHIFT)
    extensions: tuple[str, ...] = field("RHCOS extensions to install.", since=8, axis=OPENSHIFT)
    fips: bool | None = field("Whether to run in FIPS mode.", since=8, axis=OPENSHIFT)
    kernel_type: str | None = field("Kernel: default or realtime.", since=8, axis=OPENSHIFT)


class Config(spec.Config):
    """A Butane config."""

    if TYPE_CHECKING:  # inherited fields, bound to the structures of this module
        passwd: Passwd
        storage: Storage
        systemd: Systemd

    variant: str = field("Which operating system the config is for.", required=True)
    version: str = field("Version of the variant's specification.", required=True)
    ignition: Ignition = field("How to fetch what this config names.")
    boot_device: BootDevice = field("The disk that the system boots from.", since=3, axis=FCOS)
    grub: Grub = field("The GRUB boot loader.", since=5, axis=FCOS)
    metadata: Metadata = field("Metadata of the MachineConfig.", since=8, axis=OPENSHIFT)
    openshift: OpenShift = field("What the MachineConfig has besides the Ignition config.", since=8, axis=OPENSHIFT)
