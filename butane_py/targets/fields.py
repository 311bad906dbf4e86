"""The neutral fields: what a config can say, a row each, and where a plan says it. Every target has a cell for every row.

A field below another (`files.append` below `files`) is only looked at where the target takes the one above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from butane_py.decompiler.unpack import contents_of
from butane_py.targets.plan import Plan
from ignition_py.record import Record
from ignition_py.report.diag import Place
from ignition_py.spec.tables import File, Node, Partition, Resource

Uses: TypeAlias = "Callable[[Plan], Iterator[Use]]"

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


def fact(name: str, title: str, attribute: str, skip: str, used: Callable[[Any], bool] = lambda _: True) -> None:
    """Adds a row of facts. `attribute` names them in Facts, `skip` is what follows `machine.`, with attributes of the fact in braces."""

    def uses(plan: Plan) -> Iterator[Use]:
        found = getattr(plan.facts, attribute)
        for each in found if isinstance(found, tuple) else (found,) if found else ():
            if used(each):
                yield Use(each.place, each.lifted or skip.format(fact=each))

    neutral(name, title)(uses)


def entry(name: str, title: str, where: str, used: Callable[[Any], str | None], *, whole: bool = True) -> None:
    """Adds a row of entries of a list of the config, `where` with a dot between section and list.

    `used` gives the field of an entry that uses the row: "" for the entry itself, None for none. `whole`: skip leaves the entry out, not
    the field alone.
    """
    section, _, kind = where.partition(".")

    def uses(plan: Plan) -> Iterator[Use]:
        for index, each in enumerate(getattr(getattr(plan.config, section), kind)):
            part = used(each)
            if part is not None:
                skip = f"{where}.{getattr(each, _KEYS[kind])}"
                path = (section, kind, index, part) if part else (section, kind, index)
                yield Use(plan.place(*path), skip if whole or not part else f"{skip}.{part}")

    neutral(name, title)(uses)


# What the entries of a list are known by.
_KEYS = {
    **dict.fromkeys(("users", "groups", "units", "luks", "raid"), "name"),
    **dict.fromkeys(("files", "directories", "links"), "path"),
    **dict.fromkeys(("disks", "filesystems"), "device"),
}


def _has(name: str) -> Callable[[Any], str | None]:
    """Entries with a value in a field."""
    return lambda each: name if getattr(each, name) else None


def _absent(each: Any) -> str | None:
    return "should_exist" if each.should_exist is False else None


def _entry(_: Any) -> str:
    return ""


def _owner(node: Node) -> str | None:
    """The field by which a node belongs to somebody else than root."""
    for name in ("user", "group"):
        owner = getattr(node, name)
        if (owner.id or 0) != 0 or owner.name not in (None, "", "root"):
            return name
    return None


def _binary(file: File) -> str | None:
    """The field of a file whose contents are no text."""
    for name, resource in [("contents", file.contents), *(("append", each) for each in file.append)]:
        data = contents_of(resource)
        if data is not None and not is_text(data):
            return name
    return None


fact("hostname", "host name", "hostname", "machine.hostname")
fact("timezone", "time zone", "timezone", "machine.timezone")
fact("time_servers", "time servers", "time_servers", "machine.time_servers")
fact("sysctl", "kernel parameters (sysctl)", "sysctl", "machine.sysctl.{fact.key}")
_MODULE = "machine.kernel_modules.{fact.name}"
fact(
    "kernel_modules", "kernel modules to load", "modules", _MODULE, lambda module: module.loaded and not module.blocked
)
fact("module_parameters", "parameters of kernel modules", "modules", _MODULE, lambda module: bool(module.parameters))
fact("blocked_modules", "kernel modules to block", "modules", _MODULE, lambda module: bool(module.blocked))
fact("ca_certificates", "certificate authorities", "certificates", "machine.ca_certificates.{fact.name}")
fact("proxy", "proxy of the system", "proxy", "machine.proxy")
fact("registry_mirrors", "mirrors of registries", "mirrors", "machine.registry_mirrors.{fact.registry}")


def _arguments(name: str) -> Uses:
    """Uses of one of the two lists of kernel arguments."""

    def uses(plan: Plan) -> Iterator[Use]:
        for index, argument in enumerate(getattr(plan.config.kernel_arguments, name)):
            yield Use(plan.place("kernel_arguments", name, index), f"kernel_arguments.{name}.{argument}")

    return uses


neutral("kernel_arguments", "kernel arguments")(_arguments("should_exist"))
neutral("absent_kernel_arguments", "kernel arguments to remove")(_arguments("should_not_exist"))

_USERS, _GROUPS = "passwd.users", "passwd.groups"
entry("users", "users", _USERS, _entry)
entry("users.keys", "SSH keys of users", _USERS, _has("ssh_authorized_keys"), whole=False)
entry("users.password", "password hashes", _USERS, _has("password_hash"), whole=False)
entry("users.groups", "groups of users", _USERS, _has("groups"), whole=False)
entry("users.uid", "ids of users", _USERS, lambda user: "uid" if user.uid is not None else None, whole=False)
fact("users.admin", "users that may become root", "admins", "passwd.users.{fact.name}.admin")
entry("users.absent", "users to remove", _USERS, _absent)
entry("groups", "groups", _GROUPS, _entry)
entry("groups.gid", "ids of groups", _GROUPS, lambda group: "gid" if group.gid is not None else None, whole=False)
entry("groups.password", "passwords of groups", _GROUPS, _has("password_hash"), whole=False)
entry("groups.absent", "groups to remove", _GROUPS, _absent)

_FILES, _LINKS = "storage.files", "storage.links"
entry("files", "files", _FILES, _entry)
entry("files.binary", "files that are not text", _FILES, _binary)
entry("files.owner", "owners of files", _FILES, _owner, whole=False)
entry(
    "files.special_bits",
    "set-id and sticky bits of files",
    _FILES,
    lambda file: "mode" if (file.mode or 0) & SPECIAL_BITS else None,
)


def _of_resources(plan: Plan, uses: Callable[[Resource], str]) -> Iterator[Use]:
    """Uses in the contents of files; `uses` gives the field of a resource, "" where it does not use it."""
    for index, file in enumerate(plan.config.storage.files):
        if name := uses(file.contents):
            yield Use(plan.place("storage", "files", index, "contents", name), f"storage.files.{file.path}")
        for number, resource in enumerate(file.append):
            if name := uses(resource):
                yield Use(plan.place("storage", "files", index, "append", number, name), f"storage.files.{file.path}")


def _resource(used: Callable[[Resource], str]) -> Uses:
    return lambda plan: _of_resources(plan, lambda resource: used(resource) if is_remote(resource) else "")


neutral("files.remote", "files that the machine fetches")(_resource(lambda _: "source"))
neutral("files.remote.verification", "digests of fetched files")(
    _resource(lambda resource: "verification" if resource.verification.hash else "")
)
neutral("files.remote.unverified", "fetched files without a digest")(
    _resource(lambda resource: "" if resource.verification.hash else "source")
)
neutral("files.remote.compression", "fetched files that are gzip")(
    _resource(lambda resource: "compression" if resource.compression else "")
)
neutral("files.remote.headers", "HTTP headers of fetched files")(
    _resource(lambda resource: "http_headers" if resource.http_headers else "")
)
entry("files.append", "appending to files", _FILES, _has("append"))
entry("directories", "directories", "storage.directories", _entry)
entry("links", "symbolic links", _LINKS, lambda link: None if link.hard else "")
entry("hard_links", "hard links", _LINKS, lambda link: "" if link.hard else None)

_UNITS = "systemd.units"
entry("units", "systemd units", _UNITS, lambda unit: "" if unit.contents else None)
entry(
    "units_by_name",
    "enabling or disabling units of the image",
    _UNITS,
    lambda unit: "" if not unit.contents and unit.enabled is not None else None,
)
entry("dropins", "drop-ins of units", _UNITS, _has("dropins"))
entry("masks", "masked units", _UNITS, _has("mask"))
fact("quadlets", "quadlets (Podman)", "quadlets", "systemd.quadlets.{fact.name}")

_DISKS, _FILESYSTEMS, _LUKS = "storage.disks", "storage.filesystems", "storage.luks"
entry("disks", "partitions", _DISKS, _entry)
entry("disks.wipe_table", "a new partition table", _DISKS, _has("wipe_table"), whole=False)


def _of_partitions(plan: Plan, uses: Callable[..., str]) -> Iterator[Use]:
    for index, disk in enumerate(plan.config.storage.disks):
        for number, part in enumerate(disk.partitions):
            if name := uses(part):
                yield Use(
                    plan.place("storage", "disks", index, "partitions", number, name), f"storage.disks.{disk.device}"
                )


def _identity(part: Partition) -> str:
    return next((name for name in ("start_mib", "guid", "type_guid") if getattr(part, name)), "")


def _deletion(part: Partition) -> str:
    return "should_exist" if part.should_exist is False else "wipe_partition_entry" if part.wipe_partition_entry else ""


neutral("disks.identity", "number, start, GUID and type of partitions")(lambda plan: _of_partitions(plan, _identity))
neutral("disks.resize", "resizing of partitions")(
    lambda plan: _of_partitions(plan, lambda part: "resize" if part.resize else "")
)
neutral("disks.deletion", "deleting of partitions")(lambda plan: _of_partitions(plan, _deletion))
entry("filesystems", "filesystems", _FILESYSTEMS, lambda filesystem: None if filesystem.format == "swap" else "")
entry("filesystems.wipe", "wiping of filesystems", _FILESYSTEMS, _has("wipe_filesystem"), whole=False)
entry("filesystems.options", "options of mkfs", _FILESYSTEMS, _has("options"), whole=False)
entry("filesystems.uuid", "UUIDs of filesystems", _FILESYSTEMS, _has("uuid"), whole=False)
entry("swap", "swap partitions", _FILESYSTEMS, lambda filesystem: "" if filesystem.format == "swap" else None)
entry("luks", "LUKS volumes", _LUKS, _entry)
entry(
    "luks.clevis",
    "opening LUKS volumes by Clevis (TPM 2.0, Tang)",
    _LUKS,
    lambda luks: "clevis" if luks.clevis.tpm2 or luks.clevis.tang or luks.clevis.custom.pin else None,
)
entry("luks.cex", "IBM Crypto Express cards", _LUKS, lambda luks: "cex" if luks.cex.enabled else None)
entry("raid", "RAID arrays", "storage.raid", _entry)


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
