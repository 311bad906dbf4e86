"""The neutral fields: what a config can say, a row each, and where a plan says it. Every target has a cell for every row.

A field below another (`files.append` below `files`) is only looked at where the target takes the one above.
"""

from __future__ import annotations

from butane_py.decompiler.unpack import contents_of
from ignition_py.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from butane_py.targets.plan import Fact, Plan
    from ignition_py.report.diag import Place
    from ignition_py.spec.tables import Node, Resource

    Uses = Callable[[Plan], Iterator["Use"]]

SPECIAL_BITS = 0o7000


class Use(Record):
    """One place where a config says a field, and what `skip` would name to leave it out."""

    place: Place
    skip: str


class Neutral(Record):
    """One neutral field: its name, what it is, and its uses in a plan."""

    name: str
    title: str
    uses: Uses

    @property
    def above(self) -> str:
        """The name of the field that this one is a part of, "" for none."""
        return self.name.rpartition(".")[0]


FIELDS: dict[str, Neutral] = {}


def neutral(name: str, title: str) -> Callable[[Uses], Uses]:
    """Adds a row to FIELDS."""

    def register(uses: Uses) -> Uses:
        FIELDS[name] = Neutral(name, title, uses)
        return uses

    return register


def skip_of(fact: Fact, name: str) -> str:
    """What `skip` would name to leave a fact out: the file it was lifted from, or its place in the section `machine`."""
    return fact.lifted or f"machine.{name}"


def is_remote(resource: Resource) -> bool:
    """True for contents that the machine itself would have to fetch."""
    return bool(resource.source) and not str(resource.source).lower().startswith("data:")


def is_text(data: bytes) -> bool:
    """True for contents that are UTF-8 without NUL."""
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@neutral("hostname", "host name")
def _hostname(plan: Plan) -> Iterator[Use]:
    if plan.facts.hostname:
        yield Use(plan.facts.hostname.place, skip_of(plan.facts.hostname, "hostname"))


@neutral("timezone", "time zone")
def _timezone(plan: Plan) -> Iterator[Use]:
    if plan.facts.timezone:
        yield Use(plan.facts.timezone.place, skip_of(plan.facts.timezone, "timezone"))


@neutral("time_servers", "time servers")
def _time_servers(plan: Plan) -> Iterator[Use]:
    yield from (Use(fact.place, skip_of(fact, "time_servers")) for fact in plan.facts.time_servers)


@neutral("sysctl", "kernel parameters (sysctl)")
def _sysctl(plan: Plan) -> Iterator[Use]:
    yield from (Use(fact.place, skip_of(fact, f"sysctl.{fact.key}")) for fact in plan.facts.sysctl)


@neutral("kernel_modules", "kernel modules to load")
def _modules(plan: Plan) -> Iterator[Use]:
    for fact in plan.facts.modules:
        if fact.loaded and not fact.blocked:
            yield Use(fact.place, skip_of(fact, f"kernel_modules.{fact.name}"))


@neutral("module_parameters", "parameters of kernel modules")
def _parameters(plan: Plan) -> Iterator[Use]:
    yield from (
        Use(fact.place, skip_of(fact, f"kernel_modules.{fact.name}")) for fact in plan.facts.modules if fact.parameters
    )


@neutral("blocked_modules", "kernel modules to block")
def _blocked(plan: Plan) -> Iterator[Use]:
    yield from (
        Use(fact.place, skip_of(fact, f"kernel_modules.{fact.name}")) for fact in plan.facts.modules if fact.blocked
    )


@neutral("ca_certificates", "certificate authorities")
def _certificates(plan: Plan) -> Iterator[Use]:
    yield from (Use(fact.place, skip_of(fact, f"ca_certificates.{fact.name}")) for fact in plan.facts.certificates)


@neutral("proxy", "proxy of the system")
def _proxy(plan: Plan) -> Iterator[Use]:
    if plan.facts.proxy:
        yield Use(plan.facts.proxy.place, skip_of(plan.facts.proxy, "proxy"))


@neutral("registry_mirrors", "mirrors of registries")
def _mirrors(plan: Plan) -> Iterator[Use]:
    yield from (Use(fact.place, skip_of(fact, f"registry_mirrors.{fact.registry}")) for fact in plan.facts.mirrors)


@neutral("kernel_arguments", "kernel arguments")
def _arguments(plan: Plan) -> Iterator[Use]:
    for index, argument in enumerate(plan.config.kernel_arguments.should_exist):
        yield Use(plan.place("kernel_arguments", "should_exist", index), f"kernel_arguments.should_exist.{argument}")


@neutral("absent_kernel_arguments", "kernel arguments to remove")
def _absent_arguments(plan: Plan) -> Iterator[Use]:
    for index, argument in enumerate(plan.config.kernel_arguments.should_not_exist):
        yield Use(
            plan.place("kernel_arguments", "should_not_exist", index), f"kernel_arguments.should_not_exist.{argument}"
        )


@neutral("users", "users")
def _users(plan: Plan) -> Iterator[Use]:
    return _of_users(plan, "")


@neutral("users.keys", "SSH keys of users")
def _keys(plan: Plan) -> Iterator[Use]:
    return _of_users(plan, "ssh_authorized_keys")


@neutral("users.password", "password hashes")
def _passwords(plan: Plan) -> Iterator[Use]:
    return _of_users(plan, "password_hash")


@neutral("users.groups", "groups of users")
def _user_groups(plan: Plan) -> Iterator[Use]:
    return _of_users(plan, "groups")


@neutral("users.uid", "ids of users")
def _uids(plan: Plan) -> Iterator[Use]:
    return _of_users(plan, "uid")


@neutral("users.admin", "users that may become root")
def _admins(plan: Plan) -> Iterator[Use]:
    yield from (Use(fact.place, f"passwd.users.{fact.name}.admin") for fact in plan.facts.admins)


@neutral("users.absent", "users to remove")
def _absent_users(plan: Plan) -> Iterator[Use]:
    for index, user in enumerate(plan.config.passwd.users):
        if user.should_exist is False:
            yield Use(plan.place("passwd", "users", index, "should_exist"), f"passwd.users.{user.name}")


def _of_users(plan: Plan, name: str) -> Iterator[Use]:
    """Uses of a field of users; without a name the users themselves."""
    for index, user in enumerate(plan.config.passwd.users):
        value = getattr(user, name) if name else True
        if value or (name == "uid" and value is not None):
            yield Use(
                plan.place("passwd", "users", index, *([name] if name else [])),
                ".".join(["passwd.users", user.name, *([name] if name else [])]),
            )


@neutral("groups", "groups")
def _groups(plan: Plan) -> Iterator[Use]:
    for index, group in enumerate(plan.config.passwd.groups):
        yield Use(plan.place("passwd", "groups", index), f"passwd.groups.{group.name}")


@neutral("groups.gid", "ids of groups")
def _gids(plan: Plan) -> Iterator[Use]:
    for index, group in enumerate(plan.config.passwd.groups):
        if group.gid is not None:
            yield Use(plan.place("passwd", "groups", index, "gid"), f"passwd.groups.{group.name}.gid")


@neutral("groups.password", "passwords of groups")
def _group_passwords(plan: Plan) -> Iterator[Use]:
    for index, group in enumerate(plan.config.passwd.groups):
        if group.password_hash:
            yield Use(
                plan.place("passwd", "groups", index, "password_hash"), f"passwd.groups.{group.name}.password_hash"
            )


@neutral("groups.absent", "groups to remove")
def _absent_groups(plan: Plan) -> Iterator[Use]:
    for index, group in enumerate(plan.config.passwd.groups):
        if group.should_exist is False:
            yield Use(plan.place("passwd", "groups", index, "should_exist"), f"passwd.groups.{group.name}")


@neutral("files", "files")
def _files(plan: Plan) -> Iterator[Use]:
    for index, file in enumerate(plan.config.storage.files):
        yield Use(plan.place("storage", "files", index), f"storage.files.{file.path}")


@neutral("files.binary", "files that are not text")
def _binary(plan: Plan) -> Iterator[Use]:
    for index, file in enumerate(plan.config.storage.files):
        for at, resource in [("contents", file.contents), *(("append", each) for each in file.append)]:
            data = contents_of(resource)
            if data is not None and not is_text(data):
                yield Use(plan.place("storage", "files", index, at), f"storage.files.{file.path}")


@neutral("files.owner", "owners of files")
def _owners(plan: Plan) -> Iterator[Use]:
    return _node_owners(plan, "files")


@neutral("files.special_bits", "set-id and sticky bits of files")
def _special(plan: Plan) -> Iterator[Use]:
    return _special_bits(plan, "files")


@neutral("files.remote", "files that the machine fetches")
def _remote(plan: Plan) -> Iterator[Use]:
    return _of_resources(plan, lambda resource: "source" if is_remote(resource) else "")


@neutral("files.remote.verification", "digests of fetched files")
def _verification(plan: Plan) -> Iterator[Use]:
    return _of_resources(
        plan, lambda resource: "verification" if is_remote(resource) and resource.verification.hash else ""
    )


@neutral("files.remote.unverified", "fetched files without a digest")
def _unverified(plan: Plan) -> Iterator[Use]:
    return _of_resources(
        plan, lambda resource: "source" if is_remote(resource) and not resource.verification.hash else ""
    )


@neutral("files.remote.compression", "fetched files that are gzip")
def _compression(plan: Plan) -> Iterator[Use]:
    return _of_resources(plan, lambda resource: "compression" if is_remote(resource) and resource.compression else "")


@neutral("files.remote.headers", "HTTP headers of fetched files")
def _headers(plan: Plan) -> Iterator[Use]:
    return _of_resources(plan, lambda resource: "http_headers" if is_remote(resource) and resource.http_headers else "")


def _of_resources(plan: Plan, uses: Callable[[Resource], str]) -> Iterator[Use]:
    """Uses in the contents of files; `uses` gives the field of a resource, "" where it does not use it."""
    for index, file in enumerate(plan.config.storage.files):
        if name := uses(file.contents):
            yield Use(plan.place("storage", "files", index, "contents", name), f"storage.files.{file.path}")
        for number, resource in enumerate(file.append):
            if name := uses(resource):
                yield Use(plan.place("storage", "files", index, "append", number, name), f"storage.files.{file.path}")


@neutral("files.append", "appending to files")
def _append(plan: Plan) -> Iterator[Use]:
    for index, file in enumerate(plan.config.storage.files):
        if file.append:
            yield Use(plan.place("storage", "files", index, "append"), f"storage.files.{file.path}")


@neutral("directories", "directories")
def _directories(plan: Plan) -> Iterator[Use]:
    for index, directory in enumerate(plan.config.storage.directories):
        yield Use(plan.place("storage", "directories", index), f"storage.directories.{directory.path}")


@neutral("links", "symbolic links")
def _links(plan: Plan) -> Iterator[Use]:
    for index, link in enumerate(plan.config.storage.links):
        if not link.hard:
            yield Use(plan.place("storage", "links", index), f"storage.links.{link.path}")


@neutral("hard_links", "hard links")
def _hard_links(plan: Plan) -> Iterator[Use]:
    for index, link in enumerate(plan.config.storage.links):
        if link.hard:
            yield Use(plan.place("storage", "links", index), f"storage.links.{link.path}")


def _node_owners(plan: Plan, kind: str) -> Iterator[Use]:
    """Nodes whose owner is not root."""
    nodes: tuple[Node, ...] = getattr(plan.config.storage, kind)
    for index, node in enumerate(nodes):
        for name in ("user", "group"):
            owner = getattr(node, name)
            if (owner.id or 0) != 0 or owner.name not in (None, "", "root"):
                yield Use(plan.place("storage", kind, index, name), f"storage.{kind}.{node.path}.{name}")


def _special_bits(plan: Plan, kind: str) -> Iterator[Use]:
    for index, node in enumerate(getattr(plan.config.storage, kind)):
        if (node.mode or 0) & SPECIAL_BITS:
            yield Use(plan.place("storage", kind, index, "mode"), f"storage.{kind}.{node.path}")


@neutral("units", "systemd units")
def _units(plan: Plan) -> Iterator[Use]:
    for index, unit in enumerate(plan.config.systemd.units):
        if unit.contents:
            yield Use(plan.place("systemd", "units", index), f"systemd.units.{unit.name}")


@neutral("units_by_name", "enabling or disabling units of the image")
def _by_name(plan: Plan) -> Iterator[Use]:
    for index, unit in enumerate(plan.config.systemd.units):
        if not unit.contents and unit.enabled is not None:
            yield Use(plan.place("systemd", "units", index), f"systemd.units.{unit.name}")


@neutral("dropins", "drop-ins of units")
def _dropins(plan: Plan) -> Iterator[Use]:
    for index, unit in enumerate(plan.config.systemd.units):
        if unit.dropins:
            yield Use(plan.place("systemd", "units", index, "dropins"), f"systemd.units.{unit.name}")


@neutral("masks", "masked units")
def _masks(plan: Plan) -> Iterator[Use]:
    for index, unit in enumerate(plan.config.systemd.units):
        if unit.mask:
            yield Use(plan.place("systemd", "units", index, "mask"), f"systemd.units.{unit.name}")


@neutral("quadlets", "quadlets (Podman)")
def _quadlets(plan: Plan) -> Iterator[Use]:
    yield from (Use(fact.place, fact.skip) for fact in plan.facts.quadlets)


@neutral("disks", "partitions")
def _disks(plan: Plan) -> Iterator[Use]:
    for index, disk in enumerate(plan.config.storage.disks):
        yield Use(plan.place("storage", "disks", index), f"storage.disks.{disk.device}")


@neutral("disks.wipe_table", "a new partition table")
def _wipe_table(plan: Plan) -> Iterator[Use]:
    for index, disk in enumerate(plan.config.storage.disks):
        if disk.wipe_table:
            yield Use(plan.place("storage", "disks", index, "wipe_table"), f"storage.disks.{disk.device}.wipe_table")


@neutral("disks.identity", "number, start, GUID and type of partitions")
def _identity(plan: Plan) -> Iterator[Use]:
    return _of_partitions(
        plan, lambda part: next((name for name in ("start_mib", "guid", "type_guid") if getattr(part, name)), "")
    )


@neutral("disks.resize", "resizing of partitions")
def _resize(plan: Plan) -> Iterator[Use]:
    return _of_partitions(plan, lambda part: "resize" if part.resize else "")


@neutral("disks.deletion", "deleting of partitions")
def _deletion(plan: Plan) -> Iterator[Use]:
    return _of_partitions(
        plan,
        lambda part: (
            "should_exist"
            if part.should_exist is False
            else "wipe_partition_entry"
            if part.wipe_partition_entry
            else ""
        ),
    )


def _of_partitions(plan: Plan, uses: Callable[..., str]) -> Iterator[Use]:
    for index, disk in enumerate(plan.config.storage.disks):
        for number, part in enumerate(disk.partitions):
            if name := uses(part):
                yield Use(
                    plan.place("storage", "disks", index, "partitions", number, name), f"storage.disks.{disk.device}"
                )


@neutral("filesystems", "filesystems")
def _filesystems(plan: Plan) -> Iterator[Use]:
    for index, filesystem in enumerate(plan.config.storage.filesystems):
        if filesystem.format != "swap":
            yield Use(plan.place("storage", "filesystems", index), f"storage.filesystems.{filesystem.device}")


@neutral("filesystems.wipe", "wiping of filesystems")
def _wipe_filesystem(plan: Plan) -> Iterator[Use]:
    return _of_filesystems(plan, "wipe_filesystem")


@neutral("filesystems.options", "options of mkfs")
def _mkfs_options(plan: Plan) -> Iterator[Use]:
    return _of_filesystems(plan, "options")


@neutral("filesystems.uuid", "UUIDs of filesystems")
def _fs_uuid(plan: Plan) -> Iterator[Use]:
    return _of_filesystems(plan, "uuid")


def _of_filesystems(plan: Plan, name: str) -> Iterator[Use]:
    for index, filesystem in enumerate(plan.config.storage.filesystems):
        if getattr(filesystem, name):
            yield Use(
                plan.place("storage", "filesystems", index, name), f"storage.filesystems.{filesystem.device}.{name}"
            )


@neutral("swap", "swap partitions")
def _swap(plan: Plan) -> Iterator[Use]:
    for index, filesystem in enumerate(plan.config.storage.filesystems):
        if filesystem.format == "swap":
            yield Use(plan.place("storage", "filesystems", index), f"storage.filesystems.{filesystem.device}")


@neutral("luks", "LUKS volumes")
def _luks(plan: Plan) -> Iterator[Use]:
    for index, luks in enumerate(plan.config.storage.luks):
        yield Use(plan.place("storage", "luks", index), f"storage.luks.{luks.name}")


@neutral("luks.clevis", "opening LUKS volumes by Clevis (TPM 2.0, Tang)")
def _clevis(plan: Plan) -> Iterator[Use]:
    for index, luks in enumerate(plan.config.storage.luks):
        if luks.clevis.tpm2 or luks.clevis.tang or luks.clevis.custom.pin:
            yield Use(plan.place("storage", "luks", index, "clevis"), f"storage.luks.{luks.name}")


@neutral("luks.cex", "IBM Crypto Express cards")
def _cex(plan: Plan) -> Iterator[Use]:
    for index, luks in enumerate(plan.config.storage.luks):
        if luks.cex.enabled:
            yield Use(plan.place("storage", "luks", index, "cex"), f"storage.luks.{luks.name}")


@neutral("raid", "RAID arrays")
def _raid(plan: Plan) -> Iterator[Use]:
    for index, raid in enumerate(plan.config.storage.raid):
        yield Use(plan.place("storage", "raid", index), f"storage.raid.{raid.name}")


@neutral("remote_configs", "configs that the machine fetches")
def _configs(plan: Plan) -> Iterator[Use]:
    configs = plan.config.ignition.config
    for index in range(len(configs.merge)):
        yield Use(plan.place("ignition", "config", "merge", index), f"ignition.config.merge.{index}")
    if configs.replace.source:
        yield Use(plan.place("ignition", "config", "replace"), "ignition.config.replace")


@neutral("fetching", "settings of Ignition's own fetching")
def _fetching(plan: Plan) -> Iterator[Use]:
    for name in ("proxy", "security", "timeouts"):
        if plan.config.ignition.has(name) and any(True for _ in getattr(plan.config.ignition, name).items()):
            yield Use(plan.place("ignition", name), f"ignition.{name}")
