"""The variants and versions of Butane: a row each, and what each row allows, forbids and writes.

A row names the versions that its fields count by: the minor version of the Ignition spec that it compiles to, and the
versions of the sections that not every variant has. Adding a version is adding a row; a section is a name in `sections`.
Facts: the published Butane specifications and their upgrade notes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.record import KW_ONLY, Record
from ignition_py.spec.model import NEVER, Field

SPEC = "spec"
FCOS = "fcos"
OPENSHIFT = "openshift"
MACHINE = "machine"
BUILD = "build"  # what only `butane-py build` knows; it adds the section to the row of a config (fleet/compile.py)


class Forbidden(Record):
    """A field of the output that a row refuses: its path, why, and the versions that refuse it, counted on `axis`.

    A field that is there and empty is refused too, unless `empty_ok`: sugar writes such values itself.
    """

    path: str
    code: str
    message: str
    _: KW_ONLY
    axis: str = SPEC
    since: int = 0
    until: int = NEVER
    empty_ok: bool = False

    def applies(self, levels: dict[str, int]) -> bool:
        return self.axis in levels and self.since <= levels[self.axis] < self.until


class Variant(Record):
    """One variant at one version.

    `spec` is the minor version of the Ignition spec that it compiles to, `sections` the version of each section that it has
    besides. `machine_config` tells that the output is a MachineConfig (YAML), `may_compress` that contents may be gzip.
    `language` is a module whose import adds the structures of sections that few configs have; a row with one is neutral: its
    config is for several systems, and only `--target` writes something of it.
    """

    name: str
    version: str
    spec: int
    _: KW_ONLY
    sections: dict[str, int] = {}  # noqa: RUF012  # never changed
    forbids: tuple[Forbidden, ...] = ()
    machine_config: bool = False
    may_compress: bool = True
    language: str = ""

    @property
    def neutral(self) -> bool:
        """True if the row names no system: a target does."""
        return bool(self.language)

    def load(self) -> None:
        """Makes the tables know the fields of the row's own sections."""
        if self.language:
            from importlib import import_module

            import_module(self.language)

    @property
    def levels(self) -> dict[str, int]:
        """The version on each axis that fields count by."""
        return {SPEC: self.spec, **self.sections}

    @property
    def stable(self) -> bool:
        return "-" not in self.version

    def has(self, section: str, since: int = 0) -> bool:
        """True if the row has `section` at version `since` or later."""
        return self.sections.get(section, -1) >= since

    def older(self, other: Variant) -> bool:
        """True if this row stands before `other` of the same variant."""
        versions = [row.version for row in rows_of(self.name)]
        return versions.index(self.version) < versions.index(other.version)

    def knows(self, entry: Field) -> bool:
        """True if the row has the field."""
        level = self.levels.get(entry.axis)
        return level is not None and entry.at(level)

    def refuses(self, path: str) -> bool:
        """True if the row forbids the field at `path` (names with dots), or one around it."""
        return any(rule.applies(self.levels) and f"{path}.".startswith(f"{rule.path}.") for rule in self.forbids)

    def __repr__(self) -> str:
        return f"{self.name} {self.version}"


_USER = "of a user, OpenShift takes only name, ssh_authorized_keys and, from 4.13.0 on, password_hash"
FLATCAR_FORBIDS = (
    Forbidden("storage.luks.clevis", "no-clevis", "this version of Flatcar has no Clevis", until=7),
    Forbidden("storage.luks.cex", "no-cex", "Flatcar does not support CEX", since=7),
)
OPENSHIFT_FORBIDS = (
    Forbidden("kernel_arguments", "mco-kernel-arguments", "write openshift.kernel_arguments instead", axis=OPENSHIFT, since=14),
    Forbidden("passwd.groups", "mco-groups", "OpenShift does not take groups"),
    *(
        Forbidden(f"passwd.users.{name}", "mco-user-field", _USER)
        for name in ("gecos", "groups", "home_dir", "no_create_home", "no_log_init", "no_user_group", "primary_group", "shell",
                     "should_exist", "system", "uid")
    ),
    Forbidden("passwd.users.password_hash", "mco-user-field", _USER, axis=OPENSHIFT, until=13),
    Forbidden("storage.directories", "mco-directories", "OpenShift does not take directories"),
    Forbidden("storage.files.append", "mco-append", "OpenShift does not append to files"),
    Forbidden("storage.files.contents.compression", "mco-compression",
              "this version of OpenShift cannot unpack compressed contents", axis=OPENSHIFT, until=10, empty_ok=True),
    Forbidden("storage.files.contents.http_headers", "mco-headers", "OpenShift sends no headers for files"),
    Forbidden("storage.links", "mco-links", "OpenShift does not take links"),
)  # fmt: skip


def _edge_forbids(variant: str) -> tuple[Forbidden, ...]:
    """What images of RHEL for Edge and Fedora IoT settle when they are built."""
    return (
        Forbidden("kernel_arguments", "no-kernel-arguments", f"{variant} does not take kernel arguments from this config"),
        Forbidden("storage.disks", "no-disks", f"on {variant} the image builder partitions disks, not this config"),
        Forbidden("storage.filesystems", "no-filesystems", f"on {variant} the image builder makes filesystems, not this config"),
        Forbidden("storage.luks", "no-luks", f"on {variant} the image builder makes LUKS volumes, not this config"),
        Forbidden("storage.raid", "no-raid", f"{variant} does not support RAID"),
    )


def _openshift() -> Iterator[Variant]:
    for minor in range(8, 24):
        spec, fcos = (2, 3) if minor < 14 else (4, 5) if minor < 19 else (5, 6) if minor < 23 else (7, 8)
        yield Variant(
            "openshift", f"4.{minor}.0" + ("-experimental" if minor == 23 else ""), spec, sections={FCOS: fcos, OPENSHIFT: minor},
            forbids=OPENSHIFT_FORBIDS, machine_config=True, may_compress=minor >= 10,
        )  # fmt: skip


_ROWS = (
    Variant("fcos", "1.0.0", 0, sections={FCOS: 0}),
    Variant("fcos", "1.1.0", 1, sections={FCOS: 1}),
    Variant("fcos", "1.2.0", 2, sections={FCOS: 2}),
    Variant("fcos", "1.3.0", 2, sections={FCOS: 3}),
    Variant("fcos", "1.4.0", 3, sections={FCOS: 4}),
    Variant("fcos", "1.5.0", 4, sections={FCOS: 5}),
    Variant("fcos", "1.6.0", 5, sections={FCOS: 6}),
    Variant("fcos", "1.7.0", 6, sections={FCOS: 7}),
    Variant("fcos", "1.8.0-experimental", 7, sections={FCOS: 8}),
    Variant("flatcar", "1.0.0", 3, forbids=FLATCAR_FORBIDS),
    Variant("flatcar", "1.1.0", 4, forbids=FLATCAR_FORBIDS),
    Variant("flatcar", "1.2.0-experimental", 7, forbids=FLATCAR_FORBIDS),
    *_openshift(),
    Variant("r4e", "1.0.0", 3, forbids=_edge_forbids("r4e")),
    Variant("r4e", "1.1.0", 4, forbids=_edge_forbids("r4e")),
    Variant("r4e", "1.2.0-experimental", 7, forbids=_edge_forbids("r4e")),
    Variant("fiot", "1.0.0", 4, forbids=_edge_forbids("fiot")),
    Variant("fiot", "1.1.0-experimental", 7, forbids=_edge_forbids("fiot")),
    Variant("machine", "1.0.0-experimental", 7, sections={MACHINE: 0}, language="butane_py.targets.language"),
)

VARIANTS: dict[tuple[str, str], Variant] = {(row.name, row.version): row for row in _ROWS}
NAMES: tuple[str, ...] = tuple(dict.fromkeys(row.name for row in _ROWS))  # in the order of the rows

IGNITION_NAMES: tuple[str, ...] = tuple(
    dict.fromkeys(row.name for row in _ROWS if not (row.machine_config or row.neutral))
)

# Other names that systems go by, for suggestions.
ALIASES = {
    "fedora-coreos": "fcos", "fedoracoreos": "fcos", "coreos": "fcos", "fcct": "fcos", "fedora": "fcos",
    "flatcar-linux": "flatcar", "flatcar-container-linux": "flatcar", "container-linux": "flatcar",
    "rhcos": "openshift", "rhel-coreos": "openshift", "ocp": "openshift", "okd": "openshift", "scos": "openshift",
    "rhel-edge": "r4e", "rhel-for-edge": "r4e", "rfe": "r4e",
    "fedora-iot": "fiot", "iot": "fiot",
    "neutral": "machine", "node": "machine",
}  # fmt: skip

# Rows that were removed, with what to use instead.
REMOVED: dict[tuple[str, str], str] = {
    (
        "rhcos",
        "0.1.0",
    ): "the rhcos variant was replaced by openshift; change variant to openshift and version to 4.8.0 or later, "
    "and add metadata.name and the role label",
}


def rows_of(name: str) -> list[Variant]:
    """The rows of a variant, the oldest first; empty for an unknown name."""
    return [row for row in VARIANTS.values() if row.name == name]


def newest_stable(name: str) -> Variant:
    """The newest row of a variant that is not experimental, else the newest. Raises KeyError for an unknown name."""
    rows = rows_of(name)
    return next((row for row in reversed(rows) if row.stable), None) or VARIANTS[name, rows[-1].version if rows else ""]


def load_languages() -> None:
    """Makes the tables know every field of every row, for what reads the tables themselves."""
    for row in VARIANTS.values():
        row.load()
