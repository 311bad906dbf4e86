"""The Ignition language: every field once, in the order it is written, with the minor version of 3.x it came in.

The decoder, the encoder, merging, the JSON Schemas and the docs of the language all read this table; nothing else knows
what fields there are. `VERSIONS` is the list of spec versions; adding one is a row there and `since=` on its new fields.
Field facts: the published Ignition specifications 3.0 to 3.7-experimental.
"""

from __future__ import annotations

from ignition_py.spec.model import Struct, field

# Exact version text -> minor number. An experimental version is known by its exact name only.
VERSIONS: dict[str, int] = {
    "3.0.0": 0,
    "3.1.0": 1,
    "3.2.0": 2,
    "3.3.0": 3,
    "3.4.0": 4,
    "3.5.0": 5,
    "3.6.0": 6,
    "3.7.0-experimental": 7,
}


def latest() -> str:
    """The newest version, the one everything is upgraded to."""
    return max(VERSIONS, key=VERSIONS.__getitem__)


class Verification(Struct):
    """How to check that fetched contents are the ones that were meant."""

    hash: str | None = field(
        "Expected digest of the (decompressed) contents: `sha256-` or `sha512-` and the hexadecimal sum."
    )


class HTTPHeader(Struct):
    """A header sent with an HTTP request."""

    name: str = field("Name of the header.", since=1, required=True)
    value: str | None = field(
        "Value of the header. Left out, the header inherited from a parent config is removed.", since=1, secret=True
    )

    def key(self) -> str | None:
        return self.name


class Resource(Struct):
    """Contents that are fetched from somewhere."""

    compression: str | None = field("Compression of the contents: `gzip`, or empty for none.", enum=("", "gzip"))
    http_headers: tuple[HTTPHeader, ...] = field("Headers for http and https requests.", since=1)
    source: str | None = field("URL of the contents. A `data:` URL carries them itself.", secret=True)
    verification: Verification = field("How to check the contents.")

    def key(self) -> str | None:
        return self.source or ""


class ConfigReference(Resource):
    """Another config, to be merged or to replace this one."""

    compression: str | None = field("Compression of the config: `gzip`, or empty for none.", since=1, enum=("", "gzip"))
    http_headers: tuple[HTTPHeader, ...] = field("Headers for http and https requests.", since=1)
    source: str | None = field("URL of the config.", secret=True)
    verification: Verification = field("How to check the config.")


class CaReference(Resource):
    """A bundle of certificate authorities (PEM)."""

    compression: str | None = field("Compression of the bundle: `gzip`, or empty for none.", since=1, enum=("", "gzip"))
    http_headers: tuple[HTTPHeader, ...] = field("Headers for http and https requests.", since=1)
    source: str | None = field("URL of the bundle.", secret=True, required=(0, 1))
    verification: Verification = field("How to check the bundle.")


class IgnitionConfig(Struct):
    """Other configs that belong to this one."""

    merge: tuple[ConfigReference, ...] = field("Configs to merge into this one, in order.")
    replace: ConfigReference = field("A config to use instead of this one.")


class Proxy(Struct):
    """Proxies for fetching."""

    http_proxy: str | None = field(
        "Proxy URL for http requests (and https, where `https_proxy` is not given).", since=1, secret=True
    )
    https_proxy: str | None = field("Proxy URL for https requests.", since=1, secret=True)
    no_proxy: tuple[str, ...] = field("Hosts, domains or CIDR ranges that are reached without a proxy.", since=1)


class TLS(Struct):
    """Settings for https."""

    certificate_authorities: tuple[CaReference, ...] = field("Certificate authorities to trust besides the system's.")


class Security(Struct):
    """Security of fetching."""

    tls: TLS = field("Settings for https.")


class Timeouts(Struct):
    """Time limits of fetching, in seconds."""

    http_response_headers: int | None = field("Seconds to wait for the headers of an answer (default 10).")
    http_total: int | None = field("Seconds for a whole request with its retries; 0 is no limit (default).")


class Ignition(Struct):
    """About the config itself and how to fetch what it names."""

    config: IgnitionConfig = field("Other configs that belong to this one.")
    proxy: Proxy = field("Proxies for fetching.", since=1)
    security: Security = field("Security of fetching.")
    timeouts: Timeouts = field("Time limits of fetching.")
    version: str = field("Version of the specification that the config is written in.", required=True)


class KernelArguments(Struct):
    """Arguments of the kernel's command line."""

    should_exist: tuple[str, ...] = field("Arguments that are to be there.", since=3, namespace="argument")
    should_not_exist: tuple[str, ...] = field("Arguments that are not to be there.", since=3, namespace="argument")


class PasswdGroup(Struct):
    """A group."""

    gid: int | None = field("Group id.")
    name: str = field("Name of the group.", required=True)
    password_hash: str | None = field("Hashed password of the group.", secret=True)
    should_exist: bool | None = field("Whether the group is to exist (default true).", since=2)
    system: bool | None = field("Whether to make it a system group.")

    def key(self) -> str | None:
        return self.name


class PasswdUser(Struct):
    """A user account."""

    gecos: str | None = field("GECOS field (full name).")
    groups: tuple[str, ...] = field("Supplementary groups.")
    home_dir: str | None = field("Home directory.")
    name: str = field("Login name.", required=True)
    no_create_home: bool | None = field("Whether to leave the home directory unmade.")
    no_log_init: bool | None = field("Whether to leave the user out of the lastlog and faillog databases.")
    no_user_group: bool | None = field("Whether to make no group of the user's name.")
    password_hash: str | None = field("Hashed password, as in /etc/shadow.", secret=True)
    primary_group: str | None = field("Name of the primary group.")
    ssh_authorized_keys: tuple[str, ...] = field("Public SSH keys that may log in.")
    shell: str | None = field("Login shell.")
    should_exist: bool | None = field("Whether the user is to exist (default true).", since=2)
    system: bool | None = field("Whether to make it a system account.")
    uid: int | None = field("User id.")

    def key(self) -> str | None:
        return self.name


class Passwd(Struct):
    """Accounts."""

    groups: tuple[PasswdGroup, ...] = field("Groups.")
    users: tuple[PasswdUser, ...] = field("Users.")


class NodeGroup(Struct):
    """The group that owns a node: by id or by name."""

    id: int | None = field("Group id.")
    name: str | None = field("Group name.")


class NodeUser(Struct):
    """The user that owns a node: by id or by name."""

    id: int | None = field("User id.")
    name: str | None = field("User name.")


class Node(Struct):
    """What files, directories and links share. They live in one namespace of paths."""

    group: NodeGroup = field("Group that owns it.")
    overwrite: bool | None = field("Whether to replace what is at the path already.")
    path: str = field("Absolute path.", required=True)
    user: NodeUser = field("User that owns it.")

    def key(self) -> str | None:
        return self.path


class Directory(Node):
    """A directory."""

    mode: int | None = field("Permissions (default 0755). Decimal in JSON.")


class File(Node):
    """A file."""

    append: tuple[Resource, ...] = field("Contents to append, in order.", appended=True)
    contents: Resource = field("Contents of the file.")
    mode: int | None = field("Permissions (default 0644). Decimal in JSON.")


class Link(Node):
    """A symbolic or hard link."""

    hard: bool | None = field("Whether to make a hard link (default: symbolic).")
    target: str | None = field("What the link points to.", required=(0, 3))


class Partition(Struct):
    """An entry of a GUID partition table."""

    guid: str | None = field("GUID of the partition.")
    label: str | None = field("Name of the partition (up to 36 characters).")
    number: int = field("Number of the partition in the table; 0 is the next free one.")
    resize: bool | None = field("Whether an existing partition may be resized when only its size differs.", since=2)
    should_exist: bool | None = field("Whether the partition is to exist (default true).")
    size_mib: int | None = field("Size in MiB; 0 is as large as possible.")
    start_mib: int | None = field("Start in MiB from the start of the disk; 0 is the start of the largest free block.")
    type_guid: str | None = field("Type GUID of the partition (default: Linux filesystem data).")
    wipe_partition_entry: bool | None = field("Whether a partition that does not match may be deleted and made again.")

    def key(self) -> str | None:
        if self.number:
            return f"number:{self.number}"
        return "" if self.label is None else f"label:{self.label}"


class Disk(Struct):
    """A disk with a GUID partition table."""

    device: str = field("Absolute path of the device.", required=True)
    partitions: tuple[Partition, ...] = field("Partitions of the disk.")
    wipe_table: bool | None = field("Whether to make a new, empty partition table first.")

    def key(self) -> str | None:
        return self.device


class Filesystem(Struct):
    """A filesystem, its making and its mounting during provisioning."""

    device: str = field("Absolute path of the device (or the tag, for virtiofs).", required=True)
    format: str | None = field("Format: ext4, btrfs, xfs, vfat, swap, by version also none and virtiofs.")
    label: str | None = field("Label of the filesystem.")
    mount_options: tuple[str, ...] = field("Options for mount(8) while provisioning.", since=1, appended=True)
    options: tuple[str, ...] = field("More options for mkfs.", appended=True)
    path: str | None = field("Mount point while files are written, relative to the new root.")
    uuid: str | None = field("UUID of the filesystem.")
    wipe_filesystem: bool | None = field("Whether to make the filesystem even where one is already.")

    def key(self) -> str | None:
        return self.device


class Tang(Struct):
    """A Tang server."""

    advertisement: str | None = field(
        "Advertisement (JSON) to trust; without it, it is fetched from the server.", since=4
    )
    thumbprint: str | None = field("Thumbprint of the server's signing key.", since=2)
    url: str = field("URL of the server.", since=2, secret=True)

    def key(self) -> str | None:
        return self.url


class ClevisCustom(Struct):
    """A Clevis pin with its own configuration."""

    config: str | None = field("Configuration of the pin (JSON).", since=2, required=(2, 3), secret=True)
    needs_network: bool | None = field("Whether the device needs the network to be opened.", since=2)
    pin: str | None = field("Name of the pin.", since=2, required=(2, 3))


class Clevis(Struct):
    """How Clevis opens a LUKS device without a passphrase."""

    custom: ClevisCustom = field("A pin with its own configuration.", since=2, nullable=(2, 3))
    tang: tuple[Tang, ...] = field("Tang servers.", since=2)
    threshold: int | None = field("How many of the pins are needed (default 1).", since=2)
    tpm2: bool | None = field("Whether to bind to the machine's TPM 2.0.", since=2)


class Cex(Struct):
    """IBM Crypto Express cards."""

    enabled: bool | None = field("Whether to use a CEX secure key.", since=5)


class Luks(Struct):
    """A LUKS2 volume."""

    cex: Cex = field("IBM Crypto Express card.", since=5)
    clevis: Clevis = field("Opening by Clevis.", since=2, nullable=(2, 3))
    device: str | None = field("Absolute path of the device.", since=2)
    discard: bool | None = field("Whether to let discards through.", since=4)
    key_file: Resource = field("Key of the volume; generated where it is left out.", since=2)
    label: str | None = field("Label of the volume.", since=2)
    name: str = field("Name below /dev/mapper.", since=2, required=True)
    open_options: tuple[str, ...] = field(
        "More options for `cryptsetup luksOpen`, made persistent where possible.", since=4
    )
    options: tuple[str, ...] = field("More options for `cryptsetup luksFormat`.", since=2, appended=True)
    uuid: str | None = field("UUID of the volume.", since=2)
    wipe_volume: bool | None = field("Whether to make the volume even where one is already.", since=2)

    def key(self) -> str | None:
        return self.name


class Raid(Struct):
    """A Linux software RAID."""

    devices: tuple[str, ...] = field("Devices of the array.", required=(0, 3))
    level: str | None = field(
        "Level: linear, raid0, raid1, raid4, raid5, raid6, raid10 and their short names.", required=(0, 3)
    )
    name: str = field("Name below /dev/md.", required=True)
    options: tuple[str, ...] = field("More options for mdadm.", appended=True)
    spares: int | None = field("Number of spare devices.")

    def key(self) -> str | None:
        return self.name


class Storage(Struct):
    """Disks and what is on them."""

    directories: tuple[Directory, ...] = field("Directories.", namespace="node")
    disks: tuple[Disk, ...] = field("Disks.")
    files: tuple[File, ...] = field("Files.", namespace="node")
    filesystems: tuple[Filesystem, ...] = field("Filesystems.")
    links: tuple[Link, ...] = field("Links.", namespace="node")
    luks: tuple[Luks, ...] = field("LUKS volumes.", since=2)
    raid: tuple[Raid, ...] = field("RAID arrays.")


class Dropin(Struct):
    """A drop-in of a systemd unit."""

    contents: str | None = field("Text of the drop-in.")
    name: str = field("File name of the drop-in, ending in .conf.", required=True)

    def key(self) -> str | None:
        return self.name


class Unit(Struct):
    """A systemd unit."""

    contents: str | None = field("Text of the unit.")
    dropins: tuple[Dropin, ...] = field("Drop-ins of the unit.")
    enabled: bool | None = field("Whether to enable (true) or disable (false) the unit.")
    mask: bool | None = field("Whether to mask the unit.")
    name: str = field("Name of the unit with its type suffix.", required=True)

    def key(self) -> str | None:
        return self.name


class Systemd(Struct):
    """systemd units."""

    units: tuple[Unit, ...] = field("Units.")


class Config(Struct):
    """An Ignition config."""

    ignition: Ignition = field("About the config itself.", required=True)
    kernel_arguments: KernelArguments = field("Kernel arguments.", since=3)
    passwd: Passwd = field("Users and groups.")
    storage: Storage = field("Disks, filesystems, files.")
    systemd: Systemd = field("systemd units.")
