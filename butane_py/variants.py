"""The variants and versions of Butane: a row each, and what each row allows, forbids and writes.

A row names the versions that its fields count by: the minor version of the Ignition spec that it compiles to, the version of
the Fedora CoreOS sections it has, the version of the OpenShift sections. Adding a version is adding a row.
Facts: the published Butane specifications and their upgrade notes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT = -1  # a row without these sections


class Variant:
    """One variant at one version. `spec`, `fcos` and `openshift` are minor versions, ABSENT where a row has none."""

    __slots__ = ("fcos", "name", "openshift", "spec", "version")

    def __init__(self, name: str, version: str, spec: int, fcos: int = ABSENT, openshift: int = ABSENT) -> None:
        self.name = name
        self.version = version
        self.spec = spec
        self.fcos = fcos
        self.openshift = openshift

    @property
    def levels(self) -> dict[str, int]:
        """The version on each axis that fields count by."""
        return {"spec": self.spec, "fcos": self.fcos, "openshift": self.openshift}

    @property
    def machine_config(self) -> bool:
        """Is the output a MachineConfig (YAML) rather than an Ignition config?"""
        return self.openshift != ABSENT

    def __repr__(self) -> str:
        return f"{self.name} {self.version}"


def _rows() -> Iterator[Variant]:
    for version, spec in (("1.0.0", 0), ("1.1.0", 1), ("1.2.0", 2), ("1.3.0", 2), ("1.4.0", 3), ("1.5.0", 4), ("1.6.0", 5),
                          ("1.7.0", 6), ("1.8.0-experimental", 7)):  # fmt: skip
        yield Variant("fcos", version, spec, fcos=int(version[2]))
    yield Variant("flatcar", "1.0.0", 3)
    yield Variant("flatcar", "1.1.0", 4)
    yield Variant("flatcar", "1.2.0-experimental", 7)
    for minor in range(8, 24):
        spec, fcos = (2, 3) if minor < 14 else (4, 5) if minor < 19 else (5, 6) if minor < 23 else (7, 8)
        yield Variant("openshift", f"4.{minor}.0" + ("-experimental" if minor == 23 else ""), spec, fcos, minor)
    yield Variant("r4e", "1.0.0", 3)
    yield Variant("r4e", "1.1.0", 4)
    yield Variant("r4e", "1.2.0-experimental", 7)
    yield Variant("fiot", "1.0.0", 4)
    yield Variant("fiot", "1.1.0-experimental", 7)


VARIANTS: dict[tuple[str, str], Variant] = {(row.name, row.version): row for row in _rows()}

# Rows that were taken away, with what to use instead.
REMOVED: dict[tuple[str, str], str] = {
    (
        "rhcos",
        "0.1.0",
    ): "the rhcos variant was replaced by openshift; change variant to openshift and version to 4.8.0 or later, "
    "and add metadata.name and the role label",
}


class Forbidden:
    """A field of the output that a variant refuses: its path, the spec or variant versions, and why."""

    __slots__ = ("code", "empty_ok", "message", "path", "since", "until", "variant")

    def __init__(
        self,
        variant: str,
        path: str,
        code: str,
        message: str,
        since: int = 0,
        until: int = 1 << 30,
        *,
        empty_ok: bool = False,
    ) -> None:
        self.variant = variant
        self.path = tuple(path.split("."))
        self.code = code
        self.message = message
        self.since = since
        self.until = until
        self.empty_ok = empty_ok

    def applies(self, row: Variant) -> bool:
        """Versions count the spec for single-digit variants and the OpenShift minor for MachineConfigs."""
        level = row.openshift if row.machine_config else row.spec
        return row.name == self.variant and self.since <= level < self.until


_USER = "of a user, OpenShift takes only name, ssh_authorized_keys and, from 4.13.0 on, password_hash"

FORBIDDEN: tuple[Forbidden, ...] = (
    Forbidden("flatcar", "storage.luks.clevis", "no-clevis", "this version of Flatcar has no Clevis", until=7),
    Forbidden("flatcar", "storage.luks.cex", "no-cex", "Flatcar does not support CEX", since=7),
    *(
        Forbidden(variant, path, code, message)
        for variant in ("r4e", "fiot")
        for path, code, message in (
            ("kernel_arguments", "no-kernel-arguments", f"{variant} does not take kernel arguments from this config"),
            ("storage.disks", "no-disks", f"on {variant} the image builder partitions disks, not this config"),
            ("storage.filesystems", "no-filesystems", f"on {variant} the image builder makes filesystems, not this config"),
            ("storage.luks", "no-luks", f"on {variant} the image builder makes LUKS volumes, not this config"),
            ("storage.raid", "no-raid", f"{variant} does not support RAID"),
        )
    ),
    Forbidden("openshift", "kernel_arguments", "mco-kernel-arguments", "write openshift.kernel_arguments instead", since=14),
    Forbidden("openshift", "passwd.groups", "mco-groups", "OpenShift does not take groups"),
    *(
        Forbidden("openshift", f"passwd.users.{name}", "mco-user-field", _USER)
        for name in ("gecos", "groups", "home_dir", "no_create_home", "no_log_init", "no_user_group", "primary_group", "shell",
                     "should_exist", "system", "uid")
    ),
    Forbidden("openshift", "passwd.users.password_hash", "mco-user-field", _USER, until=13),
    Forbidden("openshift", "storage.directories", "mco-directories", "OpenShift does not take directories"),
    Forbidden("openshift", "storage.files.append", "mco-append", "OpenShift does not append to files"),
    Forbidden("openshift", "storage.files.contents.compression", "mco-compression",
              "this version of OpenShift cannot unpack compressed contents", until=10, empty_ok=True),
    Forbidden("openshift", "storage.files.contents.http_headers", "mco-headers", "OpenShift sends no headers for files"),
    Forbidden("openshift", "storage.links", "mco-links", "OpenShift does not take links"),
)  # fmt: skip
