"""What type checkers know of butane_py.config. Written by tools/builders.py from the tables; do not edit."""

from typing import Any, dataclass_transform

@dataclass_transform(kw_only_default=True)
class Builder:
    def to_data(self) -> dict[str, Any]: ...

class BootDevice(Builder):
    layout: str | None = None
    luks: BootDeviceLuks | None = None
    mirror: BootDeviceMirror | None = None

class BootDeviceLuks(Builder):
    cex: Cex | None = None
    discard: bool | None = None
    device: str | None = None
    tang: list[Tang] | tuple[Tang, ...] | None = None
    threshold: int | None = None
    tpm2: bool | None = None

class BootDeviceMirror(Builder):
    devices: list[str] | tuple[str, ...] | None = None

class CaCertificate(Builder):
    name: str
    inline: str | None = None
    local: str | None = None

class CaReference(Builder):
    compression: str | None = None
    http_headers: list[HTTPHeader] | tuple[HTTPHeader, ...] | None = None
    source: str | None = None
    verification: Verification | None = None
    inline: str | None = None
    local: str | None = None

class Cex(Builder):
    enabled: bool | None = None

class Clevis(Builder):
    custom: ClevisCustom | None = None
    tang: list[Tang] | tuple[Tang, ...] | None = None
    threshold: int | None = None
    tpm2: bool | None = None

class ClevisCustom(Builder):
    config: str | None = None
    needs_network: bool | None = None
    pin: str | None = None

class Config(Builder):
    kernel_arguments: KernelArguments | None = None
    passwd: Passwd | None = None
    storage: Storage | None = None
    systemd: Systemd | None = None
    variant: str
    version: str
    ignition: Ignition | None = None
    boot_device: BootDevice | None = None
    grub: Grub | None = None
    metadata: Metadata | None = None
    openshift: OpenShift | None = None
    machine: Machine | None = None
    targets: dict[str, Any] | None = None

class ConfigReference(Builder):
    compression: str | None = None
    http_headers: list[HTTPHeader] | tuple[HTTPHeader, ...] | None = None
    source: str | None = None
    verification: Verification | None = None
    inline: str | None = None
    local: str | None = None

class Directory(Builder):
    group: NodeGroup | None = None
    overwrite: bool | None = None
    path: str
    user: NodeUser | None = None
    mode: int | None = None

class Disk(Builder):
    device: str
    partitions: list[Partition] | tuple[Partition, ...] | None = None
    wipe_table: bool | None = None

class Dropin(Builder):
    contents: str | None = None
    name: str
    contents_local: str | None = None

class File(Builder):
    group: NodeGroup | None = None
    overwrite: bool | None = None
    path: str
    user: NodeUser | None = None
    append: list[Resource] | tuple[Resource, ...] | None = None
    contents: Resource | None = None
    mode: int | None = None

class Filesystem(Builder):
    device: str
    format: str | None = None
    label: str | None = None
    mount_options: list[str] | tuple[str, ...] | None = None
    options: list[str] | tuple[str, ...] | None = None
    path: str | None = None
    uuid: str | None = None
    wipe_filesystem: bool | None = None
    with_mount_unit: bool | None = None

class Grub(Builder):
    users: list[GrubUser] | tuple[GrubUser, ...] | None = None

class GrubUser(Builder):
    name: str
    password_hash: str | None = None

class HTTPHeader(Builder):
    name: str
    value: str | None = None

class Ignition(Builder):
    config: IgnitionConfig | None = None
    proxy: Proxy | None = None
    security: Security | None = None
    timeouts: Timeouts | None = None

class IgnitionConfig(Builder):
    merge: list[ConfigReference] | tuple[ConfigReference, ...] | None = None
    replace: ConfigReference | None = None

class KernelArguments(Builder):
    should_exist: list[str] | tuple[str, ...] | None = None
    should_not_exist: list[str] | tuple[str, ...] | None = None

class KernelModule(Builder):
    name: str
    parameters: list[str] | tuple[str, ...] | None = None
    blocked: bool | None = None

class Link(Builder):
    group: NodeGroup | None = None
    overwrite: bool | None = None
    path: str
    user: NodeUser | None = None
    hard: bool | None = None
    target: str | None = None

class Luks(Builder):
    cex: Cex | None = None
    clevis: Clevis | None = None
    device: str | None = None
    discard: bool | None = None
    key_file: Resource | None = None
    label: str | None = None
    name: str
    open_options: list[str] | tuple[str, ...] | None = None
    options: list[str] | tuple[str, ...] | None = None
    uuid: str | None = None
    wipe_volume: bool | None = None

class Machine(Builder):
    hostname: str | None = None
    timezone: str | None = None
    time_servers: list[str] | tuple[str, ...] | None = None
    sysctl: dict[str, str] | None = None
    kernel_modules: list[KernelModule] | tuple[KernelModule, ...] | None = None
    ca_certificates: list[CaCertificate] | tuple[CaCertificate, ...] | None = None
    proxy: SystemProxy | None = None
    registry_mirrors: list[RegistryMirror] | tuple[RegistryMirror, ...] | None = None

class Metadata(Builder):
    name: str
    labels: dict[str, str] | None = None

class NodeGroup(Builder):
    id: int | None = None
    name: str | None = None

class NodeUser(Builder):
    id: int | None = None
    name: str | None = None

class OpenShift(Builder):
    kernel_arguments: list[str] | tuple[str, ...] | None = None
    extensions: list[str] | tuple[str, ...] | None = None
    fips: bool | None = None
    kernel_type: str | None = None

class Partition(Builder):
    guid: str | None = None
    label: str | None = None
    number: int | None = None
    resize: bool | None = None
    should_exist: bool | None = None
    size_mib: int | None = None
    start_mib: int | None = None
    type_guid: str | None = None
    wipe_partition_entry: bool | None = None

class Passwd(Builder):
    groups: list[PasswdGroup] | tuple[PasswdGroup, ...] | None = None
    users: list[PasswdUser] | tuple[PasswdUser, ...] | None = None

class PasswdGroup(Builder):
    gid: int | None = None
    name: str
    password_hash: str | None = None
    should_exist: bool | None = None
    system: bool | None = None

class PasswdUser(Builder):
    gecos: str | None = None
    groups: list[str] | tuple[str, ...] | None = None
    home_dir: str | None = None
    name: str
    no_create_home: bool | None = None
    no_log_init: bool | None = None
    no_user_group: bool | None = None
    password_hash: str | None = None
    primary_group: str | None = None
    ssh_authorized_keys: list[str] | tuple[str, ...] | None = None
    shell: str | None = None
    should_exist: bool | None = None
    system: bool | None = None
    uid: int | None = None
    ssh_authorized_keys_local: list[str] | tuple[str, ...] | None = None
    admin: bool | None = None

class Proxy(Builder):
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: list[str] | tuple[str, ...] | None = None

class Quadlet(Builder):
    contents: str | None = None
    contents_local: str | None = None
    name: str
    rootful: bool | None = None
    dropins: list[Dropin] | tuple[Dropin, ...] | None = None

class Raid(Builder):
    devices: list[str] | tuple[str, ...] | None = None
    level: str | None = None
    name: str
    options: list[str] | tuple[str, ...] | None = None
    spares: int | None = None

class RegistryMirror(Builder):
    registry: str
    endpoints: list[str] | tuple[str, ...] | None = None
    skip_fallback: bool | None = None

class Resource(Builder):
    compression: str | None = None
    http_headers: list[HTTPHeader] | tuple[HTTPHeader, ...] | None = None
    source: str | None = None
    verification: Verification | None = None
    inline: str | None = None
    local: str | None = None

class Security(Builder):
    tls: TLS | None = None

class Storage(Builder):
    directories: list[Directory] | tuple[Directory, ...] | None = None
    disks: list[Disk] | tuple[Disk, ...] | None = None
    files: list[File] | tuple[File, ...] | None = None
    filesystems: list[Filesystem] | tuple[Filesystem, ...] | None = None
    links: list[Link] | tuple[Link, ...] | None = None
    luks: list[Luks] | tuple[Luks, ...] | None = None
    raid: list[Raid] | tuple[Raid, ...] | None = None
    trees: list[Tree] | tuple[Tree, ...] | None = None

class SystemProxy(Builder):
    http: str | None = None
    https: str | None = None
    no_proxy: list[str] | tuple[str, ...] | None = None

class Systemd(Builder):
    units: list[Unit] | tuple[Unit, ...] | None = None
    quadlets: list[Quadlet] | tuple[Quadlet, ...] | None = None

class TLS(Builder):
    certificate_authorities: list[CaReference] | tuple[CaReference, ...] | None = None

class Tang(Builder):
    advertisement: str | None = None
    thumbprint: str | None = None
    url: str | None = None

class Timeouts(Builder):
    http_response_headers: int | None = None
    http_total: int | None = None

class Tree(Builder):
    group: NodeGroup | None = None
    local: str
    path: str | None = None
    user: NodeUser | None = None
    file_mode: int | None = None
    dir_mode: int | None = None

class Unit(Builder):
    contents: str | None = None
    dropins: list[Dropin] | tuple[Dropin, ...] | None = None
    enabled: bool | None = None
    mask: bool | None = None
    name: str
    contents_local: str | None = None

class Verification(Builder):
    hash: str | None = None
